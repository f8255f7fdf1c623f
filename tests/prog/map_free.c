/*
 * map_free.c - MADV_FREE: what was given up stays until memory is wanted, a store takes it back,
 * and what others need is left alone. MADV_PAGEOUT stands for the want of memory.
 *
 * LECTERN ONLY: Linux puts such pages on its lists later, at a time that no test knows
 */
#include "swapping.h"

static long lazy_kib(void)
{
	return number_of("/proc/self/smaps_rollup", "LazyFree");
}

TEST(content_stays_until_memory_is_wanted)
{
	unsigned char *memory = filled(8);
	long marked = number_of("/proc/vmstat", "pglazyfree "), freed = number_of("/proc/vmstat", "pglazyfreed ");

	MUST(madvise(memory, 8 * PAGE, MADV_FREE));
	CHECK_EQ(number_of("/proc/vmstat", "pglazyfree ") - marked, 8);
	CHECK_EQ(lazy_kib(), 32);
	check_filled(memory, 8);
	page_out(memory, 8);
	CHECK_EQ(number_of("/proc/vmstat", "pglazyfreed ") - freed, 8);
	CHECK_EQ(lazy_kib(), 0);
	for (unsigned long i = 0; i < 8 * PAGE; i += 512)
		CHECK_EQ(load(memory + i + 8), 0);
}

TEST(a_store_takes_its_page_back)
{
	unsigned char *memory = filled(8);

	MUST(madvise(memory, 8 * PAGE, MADV_FREE));
	store(memory + 3 * PAGE, 77);
	CHECK_EQ(lazy_kib(), 28);
	page_out(memory, 8);
	CHECK_EQ(load(memory + 3 * PAGE), 77);
	CHECK_EQ(load(memory + 3 * PAGE + 8), (unsigned char)((3 * PAGE + 8) * 2654435761UL));
	CHECK_EQ(load(memory + 2 * PAGE + 8), 0);
	// Taken back for good: it has to be given up anew.
	page_out(memory, 8);
	CHECK_EQ(load(memory + 3 * PAGE), 77);
}

TEST(what_is_given_up_is_not_written_to_swap)
{
	start_swap();
	unsigned char *memory = filled(8);
	long out = number_of("/proc/vmstat", "pswpout ");

	MUST(madvise(memory, 8 * PAGE, MADV_FREE));
	store(memory + 5 * PAGE, 55);
	page_out(memory, 8);                    // this finds that one was stored to,
	page_out(memory, 8);                    // and this sends it away
	CHECK_EQ(number_of("/proc/vmstat", "pswpout ") - out, 1);
	CHECK_EQ(load(memory + 5 * PAGE), 55);
	stop_swap();
}

TEST(what_is_in_swap_is_given_up_at_once)
{
	start_swap();
	long before = number_of("/proc/meminfo", "SwapFree");
	unsigned char *memory = filled(8);

	page_out(memory, 8);
	MUST(madvise(memory, 8 * PAGE, MADV_FREE));
	CHECK_EQ(number_of("/proc/meminfo", "SwapFree"), before);
	CHECK_EQ(load(memory + 8), 0);
	stop_swap();
}

TEST(pages_shared_after_fork_are_left_alone)
{
	unsigned char *memory = filled(4);
	struct gate go = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(go);
		check_filled(memory, 4);
		_exit(0);
	}
	MUST(madvise(memory, 4 * PAGE, MADV_FREE));
	page_out(memory, 4);
	gate_open(go);
	CHECK_CHILD(child);
	check_filled(memory, 4);
}

TEST(a_child_made_afterwards_keeps_what_it_stores)
{
	unsigned char *memory = filled(4);

	MUST(madvise(memory, 4 * PAGE, MADV_FREE));
	pid_t child = MUST(fork());

	if (child == 0) {
		store(memory + PAGE, 11);
		page_out(memory, 4);
		CHECK_EQ(load(memory + PAGE), 11);
		CHECK_EQ(load(memory + PAGE + 8), (unsigned char)((PAGE + 8) * 2654435761UL));
		_exit(0);
	}
	CHECK_CHILD(child);
	store(memory + 2 * PAGE, 22);
	page_out(memory, 4);
	CHECK_EQ(load(memory + 2 * PAGE), 22);
	CHECK_EQ(load(memory + 2 * PAGE + 8), (unsigned char)((2 * PAGE + 8) * 2654435761UL));
}

TEST(a_page_that_moved_or_was_protected_is_still_given_up)
{
	unsigned char *memory = filled(4), *to = find_hole(4 * PAGE);

	MUST(madvise(memory, 4 * PAGE, MADV_FREE));
	MUST(mprotect(memory, 4 * PAGE, PROT_READ));
	MUST(mprotect(memory, 4 * PAGE, RW));
	CHECK(mremap(memory, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK_EQ(lazy_kib(), 16);
	store(to, 1);
	page_out(to, 4);
	CHECK_EQ(load(to), 1);
	CHECK_EQ(load(to + PAGE + 8), 0);
}
