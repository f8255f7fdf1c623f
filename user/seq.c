/* seq [-s SEPARATOR] [-w] [first [step]] last: whole numbers in a row. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <unistd.h>

static long number(const char *text)
{
	long value;

	if (!number_parse(text, &value))
		errx(2, "%s: not a whole number", text);
	return value;
}

int main(int argc, char **argv)
{
	const char *separator = "\n";
	long first = 1, step = 1, last;
	int option, i, width = 0;

	/* A negative number looks like an option to getopt; stop before the first digit. */
	for (i = 1; i < argc && argv[i][0] == '-' && (argv[i][1] < '0' || argv[i][1] > '9'); i++)
		;
	int limit = i;
	while (optind < limit && (option = getopt(argc, argv, "+s:w")) != -1) {
		if (option == '?')
			return 2;
		if (option == 's')
			separator = optarg;
		width |= option == 'w';
	}
	argc -= optind;
	argv += optind;
	if (argc < 1 || argc > 3)
		errx(2, "usage: seq [-s separator] [-w] [first [step]] last");
	last = number(argv[argc - 1]);
	if (argc > 1)
		first = number(argv[0]);
	if (argc > 2)
		step = number(argv[1]);
	if (!step)
		errx(1, "the step must not be zero");
	if (width) {
		int a = snprintf(NULL, 0, "%ld", first), b = snprintf(NULL, 0, "%ld", last);

		width = a > b ? a : b;
	}
	bool any = false;
	for (long n = first; step > 0 ? n <= last : n >= last; n += step) {
		printf("%s%0*ld", any ? separator : "", width, n);
		any = true;
	}
	if (any)
		putchar('\n');
	return finish_output();
}
