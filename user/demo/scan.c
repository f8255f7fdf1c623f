/*
 * Read-ahead. Whoever reads a file from front to back will want the next page: the kernel reads it before it is asked
 * for, with a window that doubles while the guess is right, and in the background, so that the reader does not wait.
 * Whoever jumps about gets one page at a time.
 *
 * scan [--quiet] [--advice normal|sequential|random|all] [--size BYTES] [--file PATH]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PIECE = 1 << 20, SHOWN = 12, MAX_SHOWN_PAGES = 512, STRIDE = 2477 };     /* a prime: jumps about, visits all */

static long size = 16 << 20;
static const char *path = "/tmp/scan.dat", *advice = "all";

static int make_file(void)
{
	static char piece[PIECE];
	int fd = demo_file(path, 0);

	for (long at = 0; at < size; at += PIECE) {
		for (long page = 0; page < PIECE / DEMO_PAGE; page++)
			*(long *)(piece + page * DEMO_PAGE) = at / DEMO_PAGE + page;
		if (write(fd, piece, PIECE) != PIECE)
			err(1, "%s", path);
	}
	return fd;
}

static bool touch(const char *map, long page)
{
	return *(const volatile long *)(map + page * DEMO_PAGE) == page;
}

/* The first requests one by one: at which page, how many pages, and whether the reader had to wait. */
static long touch_and_tell(const char *map, long pages, long *right)
{
	long page = 0, shown = 0;

	for (; page < pages && page < MAX_SHOWN_PAGES && shown < SHOWN; page++) {
		long fills = counter_own("cache_fills"), reads = counter_own("disk_reads");
		long waits = counter_own("major_faults");

		*right += touch(map, page);
		fills = demo_difference(counter_own("cache_fills"), fills);
		reads = demo_difference(counter_own("disk_reads"), reads);
		waits = demo_difference(counter_own("major_faults"), waits);
		if (reads <= 0)
			continue;
		shown++;
		demo_say("  at page %4ld: %3ld pages in %ld request%s [%s] %s\n", page, fills, reads,
			 reads == 1 ? "" : "s", demo_bar(fills, 128, 32),
			 waits ? "the reader waits" : "in the background");
	}
	return page;
}

static struct demo_cost measure(const char *name, int fd, int how, bool jumps)
{
	long pages = size / DEMO_PAGE, right = 0, touched = 0;
	char line[64];

	demo_forget_cache(fd);
	const char *map = demo_map(fd, (size_t)size, PROT_READ, MAP_SHARED);
	if (madvise((void *)map, (size_t)size, how) < 0)
		warn("madvise");
	demo_say("%s:\n", name);
	struct demo_cost before = demo_cost();
	long fills = counter_own("cache_fills");
	if (!jumps)
		touched = touch_and_tell(map, pages, &right);
	for (long wanted = jumps ? pages / 16 : pages; touched < wanted; touched++)
		right += touch(map, jumps ? touched * STRIDE % pages : touched);
	struct demo_cost cost = demo_cost_since(before);
	fills = demo_difference(counter_own("cache_fills"), fills);
	demo_say("  %ld pages touched: %s requests for %s pages; the reader waited %ld times; %lld ms\n\n", touched,
		 demo_count(cost.reads), demo_count(fills), cost.major, cost.ns / 1000000);
	snprintf(line, sizeof(line), "%s_touched", name);
	demo_report(line, touched);
	snprintf(line, sizeof(line), "%s_pages", name);
	demo_report(line, fills);
	demo_report_cost(name, cost);
	demo_claim("every page held its number", right == touched);
	munmap((void *)map, (size_t)size);
	return cost;
}

static bool is_wanted(const char *name)
{
	return !strcmp(advice, "all") || !strcmp(advice, name);
}

int main(int argc, char **argv)
{
	demo_options(argc, argv, (struct demo_knob[]){ { "--advice", NULL, &advice }, { "--size", &size, NULL },
						       { "--file", NULL, &path }, { NULL, NULL, NULL } });
	size -= size % PIECE;
	if (size < 4 * PIECE)
		errx(2, "--size wants 4M at least");
	demo_kernel_counts();
	int fd = make_file();
	long pages = size / DEMO_PAGE;
	demo_say("A file of %ld pages, none of them in memory.\n\n", pages);
	demo_report("pages", pages);
	if (is_wanted("normal")) {
		struct demo_cost c = measure("normal", fd, MADV_NORMAL, false);

		if (demo_kernel_counts()) {
			demo_claim("one request brought 20 pages and more", c.reads * 20 <= pages);
			demo_claim("for most of them the reader did not wait", c.major * 2 <= c.reads + 8);
		}
	}
	if (is_wanted("sequential"))
		measure("sequential", fd, MADV_SEQUENTIAL, false);
	if (is_wanted("random")) {
		struct demo_cost c = measure("random", fd, MADV_RANDOM, true);

		if (demo_kernel_counts())
			demo_claim("jumping about, a fault reads its page and no more",
				   c.reads * 10 <= pages / 16 * 11 + 40);
		measure("unadvised", fd, MADV_NORMAL, true);
	}
	unlink(path);
	return demo_end("the last line jumps about without saying so: "
			"how does the kernel find out, and what did it cost until then?",
			"--advice, and --size 64M: how large does the window get?");
}
