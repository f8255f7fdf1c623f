#pragma once
/*
 * huge.h - for tests of private memory in pieces of 2 MiB: memory that may have them, and how much of it does.
 */
#include "guest.h"

#define HUGE (2UL << 20)
#define PARTS (HUGE / PAGE)

// n aligned pieces of 2 MiB of untouched memory, with a hole on both sides.
static TEST_UNUSED unsigned char *region(unsigned long n)
{
	unsigned char *all = MUST(mmap(NULL, (n + 2) * HUGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0));
	unsigned char *start = (unsigned char *)(((unsigned long)all + HUGE) & ~(HUGE - 1));

	MUST(munmap(all, (n + 2) * HUGE));
	return MUST(mmap(start, n * HUGE, RW, ANON | MAP_FIXED, -1, 0));
}

static TEST_UNUSED unsigned char *advised(unsigned long n)
{
	unsigned char *p = region(n);

	if (madvise(p, n * HUGE, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	return p;
}

// KiB of [start, start + length) that entries of 2 MiB show.
static TEST_UNUSED long huge_kib(const volatile void *start, unsigned long length)
{
	const char *text = slurp("/proc/self/smaps");
	struct map_line line = { 0 };
	long sum = 0;

	CHECK(text != NULL);
	for (; text && *text; text = strchr(text, '\n'), text += !!text) {
		if ((*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'))
			map_line_parse(text, &line);
		else if (!strncmp(text, "AnonHugePages:", 14) && line.start < (unsigned long)start + length &&
			 (unsigned long)start < line.end)
			sum += strtol(text + 14, NULL, 10);
	}
	return sum;
}

static TEST_UNUSED long huge_pages(const volatile void *start, unsigned long n)
{
	return huge_kib(start, n * HUGE) / (long)(HUGE / 1024);
}

// n pieces that are huge pages now, the pattern in each page's first byte.
static TEST_UNUSED unsigned char *filled(unsigned long n)
{
	unsigned char *p = advised(n);

	for (unsigned long at = 0; at < n * HUGE; at += PAGE)
		store(p + at, pattern(at));
	if (huge_pages(p, n) != (long)n)
		SKIP("no block of 2 MiB is free, or no huge pages");
	return p;
}

// The first byte of each page of [from, to) of what filled() made.
static TEST_UNUSED void check_filled(const unsigned char *p, unsigned long from, unsigned long to)
{
	for (unsigned long at = from; at < to; at += PAGE)
		if (load(p + at) != pattern(at))
			FAIL("page %lu: %02x", at / PAGE, load(p + at));
}
