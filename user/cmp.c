/* cmp [-s] [-l] file1 file2: where two files first differ. -l: every byte. -s: silent. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static FILE *open_input(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;

	if (!file)
		err(2, "%s", path);
	return file;
}

int main(int argc, char **argv)
{
	bool silent = false, list = false, differ = false;
	unsigned long byte = 0, line = 1;
	int option, a, b;

	while ((option = getopt(argc, argv, "sl")) != -1) {
		if (option == '?')
			return 2;
		silent |= option == 's';
		list |= option == 'l';
	}
	if (argc - optind != 2)
		errx(2, "usage: cmp [-s] [-l] file1 file2");
	char **names = argv + optind;
	FILE *first = open_input(names[0]), *second = open_input(names[1]);
	for (;;) {
		a = getc(first);
		b = getc(second);
		byte++;
		if (a == EOF || b == EOF)
			break;
		if (a != b) {
			differ = true;
			if (!list)
				break;
			if (!silent)
				printf("%lu %3o %3o\n", byte, (unsigned int)a, (unsigned int)b);
		}
		line += a == '\n';
	}
	if (ferror(first) || ferror(second))
		err(2, "%s", names[ferror(first) ? 0 : 1]);
	if (a != EOF && b != EOF) {
		if (!silent)
			printf("%s %s differ: byte %lu, line %lu\n", names[0], names[1], byte, line);
	} else if (a != b) {
		differ = true;
		if (!silent)
			fprintf(stderr, "cmp: EOF on %s after byte %lu\n", names[a == EOF ? 0 : 1], byte - 1);
	}
	return finish_output() ? 2 : differ;
}
