/*
 * A file larger than memory, through one mapping. It is filled and added up page by page: memory stays as full as it
 * was, pages go as others come, dirty ones to the disk first, and the sum is right. Then pages at random: now what
 * leaves is soon wanted again. How soon is the refault distance: so many others have left since. What is farther away
 * than memory is large could not have been kept by any choice of who leaves.
 *
 * bigsum [--quiet] [--size BYTES] [--random N] [--file PATH]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CELLS = 40, STEPS = 8 };

static long size, random_loads = 4000;
static const char *path = "/tmp/bigsum.dat";

struct meter {
	long evicted, written, refaults, distance;      /* distance: the sum over all refaults */
};

static struct meter look(void)
{
	return (struct meter){
		.evicted = counter_global("cache_evictions"), .written = counter_global("pages_written"),
		.refaults = counter_global("workingset_refault"),
		.distance = counter_global("workingset_refault_distance"),
	};
}

static struct meter since(struct meter before)
{
	struct meter now = look();

	return (struct meter){
		.evicted = demo_difference(now.evicted, before.evicted),
		.written = demo_difference(now.written, before.written),
		.refaults = demo_difference(now.refaults, before.refaults),
		.distance = demo_difference(now.distance, before.distance),
	};
}

/* One line: how far, how full memory is, what went. */
static void tell(const char *what, long done, long whole, struct meter m)
{
	long total = counter_in("/proc/meminfo", "MemTotal"), unused = counter_in("/proc/meminfo", "MemFree");

	demo_say("%-7s %3ld %%  memory [%s] %ld MiB  evicted %7s  written %7s\n", what, done * 100 / whole,
		 demo_bar(total - unused, total, CELLS), (total - unused) >> 10, demo_count(m.evicted),
		 demo_count(m.written));
}

/* The mean distance against what fits into memory. */
static void tell_distance(const char *phase, struct meter m)
{
	long memory = counter_in("/proc/meminfo", "MemTotal") * 1024 / DEMO_PAGE;
	long mean = m.refaults > 0 ? m.distance / m.refaults : m.refaults == COUNTER_ABSENT ? COUNTER_ABSENT : 0;
	char line[64];

	demo_say("  %s pages came back; refault distance [%s] %s pages, memory [%s] %ld\n", demo_count(m.refaults),
		 demo_bar(mean, 2 * memory, CELLS), demo_count(mean), demo_bar(memory, 2 * memory, CELLS), memory);
	snprintf(line, sizeof(line), "%s_refaults", phase);
	demo_report(line, m.refaults);
	snprintf(line, sizeof(line), "%s_distance", phase);
	demo_report(line, mean);
}

static void fill(long *map, long pages)
{
	struct meter before = look();

	for (long page = 0; page < pages; page++) {
		map[page * (DEMO_PAGE / 8)] = page;
		map[page * (DEMO_PAGE / 8) + DEMO_PAGE / 8 - 1] = ~page;
		if ((page + 1) % (pages / STEPS) == 0)
			tell("fill", page + 1, pages, since(before));
	}
	demo_report("fill_written", since(before).written);
	demo_report("fill_evicted", since(before).evicted);
}

static void add_up(const long *map, long pages)
{
	struct meter before = look();
	long sum = 0, last = 0;

	for (long page = 0; page < pages; page++) {
		sum += map[page * (DEMO_PAGE / 8)];
		last += map[page * (DEMO_PAGE / 8) + DEMO_PAGE / 8 - 1] == ~page;
		if ((page + 1) % (pages / STEPS) == 0)
			tell("add", page + 1, pages, since(before));
	}
	struct meter m = since(before);

	tell_distance("sum", m);
	demo_report("sum_evicted", m.evicted);
	demo_claim("the sum of all pages is right", sum == pages * (pages - 1) / 2 && last == pages);
}

static void at_random(const long *map, long pages)
{
	struct meter before = look();
	struct demo_cost cost = demo_cost();
	uint64_t x = 88172645463325252ul;
	long right = 0;

	for (long i = 0; i < random_loads; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		long page = (long)(x % (uint64_t)pages);

		right += map[page * (DEMO_PAGE / 8)] == page;
	}
	cost = demo_cost_since(cost);
	struct meter m = since(before);
	tell("random", 1, 1, m);
	demo_say("  of %ld loads %ld waited for the disk\n", random_loads, cost.major);
	tell_distance("random", m);
	demo_report("random_major", cost.major);
	demo_claim("every page held its number", right == random_loads);
}

int main(int argc, char **argv)
{
	demo_options(argc, argv, (struct demo_knob[]){ { "--size", &size, NULL }, { "--random", &random_loads, NULL },
						       { "--file", NULL, &path }, { NULL, NULL, NULL } });
	long memory = counter_in("/proc/meminfo", "MemTotal") * 1024, killed = counter_global("oom_kill");
	if (!size)
		size = memory * 2;
	long pages = size / DEMO_PAGE / STEPS * STEPS;
	if (pages < STEPS || random_loads < 1)
		errx(2, "--size wants %d at least", STEPS * DEMO_PAGE);
	int fd = demo_file(path, pages * DEMO_PAGE);
	long *map = demo_map(fd, (size_t)pages * DEMO_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);

	demo_say("A file of %ld MiB is mapped, with %ld MiB of memory.\n\n", pages * DEMO_PAGE >> 20, memory >> 20);
	demo_report("pages", pages);
	fill(map, pages);
	add_up(map, pages);
	at_random(map, pages);
	long peak = counter_in("/proc/self/status", "VmHWM");
	demo_say("  the most that this process had in memory: %s KiB\n", demo_count(peak));
	demo_report("peak_kib", peak);
	if (peak != COUNTER_ABSENT)
		demo_claim("it never had more than there is", peak <= memory / 1024);
	demo_claim("and nobody was killed for it", counter_global("oom_kill") == killed);
	unlink(path);
	return demo_end("adding up took as long as reading the file once: "
			"what would a second pass cost, and from which end should it begin?",
			"--size: a little less than memory, and a little more");
}
