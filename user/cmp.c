/* cmp [-s] [-l] file1 file2: where two files first differ. -l: every byte. -s: silent. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static FILE *open_input(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "r") : stdin;

	if (!file)
		err(2, "%s", path);
	return file;
}

/* Digits of the largest offset that -l can print, where the sizes are known. */
static int offset_width(FILE *first, FILE *second)
{
	struct stat a, b;

	if (fstat(fileno(first), &a) < 0 || fstat(fileno(second), &b) < 0)
		return 1;
	return snprintf(NULL, 0, "%ld", (long)(a.st_size < b.st_size ? a.st_size : b.st_size));
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
	int width = offset_width(first, second);
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
				printf("%*lu %3o %3o\n", width, byte, (unsigned int)a,
					(unsigned int)b);
		}
		line += a == '\n';
	}
	if (ferror(first) || ferror(second))
		err(2, "%s", names[ferror(first) ? 0 : 1]);
	if (a != EOF && b != EOF) {
		if (!silent)
			printf("%s %s differ: char %lu, line %lu\n", names[0], names[1], byte,
				line);
	} else if (a != b) {
		differ = true;
		if (!silent)
			fprintf(stderr, "cmp: EOF on %s after byte %lu\n", names[a == EOF ? 0 : 1],
				byte - 1);
	}
	return finish_output() ? 2 : differ;
}
