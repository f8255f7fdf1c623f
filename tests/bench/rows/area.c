/*
 * area.c - rows on address spaces with many areas: what finding, splitting and removing one costs among so many.
 */
#include "bench.h"
#include <sys/mman.h>

#define AREA_PAGES	10000ul

// 10,000 pages in so many areas of one size, every second one read-only.
static char *make_areas(uint64_t areas)
{
	uint64_t each = AREA_PAGES / areas * PAGE;
	char *region = map_memory(AREA_PAGES * PAGE);

	for (uint64_t i = 1; i < areas; i += 2)
		CHECK(mprotect(region + i * each, each, PROT_READ) == 0);
	return region;
}

static void fault_among(uint64_t n, uint64_t areas)
{
	char *region = make_areas(areas);

	shuffle(AREA_PAGES);
	for (uint64_t done = 0; done < n; done += AREA_PAGES) {
		begin();
		for (uint64_t i = 0; i < AREA_PAGES; i++)
			(void)*(volatile char *)(region + shuffled[i] * PAGE);
		end(AREA_PAGES);
		CHECK(madvise(region, AREA_PAGES * PAGE, MADV_DONTNEED) == 0);
	}
	unmap(region, AREA_PAGES * PAGE);
}

// Op: the first load from a page, in random order, with so many areas.
static void run_fault_1(uint64_t n) { fault_among(n, 1); }
static void run_fault_100(uint64_t n) { fault_among(n, 100); }
static void run_fault_1000(uint64_t n) { fault_among(n, 1000); }
static void run_fault_10000(uint64_t n) { fault_among(n, 10000); }

// Op: one mprotect() that splits a page off; 5000 of them make 10,000 areas of one.
static void run_split(uint64_t n)
{
	for (uint64_t done = 0; done < n; done += AREA_PAGES / 2) {
		char *region = map_memory(AREA_PAGES * PAGE);

		begin();
		for (uint64_t i = 1; i < AREA_PAGES; i += 2)
			CHECK(mprotect(region + i * PAGE, PAGE, PROT_READ) == 0);
		end(AREA_PAGES / 2);
		unmap(region, AREA_PAGES * PAGE);
	}
}

// Op: an area of one munmap() over 10,000.
static void run_munmap(uint64_t n)
{
	for (uint64_t done = 0; done < n; done += AREA_PAGES) {
		char *region = make_areas(AREA_PAGES);

		begin();
		unmap(region, AREA_PAGES * PAGE);
		end(AREA_PAGES);
	}
}

// Op: mmap() and munmap() of a page while there are 10,000 areas.
static void run_mmap(uint64_t n)
{
	char *region = make_areas(AREA_PAGES);

	begin();
	for (uint64_t i = 0; i < n; i++)
		unmap(map_memory(PAGE), PAGE);
	end(n);
	unmap(region, AREA_PAGES * PAGE);
}

const struct row area_rows[] = {
	{ "area_fault_1", "area", run_fault_1, 0, false },
	{ "area_fault_100", "area", run_fault_100, 0, false },
	{ "area_fault_1000", "area", run_fault_1000, 0, false },
	{ "area_fault_10000", "area", run_fault_10000, 0, false },
	{ "area_split_10000", "area", run_split, 0, false },
	{ "area_munmap_10000", "area", run_munmap, 0, false },
	{ "area_mmap_10000", "area", run_mmap, 0, false },
	{ NULL, NULL, NULL, 0, false },
};
