/*
 * map_remap.c - mremap: a mapping that shrinks, grows, moves, is doubled, or leaves an empty place behind; and what it
 * refuses. Each sentence of mremap(2) that can be checked has a test.
 */
#include "guest.h"

// Pages with 1, 2, 3 ... in all their bytes.
static unsigned char *map_numbered(unsigned long pages)
{
	unsigned char *p = map_anonymous(pages * PAGE);

	for (unsigned long i = 0; i < pages; i++)
		memset(p + i * PAGE, i + 1, PAGE);
	return p;
}

static void check_numbered(const unsigned char *p, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		CHECK_BYTES(p + i * PAGE, PAGE, i + 1);
}

TEST(same_size_changes_nothing)
{
	unsigned char *p = map_numbered(3);

	CHECK_EQ(mremap(p, 3 * PAGE, 3 * PAGE, 0), p);
	check_numbered(p, 3);
}

TEST(shrinking_unmaps_the_end)
{
	unsigned char *p = map_numbered(4);

	CHECK_EQ(mremap(p, 4 * PAGE, 2 * PAGE, 0), p);
	check_numbered(p, 2);
	CHECK_SIGNAL(load(p + 2 * PAGE), SIGSEGV, SEGV_MAPERR, p + 2 * PAGE);
}

TEST(growing_into_a_hole_stays_in_place)
{
	unsigned char *p = find_hole(6 * PAGE);

	MUST(mmap(p, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	memset(p, 1, PAGE);
	memset(p + PAGE, 2, PAGE);
	CHECK_EQ(mremap(p, 2 * PAGE, 5 * PAGE, 0), p);
	check_numbered(p, 2);
	CHECK_BYTES(p + 2 * PAGE, 3 * PAGE, 0);
	store(p + 4 * PAGE, 1);
	CHECK_SIGNAL(load(p + 5 * PAGE), SIGSEGV, SEGV_MAPERR, p + 5 * PAGE);
}

TEST(growing_without_room_fails_unless_it_may_move)
{
	unsigned char *p = map_numbered(4);

	CHECK_ERR(mremap(p, 2 * PAGE, 3 * PAGE, 0), ENOMEM);
	check_numbered(p, 4);
	unsigned char *q = MUST(mremap(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE));
	CHECK(q != p);
	check_numbered(q, 2);
	CHECK_BYTES(q + 2 * PAGE, PAGE, 0);
	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_MAPERR, p);
	CHECK_EQ(load(p + 2 * PAGE), 3);
}

TEST(lengths_are_rounded_up_to_pages)
{
	unsigned char *p = map_numbered(4);

	CHECK_EQ(mremap(p, 3 * PAGE + 1, PAGE + 1, 0), p);
	check_numbered(p, 2);
	CHECK_SIGNAL(load(p + 2 * PAGE), SIGSEGV, SEGV_MAPERR, p + 2 * PAGE);
}

TEST(fixed_replaces_what_is_at_the_new_place)
{
	unsigned char *p = map_numbered(2), *to = map_anonymous(6 * PAGE);

	memset(to, 99, 6 * PAGE);
	CHECK_EQ(mremap(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE), to + PAGE);
	CHECK_BYTES(to, PAGE, 99);
	check_numbered(to + PAGE, 2);
	CHECK_BYTES(to + 3 * PAGE, PAGE, 0);
	CHECK_BYTES(to + 4 * PAGE, 2 * PAGE, 99);
	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_MAPERR, p);
}

