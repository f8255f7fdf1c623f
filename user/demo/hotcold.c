/*
 * Who leaves when memory is full? A small hot file is used again and again, while a file larger than memory streams
 * by. First come, first served (fifo) washes the hot pages out with the rest; the clock gives a page that was used
 * a second chance; two lists let a page that was seen twice stay, however much is seen once.
 *
 * hotcold [--quiet] [--policy fifo|clock|two-list|all] [--hot BYTES] [--cold BYTES] [--visits N]
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

#define POLICY "/proc/sys/vm/reclaim_policy"

enum { PIECE = 1 << 20, MAX_VISITS = 64 };

static long hot_size = 4 << 20, cold_size, visits = 16;         /* between two visits a third of the cold file */
static const char *policy = "all";
static char piece[PIECE];

static int make_file(const char *path, long bytes)
{
	int fd = demo_file(path, 0);

	for (long at = 0; at < bytes; at += PIECE) {
		for (long page = 0; page < PIECE / DEMO_PAGE; page++)
			*(long *)(piece + page * DEMO_PAGE) = at / DEMO_PAGE + page;
		if (write(fd, piece, PIECE) != PIECE)
			err(1, "%s", path);
	}
	return fd;
}

/* Each page of the range, once. False when one does not hold its own number. */
static bool touch(const char *map, long from, long to)
{
	bool right = true;

	for (long page = from; page < to; page++)
		right &= *(const volatile long *)(map + page * DEMO_PAGE) == page;
	return right;
}

static bool set_policy(const char *name)
{
	int fd = open(POLICY, O_WRONLY);
	bool done = fd >= 0 && write(fd, name, strlen(name)) == (ssize_t)strlen(name);

	if (fd >= 0)
		close(fd);
	return done;
}

/* The percentage of hot pages that were in memory when they were visited. */
static long run(const char *name, const char *hot, const char *cold, int fd)
{
	long hot_pages = hot_size / DEMO_PAGE, part = cold_size / DEMO_PAGE / 3, missed = 0, at = 0;
	char chart[MAX_VISITS + 1] = "";
	bool right = true;

	if (!set_policy(name))
		return COUNTER_ABSENT;
	demo_forget_cache(fd);
	right &= touch(hot, 0, hot_pages) && touch(hot, 0, hot_pages);
	long refaults = counter_global("workingset_refault"), evictions = counter_global("cache_evictions");
	for (long v = 0; v < visits; v++) {
		if ((at + 1) * part > cold_size / DEMO_PAGE)
			at = 0;                                 /* a new sweep */
		right &= touch(cold, at * part, (at + 1) * part);
		at++;
		struct demo_cost before = demo_cost();
		right &= touch(hot, 0, hot_pages);
		long now_missed = demo_cost_since(before).major;
		chart[v] = now_missed * 10 <= hot_pages ? '#' : now_missed * 10 >= hot_pages * 9 ? '.' : '+';
		missed += now_missed;
	}
	refaults = demo_difference(counter_global("workingset_refault"), refaults);
	evictions = demo_difference(counter_global("cache_evictions"), evictions);
	long rate = 100 - missed * 100 / (visits * hot_pages);
	demo_say("%-9s [%s] hot pages found in memory: %3ld %%; evicted %s, back too soon %s\n", name, chart, rate,
		 demo_count(evictions), demo_count(refaults));
	demo_claim("every page, hot and cold, held its number", right);
	return rate;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "fifo", "clock", "two-list" };
	long rate[3] = { COUNTER_ABSENT, COUNTER_ABSENT, COUNTER_ABSENT };
	char line[32];

	demo_options(argc, argv, (struct demo_knob[]){
		{ "--policy", NULL, &policy }, { "--hot", &hot_size, NULL }, { "--cold", &cold_size, NULL },
		{ "--visits", &visits, NULL }, { NULL, NULL, NULL } });
	char *before = read_whole(POLICY, NULL);
	if (!before) {
		printf("hotcold: this kernel has no choice of policies (%s)\n", POLICY);
		return 0;
	}
	before[strcspn(before, "\n")] = '\0';
	if (!cold_size)                                         /* twice the memory */
		cold_size = counter_in("/proc/meminfo", "MemTotal") * 2 * 1024;
	hot_size -= hot_size % PIECE;
	cold_size -= cold_size % PIECE;
	if (visits < 2 || visits > MAX_VISITS || hot_size < PIECE || cold_size < visits * PIECE)
		errx(2, "--visits 2 to %d, --hot and --cold from 1M", MAX_VISITS);
	int hot_fd = make_file("/tmp/hot.dat", hot_size), cold_fd = make_file("/tmp/cold.dat", cold_size);
	const char *hot = demo_map(hot_fd, (size_t)hot_size, PROT_READ, MAP_SHARED);
	const char *cold = demo_map(cold_fd, (size_t)cold_size, PROT_READ, MAP_SHARED);
	madvise((void *)hot, (size_t)hot_size, MADV_RANDOM);    /* a miss is a miss of one page */
	demo_say("%ld KiB of memory, a hot file of %ld KiB, a cold one of %ld KiB that streams by; %ld visits.\n\n",
		 counter_in("/proc/meminfo", "MemTotal"), hot_size >> 10, cold_size >> 10, visits);
	for (int i = 0; i < 3; i++) {
		if (strcmp(policy, "all") && strcmp(policy, names[i]))
			continue;
		rate[i] = run(names[i], hot, cold, cold_fd);
		snprintf(line, sizeof(line), "hits_%s", i == 2 ? "two_list" : names[i]);
		demo_report(line, rate[i]);
	}
	set_policy(before);
	unlink("/tmp/hot.dat");
	unlink("/tmp/cold.dat");
	if (rate[0] != COUNTER_ABSENT && rate[2] != COUNTER_ABSENT)
		demo_claim("two lists keep what first come, first served lets go", rate[2] > rate[0]);
	return demo_end("the hot file is read once, and then only after each sweep: "
			"how would a kernel know that it is hot?",
			"--hot: make it half of memory, and see which policy gives in first");
}
