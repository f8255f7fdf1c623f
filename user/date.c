/* date [-u] [-d @SECONDS] [+FORMAT]: the time. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *format = "%a %b %e %H:%M:%S %Z %Y";
	char text[512];
	bool utc = false;
	long seconds = time(NULL);
	int option;

	while ((option = getopt(argc, argv, "ud:")) != -1) {
		if (option == '?')
			return 2;
		utc |= option == 'u';
		if (option == 'd' && (*optarg != '@' || !number_parse(optarg + 1, &seconds)))
			errx(1, "invalid date '%s': only @SECONDS is understood", optarg);
	}
	if (optind < argc && argv[optind][0] == '+')
		format = argv[optind++] + 1;
	if (optind < argc)
		errx(1, "extra operand '%s'", argv[optind]);
	time_t when = seconds;
	struct tm *broken = utc ? gmtime(&when) : localtime(&when);
	if (!broken)
		errx(1, "that time has no date");
	if (*format && !strftime(text, sizeof(text), format, broken))
		errx(1, "the format's result is empty or too long");
	puts(*format ? text : "");
	return finish_output();
}
