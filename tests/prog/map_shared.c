/*
 * map_shared.c - shared mappings, read() and write() are one view of one file, in one process and in
 * many, and what was stored stays in the file whichever way the mapping goes.
 */
#include "guest.h"

TEST(store_by_mapping_is_seen_by_read)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	for (int i = 0; i < 100; i++) {
		store(p + PAGE + i, 200 - i);
		CHECK_EQ(file_byte(fd, PAGE + i), 200 - i);
	}
}

TEST(write_is_seen_by_load)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, PROT_READ, MAP_SHARED, 0);

	for (int i = 0; i < 100; i++) {
		CHECK_EQ(load(p + PAGE + i), pattern(PAGE + i));
		put_byte(fd, PAGE + i, 200 - i);
		CHECK_EQ(load(p + PAGE + i), 200 - i);
	}
}

TEST(write_before_the_first_touch_is_seen)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, PROT_READ, MAP_SHARED, 0);

	put_byte(fd, 77, 3);
	CHECK_EQ(load(p + 77), 3);
}

TEST(store_and_write_in_one_page_both_stay)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(p + 10, 1);
	put_byte(fd, 20, 2);
	store(p + 30, 3);
	CHECK_EQ(load(p + 20), 2);
	CHECK_EQ(file_byte(fd, 10), 1);
	CHECK_EQ(file_byte(fd, 30), 3);
	CHECK_EQ(file_byte(fd, 40), pattern(40));
}

TEST(write_across_pages_is_seen)
{
	unsigned char block[PAGE];
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_SHARED, 0);

	memset(block, 0x5a, sizeof(block));
	CHECK_EQ(pwrite(fd, block, PAGE, PAGE + 100), PAGE);
	check_pattern(p, PAGE + 100, 0);
	CHECK_BYTES(p + PAGE + 100, PAGE, 0x5a);
	check_pattern(p + 2 * PAGE + 100, PAGE - 100, 2 * PAGE + 100);
}

TEST(two_mappings_in_one_process_are_one)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
	unsigned char *q = map_file(fd, PAGE, RW, MAP_SHARED, PAGE);

	CHECK(p != q);
	store(p + PAGE + 3, 0x31);
	CHECK_EQ(load(q + 3), 0x31);
	store(q + 4, 0x32);
	CHECK_EQ(load(p + PAGE + 4), 0x32);
}

TEST(mappings_by_two_descriptors_are_one)
{
	int first = make_file("data", PAGE);
	int second = MUST(open("data", O_RDWR));
	unsigned char *p = map_file(first, PAGE, RW, MAP_SHARED, 0);
	unsigned char *q = map_file(second, PAGE, RW, MAP_SHARED, 0);

	store(p, 11);
	CHECK_EQ(load(q), 11);
	CHECK_EQ(file_byte(second, 0), 11);
}

TEST(mapping_by_hard_link_is_the_same_file)
{
	int first = make_file("data", PAGE);

	MUST(link("data", "other"));
	int second = MUST(open("other", O_RDWR));
	unsigned char *p = map_file(first, PAGE, RW, MAP_SHARED, 0);
	unsigned char *q = map_file(second, PAGE, RW, MAP_SHARED, 0);
	store(p + 5, 12);
	CHECK_EQ(load(q + 5), 12);
}

TEST(two_mappings_are_one_frame)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	unsigned char *q = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	store(p, 1);
	load(q);
	if (!frame_of(p))
		SKIP("/proc/self/pagemap shows no frames");
	CHECK_EQ(frame_of(p), frame_of(q));
}

// Opens and maps the file by itself and reports the frame that it got; run as a program of its own.
HELPER(report_frame)
{
	int fd = MUST(open(argv[1], O_RDWR));
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	CHECK_EQ(load(p + 1), 0x41);
	store(p + 2, 0x42);
	unsigned long frame = frame_of(p);
	CHECK_EQ(write(3, &frame, sizeof(frame)), sizeof(frame));
	return 0;
}

