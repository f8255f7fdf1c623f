/*
 * map_msync.c - msync: its flags, its ranges and its errors. That the data survive a power cut is for
 * the harness to show, from outside.
 */
#include "guest.h"

static long raw_msync(const void *start, unsigned long length, int flags)
{
	return syscall(SYS_msync, start, length, flags);
}

static unsigned char *map_stored(int *fd, unsigned long pages)
{
	*fd = make_file("data", pages * PAGE);
	unsigned char *p = map_file(*fd, pages * PAGE, RW, MAP_SHARED, 0);

	memset(p, 0x2a, pages * PAGE);
	return p;
}

TEST(sync_succeeds_and_the_data_are_read)
{
	int fd;
	unsigned char *p = map_stored(&fd, 4);

	CHECK_EQ(msync(p, 4 * PAGE, MS_SYNC), 0);
	int other = MUST(open("data", O_RDONLY));
	CHECK_EQ(file_byte(other, 4 * PAGE - 1), 0x2a);
}

TEST(async_succeeds_and_the_data_are_read)
{
	int fd;
	unsigned char *p = map_stored(&fd, 2);

	CHECK_EQ(msync(p, 2 * PAGE, MS_ASYNC), 0);
	CHECK_EQ(file_byte(fd, PAGE), 0x2a);
}

TEST(no_flags_is_no_error)
{
	int fd;
	unsigned char *p = map_stored(&fd, 1);

	CHECK_EQ(msync(p, PAGE, 0), 0);                 // Linux takes it as MS_ASYNC
}

TEST(invalidate_keeps_what_is_true)
{
	int fd;
	unsigned char *p = map_stored(&fd, 2);

	CHECK_EQ(msync(p, 2 * PAGE, MS_INVALIDATE), 0);
	CHECK_EQ(msync(p, 2 * PAGE, MS_SYNC | MS_INVALIDATE), 0);
	CHECK_EQ(msync(p, 2 * PAGE, MS_ASYNC | MS_INVALIDATE), 0);
	CHECK_BYTES(p, 2 * PAGE, 0x2a);
	put_byte(fd, 7, 3);
	CHECK_EQ(load(p + 7), 3);
}

TEST(store_after_sync_is_a_new_store)
{
	int fd;
	unsigned char *p = map_stored(&fd, 1);

	for (int i = 0; i < 10; i++) {
		store(p + i, i);
		CHECK_EQ(msync(p, PAGE, MS_SYNC), 0);
		CHECK_EQ(file_byte(fd, i), i);
	}
}

TEST(range_inside_a_mapping)
{
	int fd;
	unsigned char *p = map_stored(&fd, 4);

	CHECK_EQ(msync(p + PAGE, 2 * PAGE, MS_SYNC), 0);
	CHECK_BYTES(p, 4 * PAGE, 0x2a);
}

TEST(length_need_not_be_aligned)
{
	int fd;
	unsigned char *p = map_stored(&fd, 2);

	CHECK_EQ(msync(p, PAGE + 1, MS_SYNC), 0);
	CHECK_EQ(msync(p, 1, MS_SYNC), 0);
}

TEST(length_zero_is_no_error)
{
	int fd;
	unsigned char *p = map_stored(&fd, 1);

	CHECK_EQ(msync(p, 0, MS_SYNC), 0);
}

TEST(two_areas_in_one_call)
{
	int first = make_file("first", 2 * PAGE), second = make_file("second", 2 * PAGE);
	unsigned char *p = map_anonymous(4 * PAGE);

	MUST(mmap(p, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, first, 0));
	MUST(mmap(p + 2 * PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, second, 0));
	memset(p, 0x2b, 4 * PAGE);
	CHECK_EQ(msync(p + PAGE, 2 * PAGE, MS_SYNC), 0);
	CHECK_EQ(file_byte(first, PAGE), 0x2b);
	CHECK_EQ(file_byte(second, 0), 0x2b);
}

TEST(areas_of_every_kind_in_one_call)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_anonymous(4 * PAGE);

	MUST(mmap(p + PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	MUST(mmap(p + 2 * PAGE, PAGE, RW, MAP_PRIVATE | MAP_FIXED, fd, 0));
	MUST(mmap(p + 3 * PAGE, PAGE, PROT_NONE, ANON | MAP_FIXED, -1, 0));
	memset(p, 1, 3 * PAGE);
	CHECK_EQ(msync(p, 4 * PAGE, MS_SYNC), 0);
	CHECK_EQ(file_byte(fd, 0), 1);
}

TEST(anonymous_memory_is_no_error)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 1);
	CHECK_EQ(msync(p, PAGE, MS_SYNC), 0);
	CHECK_EQ(load(p), 1);
}

