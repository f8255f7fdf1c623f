/*
 * iostat [DELAY [COUNT]]: what the disks do, a line a disk: requests in a second and their size, KiB in a second, and
 * flushes. The first block is the average since the start of the system. From /proc/diskstats.
 */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_DISKS = 16 };

struct disk {
	char name[32];
	unsigned long reads, sectors_read, writes, sectors_written, flushes;
};

struct moment {
	double seconds;
	struct disk disks[MAX_DISKS];
	int nr_disks;
};

static struct moment look(void)
{
	struct moment m = { 0 };
	struct timespec now;
	char *text = read_whole("/proc/diskstats", NULL);

	if (!text)
		err(1, "/proc/diskstats");
	clock_gettime(CLOCK_BOOTTIME, &now);
	m.seconds = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
	for (char *line = strtok(text, "\n"); line && m.nr_disks < MAX_DISKS; line = strtok(NULL, "\n")) {
		struct disk d = { 0 };

		/* major minor name, reads merged sectors ms, the same of writes, 3 of queues, 4 of discards, flushes */
		if (sscanf(line, "%*u %*u %31s %lu %*u %lu %*u %lu %*u %lu %*u %*u %*u %*u %*u %*u %*u %*u %lu", d.name,
			   &d.reads, &d.sectors_read, &d.writes, &d.sectors_written, &d.flushes) >= 5)
			m.disks[m.nr_disks++] = d;
	}
	free(text);
	return m;
}

static void show(const struct disk *now, const struct disk *before, double seconds)
{
	unsigned long reads = now->reads - before->reads, writes = now->writes - before->writes;
	unsigned long read_kib = (now->sectors_read - before->sectors_read) / 2;
	unsigned long written_kib = (now->sectors_written - before->sectors_written) / 2;

	printf("%-8s %9.1f %9.1f %9.1f | %9.1f %9.1f %9.1f | %8.1f\n", now->name, (double)reads / seconds,
	       (double)read_kib / seconds, reads ? (double)read_kib / (double)reads : 0, (double)writes / seconds,
	       (double)written_kib / seconds, writes ? (double)written_kib / (double)writes : 0,
	       (double)(now->flushes - before->flushes) / seconds);
}

static void show_all(const struct moment *now, const struct moment *before)
{
	static const struct disk nothing;
	double seconds = now->seconds - before->seconds;

	printf("%-8s %9s %9s %9s | %9s %9s %9s | %8s\n", "disk", "reads/s", "KiB/s", "KiB each", "writes/s", "KiB/s",
	       "KiB each", "flushes/s");
	for (int i = 0; i < now->nr_disks; i++) {
		const struct disk *old = &nothing;

		for (int j = 0; j < before->nr_disks; j++)
			if (!strcmp(before->disks[j].name, now->disks[i].name))
				old = &before->disks[j];
		show(&now->disks[i], old, seconds > 0 ? seconds : 1);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static struct moment before, now;
	long delay = 0, count = 1;

	if (argc > 3 || (argc > 1 && (!number_parse(argv[1], &delay) || delay < 1)) ||
	    (argc > 2 && (!number_parse(argv[2], &count) || count < 1))) {
		fprintf(stderr, "usage: iostat [delay [count]]\n");
		return 2;
	}
	for (long block = 0; block < count || argc == 2; block++) {
		if (block) {
			sleep((unsigned int)delay);
			putchar('\n');
		}
		now = look();
		show_all(&now, &before);
		before = now;
	}
	return finish_output();
}
