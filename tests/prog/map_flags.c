/*
 * map_flags.c - mmap's further flags, its limits, large reservations, the joining of equal neighbours, and mincore.
 */
#include "guest.h"

static unsigned char residency(const void *page)
{
	unsigned char vector;

	MUST(mincore((void *)page, PAGE, &vector));
	return vector & 1;
}

TEST(fixed_noreplace_takes_a_free_place)
{
	unsigned char *p = find_hole(2 * PAGE);

	CHECK_EQ(mmap(p, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), p);
	store(p + PAGE, 1);
}

TEST(fixed_noreplace_refuses_a_taken_place)
{
	unsigned char *p = map_anonymous(3 * PAGE);

	memset(p, 5, 3 * PAGE);
	CHECK_ERR(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK_ERR(mmap(p - PAGE, 2 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	CHECK_BYTES(p, 3 * PAGE, 5);
}

TEST(fixed_noreplace_looks_at_the_place_before_the_file)
{
	int fd = make_file("data", PAGE), other = MUST(open("data", O_RDONLY));
	unsigned char *p = map_anonymous(PAGE);

	(void)fd;
	CHECK_ERR(mmap(p, PAGE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE, other, 0), EEXIST);
}

TEST(populate_makes_all_resident)
{
	unsigned char *p = MUST(mmap(NULL, 4 * PAGE, RW, ANON | MAP_POPULATE, -1, 0));

	for (int i = 0; i < 4; i++)
		CHECK_EQ(residency(p + i * PAGE), 1);
}

TEST(populate_past_the_end_of_file_is_no_error)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_SHARED | MAP_POPULATE, 0);

	check_pattern(p, PAGE, 0);
	CHECK_SIGNAL(load(p + PAGE), SIGBUS, BUS_ADRERR, p + PAGE);
}

TEST(locked_is_populated_and_locked)
{
	unsigned char *p = MUST(mmap(NULL, 2 * PAGE, RW, ANON | MAP_LOCKED, -1, 0));

	CHECK_EQ(residency(p + PAGE), 1);
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
}

TEST(low_addresses_on_demand)
{
	for (int i = 0; i < 4; i++) {
		unsigned char *p = MUST(mmap(NULL, 1 << 20, RW, ANON | MAP_32BIT, -1, 0));
		CHECK((unsigned long)p + (1 << 20) <= 1UL << 31);
		store(p, 1);
	}
}

TEST(shared_validate_is_shared)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED_VALIDATE, 0);

	store(p, 0xee);
	CHECK_EQ(file_byte(fd, 0), 0xee);
}

TEST(shared_validate_refuses_unknown_flags)
{
	int fd = make_file("data", PAGE);

	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x800000, fd, 0), EOPNOTSUPP);
	MUST(mmap(NULL, PAGE, RW, MAP_SHARED | 0x800000, fd, 0));       // which plain MAP_SHARED passes over
	// MAP_FIXED_NOREPLACE is one of them, MAP_ABOVE4G is not.
	unsigned char *place = find_hole(PAGE);

	CHECK_ERR(mmap(place, PAGE, RW, MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE, fd, 0), EOPNOTSUPP);
	MUST(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | 0x80, fd, 0));
}

TEST(shared_validate_wants_a_file)
{
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0), EINVAL);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS | 0x800000, -1, 0), EINVAL);
}

TEST(a_type_is_needed)
{
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
}

TEST(length_zero_is_einval)
{
	CHECK_ERR(mmap(NULL, 0, RW, ANON, -1, 0), EINVAL);
}

TEST(length_past_all_addresses_is_enomem)
{
	CHECK_ERR(mmap(NULL, 1UL << 47, RW, ANON | MAP_NORESERVE, -1, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, -1UL, RW, ANON, -1, 0), ENOMEM);
}

TEST(offset_that_overflows_is_eoverflow)
{
	int fd = make_file("data", PAGE);

	CHECK_ERR(syscall(SYS_mmap, NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, -PAGE), EOVERFLOW);
}

TEST(a_pipe_and_a_folder_have_no_pages)
{
	int ends[2], folder = MUST(open(".", O_RDONLY));

	MUST(pipe(ends));
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, folder, 0), ENODEV);
}

TEST(zeros_of_the_device_are_memory)
{
	int fd = MUST(open("/dev/zero", O_RDWR));
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0), *q = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	CHECK_BYTES(p, 2 * PAGE, 0);
	store(p, 1);
	pid_t child = MUST(fork());
	if (child == 0) {
		store(q, 3);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(q), 3);
}

TEST(a_terabyte_costs_what_is_touched)
{
	unsigned long size = 1UL << 40;
	unsigned char *p = MUST(mmap(NULL, size, RW, ANON | MAP_NORESERVE, -1, 0));

	for (unsigned long at = 0; at < size; at += size / 16)
		store(p + at, pattern(at / (size / 16)));
	for (unsigned long at = 0; at < size; at += size / 16)
		CHECK_EQ(load(p + at), pattern(at / (size / 16)));
	CHECK_EQ(load(p + size - 1), 0);
	MUST(munmap(p, size));
}

TEST(a_reservation_is_given_out_by_mprotect)
{
	unsigned char *p = MUST(mmap(NULL, 1UL << 36, PROT_NONE, ANON | MAP_NORESERVE, -1, 0));

	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_ACCERR, p);
	MUST(mprotect(p + (1UL << 35), 4 * PAGE, RW));
	store(p + (1UL << 35) + 3 * PAGE, 1);
	CHECK_SIGNAL(load(p + (1UL << 35) + 4 * PAGE), SIGSEGV, SEGV_ACCERR, p + (1UL << 35) + 4 * PAGE);
}

