/*
 * map_eof.c - the end of a file under a mapping: the rest of its last page, the pages wholly past it,
 * and the end moving both ways while the file is mapped.
 */
#include "guest.h"

TEST(rest_of_the_last_page_is_zero)
{
	int fd = make_file("data", PAGE + 100);
	unsigned char *p = map_file(fd, 2 * PAGE, PROT_READ, MAP_SHARED, 0);

	check_pattern(p + PAGE, 100, PAGE);
	CHECK_BYTES(p + PAGE + 100, PAGE - 100, 0);
}

TEST(rest_of_the_last_private_page_is_zero)
{
	int fd = make_file("data", 1);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p + PAGE - 1, 3);
	CHECK_EQ(load(p), pattern(0));
	CHECK_BYTES(p + 1, PAGE - 2, 0);
}

TEST(store_past_the_end_does_not_grow_the_file)
{
	int fd = make_file("data", 100);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	memset(p + 100, 0xdd, PAGE - 100);
	CHECK_EQ(file_size(fd), 100);
	MUST(msync(p, PAGE, MS_SYNC));
	CHECK_EQ(file_size(fd), 100);
	MUST(munmap(p, PAGE));
	CHECK_EQ(file_size(fd), 100);
}

TEST(store_past_the_end_is_not_read)
{
	unsigned char block[200];
	int fd = make_file("data", 100);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	memset(p + 100, 0xdd, PAGE - 100);
	CHECK_EQ(pread(fd, block, sizeof(block), 0), 100);
	CHECK_EQ(pread(fd, block, sizeof(block), 100), 0);
}

TEST(store_past_the_end_is_zero_after_truncate_up)
{
	int fd = make_file("data", 100);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	skip_on_linux_tmpfs();
	memset(p + 100, 0xdd, PAGE - 100);
	MUST(ftruncate(fd, PAGE));
	for (unsigned long i = 100; i < PAGE; i++)
		CHECK_EQ(file_byte(fd, i), 0);
	CHECK_BYTES(p + 100, PAGE - 100, 0);
}

TEST(store_past_the_end_is_zero_after_write_further)
{
	int fd = make_file("data", 100);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	skip_on_linux_tmpfs();
	memset(p + 100, 0xdd, PAGE - 100);
	put_byte(fd, PAGE + 5, 1);
	for (unsigned long i = 100; i < PAGE; i += 7)
		CHECK_EQ(file_byte(fd, i), 0);
	CHECK_EQ(load(p + PAGE + 5), 1);
}

TEST(page_wholly_past_the_end_is_sigbus)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	CHECK_EQ(load(p + PAGE - 1), pattern(PAGE - 1));
	CHECK_SIGNAL(load(p + PAGE), SIGBUS, BUS_ADRERR, p + PAGE);
	CHECK_SIGNAL(load(p + 3 * PAGE + 123), SIGBUS, BUS_ADRERR, p + 3 * PAGE + 123);
}

TEST(store_wholly_past_the_end_is_sigbus)
{
	int fd = make_file("data", PAGE + 1);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	store(p + 2 * PAGE - 1, 1);
	CHECK_SIGNAL(store(p + 2 * PAGE + 7, 1), SIGBUS, BUS_ADRERR, p + 2 * PAGE + 7);
	CHECK_EQ(file_size(fd), PAGE + 1);
}

TEST(private_page_past_the_end_is_sigbus)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	CHECK_SIGNAL(load(p + PAGE + 1), SIGBUS, BUS_ADRERR, p + PAGE + 1);
	CHECK_SIGNAL(store(p + PAGE + 2, 1), SIGBUS, BUS_ADRERR, p + PAGE + 2);
}

TEST(empty_file_maps_and_is_sigbus)
{
	int fd = make_file("data", 0);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	CHECK_SIGNAL(load(p), SIGBUS, BUS_ADRERR, p);
	CHECK_SIGNAL(store(p, 1), SIGBUS, BUS_ADRERR, p);
}

TEST(offset_past_the_end_maps_and_is_sigbus)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 100 * PAGE);

	CHECK_SIGNAL(load(p + 9), SIGBUS, BUS_ADRERR, p + 9);
}

TEST(sigbus_by_default_kills)
{
	int fd = make_file("data", 0);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	pid_t child = MUST(fork());
	if (child == 0) {
		default_signals();
		load(p);
		_exit(0);
	}
	CHECK_KILLED(child, SIGBUS);
}

TEST(growth_by_truncate_makes_pages_accessible)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	CHECK_SIGNAL(load(p + 2 * PAGE), SIGBUS, BUS_ADRERR, p + 2 * PAGE);
	MUST(ftruncate(fd, 3 * PAGE));
	CHECK_EQ(load(p + 2 * PAGE), 0);
	store(p + 2 * PAGE, 6);
	CHECK_EQ(file_byte(fd, 2 * PAGE), 6);
	CHECK_SIGNAL(load(p + 3 * PAGE), SIGBUS, BUS_ADRERR, p + 3 * PAGE);
}

