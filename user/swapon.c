/* swapon [-p priority] disk-or-file ..., or swapon -s: what there is. */
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/swap.h>
#include <unistd.h>

static int show(void)
{
	int fd = open("/proc/swaps", O_RDONLY);

	if (fd < 0)
		err(1, "/proc/swaps");
	return copy_stream(fd, 1) ? 1 : 0;
}

int main(int argc, char **argv)
{
	int option, flags = 0, status = 0;

	while ((option = getopt(argc, argv, "p:s")) != -1) {
		if (option == 's')
			return show();
		if (option != 'p')
			return 2;
		flags = SWAP_FLAG_PREFER | (atoi(optarg) & SWAP_FLAG_PRIO_MASK);
	}
	if (optind == argc)
		return show();
	for (int i = optind; i < argc; i++)
		if (swapon(argv[i], flags)) {
			warn("%s", argv[i]);
			status = 1;
		}
	return status;
}
