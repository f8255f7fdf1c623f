/*
 * map_lock.c - mlock, mlock2, mlockall and their opposites, and what locking changes for the other calls. Everybody is
 * root here: RLIMIT_MEMLOCK is no limit.
 */
#include "guest.h"

static bool is_resident(const void *page)
{
	unsigned char vector;

	MUST(mincore((void *)page, PAGE, &vector));
	return vector & 1;
}

TEST(mlock_makes_all_pages_resident)
{
	unsigned char *p = map_anonymous(4 * PAGE);

	CHECK(!is_resident(p + PAGE));
	MUST(mlock(p, 4 * PAGE));
	for (int i = 0; i < 4; i++)
		CHECK(is_resident(p + i * PAGE));
	CHECK_BYTES(p, 4 * PAGE, 0);
}

TEST(mlock_rounds_out_to_pages)
{
	unsigned char *p = map_anonymous(4 * PAGE);

	MUST(mlock(p + PAGE + 7, PAGE));
	CHECK(!is_resident(p));
	CHECK(is_resident(p + PAGE));
	CHECK(is_resident(p + 2 * PAGE));
	CHECK(!is_resident(p + 3 * PAGE));
}

TEST(mlock_length_zero_is_no_error)
{
	CHECK_EQ(mlock(map_anonymous(PAGE), 0), 0);
}

TEST(mlock_over_a_hole_is_enomem)
{
	unsigned char *p = map_anonymous(3 * PAGE);

	MUST(munmap(p + PAGE, PAGE));
	CHECK_ERR(mlock(p, 3 * PAGE), ENOMEM);
	CHECK_ERR(munlock(p, 3 * PAGE), ENOMEM);
	CHECK_ERR(mlock(p + PAGE, PAGE), ENOMEM);
}

TEST(mlock_whose_end_wraps_is_einval)
{
	CHECK_ERR(mlock(map_anonymous(PAGE), -PAGE), EINVAL);
}

TEST(mlock_of_reserved_memory_is_enomem)
{
	unsigned char *p = MUST(mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0));

	CHECK_ERR(mlock(p, PAGE), ENOMEM);
}

TEST(mlock_past_the_end_of_file_is_enomem)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_ERR(mlock(p, 3 * PAGE), ENOMEM);
	CHECK_EQ(mlock(p, PAGE), 0);
}

TEST(locks_do_not_nest)
{
	unsigned char *p = map_anonymous(PAGE);

	MUST(mlock(p, PAGE));
	MUST(mlock(p, PAGE));
	MUST(munlock(p, PAGE));
	CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
}

TEST(mlock2_without_flags_is_mlock)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	MUST(mlock2(p, 2 * PAGE, 0));
	CHECK(is_resident(p + PAGE));
}

TEST(mlock2_on_fault_waits_for_the_touch)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	MUST(mlock2(p, 2 * PAGE, MLOCK_ONFAULT));
	CHECK(!is_resident(p));
	store(p, 1);
	CHECK(is_resident(p));
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
}

TEST(mlock2_with_other_flags_is_einval)
{
	CHECK_ERR(mlock2(map_anonymous(PAGE), PAGE, 2), EINVAL);
}

TEST(mlockall_current_makes_all_resident)
{
	unsigned char *p = map_anonymous(3 * PAGE);

	MUST(mlockall(MCL_CURRENT));
	CHECK(is_resident(p + 2 * PAGE));
	unsigned char *q = map_anonymous(PAGE);
	CHECK(!is_resident(q));
	MUST(munlockall());
}

TEST(mlockall_future_is_for_new_mappings)
{
	unsigned char *p = map_anonymous(PAGE);

	MUST(mlockall(MCL_FUTURE));
	unsigned char *q = map_anonymous(2 * PAGE);
	CHECK(is_resident(q + PAGE));
	CHECK(!is_resident(p));
	MUST(munlockall());
	q = map_anonymous(PAGE);
	CHECK(!is_resident(q));
}

TEST(mlockall_on_fault_waits_for_the_touch)
{
	MUST(mlockall(MCL_FUTURE | MCL_ONFAULT));
	unsigned char *p = map_anonymous(PAGE);
	CHECK(!is_resident(p));
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	MUST(munlockall());
	CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
}

TEST(mlockall_flags_that_are_refused)
{
	CHECK_ERR(mlockall(0), EINVAL);
	CHECK_ERR(mlockall(8), EINVAL);
	CHECK_ERR(mlockall(MCL_ONFAULT), EINVAL);
}

TEST(fork_does_not_inherit_locks)
{
	unsigned char *p = map_anonymous(PAGE);

	MUST(mlock(p, PAGE));
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
}

TEST(munmap_ends_a_lock)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	MUST(mlock(p, 2 * PAGE));
	MUST(munmap(p, PAGE));
	MUST(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	CHECK_EQ(madvise(p, PAGE, MADV_DONTNEED), 0);
	CHECK_ERR(madvise(p + PAGE, PAGE, MADV_DONTNEED), EINVAL);
}

TEST(msync_invalidate_of_locked_pages_is_ebusy)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	MUST(mlock(p + PAGE, PAGE));
	CHECK_ERR(msync(p, 2 * PAGE, MS_ASYNC | MS_INVALIDATE), EBUSY);
	CHECK_EQ(msync(p, PAGE, MS_ASYNC | MS_INVALIDATE), 0);
	CHECK_EQ(msync(p, 2 * PAGE, MS_SYNC), 0);
}

TEST(locked_private_page_is_the_processes_own_at_once)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	MUST(mlock(p, PAGE));
	put_byte(fd, 0, 0xee);
	put_byte(fd, PAGE, 0xee);
	CHECK_EQ(load(p), pattern(0));
	CHECK_EQ(load(p + PAGE), 0xee);
}

TEST(locked_private_page_is_copied_when_it_becomes_writable)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, PROT_READ, MAP_PRIVATE, 0);

	MUST(mlock(p, PAGE));
	put_byte(fd, 0, 0xdd);
	CHECK_EQ(load(p), 0xdd);
	MUST(mprotect(p, 2 * PAGE, RW));
	put_byte(fd, 0, 0xee);
	put_byte(fd, PAGE, 0xee);
	CHECK_EQ(load(p), 0xdd);
	CHECK_EQ(load(p + PAGE), 0xee);
}

TEST(page_locked_on_fault_is_not_copied_by_mprotect)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_PRIVATE, 0);

	MUST(mlock2(p, PAGE, MLOCK_ONFAULT));
	CHECK_EQ(load(p), pattern(0));
	MUST(mprotect(p, PAGE, RW));
	put_byte(fd, 0, 0xee);
	CHECK_EQ(load(p), 0xee);
}

TEST(grown_part_of_a_locked_mapping_is_resident)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	MUST(mlock(p, 2 * PAGE));
	unsigned char *q = MUST(mremap(p, 2 * PAGE, 6 * PAGE, MREMAP_MAYMOVE));
	for (int i = 0; i < 6; i++)
		CHECK(is_resident(q + i * PAGE));
	CHECK_ERR(madvise(q + 5 * PAGE, PAGE, MADV_DONTNEED), EINVAL);
}

TEST(dontneed_locked_goes_where_dontneed_may_not)
{
	unsigned char *p = map_anonymous(PAGE);

	MUST(mlock(p, PAGE));
	store(p, 7);
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_EQ(load(p), 7);
	MUST(madvise(p, PAGE, MADV_DONTNEED_LOCKED));
	CHECK_EQ(load(p), 0);
}
