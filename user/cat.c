/* cat [-n] [file ...]: files one after the other. -n numbers the lines. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <unistd.h>

static int copy(int fd, const char *name, void *state)
{
	(void)state;
	if (copy_stream(fd, 1) == 0)
		return 0;
	warn("%s", name);
	return 1;
}

static int copy_numbered(int fd, const char *name, void *state)
{
	static char block[8192];
	static bool at_start = true;
	unsigned long *line = state;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (at_start)
				printf("%6lu\t", ++*line);
			putchar(block[i]);
			at_start = block[i] == '\n';
		}
	if (n < 0)
		warn("%s", name);
	return n < 0;
}

int main(int argc, char **argv)
{
	bool numbers = false;
	unsigned long line = 0;
	int option;

	while ((option = getopt(argc, argv, "nu")) != -1) {
		if (option == '?')
			return 2;
		numbers |= option == 'n';
	}
	int status =
		for_each_input(argc - optind, argv + optind, numbers ? copy_numbered : copy, &line);
	return status | finish_output();
}
