/*
 * Write-back comes later. A store to a shared mapping changes memory, and the disk learns of it when the page has
 * been dirty for some time: 30 seconds, unless told otherwise. Until then a second store costs nothing, and neither
 * does the thousandth: the page is written once.
 *
 * delay [--quiet] [--age CENTISECONDS] [--file PATH] [--once yes]        once: wait for the first write only
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
#include <time.h>
#include <unistd.h>

enum { DIRTY_BIT = 4, STEPS = 80 };             /* bit of /proc/kpageflags */

static long age;                                /* 0: leave the kernel's own */
static const char *path = "/tmp/delay.dat", *once = "no";

static long knob(const char *name, long value)
{
	char file[80], text[24];
	FILE *f;
	long old;

	snprintf(file, sizeof(file), "/proc/sys/vm/%s", name);
	char *before = read_whole(file, NULL);
	old = before ? strtol(before, NULL, 10) : COUNTER_ABSENT;
	free(before);
	if (value > 0 && (f = fopen(file, "w"))) {
		snprintf(text, sizeof(text), "%ld\n", value);
		fputs(text, f);
		fclose(f);
	}
	return old;
}

/* 1 dirty, 0 clean, -1: this kernel does not tell us. */
static int is_dirty(const volatile char *page)
{
	uint64_t flags, frame = page_frame(page);
	int fd = open("/proc/kpageflags", O_RDONLY), told = -1;

	if (fd >= 0 && frame && pread(fd, &flags, sizeof(flags), (off_t)(frame * sizeof(flags))) == sizeof(flags))
		told = flags >> DIRTY_BIT & 1;
	if (fd >= 0)
		close(fd);
	return told;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Looks at the page again and again until it is clean; gives the seconds that took, -1 if it never was. */
static double watch(const volatile char *page, double step, unsigned long inode)
{
	struct timespec pause = { (time_t)step, (long)((step - (double)(time_t)step) * 1e9) };
	double start = now();

	for (int i = 0; i < STEPS; i++) {
		int dirty = is_dirty(page);

		demo_say("  %5.1f s  dirty=%d  %s\n", now() - start, dirty, demo_bar(i + 1, STEPS, 40));
		if (dirty == 0) {
			demo_say("  the flusher wrote inode %lu page 0\n", inode);
			return now() - start;
		}
		nanosleep(&pause, NULL);
	}
	return -1;
}

/* So many stores to one page, and what the disk gets of them: pages written, the inode's block among them. */
static long store_and_wait(volatile char *page, long stores, double step, unsigned long inode, double *took)
{
	sync();                                 /* nothing else is on its way */
	long written = counter_global("pages_written"), calls;

	for (long i = 0; i < stores; i++)
		page[i % 16] = (char)('A' + i % 26);
	long at_once = demo_difference(counter_global("pages_written"), written);
	demo_say("%ld store%s; pages written meanwhile: %s\n", stores, stores == 1 ? "" : "s", demo_count(at_once));
	demo_report("written_at_once", at_once);
	fflush(stdout);
	calls = is_dirty(page);
	demo_claim("the page is dirty, and the disk does not have it", calls != 0);
	*took = calls < 0 ? -1 : watch(page, step, inode);
	return demo_difference(counter_global("pages_written"), written);
}

int main(int argc, char **argv)
{
	double first, second = 0;
	struct stat st;

	demo_options(argc, argv, (struct demo_knob[]){ { "--age", &age, NULL }, { "--file", NULL, &path },
						       { "--once", NULL, &once }, { NULL, NULL, NULL } });
	int fd = demo_file(path, DEMO_PAGE);
	if (pwrite(fd, "................", 16, 0) != 16 || fsync(fd) < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	volatile char *page = demo_map(fd, DEMO_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	if (page[0] != '.' || is_dirty(page) < 0) {
		printf("delay: this kernel does not tell whether a page is dirty (/proc/kpageflags)\n");
		return 0;
	}
	long old_age = knob("dirty_expire_centisecs", age);
	long old_period = knob("dirty_writeback_centisecs", (age + 9) / 10);
	long wanted = age ? age : old_age == COUNTER_ABSENT ? 3000 : old_age;
	double step = (double)wanted / 100 / 20;

	demo_say("A page is written when it has been dirty for %ld.%02ld s.\n\n", wanted / 100, wanted % 100);
	long one = store_and_wait(page, 1, step, st.st_ino, &first);
	if (!strcmp(once, "no")) {
		long thousand = store_and_wait(page, 1000, step, st.st_ino, &second);

		demo_say("pages written for one store: %s, for a thousand: %s\n", demo_count(one),
			 demo_count(thousand));
		demo_report("written_one", one);
		demo_report("written_thousand", thousand);
		if (one != COUNTER_ABSENT)
			demo_claim("a thousand stores are written like one", one >= 1 && thousand <= one);
	}
	knob("dirty_expire_centisecs", old_age);
	knob("dirty_writeback_centisecs", old_period);
	demo_report("first_ms", (long)(first * 1000));
	demo_claim("the flusher wrote it, and not before its time", first * 100 >= (double)wanted * 0.9);
	return demo_end("a power cut now loses 30 seconds at most: of what use is msync() then?",
			"--age CENTISECONDS: what does a database gain with a larger one, and lose?");
}
