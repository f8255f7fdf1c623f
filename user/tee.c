/* tee [-a] [file ...]: standard input to standard output and to every file. */
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char block[8192];
	int flags = O_TRUNC, option, status = 0;
	ssize_t n;

	while ((option = getopt(argc, argv, "a")) != -1) {
		if (option == '?')
			return 2;
		flags = O_APPEND;
	}
	argv += optind;
	argc -= optind;
	int *fds = calloc(argc + 1, sizeof(*fds));
	if (!fds)
		err(1, "out of memory");
	for (int i = 0; i < argc; i++) {
		fds[i] = open(argv[i], O_WRONLY | O_CREAT | flags, 0666);
		if (fds[i] < 0) {
			warn("%s", argv[i]);
			status = 1;
		}
	}
	while ((n = read(0, block, sizeof(block))) > 0) {
		if (write_all(1, block, n) < 0)
			err(1, "standard output");
		for (int i = 0; i < argc; i++)
			if (fds[i] >= 0 && write_all(fds[i], block, n) < 0) {
				warn("%s", argv[i]);
				close(fds[i]);
				fds[i] = -1;
				status = 1;
			}
	}
	if (n < 0)
		err(1, "standard input");
	return status;
}
