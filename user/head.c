/* head [-n LINES | -c BYTES | -LINES] [-q] [-v] [file ...]: how files begin. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
	long amount;
	bool bytes, titles, another;
};

static int show(int fd, const char *name, void *state)
{
	static char block[8192];
	struct request *r = state;
	long left = r->amount;
	ssize_t n;

	if (r->titles)
		printf("%s==> %s <==\n", r->another ? "\n" : "", name);
	r->another = true;
	while (left > 0 && (n = read(fd, block, sizeof(block))) != 0) {
		ssize_t used = 0;

		if (n < 0) {
			warn("%s", name);
			return 1;
		}
		if (r->bytes)
			used = left < n ? left : n;
		else
			for (long lines = left; used < n && lines > 0; used++)
				lines -= block[used] == '\n';
		for (ssize_t i = 0; i < used; i++)
			left -= r->bytes || block[i] == '\n';
		fwrite(block, 1, used, stdout);
		/* Leave what was not shown to the next reader, where that can be done. */
		if (left == 0 && used < n)
			lseek(fd, used - n, SEEK_CUR);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct request r = { .amount = 10 };
	bool quiet = false, verbose = false;
	int option;

	if (argc > 1 && argv[1][0] == '-' && number_parse(argv[1] + 1, &r.amount)) {
		argv[1] = argv[0];
		argv++;
		argc--;
	}
	while ((option = getopt(argc, argv, "n:c:qv")) != -1) {
		if (option == '?')
			return 2;
		quiet |= option == 'q';
		verbose |= option == 'v';
		if (option != 'n' && option != 'c')
			continue;
		r.bytes = option == 'c';
		if (!size_parse(optarg, &r.amount) || r.amount < 0)
			errx(1, "invalid number '%s'", optarg);
	}
	r.titles = verbose || (argc - optind > 1 && !quiet);
	int status = for_each_input(argc - optind, argv + optind, show, &r);
	return status | finish_output();
}
