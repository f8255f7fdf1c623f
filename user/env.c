/* env [-i] [name=value ...] [command ...]: shows the environment, or runs a command in a changed one. */
#include "util.h"
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

int main(int argc, char **argv)
{
	static char *nothing[] = { NULL };
	int i = 1;

	if (i < argc && (!strcmp(argv[i], "-i") || !strcmp(argv[i], "-"))) {
		environ = nothing;
		i++;
	}
	for (; i < argc && strchr(argv[i], '='); i++)
		if (putenv(argv[i]))
			err(125, "%s", argv[i]);
	if (i < argc) {
		execvp(argv[i], argv + i);
		int error = errno;
		warn("%s", argv[i]);
		return error == ENOENT ? 127 : 126;
	}
	for (char **entry = environ; *entry; entry++)
		puts(*entry);
	return finish_output();
}
