/*
 * vmmap [PID]: the areas of an address space, and under each a bar of its pages. Without a PID, its
 * own. From /proc/PID/maps and /proc/PID/pagemap, so it runs on Linux too.
 */
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 4096, CELLS = 64, CHUNK = 4096 };

#define PAGEMAP_PRESENT	(1ull << 63)
#define PAGEMAP_SWAPPED	(1ull << 62)
#define PAGEMAP_FILE	(1ull << 61)            /* a page of a file, or of shared anonymous memory */

/* More pages than this in an area and its bar is left out: reading pagemap would take too long. */
static const unsigned long too_many_pages = 1ul << 24;

enum state { ABSENT, SHARED, FILE_PAGE, COPY, ANONYMOUS, SWAPPED, NR_STATES };

static const char letters[NR_STATES] = { '.', 's', 'f', 'c', 'a', 'w' };

struct area {
	unsigned long start, end;
	char permissions[8], name[256];
	unsigned long inode;
};

static unsigned long totals[NR_STATES], total_pages;

static enum state classify(const struct area *a, uint64_t entry)
{
	if (entry & PAGEMAP_SWAPPED)
		return SWAPPED;
	if (!(entry & PAGEMAP_PRESENT))
		return ABSENT;
	if (a->permissions[3] == 's')
		return SHARED;
	if (entry & PAGEMAP_FILE)
		return FILE_PAGE;
	return a->inode ? COPY : ANONYMOUS;
}

/* The letter for a cell: the commonest state, or : when less than half of its pages are there. */
static char cell_letter(const unsigned long counts[NR_STATES], unsigned long pages)
{
	enum state best = SHARED;

	if (counts[ABSENT] == pages)
		return letters[ABSENT];
	if (counts[ABSENT] * 2 > pages)
		return ':';
	for (enum state s = SHARED; s < NR_STATES; s++)
		if (counts[s] > counts[best])
			best = s;
	return letters[best];
}

/* Prints the bar; false when pagemap does not tell about this area. */
static bool show_bar(const struct area *a, int pagemap)
{
	static uint64_t entries[CHUNK];
	unsigned long nr_pages = (a->end - a->start) / PAGE;
	unsigned long per_cell = (nr_pages + CELLS - 1) / CELLS, in_cell = 0;
	unsigned long counts[NR_STATES] = { 0 };
	char bar[CELLS + 1];
	int cells = 0;

	for (unsigned long page = 0; page < nr_pages; ) {
		unsigned long want = nr_pages - page < CHUNK ? nr_pages - page : CHUNK;
		off_t offset = (off_t)((a->start / PAGE + page) * sizeof(entries[0]));
		ssize_t n = pread(pagemap, entries, want * sizeof(entries[0]), offset);

		if (n < (ssize_t)sizeof(entries[0]))
			return false;
		n /= (ssize_t)sizeof(entries[0]);
		page += n;
		for (ssize_t i = 0; i < n; i++) {
			enum state s = classify(a, entries[i]);

			counts[s]++;
			totals[s]++;
			if (++in_cell == per_cell || page - n + i + 1 == nr_pages) {
				bar[cells++] = cell_letter(counts, in_cell);
				memset(counts, 0, sizeof(counts));
				in_cell = 0;
			}
		}
	}
	bar[cells] = '\0';
	printf("    [%s]", bar);
	if (per_cell > 1)
		printf(" %lu pages a letter", per_cell);
	putchar('\n');
	return true;
}

static bool parse_area(char *line, struct area *a)
{
	unsigned long offset;
	int consumed = 0;

	if (sscanf(line, "%lx-%lx %7s %lx %*s %lu %n", &a->start, &a->end, a->permissions, &offset,
		   &a->inode, &consumed) < 5)
		return false;
	line[strcspn(line, "\n")] = '\0';
	snprintf(a->name, sizeof(a->name), "%s", consumed ? line + consumed : "");
	return true;
}

static void show_area(const struct area *a, int pagemap)
{
	unsigned long nr_pages = (a->end - a->start) / PAGE;
	char size[HUMAN_SIZE];

	show_human(size, a->end - a->start);
	printf("%012lx-%012lx %s %6s  %s\n", a->start, a->end, a->permissions, size,
	       *a->name ? a->name : "(anonymous)");
	total_pages += nr_pages;
	if (nr_pages > too_many_pages)
		printf("    (too large for a bar)\n");
	else if (pagemap >= 0)
		show_bar(a, pagemap);
}

static void show_totals(void)
{
	static const char *const meanings[NR_STATES] = {
		"not present", "page of a shared mapping", "file page in a private mapping",
		"private copy of a file page", "private anonymous page", "swapped out",
	};

	printf("\n%lu KiB mapped, %lu KiB present\n", total_pages * 4,
	       (totals[SHARED] + totals[FILE_PAGE] + totals[COPY] + totals[ANONYMOUS]) * 4);
	for (enum state s = ABSENT; s < NR_STATES; s++)
		if (s == ABSENT || totals[s])
			printf("  %c %8lu pages  %s\n", letters[s], totals[s], meanings[s]);
}

int main(int argc, char **argv)
{
	char path[64], *line = NULL;
	const char *who = argc > 1 ? argv[1] : "self";
	size_t size = 0;
	long pid;

	if (argc > 2 || (argc == 2 && !number_parse(who, &pid)))
		errx(2, "usage: vmmap [pid]");
	snprintf(path, sizeof(path), "/proc/%s/maps", who);
	FILE *maps = fopen(path, "r");
	if (!maps)
		err(1, "%s", path);
	snprintf(path, sizeof(path), "/proc/%s/pagemap", who);
	int pagemap = open(path, O_RDONLY);
	if (pagemap < 0)
		warn("%s: no bars", path);
	while (getline(&line, &size, maps) >= 0) {
		struct area a;

		if (parse_area(line, &a))
			show_area(&a, pagemap);
	}
	if (ferror(maps))
		err(1, "/proc/%s/maps", who);
	free(line);
	fclose(maps);
	if (pagemap >= 0)
		show_totals();
	return finish_output();
}
