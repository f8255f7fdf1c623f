/* basename path [suffix]: the last part of a name. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	if (argc < 2 || argc > 3)
		errx(2, "usage: basename path [suffix]");
	char *path = argv[1];
	size_t len = strlen(path);
	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	const char *name = len > 1 ? path_last(path) : path;
	len = strlen(name);
	size_t suffix = argc == 3 ? strlen(argv[2]) : 0;
	if (suffix && suffix < len && !strcmp(name + len - suffix, argv[2]))
		len -= suffix;
	printf("%.*s\n", (int)len, name);
	return finish_output();
}