TEST(growth_by_write_makes_pages_accessible)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_SIGNAL(load(p + PAGE), SIGBUS, BUS_ADRERR, p + PAGE);
	CHECK_EQ(pwrite(fd, "abc", 3, PAGE), 3);
	CHECK_EQ(load(p + PAGE), 'a');
	CHECK_EQ(load(p + PAGE + 3), 0);
}

TEST(mapping_may_be_made_before_the_file_grows)
{
	int fd = make_file("data", 0);
	unsigned char *p = map_file(fd, 16 * PAGE, RW, MAP_SHARED, 0);

	MUST(ftruncate(fd, 16 * PAGE));
	for (int i = 0; i < 16; i++)
		store(p + i * PAGE + i, i + 1);
	for (int i = 0; i < 16; i++)
		CHECK_EQ(file_byte(fd, i * PAGE + i), i + 1);
}

TEST(truncate_under_a_mapping_is_sigbus)
{
	int fd = make_file("data", 4 * PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	check_pattern(p, 4 * PAGE, 0);
	store(p + 3 * PAGE, 1);
	MUST(ftruncate(fd, 2 * PAGE));
	check_pattern(p, 2 * PAGE, 0);
	CHECK_SIGNAL(load(p + 2 * PAGE), SIGBUS, BUS_ADRERR, p + 2 * PAGE);
	CHECK_SIGNAL(store(p + 3 * PAGE, 1), SIGBUS, BUS_ADRERR, p + 3 * PAGE);
}

TEST(truncate_by_name_is_sigbus)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	store(p + PAGE, 1);
	MUST(truncate("data", PAGE));
	CHECK_SIGNAL(load(p + PAGE), SIGBUS, BUS_ADRERR, p + PAGE);
}

TEST(truncate_takes_private_copies_too)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	store(p + PAGE, 1);
	MUST(ftruncate(fd, PAGE));
	CHECK_SIGNAL(load(p + PAGE), SIGBUS, BUS_ADRERR, p + PAGE);
}

TEST(truncate_is_felt_in_another_process)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
	struct gate touched = gate_make(), cut = gate_make();

	pid_t child = MUST(fork());
	if (child == 0) {
		store(p + PAGE, 1);
		gate_open(touched);
		gate_wait(cut);
		CHECK_SIGNAL(load(p + PAGE), SIGBUS, BUS_ADRERR, p + PAGE);
		CHECK_EQ(load(p), pattern(0));
		_exit(0);
	}
	gate_wait(touched);
	MUST(ftruncate(fd, PAGE));
	gate_open(cut);
	CHECK_CHILD(child);
}

TEST(growth_after_truncate_shows_zeros)
{
	int fd = make_file("data", 4 * PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	memset(p, 0xab, 4 * PAGE);
	MUST(ftruncate(fd, PAGE));
	MUST(ftruncate(fd, 4 * PAGE));
	CHECK_BYTES(p, PAGE, 0xab);
	CHECK_BYTES(p + PAGE, 3 * PAGE, 0);
	CHECK_EQ(file_byte(fd, 3 * PAGE), 0);
}

TEST(truncate_inside_a_page_zeroes_its_rest)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	memset(p, 0xab, 2 * PAGE);
	MUST(ftruncate(fd, 1000));
	CHECK_BYTES(p, 1000, 0xab);
	CHECK_BYTES(p + 1000, PAGE - 1000, 0);
	CHECK_SIGNAL(load(p + PAGE), SIGBUS, BUS_ADRERR, p + PAGE);
	MUST(ftruncate(fd, 2 * PAGE));
	CHECK_BYTES(p + 1000, 2 * PAGE - 1000, 0);
}

TEST(truncate_to_nothing_and_back)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_SHARED, 0);

	for (int round = 1; round < 20; round++) {
		memset(p, round, 3 * PAGE);
		MUST(ftruncate(fd, 0));
		CHECK_SIGNAL(load(p), SIGBUS, BUS_ADRERR, p);
		MUST(ftruncate(fd, 3 * PAGE));
		CHECK_BYTES(p, 3 * PAGE, 0);
	}
}

TEST(read_stops_at_the_end_under_a_mapping)
{
	unsigned char block[2 * PAGE];
	int fd = make_file("data", PAGE + 50);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	memset(p + PAGE + 50, 0xff, 100);
	CHECK_EQ(pread(fd, block, sizeof(block), 0), PAGE + 50);
	check_pattern(block, PAGE + 50, 0);
}

TEST(kernel_copy_past_the_end_is_efault)
{
	int ends[2];
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	MUST(pipe(ends));
	CHECK_ERR(write(ends[1], p + PAGE, 10), EFAULT);
}