TEST(limit_of_address_space_is_enomem)
{
	struct rlimit limit = { 64 << 20, 64 << 20 };

	MUST(setrlimit(RLIMIT_AS, &limit));
	CHECK_ERR(mmap(NULL, 128 << 20, PROT_NONE, ANON | MAP_NORESERVE, -1, 0), ENOMEM);
	map_anonymous(16 << 20);
}

TEST(limit_of_areas_is_enomem)
{
	unsigned long pages = 140000;
	unsigned char *p = MUST(mmap(NULL, pages * PAGE, PROT_READ, ANON | MAP_NORESERVE, -1, 0));
	unsigned long i = 1;

	// Every other page gets another protection: two areas more each time, until there is no room.
	while (i < pages && mprotect(p + i * PAGE, PAGE, PROT_NONE) == 0)
		i += 2;
	CHECK(i < pages);
	CHECK_EQ(errno, ENOMEM);
	CHECK(i > 65000 && i < 65531);
	CHECK_ERR(munmap(p + (pages - 10) * PAGE, PAGE), ENOMEM);       // a hole makes one more, too
	MUST(munmap(p, pages * PAGE));
	MUST(mmap(NULL, PAGE, PROT_READ, ANON, -1, 0));
}

TEST(grows_down_to_meet_a_touch)
{
	unsigned char *hole = find_hole(1024 * PAGE);
	unsigned char *p = MUST(mmap(hole + 1000 * PAGE, 4 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0));

	store(p, 1);
	store(p - 1, 2);
	store(p - 5 * PAGE, 3);
	CHECK_EQ(load(p - 1), 2);
	CHECK_EQ(load(p - PAGE), 0);
}

TEST(grows_down_not_into_the_guard_gap)
{
	unsigned char *hole = find_hole(1024 * PAGE);
	unsigned char *p = MUST(mmap(hole + 100 * PAGE, 4 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED, -1, 0));

	MUST(mmap(hole, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	CHECK_SIGNAL(store(p - 1, 2), SIGSEGV, SEGV_MAPERR, p - 1);     // nearer than 256 pages
}

TEST(neighbours_made_alike_are_one_area)
{
	struct map_line line;
	unsigned char *p = find_hole(6 * PAGE);

	MUST(mmap(p, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	MUST(mmap(p + 4 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	MUST(mmap(p + 2 * PAGE, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	CHECK(map_line_at(p + 3 * PAGE, &line));
	CHECK(line.start <= (unsigned long)p);
	CHECK(line.end >= (unsigned long)p + 6 * PAGE);
}

TEST(neighbours_of_one_file_are_one_area)
{
	struct map_line line;
	int fd = make_file("data", 4 * PAGE);
	unsigned char *p = find_hole(4 * PAGE);

	MUST(mmap(p, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	MUST(mmap(p + 2 * PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 2 * PAGE));
	CHECK(map_line_at(p, &line));
	CHECK_EQ(line.end, p + 4 * PAGE);
	MUST(mmap(p + 2 * PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, fd, PAGE));
	CHECK(map_line_at(p, &line));
	CHECK_EQ(line.end, p + 2 * PAGE);
}

TEST(mincore_tells_what_was_touched)
{
	unsigned char *p = map_anonymous(5 * PAGE), vector[5];

	store(p + PAGE, 1);
	store(p + 4 * PAGE, 1);
	MUST(mincore(p, 5 * PAGE, vector));
	for (int i = 0; i < 5; i++)
		CHECK_EQ(vector[i] & 1, i == 1 || i == 4);
}

TEST(mincore_tells_of_the_files_pages)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, PROT_READ, MAP_SHARED, 0), vector[3];

	MUST(mincore(p, 3 * PAGE, vector));     // just written: in the cache, though not touched here
	for (int i = 0; i < 3; i++)
		CHECK_EQ(vector[i] & 1, 1);
}

TEST(mincore_rounds_the_length_up)
{
	unsigned char *p = map_anonymous(2 * PAGE), vector[2] = { 9, 9 };

	MUST(mincore(p, PAGE + 1, vector));
	CHECK_EQ(vector[1] & 1, 0);
	CHECK(vector[1] != 9);
}

TEST(mincore_refuses)
{
	unsigned char *p = map_anonymous(2 * PAGE), vector[2];

	CHECK_ERR(mincore(p + 1, PAGE, vector), EINVAL);
	CHECK_ERR(mincore(find_hole(PAGE), PAGE, vector), ENOMEM);
	CHECK_ERR(mincore(p, PAGE, find_hole(PAGE)), EFAULT);
	CHECK_ERR(mincore(p, -PAGE, vector), ENOMEM);
}

TEST(msync_goes_on_behind_a_hole)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_SHARED, 0);

	memset(p, 5, 3 * PAGE);
	MUST(munmap(p + PAGE, PAGE));
	CHECK_ERR(msync(p, 3 * PAGE, MS_SYNC), ENOMEM);
	CHECK_ERR(msync(p + PAGE, PAGE, MS_ASYNC), ENOMEM);
	CHECK_ERR(msync(p, 3 * PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERR(msync(p, 3 * PAGE, 64), EINVAL);
	CHECK_ERR(msync(p + 1, PAGE, MS_SYNC), EINVAL);
}

TEST(mprotect_over_a_hole_keeps_what_came_before)
{
	unsigned char *p = map_anonymous(4 * PAGE);

	memset(p, 5, 4 * PAGE);
	MUST(munmap(p + 2 * PAGE, PAGE));
	CHECK_ERR(mprotect(p, 4 * PAGE, PROT_READ), ENOMEM);
	CHECK_SIGNAL(store(p + PAGE, 1), SIGSEGV, SEGV_ACCERR, p + PAGE);
	store(p + 3 * PAGE, 1);
}
