#pragma once
/*
 * fuzz_huge.h - the steps of fuzz_map in a second arena, of two pieces of 2 MiB: anonymous memory that
 * is huge where the kernel wants it so, and is cut, protected, moved, forgotten and shared with children.
 * Only some of its pages are looked at: those at the borders of pieces, and a few within.
 */
#include "fuzz_moves.h"

#define HUGE_PAGES 512UL
#define HUGE_ARENA (2 * HUGE_PAGES)
#define NR_SPECIAL 16

static u64 huge_at;                             // its offset from the arena, as try_load() wants it

static u64 special_page(u64 nr)
{
	static const unsigned short pages[NR_SPECIAL] = { 0, 1, 2, 63, 64, 200, 255, 256, 510, 511, 512, 513, 700, 1000,
							  1022, 1023 };

	return pages[nr];
}

static void make_huge_arena(void)
{
	u64 size = HUGE_PAGES * PAGE;
	unsigned char *p = must_map(4 * size, PROT_NONE, MAP_PRIVATE);
	unsigned char *start = (unsigned char *)(((u64)p + 2 * size - 1) & -size);

	// What stays around it keeps its own areas from being joined with others, and mmap from the place.
	mmap(start, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	madvise(start, 2 * size, MADV_HUGEPAGE);
	huge_at = start - arena;
}

static u64 hash_huge(void)
{
	u64 hash = 1;

	for (int i = 0; i < NR_SPECIAL; i++) {
		u64 offset = huge_at + special_page(i) * PAGE;
		long seen = try_load(offset);

		hash = seen < 0 ? mix(hash, seen) : mix_bytes(hash, arena + offset, PAGE);
	}
	return hash;
}

// Whole pieces, or from one page of interest to another.
static void choose_huge_range(u64 *page, u64 *nr)
{
	u64 a = special_page(below(NR_SPECIAL)), b = special_page(below(NR_SPECIAL)) + 1;

	if (below(3) == 0) {
		*page = below(2) * HUGE_PAGES;
		*nr = below(3) ? HUGE_PAGES : HUGE_ARENA - *page;
		return;
	}
	*page = a < b ? a : b - 1;
	*nr = a < b ? b - a : a - b + 2;
}

static long store_some(u64 nr, unsigned char value)
{
	long result = 0;

	for (u64 i = 0; i < nr; i++)
		result = result * 5 + try_store(huge_at + special_page(below(NR_SPECIAL)) * PAGE + below(PAGE),
						value + i);
	return result;
}

static void step_huge_store(void)
{
	unsigned char value = below(256);

	record(store_some(1 + below(6), value), "huge: stores of %d", value);
}

static void step_huge_advise(void)
{
	static const int advices[] = { MADV_HUGEPAGE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTNEED, MADV_DONTNEED,
				       MADV_FREE, MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE,
				       MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_DONTFORK, MADV_DOFORK, MADV_WILLNEED };
	u64 page, nr;
	int advice = advices[below(sizeof(advices) / sizeof(advices[0]))];

	choose_huge_range(&page, &nr);
	unsigned char *start = arena + huge_at + page * PAGE;
	long result = outcome(madvise(start, nr * PAGE, advice));
	if (advice == MADV_FREE)
		madvise(start, nr * PAGE, MADV_DONTNEED_LOCKED);
	record(result, "huge: madvise(page %lu, %lu pages, advice %d)", page, nr, advice);
}

// Unmaps, maps anew, protects or locks; what was unmapped comes back soon, or little would happen here.
static void step_huge_change(void)
{
	u64 page, nr, way = below(8);
	int protection = below(4) ? PROT_READ | PROT_WRITE : below(2) ? PROT_READ : PROT_NONE;
	long result;

	choose_huge_range(&page, &nr);
	unsigned char *start = arena + huge_at + page * PAGE;
	if (way == 0) {
		result = outcome(munmap(start, nr * PAGE));
	} else if (way < 3) {
		void *p = mmap(start, nr * PAGE, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		result = p == start ? outcome(madvise(start, nr * PAGE, MADV_HUGEPAGE)) : -errno;
	} else if (way < 6) {
		result = outcome(mprotect(start, nr * PAGE, protection));
	} else {
		result = outcome(way == 6 ? munlock(start, nr * PAGE) : mlock2(start, nr * PAGE, MLOCK_ONFAULT));
	}
	record(result, "huge: change(way %lu, page %lu, %lu pages, prot %d)", way, page, nr, protection);
}

// One piece over the other, whole or in part. What is moved must be one area on both kernels: it is made so.
static void step_huge_move(void)
{
	u64 half = below(2) * HUGE_PAGES, other = HUGE_PAGES - half, nr = below(2) ? HUGE_PAGES : 1 + below(HUGE_PAGES);
	unsigned char *from = arena + huge_at + half * PAGE, *to = arena + huge_at + other * PAGE;
	int flags = MREMAP_MAYMOVE | MREMAP_FIXED | (below(3) ? 0 : MREMAP_DONTUNMAP);
	unsigned char value = below(256);

	mmap(from, HUGE_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	madvise(from, HUGE_PAGES * PAGE, MADV_HUGEPAGE);
	long stores = store_some(6, value);
	void *p = mremap(from, nr * PAGE, nr * PAGE, flags, to);

	record(p == to ? stores : -errno, "huge: mremap(page %lu to %lu, %lu pages, flags %d)", half, other, nr, flags);
}

static void step_huge_fork(void)
{
	unsigned char value = below(256);
	int status = 0;

	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		long result = store_some(4, value);
		if (value % 4 == 0)
			madvise(arena + huge_at, HUGE_ARENA * PAGE, MADV_DONTNEED);
		_exit((result ^ hash_huge()) & 0x7f);
	}
	long stores = store_some(2, value + 50);
	if (child == -1 || waitpid(child, &status, 0) != child) {
		printf("fork: %s\n", strerror(errno));
		exit(2);
	}
	record(stores * 256 + status, "huge: fork, value %d", value);
}

// read() into huge memory and write() from it.
static void step_huge_copy(void)
{
	int file = below(NR_FILES), to_memory = below(2);
	u64 at = huge_at + special_page(below(NR_SPECIAL)) * PAGE + below(PAGE), offset = below(FILE_PAGES * PAGE);
	long result = outcome(to_memory ? pread(files[file], arena + at, 1, offset) :
			      pwrite(files[file], arena + at, 1, 0));

	if (!to_memory)
		has_written(file, 0, result);
	record(result, "huge: copy %s file %d", to_memory ? "from" : "to", file);
}

// No pool of huge pages is set aside: none can be promised, and what is only reserved ends in SIGBUS.
static void step_huge_explicit(void)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | (below(2) ? MAP_NORESERVE : 0) |
		    (below(2) ? 21 << 26 : 0);
	u64 length = (1 + below(2)) * HUGE_PAGES * PAGE - below(3) * PAGE;
	unsigned char *p = mmap(NULL, length, PROT_READ | PROT_WRITE, flags, below(8) ? -1 : files[0], 0);
	long result = -errno;

	if (p != MAP_FAILED) {
		result = try_load(p - arena);
		munmap(p, (length + HUGE_PAGES * PAGE - 1) & -(HUGE_PAGES * PAGE));
	}
	record(result, "huge: mmap(%lu bytes, flags %#x)", length, flags);
}

static void step_huge(void)
{
	static void (*const steps[])(void) = {
		step_huge_store, step_huge_store, step_huge_store, step_huge_advise, step_huge_advise, step_huge_change,
		step_huge_change, step_huge_move, step_huge_fork, step_huge_copy, step_huge_explicit,
	};

	steps[below(sizeof(steps) / sizeof(steps[0]))]();
}
