/*
 * mapstore.c - changes a file through a shared mapping, for tests that look at the disk afterwards.
 *
 *	mapstore [-s SIZE] [-l LEAVE] FILE [OFFSET TEXT]...
 *
 * -s makes the file this long first (sparse). LEAVE says what follows the stores: exit (nothing at
 * all; the default), munmap, sync (msync, MS_SYNC), async, kill (by SIGKILL).
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int leave(const char *how, char *map, size_t size)
{
	if (strcmp(how, "munmap") == 0)
		return munmap(map, size) ? fail("munmap") : 0;
	if (strcmp(how, "sync") == 0)
		return msync(map, size, MS_SYNC) ? fail("msync") : 0;
	if (strcmp(how, "async") == 0)
		return msync(map, size, MS_ASYNC) ? fail("msync") : 0;
	if (strcmp(how, "kill") == 0)
		kill(getpid(), SIGKILL);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = "exit";
	long size = -1;
	int option;

	while ((option = getopt(argc, argv, "s:l:")) != -1) {
		if (option == 's')
			size = strtol(optarg, NULL, 0);
		else if (option == 'l')
			how = optarg;
		else
			return 2;
	}
	if (optind >= argc)
		return 2;
	int fd = open(argv[optind], O_RDWR | O_CREAT, 0644);
	if (fd == -1 || (size >= 0 && ftruncate(fd, size) != 0))
		return fail(argv[optind]);
	struct stat status;
	if (fstat(fd, &status) != 0)
		return fail("fstat");
	char *map = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return fail("mmap");
	for (int i = optind + 1; i + 1 < argc; i += 2)
		memcpy(map + strtol(argv[i], NULL, 0), argv[i + 1], strlen(argv[i + 1]));
	return leave(how, map, status.st_size);
}
