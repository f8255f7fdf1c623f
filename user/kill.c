/* kill [-SIGNAL | -s SIGNAL] pid ...; kill -l [number]: sends a signal, or lists their names. */
#include "util.h"
#include <err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int list(int argc, char **argv)
{
	if (argc > 2) {
		int number = signal_number(argv[2]);
		const char *name =
			number < 0 ? NULL : signal_name(number > 128 ? number - 128 : number);

		if (!name)
			errx(1, "%s: no such signal", argv[2]);
		if (argv[2][0] >= '0' && argv[2][0] <= '9')
			puts(name);
		else
			printf("%d\n", number);
		return finish_output();
	}
	for (int i = 1; i < 32; i++)
		if (signal_name(i))
			printf("%2d %s\n", i, signal_name(i));
	return finish_output();
}

int main(int argc, char **argv)
{
	int signal = SIGTERM, i = 1, status = 0;

	if (argc > 1 && !strcmp(argv[1], "-l"))
		return list(argc, argv);
	if (i < argc && argv[i][0] == '-' && argv[i][1] && strcmp(argv[i], "--")) {
		const char *name = argv[i] + 1;

		if (!strcmp(name, "s") && i + 1 < argc)
			name = argv[++i];
		signal = signal_number(name);
		if (signal < 0)
			errx(1, "%s: no such signal", name);
		i++;
	}
	if (i < argc && !strcmp(argv[i], "--"))
		i++;
	if (i == argc)
		errx(2, "usage: kill [-signal] pid ...");
	for (; i < argc; i++) {
		long pid;

		if (!number_parse(argv[i], &pid)) {
			warnx("%s: not a process number", argv[i]);
			status = 1;
		} else if (kill((pid_t)pid, signal) < 0) {
			warn("%s", argv[i]);
			status = 1;
		}
	}
	return status;
}