TEST(fixed_to_a_smaller_size)
{
	unsigned char *p = map_numbered(4), *to = find_hole(4 * PAGE);

	CHECK_EQ(mremap(p, 4 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	check_numbered(to, 2);
	CHECK_SIGNAL(load(p + 3 * PAGE), SIGSEGV, SEGV_MAPERR, p + 3 * PAGE);
	CHECK_SIGNAL(load(to + 2 * PAGE), SIGSEGV, SEGV_MAPERR, to + 2 * PAGE);
}

TEST(dontunmap_leaves_zeros_behind)
{
	unsigned char *p = map_numbered(3);
	unsigned char *q = MUST(mremap(p, 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));

	CHECK(q != p);
	check_numbered(q, 3);
	CHECK_BYTES(p, 3 * PAGE, 0);
	store(p, 77);
	CHECK_EQ(load(q), 1);
}

TEST(dontunmap_of_a_file_shows_the_file_twice)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	check_pattern(p, 2 * PAGE, 0);
	unsigned char *q = MUST(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	check_pattern(q, 2 * PAGE, 0);
	store(q + PAGE, 0xee);
	CHECK_EQ(load(p + PAGE), 0xee);
}

TEST(dontunmap_takes_the_new_address_as_a_hint)
{
	unsigned char *p = map_numbered(2), *taken = map_numbered(2), *free_place = find_hole(2 * PAGE);

	CHECK_EQ(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, free_place), free_place);
	check_numbered(free_place, 2);
	unsigned char *q = MUST(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, taken));
	CHECK(q != taken);
	check_numbered(taken, 2);
	CHECK_ERR(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, taken + 1), EINVAL);
	CHECK_ERR(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, p), EINVAL);
}

TEST(old_size_zero_makes_a_second_view_of_shared_memory)
{
	unsigned char *p = MUST(mmap(NULL, 3 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	store(p + PAGE, 5);
	unsigned char *q = MUST(mremap(p, 0, 3 * PAGE, MREMAP_MAYMOVE));
	CHECK(q != p);
	CHECK_EQ(load(q + PAGE), 5);
	store(q + 2 * PAGE, 6);
	CHECK_EQ(load(p + 2 * PAGE), 6);
}

TEST(old_size_zero_of_private_memory_is_refused)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_ERR(mremap(p, 0, PAGE, MREMAP_MAYMOVE), EINVAL);
}

TEST(old_size_zero_in_place_has_no_room)
{
	unsigned char *p = MUST(mmap(NULL, 3 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	CHECK_ERR(mremap(p, 0, PAGE, 0), ENOMEM);
}

TEST(moved_file_mapping_goes_on_at_its_offset)
{
	int fd = make_file("data", 8 * PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 2 * PAGE), *to = find_hole(6 * PAGE);

	MUST(mremap(p + PAGE, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	check_pattern(to, 4 * PAGE, 3 * PAGE);
	store(to + 3 * PAGE, 0xab);
	CHECK_EQ(file_byte(fd, 6 * PAGE), 0xab);
	check_pattern(p, PAGE, 2 * PAGE);
	check_pattern(p + 3 * PAGE, PAGE, 5 * PAGE);
}

TEST(private_copies_move_along)
{
	int fd = make_file("data", 4 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, PAGE);

	store(p, 0xaa);
	unsigned char *q = MUST(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, find_hole(2 * PAGE)));
	CHECK_EQ(load(q), 0xaa);
	check_pattern(q + 1, 2 * PAGE - 1, PAGE + 1);
	CHECK_EQ(file_byte(fd, PAGE), pattern(PAGE));
}

TEST(growing_past_the_end_of_file_is_sigbus_there)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);
	unsigned char *q = MUST(mremap(p, PAGE, 3 * PAGE, MREMAP_MAYMOVE));

	check_pattern(q, PAGE, 0);
	CHECK_SIGNAL(load(q + PAGE), SIGBUS, BUS_ADRERR, q + PAGE);
}

TEST(moved_memory_is_copied_at_fork)
{
	unsigned char *p = map_numbered(2);
	unsigned char *q = MUST(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, find_hole(2 * PAGE)));
	pid_t child = MUST(fork());

	if (child == 0) {
		check_numbered(q, 2);
		store(q, 9);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_numbered(q, 2);
}

TEST(moving_after_fork_leaves_the_other_process_alone)
{
	unsigned char *p = map_numbered(2);
	struct gate moved = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(moved);
		check_numbered(p, 2);
		store(p, 8);
		_exit(0);
	}
	unsigned char *q = MUST(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, find_hole(2 * PAGE)));
	gate_open(moved);
	CHECK_CHILD(child);
	check_numbered(q, 2);
}