TEST(unrelated_processes_share_one_frame)
{
	unsigned long frame = 0;
	int ends[2];
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(p + 1, 0x41);
	MUST(pipe(ends));
	pid_t child = MUST(fork());
	if (child == 0) {
		if (ends[1] != 3)
			MUST(dup2(ends[1], 3));
		test_exec("report_frame", "data", NULL, NULL);
	}
	CHECK_EQ(read(ends[0], &frame, sizeof(frame)), sizeof(frame));
	CHECK_CHILD(child);
	CHECK_EQ(load(p + 2), 0x42);
	if (!frame_of(p))
		SKIP("/proc/self/pagemap shows no frames");
	CHECK_EQ(frame, frame_of(p));
}

TEST(store_is_seen_by_a_process_that_opens_later)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(p + 50, 0x77);
	pid_t child = MUST(fork());
	if (child == 0) {
		int again = MUST(open("data", O_RDONLY));
		CHECK_EQ(file_byte(again, 50), 0x77);
		_exit(0);
	}
	CHECK_CHILD(child);
}

TEST(shared_file_mapping_is_shared_over_fork)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	struct gate gate = gate_make();

	pid_t child = MUST(fork());
	if (child == 0) {
		gate_wait(gate);
		CHECK_EQ(load(p), 0x11);
		store(p + 1, 0x22);
		_exit(0);
	}
	store(p, 0x11);
	gate_open(gate);
	CHECK_CHILD(child);
	CHECK_EQ(load(p + 1), 0x22);
}

TEST(shared_anonymous_is_shared_over_fork)
{
	unsigned char *p = MUST(mmap(NULL, 3 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	struct gate gate = gate_make();

	store(p, 1);
	pid_t child = MUST(fork());
	if (child == 0) {
		gate_wait(gate);
		CHECK_EQ(load(p), 2);
		CHECK_EQ(load(p + PAGE), 3);            // touched by the parent only after the fork
		store(p + 2 * PAGE, 4);                 // touched by nobody before
		_exit(0);
	}
	store(p, 2);
	store(p + PAGE, 3);
	gate_open(gate);
	CHECK_CHILD(child);
	CHECK_EQ(load(p + 2 * PAGE), 4);
}

TEST(shared_anonymous_outlives_the_child_that_stored)
{
	unsigned char *p = MUST(mmap(NULL, 64 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	pid_t child = MUST(fork());
	if (child == 0) {
		for (int i = 0; i < 64; i++)
			store(p + i * PAGE, i + 1);
		_exit(0);
	}
	CHECK_CHILD(child);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(load(p + i * PAGE), i + 1);
}

TEST(two_shared_anonymous_mappings_are_apart)
{
	unsigned char *p = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	unsigned char *q = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	store(p, 1);
	CHECK_EQ(load(q), 0);
}

/* ---- what stays in the file ------------------------------------------------------------------ */

TEST(munmap_without_msync_keeps_the_data)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	store(p + PAGE, 0x66);
	MUST(munmap(p, 2 * PAGE));
	CHECK_EQ(file_byte(fd, PAGE), 0x66);
}

TEST(exit_without_msync_keeps_the_data)
{
	int fd = make_file("data", 2 * PAGE);

	pid_t child = MUST(fork());
	if (child == 0) {
		unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
		memset(p, 0x67, 2 * PAGE);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(file_byte(fd, 0), 0x67);
	CHECK_EQ(file_byte(fd, 2 * PAGE - 1), 0x67);
}

TEST(kill_without_msync_keeps_the_data)
{
	int fd = make_file("data", PAGE);
	struct gate gate = gate_make();

	pid_t child = MUST(fork());
	if (child == 0) {
		unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);
		store(p + 8, 0x68);
		gate_open(gate);
		for (;;)
			pause();
	}
	gate_wait(gate);
	MUST(kill(child, SIGKILL));
	CHECK_KILLED(child, SIGKILL);
	CHECK_EQ(file_byte(fd, 8), 0x68);
}

TEST(store_protect_unmap_read)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(p + 8, 0x69);
	MUST(mprotect(p, PAGE, PROT_READ));
	CHECK_EQ(load(p + 8), 0x69);
	MUST(munmap(p, PAGE));
	CHECK_EQ(file_byte(fd, 8), 0x69);
}

TEST(store_after_the_descriptor_is_closed)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	MUST(close(fd));
	store(p + 3, 0x70);
	MUST(munmap(p, PAGE));
	fd = MUST(open("data", O_RDONLY));
	CHECK_EQ(file_byte(fd, 3), 0x70);
}

TEST(unlinked_file_stays_while_mapped)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_SHARED, 0);

	MUST(unlink("data"));
	MUST(close(fd));
	check_pattern(p, 3 * PAGE, 0);
	store(p + PAGE, 0x71);
	CHECK_EQ(load(p + PAGE), 0x71);
	CHECK_ERR(open("data", O_RDONLY), ENOENT);
}

