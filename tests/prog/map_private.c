/*
 * map_private.c - private mappings: a page is copied at the first store and never reaches the file.
 *
 * Whether a private page that was not stored to shows later changes of the file is unspecified by
 * POSIX; Linux shows them, and so do we.
 */
#include "guest.h"

TEST(store_does_not_reach_the_file)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	memset(p, 0xcc, 2 * PAGE);
	CHECK_BYTES(p, 2 * PAGE, 0xcc);
	MUST(munmap(p, 2 * PAGE));
	for (unsigned long i = 0; i < 2 * PAGE; i += 511)
		CHECK_EQ(file_byte(fd, i), pattern(i));
}

TEST(store_keeps_the_rest_of_the_page)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p + 2000, 0);                             // the page was not present before
	check_pattern(p, 2000, 0);
	CHECK_EQ(load(p + 2000), 0);
	check_pattern(p + 2001, PAGE - 2001, 2001);
}

TEST(store_after_load_copies_too)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	CHECK_EQ(load(p), pattern(0));
	store(p, 0);
	CHECK_EQ(load(p), 0);
	CHECK_EQ(file_byte(fd, 0), pattern(0));
	check_pattern(p + 1, PAGE - 1, 1);
}

TEST(store_copies_one_page_only)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_PRIVATE, 0);
	unsigned char *q = map_file(fd, 3 * PAGE, PROT_READ, MAP_SHARED, 0);

	check_pattern(p, 3 * PAGE, 0);
	store(p + PAGE, 1);
	check_pattern(q, 3 * PAGE, 0);
	if (!frame_of(p))
		SKIP("/proc/self/pagemap shows no frames");
	CHECK_EQ(frame_of(p), frame_of(q));
	CHECK(frame_of(p + PAGE) != frame_of(q + PAGE));
	CHECK_EQ(frame_of(p + 2 * PAGE), frame_of(q + 2 * PAGE));
}

TEST(unstored_page_shows_later_write)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	CHECK_EQ(load(p), pattern(0));
	put_byte(fd, 0, 0x12);
	CHECK_EQ(load(p), 0x12);
}

TEST(unstored_page_shows_store_of_a_shared_mapping)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	unsigned char *q = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	CHECK_EQ(load(p), pattern(0));
	store(q, 0x13);
	CHECK_EQ(load(p), 0x13);
}

TEST(copied_page_does_not_show_later_write)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p + 1, 5);
	put_byte(fd, 0, 0x14);
	CHECK_EQ(load(p), pattern(0));
}

TEST(shared_store_is_not_seen_in_a_copied_page)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	unsigned char *q = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(p, 1);
	store(q, 2);
	CHECK_EQ(load(p), 1);
	CHECK_EQ(load(q), 2);
	CHECK_EQ(file_byte(fd, 0), 2);
}

TEST(copy_holds_what_a_shared_store_left)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	unsigned char *q = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(q + 100, 0x15);
	store(p + 200, 0x16);
	CHECK_EQ(load(p + 100), 0x15);
	CHECK_EQ(load(q + 200), pattern(200));
}

TEST(two_private_mappings_are_apart)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	unsigned char *q = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p, 1);
	store(q, 2);
	CHECK_EQ(load(p), 1);
	CHECK_EQ(load(q), 2);
}

TEST(readonly_descriptor_may_be_mapped_writable)
{
	make_file("data", PAGE);
	int fd = MUST(open("data", O_RDONLY));
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p, 0x17);
	CHECK_EQ(load(p), 0x17);
	CHECK_EQ(file_byte(fd, 0), pattern(0));
}

TEST(store_does_not_move_the_files_time)
{
	struct stat before, after;
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	MUST(fstat(fd, &before));
	store(p, 1);
	MUST(msync(p, PAGE, MS_SYNC));
	MUST(fstat(fd, &after));
	CHECK_EQ(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
	CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

TEST(msync_does_not_carry_private_stores)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p, 1);
	MUST(msync(p, PAGE, MS_SYNC | MS_INVALIDATE));
	CHECK_EQ(load(p), 1);
	CHECK_EQ(file_byte(fd, 0), pattern(0));
}

TEST(private_hole_reads_zero_and_fills_nothing)
{
	struct stat before, after;
	int fd = MUST(open("data", O_RDWR | O_CREAT, 0644));

	skip_on_linux_tmpfs();
	MUST(ftruncate(fd, 16 * PAGE));
	MUST(fstat(fd, &before));
	unsigned char *p = map_file(fd, 16 * PAGE, RW, MAP_PRIVATE, 0);
	CHECK_BYTES(p, 16 * PAGE, 0);
	memset(p, 1, 16 * PAGE);
	MUST(fstat(fd, &after));
	CHECK_EQ(after.st_blocks, before.st_blocks);
}

TEST(touch_fork_store_stays_in_the_child)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	CHECK_EQ(load(p), pattern(0));
	pid_t child = MUST(fork());
	if (child == 0) {
		store(p, 0x18);
		CHECK_EQ(load(p), 0x18);
		check_pattern(p + 1, PAGE - 1, 1);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p), pattern(0));
	CHECK_EQ(file_byte(fd, 0), pattern(0));
}

TEST(copied_page_fork_store_stays_in_the_child)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p, 0x19);
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(load(p), 0x19);
		store(p, 0x20);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 0x19);
	CHECK_EQ(file_byte(fd, 0), pattern(0));
}

TEST(parents_store_after_fork_is_not_seen_by_the_child)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	struct gate gate = gate_make();

	store(p, 1);
	pid_t child = MUST(fork());
	if (child == 0) {
		gate_wait(gate);
		CHECK_EQ(load(p), 1);
		_exit(0);
	}
	store(p, 2);
	gate_open(gate);
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 2);
}

TEST(private_page_survives_unlink_and_close)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	store(p, 0x21);
	MUST(unlink("data"));
	MUST(close(fd));
	CHECK_EQ(load(p), 0x21);
	check_pattern(p + PAGE, PAGE, PAGE);
}

TEST(read_into_a_private_page_copies_it)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	CHECK_EQ(pread(fd, p + 10, 100, PAGE), 100);
	check_pattern(p + 10, 100, PAGE);
	check_pattern(p, 10, 0);
	CHECK_EQ(file_byte(fd, 10), pattern(10));
}
