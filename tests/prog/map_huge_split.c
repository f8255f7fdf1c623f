/*
 * map_huge_split.c - what becomes of a piece of 2 MiB: calls that name a part of it take it apart, those that
 * name all of it leave it whole, and fork shares it; nothing but the counts tells the difference. Skipped as
 * map_huge.c is.
 */
#include "huge.h"

/* ---- what splits one ----------------------------------------------------------------------------- */

TEST(munmap_of_one_page_keeps_the_others)
{
	unsigned char *p = filled(1);

	MUST(munmap(p + 100 * PAGE, PAGE));
	CHECK_EQ(huge_kib(p, HUGE), 0);
	check_filled(p, 0, 100 * PAGE);
	check_filled(p, 101 * PAGE, HUGE);
	CHECK_SIGNAL(load(p + 100 * PAGE), SIGSEGV, SEGV_MAPERR, p + 100 * PAGE);
}

TEST(munmap_of_all_of_it)
{
	unsigned char *p = filled(3);

	MUST(munmap(p + HUGE, HUGE));
	CHECK_EQ(huge_pages(p, 3), 2);
	check_filled(p, 0, HUGE);
	check_filled(p, 2 * HUGE, 3 * HUGE);
	CHECK_SIGNAL(load(p + HUGE), SIGSEGV, SEGV_MAPERR, p + HUGE);
}

TEST(mprotect_of_one_page)
{
	unsigned char *p = filled(1);

	MUST(mprotect(p + 7 * PAGE, PAGE, PROT_READ));
	CHECK_SIGNAL(store(p + 7 * PAGE, 1), SIGSEGV, SEGV_ACCERR, p + 7 * PAGE);
	store(p + 8 * PAGE, pattern(8 * PAGE));
	store(p + 6 * PAGE, pattern(6 * PAGE));
	check_filled(p, 0, HUGE);
}

TEST(mprotect_of_all_of_it_keeps_it_whole)
{
	unsigned char *p = filled(2);

	MUST(mprotect(p, 2 * HUGE, PROT_READ));
	CHECK_EQ(huge_pages(p, 2), 2);
	CHECK_SIGNAL(store(p + PAGE, 1), SIGSEGV, SEGV_ACCERR, p + PAGE);
	MUST(mprotect(p, 2 * HUGE, RW));
	store(p + PAGE, pattern(PAGE));
	CHECK_EQ(huge_pages(p, 2), 2);
	check_filled(p, 0, 2 * HUGE);
}

TEST(prot_none_and_back)
{
	unsigned char *p = filled(1);

	MUST(mprotect(p, HUGE, PROT_NONE));
	CHECK_SIGNAL(load(p + PAGE), SIGSEGV, SEGV_ACCERR, p + PAGE);
	MUST(mprotect(p, HUGE, RW));
	check_filled(p, 0, HUGE);
	store(p, 1);
	CHECK_EQ(load(p), 1);
}

TEST(dontneed_of_one_page)
{
	unsigned char *p = filled(1);

	MUST(madvise(p + 9 * PAGE, PAGE, MADV_DONTNEED));
	CHECK_BYTES(p + 9 * PAGE, PAGE, 0);
	check_filled(p, 0, 9 * PAGE);
	check_filled(p, 10 * PAGE, HUGE);
}

TEST(dontneed_of_all_of_it)
{
	unsigned char *p = filled(2);

	MUST(madvise(p, HUGE, MADV_DONTNEED));
	CHECK_EQ(huge_pages(p, 2), 1);
	CHECK_BYTES(p, HUGE, 0);
	check_filled(p, HUGE, 2 * HUGE);
	store(p, 3);
	CHECK_EQ(load(p), 3);
}

TEST(free_of_a_part_keeps_the_rest)
{
	unsigned char *p = filled(1);

	MUST(madvise(p + 16 * PAGE, 16 * PAGE, MADV_FREE));
	check_filled(p, 0, 16 * PAGE);
	check_filled(p, 32 * PAGE, HUGE);
	for (unsigned long at = 16 * PAGE; at < 32 * PAGE; at += PAGE)
		CHECK(load(p + at) == pattern(at) || load(p + at) == 0);
	store(p + 20 * PAGE, 9);
	CHECK_EQ(load(p + 20 * PAGE), 9);
}

TEST(cold_and_pageout_keep_the_bytes)
{
	unsigned char *p = filled(1);

	MUST(madvise(p, HUGE, MADV_COLD));
	MUST(madvise(p + PAGE, PAGE, MADV_PAGEOUT));
	check_filled(p, 0, HUGE);
}