TEST(unlinked_file_is_shared_over_fork)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	MUST(unlink("data"));
	MUST(close(fd));
	pid_t child = MUST(fork());
	if (child == 0) {
		store(p + 1, 0x72);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p + 1), 0x72);
}

TEST(new_file_of_the_same_name_is_another)
{
	int old = make_file("data", PAGE);
	unsigned char *p = map_file(old, PAGE, RW, MAP_SHARED, 0);

	MUST(unlink("data"));
	int fresh = make_file("data", PAGE);
	store(p, 0x73);
	CHECK_EQ(file_byte(fresh, 0), pattern(0));
	CHECK_EQ(file_byte(old, 0), 0x73);
}

TEST(store_to_a_hole_fills_it)
{
	int fd = MUST(open("data", O_RDWR | O_CREAT, 0644));

	MUST(ftruncate(fd, 64 * PAGE));
	unsigned char *p = map_file(fd, 64 * PAGE, RW, MAP_SHARED, 0);
	CHECK_EQ(load(p + 40 * PAGE), 0);
	store(p + 40 * PAGE + 7, 0x74);
	store(p + 41 * PAGE, 0x75);                     // never loaded before
	CHECK_EQ(file_byte(fd, 40 * PAGE + 7), 0x74);
	CHECK_EQ(file_byte(fd, 40 * PAGE + 6), 0);
	CHECK_EQ(file_byte(fd, 41 * PAGE), 0x75);
	CHECK_EQ(file_byte(fd, 39 * PAGE), 0);
}

TEST(write_to_a_hole_that_was_loaded_is_seen)
{
	int fd = MUST(open("data", O_RDWR | O_CREAT, 0644));

	MUST(ftruncate(fd, 8 * PAGE));
	unsigned char *p = map_file(fd, 8 * PAGE, PROT_READ, MAP_SHARED, 0);
	CHECK_EQ(load(p + 5 * PAGE + 1), 0);
	put_byte(fd, 5 * PAGE + 1, 0x76);
	CHECK_EQ(load(p + 5 * PAGE + 1), 0x76);
}

TEST(append_is_seen_in_the_last_page)
{
	int fd = make_file("data", PAGE + 10);
	unsigned char *p = map_file(fd, 2 * PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_EQ(load(p + PAGE + 10), 0);
	MUST(lseek(fd, 0, SEEK_END));
	CHECK_EQ(write(fd, "xyz", 3), 3);
	CHECK_EQ(load(p + PAGE + 10), 'x');
	CHECK_EQ(load(p + PAGE + 12), 'z');
	CHECK_EQ(load(p + PAGE + 13), 0);
}

TEST(o_trunc_and_rewrite_is_seen)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_EQ(load(p), pattern(0));
	int again = MUST(open("data", O_RDWR | O_TRUNC));
	CHECK_EQ(write(again, "fresh", 5), 5);
	CHECK_EQ(load(p), 'f');
	CHECK_EQ(load(p + 5), 0);
}
