/*
 * Huge pages. The same memory twice: in pages of 4 KiB, and in pieces of 2 MiB. Faults and page tables
 * are counted; then one byte of a child's memory is stored to, and a single page is taken out.
 *
 * huge [--quiet] [--mib N]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 2 << 20, PAGES_IN_PIECE = PIECE / DEMO_PAGE };

struct cost {
	long faults, tables_kib, huge_kib;
};

/* A "Name:   value kB" line, the sum of all that the file has; absent without the file. */
static long sum_of(const char *path, const char *name)
{
	char line[256];
	size_t len = strlen(name);
	long sum = 0;
	FILE *f = fopen(path, "r");

	if (!f)
		return COUNTER_ABSENT;
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, name, len) && line[len] == ':')
			sum += strtol(line + len + 1, NULL, 10);
	}
	fclose(f);
	return sum;
}

static struct cost cost_now(void)
{
	return (struct cost){
		.tables_kib = sum_of("/proc/self/status", "VmPTE"),
		.huge_kib = sum_of("/proc/self/smaps", "AnonHugePages"),
		.faults = counter_own("minor_faults"),
	};
}

/* Aligned memory that nothing was stored to yet. */
static char *aligned(long nr_pieces, int advice)
{
	char *all = mmap(NULL, (nr_pieces + 1) * (size_t)PIECE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (all == MAP_FAILED)
		err(1, "mmap");
	char *start = (char *)(((uintptr_t)all + PIECE - 1) & -(uintptr_t)PIECE);
	if (madvise(start, nr_pieces * (size_t)PIECE, advice) < 0)
		warn("madvise");
	return start;
}

static void touch(volatile char *memory, long nr_pieces)
{
	for (long i = 0; i < nr_pieces * PAGES_IN_PIECE; i++)
		memory[i * (long)DEMO_PAGE] = 1;
}

/* Touches all of it in a child, whose page tables then tell nothing but this. */
static struct cost cost_of(long nr_pieces, int advice)
{
	struct cost before, after;
	int ends[2];

	if (pipe(ends) < 0)
		err(1, "pipe");
	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		char *memory = aligned(nr_pieces, advice);

		cost_now();                     /* what looking costs is there already */
		before = cost_now();
		touch(memory, nr_pieces);
		after.faults = counter_own("minor_faults");
		struct cost then = cost_now();
		then.faults = after.faults - before.faults;
		then.tables_kib = demo_difference(then.tables_kib, before.tables_kib);
		_exit(write(ends[1], &then, sizeof(then)) == sizeof(then) ? 0 : 1);
	}
	close(ends[1]);
	if (read(ends[0], &after, sizeof(after)) != sizeof(after))
		errx(1, "the child told nothing");
	close(ends[0]);
	waitpid(child, NULL, 0);
	return after;
}

static void tell(const char *what, const struct cost *c)
{
	demo_say("%-18s %7ld faults, %6s KiB of page tables, %7s KiB shown by entries of 2 MiB\n", what,
		c->faults, demo_count(c->tables_kib), demo_count(c->huge_kib));
}

/* A child stores one byte: it copies one page, and only its own entry is split. */
static void share_and_split(void)
{
	char *memory = aligned(1, MADV_HUGEPAGE);
	int status;

	touch(memory, 1);
	long before = sum_of("/proc/self/smaps", "AnonHugePages");
	fflush(stdout);
	pid_t child = fork();
	if (child < 0)
		err(1, "fork");
	if (child == 0) {
		counter_own("cow_copies");
		long copies = counter_own("cow_copies");

		((volatile char *)memory)[0] = 2;
		copies = demo_difference(counter_own("cow_copies"), copies);
		demo_say("\na child stores one byte of 2 MiB: %s page of 4 KiB copied\n", demo_count(copies));
		demo_report("child_copies", copies);
		fflush(stdout);
		_exit(copies == COUNTER_ABSENT || copies == 1 ? 0 : 1);
	}
	waitpid(child, &status, 0);
	demo_claim("a child's store copied one page, not 2 MiB", status == 0);
	long after = sum_of("/proc/self/smaps", "AnonHugePages");
	demo_claim("the parent's piece stayed whole", after == before);
	uint64_t frame = page_frame(memory + PIECE - DEMO_PAGE);
	if (munmap(memory, DEMO_PAGE) < 0)
		err(1, "munmap");
	long rest = sum_of("/proc/self/smaps", "AnonHugePages");
	demo_say("its parent's piece is still whole; one page of it is unmapped: %ld KiB less in one entry\n",
		after - rest);
	demo_report("split_kib", after - rest);
	demo_claim("the other pages stayed in their frames",
		page_frame(memory + PIECE - DEMO_PAGE) == frame && memory[PIECE - DEMO_PAGE] == 1);
}

int main(int argc, char **argv)
{
	long mib = 256;

	for (int i = 1; i < argc; i++) {
		if (demo_option(argv[i]))
			continue;
		if (!strcmp(argv[i], "--mib"))
			mib = demo_number(argc, argv, &i);
		else if (!strcmp(argv[i], "--file") && i + 1 < argc)
			i++;                    /* every demonstration takes it; this one needs none */
		else
			errx(2, "usage: huge [--quiet] [--mib n]");
	}
	long room = sum_of("/proc/meminfo", "MemAvailable") / 1024 * 3 / 4;
	if (room > 0 && mib > room)
		mib = room;
	long nr_pieces = mib / 2 ? mib / 2 : 1;

	demo_say("%ld MiB of private memory are stored to, a byte a page, twice.\n\n", nr_pieces * 2);
	struct cost small = cost_of(nr_pieces, MADV_NOHUGEPAGE), huge = cost_of(nr_pieces, MADV_HUGEPAGE);

	tell("pages of 4 KiB:", &small);
	tell("pieces of 2 MiB:", &huge);
	demo_report("pieces", nr_pieces);
	demo_report("small_faults", small.faults);
	demo_report("small_tables_kib", small.tables_kib);
	demo_report("huge_faults", huge.faults);
	demo_report("huge_tables_kib", huge.tables_kib);
	demo_report("huge_kib", huge.huge_kib);
	demo_claim("without, each page was a fault", small.faults >= nr_pieces * PAGES_IN_PIECE);
	if (huge.huge_kib >= nr_pieces * 2048) {
		demo_claim("with them, each 2 MiB was one", huge.faults <= nr_pieces + 8);
		share_and_split();
	} else {
		demo_say("\nNot enough blocks of 2 MiB are free here, or there are no huge pages.\n");
	}
	return demo_end("where did the page tables go, and why are they still counted (docs/huge-pages.md)?",
		"--mib N: try more than half of the memory that is free");
}
