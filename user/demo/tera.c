/*
 * A mapping is a promise, and a promise costs nothing. One TiB of address space is one record in the kernel; only
 * the pages that are touched get a frame, and only the way to them gets page tables. A file can be as hollow: its
 * size is a number, its holes have no blocks.
 *
 * tera [--quiet] [--step GIB] [--file PATH]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIB		(1ul << 30)
#define TIB		(1ul << 40)
#define TABLE_SPAN	(2ul << 20)             /* what one page table of the lowest level covers */
#define FILE_SIZE	(16 * GIB)
#define POINTERS	1024ul                  /* block numbers in a block of 4 KiB */

enum { DIRECT = 12, BLOCK = 4096 };

static long step = 64;
static const char *path = "/tmp/tera.dat";

static long status_kib(const char *name)
{
	return counter_in("/proc/self/status", name);
}

/* How many aligned pieces of `span` bytes the touched addresses lie in. */
static long pieces(unsigned long start, unsigned long span)
{
	unsigned long last = ~0ul;
	long count = 0;

	for (unsigned long at = start; at < start + TIB; at += (unsigned long)step * GIB)
		if (at / span != last) {
			last = at / span;
			count++;
		}
	return count;
}

static void touch_memory(void)
{
	/* To the program's own areas tables exist already: a region far from them begins with none. */
	char *region = demo_map(-1, TIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE);
	demo_cost();                            /* so that its own memory is present */
	long size = status_kib("VmSize"), resident = status_kib("RssAnon"), tables = status_kib("VmPTE");
	struct demo_cost before = demo_cost();
	long touched = 0;

	for (unsigned long at = 0; at < TIB; at += (unsigned long)step * GIB, touched++)
		((volatile char *)region)[at] = 1;
	struct demo_cost cost = demo_cost_since(before);
	resident = status_kib("RssAnon") - resident;         /* without the program's own file */
	tables = (status_kib("VmPTE") - tables) / 4;
	/* One TiB is two entries of the top level, or three; each page then needs the two tables below for itself. */
	long leaves = pieces((unsigned long)region, TABLE_SPAN), middle = pieces((unsigned long)region, GIB);
	long upper = pieces((unsigned long)region, 512 * GIB);

	demo_say("1 TiB is mapped: VmSize %ld GiB. One byte in every %ld GiB was stored:\n\n", size >> 20, step);
	demo_say("  top level          1   (was there)\n");
	demo_say("  +- 512 GiB each  %3ld\n", upper);
	demo_say("     +- 1 GiB each %3ld\n", middle);
	demo_say("        +- 2 MiB   %3ld\n", leaves);
	demo_say("           +- page %3ld  resident: %ld KiB more\n\n", touched, resident);
	demo_say("  faults %s, page tables %ld more, of which only the top ones may have been there before\n",
		 demo_count(cost.minor), tables);
	demo_report("touched", touched);
	demo_report("resident_kib", resident);
	demo_report("tables", tables);
	demo_report("tables_wanted", leaves + middle + upper);
	demo_report("tables_upper", upper);
	demo_report_cost("touch", cost);
	demo_claim("each touched page is resident, and no other", resident == touched * 4);
	demo_claim("each way has its tables, and no other",
		   tables <= leaves + middle + upper && tables >= leaves + middle);
	demo_claim("the mapping is a TiB all the same", size >= (long)(TIB >> 10));
	munmap(region, TIB);
}

/* Blocks of ext2 behind the byte at each GiB: one for the data, one for each pointer block on the way. */
static long blocks_wanted(void)
{
	unsigned long seen_single = ~0ul, seen_double = ~0ul;
	long blocks = 0;

	for (unsigned long at = 0; at < FILE_SIZE; at += GIB) {
		unsigned long block = at / BLOCK;

		blocks++;
		if (block < DIRECT)
			continue;
		block -= DIRECT + POINTERS;             /* behind the single indirect block */
		if (block >= POINTERS * POINTERS) {     /* behind the double one: the triple */
			block -= POINTERS * POINTERS;
			blocks += seen_double == ~0ul;
			blocks += seen_double != block / (POINTERS * POINTERS);
			seen_double = block / (POINTERS * POINTERS);
		} else {
			blocks += seen_single == ~0ul;  /* the double indirect block itself */
		}
		blocks += seen_single != block / POINTERS || seen_double != ~0ul;
		seen_single = block / POINTERS;
	}
	return blocks;
}

static void hollow_file(void)
{
	struct stat st;
	int fd = demo_file(path, (long)FILE_SIZE);

	for (unsigned long at = 0; at < FILE_SIZE; at += GIB)
		if (pwrite(fd, "x", 1, (off_t)at) != 1)
			err(1, "%s", path);
	if (fsync(fd) < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	long blocks = (long)st.st_blocks * 512 / BLOCK;
	demo_say("\na file of %ld GiB with a byte in each: ls says %ld GiB, du says %ld KiB (%ld blocks)\n",
		 (long)(FILE_SIZE / GIB), (long)st.st_size >> 30, blocks * 4, blocks);
	demo_report("file_blocks", blocks);
	demo_report("file_blocks_wanted", blocks_wanted());
	if (demo_kernel_counts())
		demo_claim("data blocks, and the pointer blocks on the way to them", blocks == blocks_wanted());
	else
		demo_claim("next to nothing is on the disk", blocks < 200);
	unlink(path);
}

int main(int argc, char **argv)
{
	demo_options(argc, argv, (struct demo_knob[]){
		{ "--step", &step, NULL }, { "--file", NULL, &path }, { NULL, NULL, NULL } });
	if (step < 1 || step > 1024)
		errx(2, "--step wants 1 to 1024");
	demo_kernel_counts();
	touch_memory();
	hollow_file();
	return demo_end("which takes more memory here, the pages or the tables, "
			"and from which step on is it the other way?",
			"--step GIB: try 1 and 256, and predict the tables first");
}
