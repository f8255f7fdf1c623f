/*
 * Demand paging. A mapping of 64 MiB costs nothing; a page of it is read from the disk at the moment
 * it is first touched, and only that page. Touching it again costs nothing; touching it from
 * another process costs a fault but no disk read, since the page is already in the page cache.
 *
 * touch4 [--quiet] [--file PATH] [--step PAGES]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_PAGES = 16384, MAX_CELLS = 64 };

struct counts {
	long minor, major, reads;
};

static long step = 1000;        /* pages from one touch to the next */

static struct counts read_counts(void)
{
	return (struct counts){
		.minor = counter_own("minor_faults"),
		.major = counter_own("major_faults"),
		.reads = counter_own("disk_reads"),
	};
}

static struct counts since(struct counts before)
{
	struct counts now = read_counts();

	return (struct counts){
		.minor = demo_difference(now.minor, before.minor),
		.major = demo_difference(now.major, before.major),
		.reads = demo_difference(now.reads, before.reads),
	};
}

static void tell(const char *what, struct counts c)
{
	demo_say("%-24s major faults %s, minor %s, disk reads %s\n", what, demo_count(c.major),
		 demo_count(c.minor), demo_count(c.reads));
}

static void report(const char *phase, struct counts c)
{
	char name[40];

	snprintf(name, sizeof(name), "%s_major", phase);
	demo_report(name, c.major);
	snprintf(name, sizeof(name), "%s_minor", phase);
	demo_report(name, c.minor);
	snprintf(name, sizeof(name), "%s_reads", phase);
	demo_report(name, c.reads);
}

/* A sparse file whose touched pages, and only those, have a block on the disk. */
static int open_file(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT, 0644);
	char mark = 'L';

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	if (st.st_size != (off_t)FILE_PAGES * DEMO_PAGE &&
		ftruncate(fd, (off_t)FILE_PAGES * DEMO_PAGE) < 0)
		err(1, "%s", path);
	for (off_t page = 0; page < FILE_PAGES; page += step)
		if (pwrite(fd, &mark, 1, page * DEMO_PAGE) != 1)
			err(1, "%s", path);
	demo_forget_cache(fd);
	/*
	 * Where the blocks lie is written in blocks of its own, which are read once and would be counted
	 * too. Reading the hole behind each page brings them in, and no page that will be touched.
	 */
	posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (off_t page = 0; step > 1 && page + 1 < FILE_PAGES; page += step)
		if (pread(fd, &mark, 1, (page + 1) * DEMO_PAGE) != 1)
			err(1, "%s", path);
	return fd;
}

static volatile char *map_file(int fd)
{
	char *map = mmap(NULL, (size_t)FILE_PAGES * DEMO_PAGE, PROT_READ, MAP_SHARED, fd, 0);

	if (map == MAP_FAILED)
		err(1, "mmap");
	/* Random access: the kernel should not read neighbours in advance. */
	if (madvise(map, (size_t)FILE_PAGES * DEMO_PAGE, MADV_RANDOM) < 0)
		warn("madvise");
	return map;
}

static int touch_all(volatile char *map)
{
	int touched = 0;

	for (long page = 0; page < FILE_PAGES; page += step)
		touched += map[page * DEMO_PAGE] == 'L';
	return touched;
}

/* The first pass, a line a page, and a grid that fills: a cell is a page that will be touched. */
static int touch_and_tell(volatile char *map, struct counts *total)
{
	char grid[MAX_CELLS + 1] = "", what[40];
	int touched = 0, cells = (FILE_PAGES + (int)step - 1) / (int)step;
	struct counts start = read_counts();

	if (cells > MAX_CELLS)
		cells = MAX_CELLS;
	memset(grid, '.', cells);
	for (long page = 0; page < FILE_PAGES; page += step, touched++) {
		struct counts before = read_counts();

		if (map[page * DEMO_PAGE] != 'L')
			errx(1, "page %ld does not hold what was written", page);
		struct counts after = since(before);
		if (touched < cells)
			grid[touched] = after.major ? '#' : 'o';
		snprintf(what, sizeof(what), "page %5ld:", page);
		if (touched < MAX_CELLS) {
			demo_say("[%s] ", grid);
			tell(what, after);
		}
		if (page == 0)
			report("first", after);
	}
	*total = since(start);
	return touched;
}

/* In a process of its own: the pages are in the cache, so no fault has to wait for the disk. */
static void second_and_third(int fd)
{
	/* This process's own first faults are not the story. */
	read_counts();
	volatile char *map = map_file(fd);
	struct counts before = read_counts();
	touch_all(map);
	struct counts second = since(before);
	before = read_counts();
	touch_all(map);
	struct counts third = since(before);

	tell("\nsecond process:", second);
	tell("the same once more:", third);
	report("second", second);
	report("third", third);
	demo_claim("in the second process no fault waited for the disk", second.major == 0);
	demo_claim(
		"the third time there was no fault at all", third.major == 0 && third.minor == 0);
	_exit(demo_end("the second process found every page in memory: why does it fault at all?",
		"--step PAGES: try 10; then remove MADV_RANDOM from the source and compare"));
}

int main(int argc, char **argv)
{
	const char *path = "/tmp/touch4.dat";
	int status;

	for (int i = 1; i < argc; i++) {
		if (demo_option(argv[i]))
			continue;
		if (!strcmp(argv[i], "--file") && i + 1 < argc)
			path = argv[++i];
		else if (!strcmp(argv[i], "--step"))
			step = demo_number(argc, argv, &i);
		else
			errx(2, "usage: touch4 [--quiet] [--file path] [--step pages]");
	}
	if (step < 1 || step > FILE_PAGES)
		errx(2, "--step wants 1 to %d", FILE_PAGES);
	int fd = open_file(path);
	read_counts();                          /* so that the code itself is present */
	struct counts before = read_counts(), cold;
	volatile char *map = map_file(fd);
	struct counts mapped = since(before);

	demo_say("A file of %d pages (64 MiB) is mapped; every %ldth page will be touched.\n\n",
		FILE_PAGES, step);
	tell("after mmap:", mapped);
	report("mmap", mapped);
	int touched = touch_and_tell(map, &cold);
	tell("\nall of the first pass:", cold);
	report("cold", cold);
	demo_report("touched", touched);
	demo_claim("mmap read nothing", mapped.major == 0 && mapped.reads <= 0);
	demo_claim("each page touched was one major fault", cold.major == touched);
	if (cold.reads != COUNTER_ABSENT && step > 1)
		demo_claim("each page touched was one disk read", cold.reads == touched);
	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0)
		second_and_third(fd);
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		errx(1, "the second process did not end well");
	return WEXITSTATUS(status);
}