TEST(protection_moves_along)
{
	unsigned char *p = map_numbered(1);

	MUST(mprotect(p, PAGE, PROT_READ));
	unsigned char *q = MUST(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, find_hole(PAGE)));
	CHECK_SIGNAL(store(q, 1), SIGSEGV, SEGV_ACCERR, q);
	CHECK_EQ(load(q), 1);
}

TEST(shrinking_may_go_over_several_areas)
{
	unsigned char *p = map_numbered(4);

	MUST(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	CHECK_EQ(mremap(p, 4 * PAGE, PAGE, 0), p);
	CHECK_SIGNAL(load(p + 2 * PAGE), SIGSEGV, SEGV_MAPERR, p + 2 * PAGE);
}

TEST(growing_over_several_areas_is_efault)
{
	unsigned char *p = map_numbered(4);

	MUST(mprotect(p + PAGE, PAGE, PROT_READ));
	CHECK_ERR(mremap(p, 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE), EFAULT);
	check_numbered(p, 4);
}

TEST(a_hole_is_efault)
{
	unsigned char *p = find_hole(2 * PAGE);

	CHECK_ERR(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
}

TEST(flags_that_are_refused)
{
	unsigned char *p = map_anonymous(4 * PAGE), *to = find_hole(PAGE);

	CHECK_ERR(mremap(p, PAGE, PAGE, 8), EINVAL);
	CHECK_ERR(mremap(p, PAGE, PAGE, MREMAP_FIXED, to), EINVAL);
	CHECK_ERR(mremap(p, PAGE, PAGE, MREMAP_DONTUNMAP, NULL), EINVAL);
	CHECK_ERR(mremap(p, PAGE, 2 * PAGE, MREMAP_DONTUNMAP | MREMAP_MAYMOVE, NULL), EINVAL);
}

TEST(addresses_and_sizes_that_are_refused)
{
	unsigned char *p = map_anonymous(4 * PAGE);

	CHECK_ERR(mremap(p + 1, PAGE, PAGE, MREMAP_MAYMOVE), EINVAL);
	CHECK_ERR(mremap(p, PAGE, 0, MREMAP_MAYMOVE), EINVAL);
	CHECK_ERR(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE + 1), EINVAL);
	CHECK_ERR(mremap(p, PAGE, 1UL << 50, MREMAP_MAYMOVE), EINVAL);
}

TEST(overlapping_places_are_refused)
{
	unsigned char *p = map_numbered(4);

	CHECK_ERR(mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE), EINVAL);
	CHECK_ERR(mremap(p + PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p), EINVAL);
	check_numbered(p, 4);
}

TEST(growing_past_the_limit_of_address_space_is_enomem)
{
	unsigned char *p = map_numbered(1);
	struct rlimit limit = { 64 << 20, 64 << 20 };

	MUST(setrlimit(RLIMIT_AS, &limit));
	CHECK_ERR(mremap(p, PAGE, 128 << 20, MREMAP_MAYMOVE), ENOMEM);
	check_numbered(p, 1);
}

TEST(a_large_mapping_moves_whole)
{
	unsigned long pages = 1500;             // more than two page tables, at an odd place
	unsigned char *p = map_anonymous(pages * PAGE), *to = find_hole((pages + 600) * PAGE);

	for (unsigned long i = 0; i < pages; i++)
		store(p + i * PAGE + i % PAGE, pattern(i));
	CHECK_EQ(mremap(p, pages * PAGE, (pages + 600) * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to), to);
	for (unsigned long i = 0; i < pages; i++)
		CHECK_EQ(load(to + i * PAGE + i % PAGE), pattern(i));
	CHECK_EQ(load(to + pages * PAGE), 0);
}

// Linux 6.17 began to move several areas at once where nothing else changes; the man page of 6.1 says EFAULT.
TEST(fixed_over_several_areas_is_efault)
{
	unsigned char *p = map_anonymous(4 * PAGE), *to = find_hole(4 * PAGE);

	memset(p, 7, 4 * PAGE);
	MUST(mprotect(p + 2 * PAGE, PAGE, PROT_READ));
	if (mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED) {
		CHECK(own_count("syscalls") == -1);
		SKIP("this Linux moves several areas at once");
	}
	CHECK_EQ(errno, EFAULT);
	CHECK_BYTES(p, 4 * PAGE, 7);
}
