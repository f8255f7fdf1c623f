/* sleep SECONDS[.FRACTION][smh] ...: waits for the sum. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Text to nanoseconds; exits when it is no time. */
static long long parse(const char *text)
{
	const char *units = "smh";
	char *end;
	long long value = strtol(text, &end, 10) * 1000000000LL, digit = 100000000;

	if ((end == text && *end != '.') || value < 0)
		errx(2, "invalid time '%s'", text);
	if (*end == '.')
		for (end++; *end >= '0' && *end <= '9'; end++, digit /= 10)
			value += (*end - '0') * digit;
	if (*end && end[1] == '\0' && strchr(units, *end)) {
		for (const char *u = units; *u != *end; u++)
			value *= 60;
		end++;
	}
	if (*end)
		errx(2, "invalid time '%s'", text);
	return value;
}

int main(int argc, char **argv)
{
	long long total = 0;

	if (argc < 2)
		errx(2, "usage: sleep seconds");
	for (int i = 1; i < argc; i++)
		total += parse(argv[i]);
	struct timespec left = { .tv_sec = total / 1000000000, .tv_nsec = total % 1000000000 };
	while (nanosleep(&left, &left) < 0)
		if (errno != EINTR)
			err(1, "nanosleep");
	return 0;
}
