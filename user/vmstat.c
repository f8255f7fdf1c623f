/*
 * vmstat [DELAY [COUNT]]: memory, faults and paging. The first line is the average of each second since the start,
 * each further one that of the last DELAY seconds. From /proc/vmstat, /proc/meminfo and /proc/stat; what a kernel
 * does not count is 0.
 *
 *	r runnable   swap, free, cache, dirty: KiB   flt, maj, cow: faults, those that waited for the disk, copies
 *	in, out: KiB from and to the disk, swap too   steal: pages taken away   sys, cs: system calls, switches
 *	busy: percent of the processors
 */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { HEADER_EVERY = 20, NR_COUNTED = 8 };

static const char *const counted[NR_COUNTED] = {
	"pgfault", "pgmajfault", "cow_copies", "pgpgin", "pgpgout", "pgsteal", "syscalls", "context_switches",
};

struct moment {
	double seconds;                 /* since the start of the system */
	long counts[NR_COUNTED];
	long busy, idle;                /* ticks of all processors */
};

static double uptime(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct moment look(void)
{
	struct moment m = { .seconds = uptime() };
	char *text = read_whole("/proc/stat", NULL);

	if (!text)
		err(1, "/proc/stat");
	char *at = text + strcspn(text, " ");
	for (int i = 0; i < 8; i++) {   /* user nice system idle iowait irq softirq steal */
		long ticks = strtol(at, &at, 10);

		if (i == 3 || i == 4)
			m.idle += ticks;
		else
			m.busy += ticks;
	}
	free(text);
	for (int i = 0; i < NR_COUNTED; i++) {
		long value = counter_global(counted[i]);

		m.counts[i] = value == COUNTER_ABSENT ? 0 : value;
	}
	return m;
}

static long kib(const char *name)
{
	long value = counter_in("/proc/meminfo", name);

	return value == COUNTER_ABSENT ? 0 : value;
}

static void show_header(void)
{
	printf(" r     swap     free    cache   dirty |    flt   maj   cow |"
	       "     in    out  steal |     sys     cs | busy\n");
}

static void show(struct moment now, struct moment before)
{
	double seconds = now.seconds - before.seconds;
	long rate[NR_COUNTED], ticks = now.busy - before.busy + now.idle - before.idle;

	for (int i = 0; i < NR_COUNTED; i++)
		rate[i] = seconds > 0 ? (long)((double)(now.counts[i] - before.counts[i]) / seconds) : 0;
	printf("%2ld %8ld %8ld %8ld %7ld |", counter_in("/proc/stat", "procs_running"),
	       kib("SwapTotal") - kib("SwapFree"), kib("MemFree"), kib("Cached") + kib("Buffers"), kib("Dirty"));
	printf(" %6ld %5ld %5ld | %6ld %6ld %6ld | %7ld %6ld | %3ld%%\n", rate[0], rate[1], rate[2], rate[3], rate[4],
	       rate[5], rate[6], rate[7], ticks > 0 ? (now.busy - before.busy) * 100 / ticks : 0);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	long delay = 0, count = 1;
	struct moment before = { 0 };

	if (argc > 3 || (argc > 1 && (!number_parse(argv[1], &delay) || delay < 1)) ||
	    (argc > 2 && (!number_parse(argv[2], &count) || count < 1))) {
		fprintf(stderr, "usage: vmstat [delay [count]]\n");
		return 2;
	}
	for (long line = 0; line < count || argc == 2; line++) {
		if (line % HEADER_EVERY == 0)
			show_header();
		if (line)
			sleep((unsigned int)delay);
		struct moment now = look();
		show(now, before);
		before = now;
	}
	return finish_output();
}
