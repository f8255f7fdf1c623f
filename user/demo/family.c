/*
 * Anonymous shared memory. Memory without a file that is mapped before fork is one piece of memory for the whole
 * family, if it is MAP_SHARED: behind it is a file without a name, which all of them map. With MAP_PRIVATE each
 * child's first store gives it a copy of the page, and the parent never hears of it.
 *
 * family [--quiet] [--children N] [--adds N]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BUCKETS = 8, MAX_CHILDREN = 64, BAR = 32 };

struct histogram {
	atomic_long bucket[BUCKETS];
};

static long children = 8, adds = 10000;

static void add_up(struct histogram *h, uint64_t parents_frame, int ends)
{
	long copies = counter_own("cow_copies");

	for (long i = 0; i < adds; i++)
		atomic_fetch_add(&h->bucket[i * (getpid() | 1) % BUCKETS], 1);
	/* How it went is told by a pipe, since memory may not be a way. */
	long told[2] = { page_frame(h) == parents_frame, demo_difference(counter_own("cow_copies"), copies) };
	_exit(write(ends, told, sizeof(told)) != sizeof(told));
}

/* The line of /proc/self/maps about this address, from its protection on. */
static const char *line_of_maps(const void *address)
{
	static char line[256];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps)) {
		char *rest;
		unsigned long start = strtoul(line, &rest, 16), end = strtoul(rest + 1, &rest, 16);

		if ((unsigned long)address < start || (unsigned long)address >= end)
			continue;
		fclose(maps);
		line[strcspn(line, "\n")] = '\0';
		return rest + 1;
	}
	return "(not found)";
}

static void run_family(const char *name, int flags)
{
	struct histogram *h = demo_map(-1, DEMO_PAGE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS);
	long sum = 0, same = 0, copies = 0, told[2];
	char line[64];
	int ends[2];

	atomic_store(&h->bucket[0], 0);         /* a store, so that there is a frame before fork */
	uint64_t frame = page_frame(h);
	if (pipe(ends) < 0)
		err(1, "pipe");
	for (long i = 0; i < children; i++) {
		pid_t child = fork();

		if (child < 0)
			err(1, "fork");
		if (child == 0)
			add_up(h, frame, ends[1]);
	}
	for (long i = 0; i < children; i++) {
		if (read(ends[0], told, sizeof(told)) != sizeof(told))
			errx(1, "a child told nothing");
		same += told[0];
		copies += told[1];
	}
	while (wait(NULL) > 0)
		;
	demo_say("%s: %s\n", name, line_of_maps(h));
	for (int i = 0; i < BUCKETS; i++) {
		long n = atomic_load(&h->bucket[i]);

		demo_say("  %d [%s] %ld\n", i, demo_bar(n, children * adds / BUCKETS, BAR), n);
		sum += n;
	}
	demo_say("  the parent sees %ld of %ld; %s pages were copied by the children\n", sum, children * adds,
		 demo_count(copies < 0 ? COUNTER_ABSENT : copies));
	snprintf(line, sizeof(line), "%s_sum", name);
	demo_report(line, sum);
	snprintf(line, sizeof(line), "%s_copies", name);
	demo_report(line, copies < 0 ? COUNTER_ABSENT : copies);
	if (flags & MAP_SHARED)
		demo_claim("every addition of every child arrived", sum == children * adds);
	else
		demo_claim("no addition of any child arrived", sum == 0);
	if (demo_kernel_counts())
		demo_claim(flags & MAP_SHARED ? "no page of it was copied" :
						"each child copied the page, and its stack",
			   flags & MAP_SHARED ? same == children : copies >= children);
	munmap(h, DEMO_PAGE);
}

int main(int argc, char **argv)
{
	demo_options(argc, argv, (struct demo_knob[]){
		{ "--children", &children, NULL }, { "--adds", &adds, NULL }, { NULL, NULL, NULL } });
	if (children < 1 || children > MAX_CHILDREN)
		errx(2, "--children wants 1 to %d", MAX_CHILDREN);
	demo_kernel_counts();
	demo_say("%ld children add %ld times each to a histogram that was mapped before fork.\n\n", children, adds);
	run_family("shared", MAP_SHARED);
	demo_say("\n");
	run_family("private", MAP_PRIVATE);
	return demo_end("the shared memory has no name: how would a process that is no child get at it?",
			"--children N, and take the atomic_ out of the addition: "
			"what becomes of the sum, with 1 CPU and with 4?");
}
