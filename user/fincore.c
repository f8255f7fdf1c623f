/*
 * fincore FILE...: which pages of a file are in memory, and which of them the disk does not have yet. Under each
 * file a bar: a cell is some pages, # all in memory, + some, . none, D if one of them is dirty.
 *
 * mincore(2) tells about pages in memory without reading any. Whether a page is dirty stands with its frame
 * (/proc/kpageflags); to learn the frame's number this program maps the page, if it is in memory.
 */
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, CELLS = 64, DIRTY_BIT = 4 };

struct pages {
	size_t count, resident, dirty;
	unsigned char *state;           /* of each page: bit 0 resident, bit 1 dirty */
};

static bool is_dirty(int flags_fd, const volatile char *page)
{
	uint64_t flags, frame;

	(void)*page;
	frame = page_frame(page);
	return frame && pread(flags_fd, &flags, sizeof(flags), (off_t)(frame * sizeof(flags))) == sizeof(flags) &&
	       flags >> DIRTY_BIT & 1;
}

static int look(int fd, size_t size, struct pages *p)
{
	int flags_fd = open("/proc/kpageflags", O_RDONLY);
	char *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	p->count = (size + PAGE - 1) / PAGE;
	p->state = malloc(p->count);
	if (map == MAP_FAILED || !p->state || madvise(map, size, MADV_RANDOM) < 0 || mincore(map, size, p->state) < 0)
		return -1;
	for (size_t i = 0; i < p->count; i++) {
		p->state[i] &= 1;
		if (!p->state[i])
			continue;
		p->resident++;
		if (flags_fd >= 0 && is_dirty(flags_fd, map + i * PAGE)) {
			p->state[i] |= 2;
			p->dirty++;
		}
	}
	munmap(map, size);
	if (flags_fd >= 0)
		close(flags_fd);
	return 0;
}

static void show_bar(const struct pages *p)
{
	size_t per_cell = (p->count + CELLS - 1) / CELLS;

	putchar('[');
	for (size_t cell = 0; cell < p->count; cell += per_cell) {
		size_t resident = 0, dirty = 0, last = cell + per_cell < p->count ? cell + per_cell : p->count;

		for (size_t i = cell; i < last; i++) {
			resident += p->state[i] & 1;
			dirty += p->state[i] >> 1;
		}
		putchar(dirty ? 'D' : resident == last - cell ? '#' : resident ? '+' : '.');
	}
	printf("]  %zu page%s a cell\n", per_cell, per_cell == 1 ? "" : "s");
}

static int show_file(const char *path)
{
	struct pages p = { 0 };
	struct stat st;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || fstat(fd, &st) < 0 || (st.st_size && look(fd, (size_t)st.st_size, &p) < 0)) {
		warn("%s", path);
		if (fd >= 0)
			close(fd);
		free(p.state);
		return 1;
	}
	printf("%s: %zu of %zu pages in memory, %zu dirty\n", path, p.resident, p.count, p.dirty);
	if (p.count)
		show_bar(&p);
	free(p.state);
	close(fd);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: fincore file...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++)
		failed |= show_file(argv[i]);
	return finish_output() | failed;
}
