/* What the demonstrations share: see demo.h. */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool demo_quiet;
static int failed_claims;

void demo_say(const char *format, ...)
{
	va_list args;

	if (demo_quiet)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

void demo_report(const char *name, long value)
{
	if (demo_quiet)
		printf("%s %s\n", name, demo_count(value));
}

void demo_claim(const char *claim, bool holds)
{
	demo_say("  %s %s\n", holds ? "yes:" : "NO: ", claim);
	if (!holds) {
		failed_claims++;
		if (demo_quiet)
			printf("failed %s\n", claim);
	}
}

int demo_end(const char *question, const char *knob)
{
	demo_say("\nQuestion: %s\nKnob:     %s\n", question, knob);
	demo_report("failed_claims", failed_claims);
	fflush(stdout);
	return failed_claims ? 1 : 0;
}

const char *demo_count(long value)
{
	static char text[4][24];
	static unsigned int next;
	char *slot = text[next++ % 4];

	snprintf(slot, sizeof(text[0]), "%ld", value);
	return value == COUNTER_ABSENT ? "n/a" : slot;
}

long demo_difference(long after, long before)
{
	if (after == COUNTER_ABSENT || before == COUNTER_ABSENT)
		return COUNTER_ABSENT;
	return after - before;
}

bool demo_option(const char *argument)
{
	if (strcmp(argument, "--quiet") && strcmp(argument, "-q"))
		return false;
	demo_quiet = true;
	return true;
}

long demo_number(int argc, char **argv, int *i)
{
	long value;

	if (++*i >= argc || !number_parse(argv[*i], &value) || value < 0)
		errx(2, "%s wants a number", argv[*i - 1]);
	return value;
}

int demo_file(const char *path, long size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || ftruncate(fd, size) < 0)
		err(1, "%s", path);
	return fd;
}

void demo_forget_cache(int fd)
{
	int control = open("/proc/sys/vm/drop_caches", O_WRONLY);

	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (control < 0)
		return;
	if (write(control, "1\n", 2) < 0)
		demo_say("  (the page cache could not be emptied)\n");
	close(control);
}