TEST(readonly_mapping_is_no_error)
{
	int fd;
	unsigned char *p = map_stored(&fd, 1);

	MUST(mprotect(p, PAGE, PROT_READ));
	CHECK_EQ(msync(p, PAGE, MS_SYNC), 0);
	CHECK_EQ(load(p), 0x2a);
}

TEST(part_past_the_end_of_file_is_no_error)
{
	int fd = make_file("data", 10);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	store(p, 1);
	CHECK_EQ(msync(p, 4 * PAGE, MS_SYNC), 0);
	CHECK_EQ(file_size(fd), 10);
}

TEST(sync_of_an_unlinked_file_is_no_error)
{
	int fd;
	unsigned char *p = map_stored(&fd, 2);

	MUST(unlink("data"));
	MUST(close(fd));
	CHECK_EQ(msync(p, 2 * PAGE, MS_SYNC), 0);
	CHECK_BYTES(p, 2 * PAGE, 0x2a);
}

TEST(sync_fills_holes_that_were_stored_to)
{
	struct stat before, after;
	int fd = MUST(open("data", O_RDWR | O_CREAT, 0644));

	MUST(ftruncate(fd, 64 * PAGE));
	MUST(fstat(fd, &before));
	CHECK_EQ(before.st_blocks, 0);
	unsigned char *p = map_file(fd, 64 * PAGE, RW, MAP_SHARED, 0);
	store(p + 33 * PAGE, 1);
	CHECK_EQ(msync(p, 64 * PAGE, MS_SYNC), 0);
	MUST(fsync(fd));
	MUST(fstat(fd, &after));
	if (after.st_blocks == 0)
		FAIL("expected st_blocks above 0 after a store to a hole, seen 0");
}

TEST(store_moves_the_modification_time)
{
	struct stat before, after;
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	MUST(futimens(fd, old));
	MUST(fstat(fd, &before));
	CHECK_EQ(before.st_mtim.tv_sec, 1000);
	store(p, 1);
	CHECK_EQ(msync(p, PAGE, MS_SYNC), 0);
	MUST(fstat(fd, &after));
	CHECK(after.st_mtim.tv_sec > 1000);
	CHECK(after.st_ctim.tv_sec > 1000);
}

/* ---- errors ---------------------------------------------------------------------------------- */

TEST(sync_and_async_together_is_einval)
{
	int fd;
	unsigned char *p = map_stored(&fd, 1);

	CHECK_ERR(raw_msync(p, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
}

TEST(unknown_flag_is_einval)
{
	int fd;
	unsigned char *p = map_stored(&fd, 1);

	CHECK_ERR(raw_msync(p, PAGE, 8), EINVAL);
	CHECK_ERR(raw_msync(p, PAGE, MS_SYNC | 0x100), EINVAL);
}

TEST(unaligned_start_is_einval)
{
	int fd;
	unsigned char *p = map_stored(&fd, 1);

	CHECK_ERR(raw_msync(p + 1, PAGE, MS_SYNC), EINVAL);
}

TEST(unmapped_range_is_enomem)
{
	unsigned char *hole = find_hole(2 * PAGE);

	CHECK_ERR(raw_msync(hole, PAGE, MS_SYNC), ENOMEM);
	CHECK_ERR(raw_msync(hole, PAGE, MS_ASYNC), ENOMEM);
}

TEST(hole_in_the_middle_is_enomem_after_the_rest)
{
	int fd;
	unsigned char *p = map_stored(&fd, 3);

	MUST(munmap(p + PAGE, PAGE));
	CHECK_ERR(raw_msync(p, 3 * PAGE, MS_SYNC), ENOMEM);
	CHECK_EQ(file_byte(fd, 0), 0x2a);
	CHECK_EQ(file_byte(fd, 2 * PAGE), 0x2a);
}

TEST(hole_at_the_end_is_enomem)
{
	int fd;
	unsigned char *p = map_stored(&fd, 2);

	MUST(munmap(p + PAGE, PAGE));
	CHECK_ERR(raw_msync(p, 2 * PAGE, MS_SYNC), ENOMEM);
}

TEST(range_that_wraps_is_enomem)
{
	int fd;
	unsigned char *p = map_stored(&fd, 1);

	CHECK_ERR(raw_msync(p, -PAGE, MS_SYNC), ENOMEM);
}

TEST(kernel_range_is_enomem)
{
	CHECK_ERR(raw_msync((void *)0xffff800000000000, PAGE, MS_SYNC), ENOMEM);
}
