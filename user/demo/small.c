/*
 * Where read() wins. A file of some hundred bytes is opened, looked at and closed: with read() three calls and a
 * small copy; with mmap() four calls, an area to make and remove, a fault, and a page of address space for it. The
 * larger the file, the less the fixed price counts, and the more the copy does.
 *
 * small [--quiet] [--files N] [--size BYTES] [--rounds N]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SIZE = 1 << 20 };

static long files = 500, size = 300, rounds = 3;
static char buffer[MAX_SIZE];

static const char *name_of(long i)
{
	static char name[64];

	snprintf(name, sizeof(name), "/tmp/small/%ld", i);
	return name;
}

static void make_files(long count, long bytes)
{
	mkdir("/tmp/small", 0755);
	memset(buffer, 's', bytes);
	for (long i = 0; i < count; i++) {
		int fd = open(name_of(i), O_WRONLY | O_CREAT | O_TRUNC, 0644);

		if (fd < 0 || write(fd, buffer, bytes) != bytes || close(fd) < 0)
			err(1, "%s", name_of(i));
	}
}

static void remove_files(long count)
{
	for (long i = 0; i < count; i++)
		unlink(name_of(i));
	rmdir("/tmp/small");
}

/* Eight bytes at a time: looking at them is not the story. */
static long sum(const char *bytes, long count)
{
	long total = 0, i = 0;

	for (; i + 8 <= count; i += 8)
		total += *(const long *)(bytes + i);
	for (; i < count; i++)
		total += bytes[i];
	return total;
}

static long by_read(long i, long bytes)
{
	int fd = open(name_of(i), O_RDONLY);

	if (fd < 0 || read(fd, buffer, bytes) != bytes)
		err(1, "%s", name_of(i));
	long total = sum(buffer, bytes);
	close(fd);
	return total;
}

static long by_map(long i, long bytes)
{
	int fd = open(name_of(i), O_RDONLY);

	if (fd < 0)
		err(1, "%s", name_of(i));
	const char *map = demo_map(fd, (size_t)bytes, PROT_READ, MAP_PRIVATE);
	long total = sum(map, bytes);
	munmap((void *)map, (size_t)bytes);
	close(fd);
	return total;
}

/* All files, the fastest of the rounds; the sum tells whether both ways saw the same. */
static struct demo_cost measure(long (*use)(long, long), long count, long bytes, long *total)
{
	struct demo_cost best = { .ns = -1 };

	for (long r = 0; r < rounds; r++) {
		struct demo_cost before = demo_cost();

		*total = 0;
		for (long i = 0; i < count; i++)
			*total += use(i, bytes);
		struct demo_cost cost = demo_cost_since(before);
		if (best.ns < 0 || cost.ns < best.ns)
			best = cost;
	}
	return best;
}

static void compare_one_size(void)
{
	long read_total, map_total;

	make_files(files, size);
	struct demo_cost r = measure(by_read, files, size, &read_total);
	struct demo_cost m = measure(by_map, files, size, &map_total);
	remove_files(files);
	demo_say("%ld files of %ld bytes, all in memory already:\n\n", files, size);
	demo_say("               calls  faults  bytes copied   ns a file\n");
	demo_say("open read close %5s  %6s  %12ld  %10lld\n", demo_count(r.calls), demo_count(r.minor), files * size,
		 r.ns / files);
	demo_say("open mmap ...   %5s  %6s  %12d  %10lld\n\n", demo_count(m.calls), demo_count(m.minor), 0,
		 m.ns / files);
	demo_report("files", files);
	demo_report_cost("read", r);
	demo_report_cost("map", m);
	demo_claim("both saw the same bytes", read_total == map_total);
	if (demo_kernel_counts()) {
		demo_claim("read: three calls a file, no fault", r.calls == 3 * files && r.minor == 0);
		demo_claim("mmap: four calls and a fault a file", m.calls == 4 * files && m.minor == files);
	}
}

/* Where do they cross? Fewer files as they grow. */
static void compare_sizes(void)
{
	long crossing = 0;

	demo_say("\n   bytes   read ns    mmap ns\n");
	for (long bytes = 1024; bytes <= MAX_SIZE; bytes *= 4) {
		long count = bytes <= 16384 ? 64 : 16, totals[2];

		make_files(count, bytes);
		long long r = measure(by_read, count, bytes, &totals[0]).ns / count;
		long long m = measure(by_map, count, bytes, &totals[1]).ns / count;
		remove_files(count);
		if (!crossing && m <= r)
			crossing = bytes;
		demo_say("%8ld  %8lld  %9lld  %s\n", bytes, r, m, r < m ? "read" : "mmap");
		demo_claim("both saw the same", totals[0] == totals[1]);
	}
	demo_say("  mmap is the cheaper from %ld bytes on (0: never here)\n", crossing);
	demo_report("crossing_bytes", crossing);
}

int main(int argc, char **argv)
{
	demo_options(argc, argv, (struct demo_knob[]){ { "--files", &files, NULL }, { "--size", &size, NULL },
						       { "--rounds", &rounds, NULL }, { NULL, NULL, NULL } });
	if (files < 1 || size < 1 || size > MAX_SIZE || rounds < 1)
		errx(2, "--files from 1, --size from 1 to %d, --rounds from 1", MAX_SIZE);
	demo_kernel_counts();
	compare_one_size();
	compare_sizes();
	return demo_end("which of the four parts of the mmap way costs most, "
			"and which would a larger file not pay again?",
			"--size BYTES: try 4096 and 4097");
}