TEST(mremap_moves_the_bytes)
{
	unsigned char *p = filled(2), *to = region(2);

	CHECK(mremap(p, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	check_filled(to, 0, 2 * HUGE);
	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_MAPERR, p);
}

TEST(mremap_to_an_aligned_place_keeps_it_whole)
{
	unsigned char *p = filled(2), *to = region(2);
	pid_t child;

	CHECK(mremap(p, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK_EQ(huge_pages(to, 2), 2);
	check_filled(to, 0, 2 * HUGE);
	child = MUST(fork());
	if (child == 0) {
		store(to + PAGE, 1);
		_exit(load(to) != pattern(0));
	}
	CHECK_CHILD(child);
	check_filled(to, 0, 2 * HUGE);
	store(to + PAGE, 2);
	MUST(madvise(to + HUGE, PAGE, MADV_DONTNEED));
	CHECK_EQ(load(to + HUGE), 0);
	CHECK_EQ(load(to + HUGE + PAGE), pattern(HUGE + PAGE));
}

TEST(mremap_to_a_place_that_is_not_aligned)
{
	unsigned char *p = filled(1), *to = region(2);

	CHECK(mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) == to + PAGE);
	check_filled(to + PAGE, 0, HUGE);
	store(to + PAGE, 1);
	CHECK_EQ(load(to + PAGE), 1);
}

TEST(mremap_shrinks_in_the_middle_of_one)
{
	unsigned char *p = filled(2);

	CHECK(mremap(p, 2 * HUGE, HUGE + 3 * PAGE, 0) == p);
	check_filled(p, 0, HUGE + 3 * PAGE);
	CHECK_EQ(huge_pages(p, 1), 1);
	CHECK_SIGNAL(load(p + HUGE + 3 * PAGE), SIGSEGV, SEGV_MAPERR, p + HUGE + 3 * PAGE);
}

TEST(advice_on_a_part_keeps_the_bytes)
{
	unsigned char *p = filled(1);

	MUST(madvise(p + PAGE, PAGE, MADV_RANDOM));
	MUST(madvise(p + 5 * PAGE, PAGE, MADV_NOHUGEPAGE));
	check_filled(p, 0, HUGE);
	store(p + PAGE, 1);
	CHECK_EQ(load(p + PAGE), 1);
}

/* ---- fork ------------------------------------------------------------------------------------------ */

TEST(a_child_sees_the_bytes)
{
	unsigned char *p = filled(2);
	pid_t child = MUST(fork());

	if (child == 0) {
		check_filled(p, 0, 2 * HUGE);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, 2 * HUGE);
}

TEST(a_childs_stores_are_its_own)
{
	unsigned char *p = filled(1);
	pid_t child = MUST(fork());

	if (child == 0) {
		for (unsigned long at = 0; at < HUGE; at += 3 * PAGE)
			store(p + at, 255);
		for (unsigned long at = 0; at < HUGE; at += PAGE)
			CHECK_EQ(load(p + at), at % (3 * PAGE) ? pattern(at) : 255);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, HUGE);
}

TEST(a_parents_stores_are_its_own)
{
	unsigned char *p = filled(1);
	struct gate gate = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(gate);
		check_filled(p, 0, HUGE);
		_exit(0);
	}
	store(p, 255);
	store(p + HUGE - PAGE, 255);
	gate_open(gate);
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 255);
	check_filled(p, PAGE, HUGE - PAGE);
}

TEST(alone_again_nothing_is_copied)
{
	unsigned char *p = filled(2);
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(0);
	CHECK_CHILD(child);
	long before = own_count("cow_copies");

	before = own_count("cow_copies");
	for (unsigned long at = 0; at < 2 * HUGE; at += PAGE)
		store(p + at, pattern(at));
	CHECK_EQ(own_count("cow_copies") - before, 0);          // -1 - -1 elsewhere
	check_filled(p, 0, 2 * HUGE);
}

TEST(a_line_of_children)
{
	unsigned char *p = filled(1);

	for (int generation = 1; generation <= 4; generation++) {
		pid_t child = MUST(fork());

		if (child) {
			CHECK_CHILD(child);
			check_filled(p, 4 * PAGE, HUGE);
			if (generation > 1)
				_exit(0);
			break;
		}
		store(p + (generation - 1) * PAGE, 100 + generation);
		for (int i = 0; i < 4; i++)
			CHECK_EQ(load(p + i * PAGE), i < generation ? 101 + i : pattern(i * PAGE));
		if (generation == 4)
			_exit(0);
	}
	check_filled(p, 0, HUGE);
}

TEST(wipe_on_fork)
{
	unsigned char *p = filled(1);

	MUST(madvise(p, HUGE, MADV_WIPEONFORK));
	pid_t child = MUST(fork());

	if (child == 0) {
		CHECK_BYTES(p, HUGE, 0);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, HUGE);
}

TEST(a_child_may_unmap_what_it_shares)
{
	unsigned char *p = filled(2);
	pid_t child = MUST(fork());

	if (child == 0) {
		MUST(munmap(p + 3 * PAGE, HUGE));
		check_filled(p, 0, 3 * PAGE);
		check_filled(p, HUGE + 3 * PAGE, 2 * HUGE);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, 2 * HUGE);
}

TEST(many_children_store_at_once)
{
	unsigned char *p = filled(1);
	pid_t children[4];

	for (int i = 0; i < 4; i++) {
		children[i] = MUST(fork());
		if (children[i])
			continue;
		for (unsigned long at = i * PAGE; at < HUGE; at += 8 * PAGE)
			store(p + at, 200 + i);
		for (unsigned long at = 0; at < HUGE; at += PAGE)
			CHECK_EQ(load(p + at), at / PAGE % 8 == (unsigned long)i ? 200 + i : pattern(at));
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		CHECK_CHILD(children[i]);
	check_filled(p, 0, HUGE);
}
