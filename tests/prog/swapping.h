#pragma once
/*
 * swapping.h - a swap file of the test's own, and what the tests of swap ask of /proc.
 */
#include "guest.h"

#include <abi/swap.h>

#define SWAP_BYTES (8UL << 20)
#define AREA_PAGES 40UL
#define PAGEMAP_SWAPPED (1UL << 62)
#define PAGEMAP_PRESENT (1UL << 63)

static TEST_UNUSED void make_swap_file(const char *name, unsigned long bytes)
{
	static struct swap_header header;
	static char zeros[64 * 1024];
	int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));

	for (unsigned long at = 0; at < bytes; at += sizeof(zeros))
		CHECK_EQ(write(fd, zeros, sizeof(zeros)), sizeof(zeros));
	header.version = SWAP_VERSION;
	header.last_page = bytes / PAGE - 1;
	memcpy(header.magic, SWAP_MAGIC, sizeof(header.magic));
	CHECK_EQ(pwrite(fd, &header, PAGE, 0), PAGE);
	MUST(fsync(fd));
	close(fd);
}

static TEST_UNUSED void start_swap(void)
{
	make_swap_file("swapfile", SWAP_BYTES);
	MUST(syscall(SYS_swapon, "swapfile", 0));
}

static TEST_UNUSED void stop_swap(void)
{
	MUST(syscall(SYS_swapoff, "swapfile"));
}

static TEST_UNUSED void fill(unsigned char *memory, unsigned long pages)
{
	for (unsigned long i = 0; i < pages * PAGE; i += 8)
		*(volatile unsigned long *)(memory + i) = i * 2654435761UL;
}

static TEST_UNUSED unsigned char *filled(unsigned long pages)
{
	unsigned char *memory = map_anonymous(pages * PAGE);

	fill(memory, pages);
	return memory;
}

static TEST_UNUSED void check_filled(volatile unsigned char *memory, unsigned long pages)
{
	for (unsigned long i = 0; i < pages * PAGE; i += 8)
		CHECK_EQ(*(volatile unsigned long *)(memory + i), i * 2654435761UL);
}

static TEST_UNUSED unsigned long nr_swapped(unsigned char *memory, unsigned long pages)
{
	unsigned long nr = 0;

	for (unsigned long i = 0; i < pages; i++) {
		unsigned long word = pagemap_word(memory + i * PAGE);

		nr += (word & PAGEMAP_SWAPPED) != 0;
		CHECK((word & (PAGEMAP_SWAPPED | PAGEMAP_PRESENT)) != (PAGEMAP_SWAPPED | PAGEMAP_PRESENT));
	}
	return nr;
}

static TEST_UNUSED void page_out(unsigned char *memory, unsigned long pages)
{
	MUST(madvise(memory, pages * PAGE, MADV_PAGEOUT));
}

// The number behind a name in a file of /proc; -1: no such line.
static TEST_UNUSED long number_of(const char *path, const char *name)
{
	const char *text = slurp(path), *line = text;
	unsigned long length = strlen(name);

	for (; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		if (!strncmp(line, name, length))
			return strtol(line + length + (line[length] == ':'), NULL, 10);
	return -1;
}
