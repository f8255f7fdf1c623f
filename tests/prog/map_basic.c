/*
 * map_basic.c - mmap and munmap themselves: what is mapped where, and each bad argument.
 * Errors are asked for by the raw call, so that no C library answers instead of the kernel.
 */
#include "guest.h"

static long raw_mmap(unsigned long start, unsigned long length, int prot, int flags, int fd,
		     unsigned long offset)
{
	return syscall(SYS_mmap, start, length, prot, flags, fd, offset);
}

static long raw_munmap(unsigned long start, unsigned long length)
{
	return syscall(SYS_munmap, start, length);
}

/* ---- what is there --------------------------------------------------------------------------- */

TEST(anonymous_memory_is_zero)
{
	unsigned char *p = map_anonymous(4 * PAGE);

	CHECK_BYTES(p, 4 * PAGE, 0);
}

TEST(anonymous_memory_keeps_stores)
{
	unsigned char *p = map_anonymous(4 * PAGE);

	for (unsigned long i = 0; i < 4 * PAGE; i++)
		store(p + i, pattern(i));
	check_pattern(p, 4 * PAGE, 0);
}

TEST(anonymous_mapping_ignores_the_descriptor)
{
	unsigned char *p = MUST(mmap(NULL, PAGE, RW, ANON, 12345, 0));

	CHECK_EQ(load(p), 0);
}

TEST(memory_mapped_again_is_zero_again)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	memset(p, 0xee, 2 * PAGE);
	MUST(mmap(p, 2 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	CHECK_BYTES(p, 2 * PAGE, 0);
}

TEST(result_is_page_aligned)
{
	unsigned char *p = MUST(mmap(NULL, 1, RW, ANON, -1, 0));

	CHECK_EQ((unsigned long)p % PAGE, 0);
}

TEST(file_shows_its_bytes)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, PROT_READ, MAP_SHARED, 0);

	check_pattern(p, 3 * PAGE, 0);
}

TEST(private_file_shows_its_bytes)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, PROT_READ, MAP_PRIVATE, 0);

	check_pattern(p, 3 * PAGE, 0);
}

TEST(offset_chooses_the_first_page)
{
	int fd = make_file("data", 8 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, PROT_READ, MAP_SHARED, 5 * PAGE);

	check_pattern(p, 2 * PAGE, 5 * PAGE);
}

TEST(length_is_rounded_up_to_whole_pages)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, PAGE + 1, PROT_READ, MAP_SHARED, 0);

	check_pattern(p, 2 * PAGE, 0);
}

TEST(mapping_survives_close)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, PROT_READ, MAP_PRIVATE, 0);

	MUST(close(fd));
	check_pattern(p, 2 * PAGE, 0);
}

TEST(mapping_does_not_move_the_file_position)
{
	int fd = make_file("data", 2 * PAGE);

	MUST(lseek(fd, 123, SEEK_SET));
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, PAGE);
	store(p, 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 123);
}

TEST(pages_touched_backwards_are_right)
{
	int fd = make_file("data", 32 * PAGE);
	unsigned char *p = map_file(fd, 32 * PAGE, PROT_READ, MAP_SHARED, 0);

	for (int i = 31; i >= 0; i--)
		CHECK_EQ(load(p + i * PAGE + i), pattern(i * PAGE + i));
}

TEST(code_in_a_file_runs)
{
	static const unsigned char code[] = { 0xb8, 42, 0, 0, 0, 0xc3 };   // mov eax, 42; ret
	int fd = MUST(open("code", O_RDWR | O_CREAT, 0755));

	CHECK_EQ(write(fd, code, sizeof(code)), sizeof(code));
	int (*answer)(void) = (int (*)(void))map_file(fd, sizeof(code), PROT_READ | PROT_EXEC,
						      MAP_PRIVATE, 0);
	CHECK_EQ(answer(), 42);
}

TEST(write_only_mapping_can_be_read)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_WRITE, MAP_SHARED, 0);

	CHECK_EQ(load(p + 7), pattern(7));      // on x86, PROT_WRITE implies PROT_READ
	store(p + 7, 9);
	CHECK_EQ(file_byte(fd, 7), 9);
}

TEST(mapping_needs_no_search_permission_later)
{
	int fd = make_file("data", PAGE);

	MUST(fchmod(fd, 0));
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	CHECK_EQ(load(p + 1), pattern(1));
}

/* ---- where it is ----------------------------------------------------------------------------- */

TEST(mappings_never_overlap)
{
	unsigned char *area[32];

	for (int i = 0; i < 32; i++) {
		area[i] = map_anonymous((1 + i % 3) * PAGE);
		memset(area[i], i + 1, (1 + i % 3) * PAGE);
	}
	for (int i = 0; i < 32; i++)
		CHECK_BYTES(area[i], (1 + i % 3) * PAGE, i + 1);
}

TEST(free_hint_is_taken)
{
	unsigned char *hole = find_hole(4 * PAGE);

	CHECK_EQ(mmap(hole + PAGE, PAGE, RW, ANON, -1, 0), hole + PAGE);
}

TEST(unaligned_hint_is_no_error)
{
	unsigned char *hole = find_hole(4 * PAGE);
	unsigned char *p = MUST(mmap(hole + PAGE + 5, PAGE, RW, ANON, -1, 0));

	CHECK_EQ((unsigned long)p % PAGE, 0);
	store(p, 1);
}

TEST(taken_hint_goes_elsewhere)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	store(p, 77);
	unsigned char *q = MUST(mmap(p, 2 * PAGE, RW, ANON, -1, 0));
	CHECK(q + 2 * PAGE <= p || p + 2 * PAGE <= q);
	CHECK_EQ(load(p), 77);
	CHECK_EQ(load(q), 0);
}

TEST(fixed_is_exactly_there)
{
	unsigned char *hole = find_hole(4 * PAGE);
	int fd = make_file("data", 2 * PAGE);

	CHECK_EQ(mmap(hole + PAGE, 2 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0), hole + PAGE);
	check_pattern(hole + PAGE, 2 * PAGE, 0);
}

TEST(fixed_replaces_only_its_range)
{
	unsigned char *p = map_anonymous(5 * PAGE);
	int fd = make_file("data", 4 * PAGE);

	memset(p, 0x55, 5 * PAGE);
	MUST(mmap(p + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 3 * PAGE));
	CHECK_BYTES(p, 2 * PAGE, 0x55);
	check_pattern(p + 2 * PAGE, PAGE, 3 * PAGE);
	CHECK_BYTES(p + 3 * PAGE, 2 * PAGE, 0x55);
}

TEST(fixed_replaces_several_areas_at_once)
{
	int fd = make_file("data", 4 * PAGE);
	unsigned char *p = map_anonymous(6 * PAGE);

	MUST(mmap(p + PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0));
	MUST(munmap(p + 2 * PAGE, PAGE));
	MUST(mprotect(p + 3 * PAGE, PAGE, PROT_READ));
	memset(p, 1, PAGE);
	memset(p + 5 * PAGE, 1, PAGE);
	MUST(mmap(p + PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	CHECK_BYTES(p, PAGE, 1);
	CHECK_BYTES(p + PAGE, 4 * PAGE, 0);
	CHECK_BYTES(p + 5 * PAGE, PAGE, 1);
	memset(p + PAGE, 2, 4 * PAGE);
}

TEST(fixed_replaced_shared_page_reaches_the_file)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(p + 9, 0x99);
	MUST(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	CHECK_EQ(file_byte(fd, 9), 0x99);
}

/* ---- bad arguments of mmap ------------------------------------------------------------------- */

TEST(length_zero_is_einval)
{
	CHECK_ERR(raw_mmap(0, 0, RW, ANON, -1, 0), EINVAL);
}

TEST(unaligned_offset_is_einval)
{
	int fd = make_file("data", 2 * PAGE);

	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 512), EINVAL);
}

TEST(unaligned_offset_of_anonymous_is_einval)
{
	CHECK_ERR(raw_mmap(0, PAGE, RW, ANON, -1, 1), EINVAL);
}

TEST(neither_shared_nor_private_is_einval)
{
	int fd = make_file("data", PAGE);

	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, 0, fd, 0), EINVAL);
	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0), EINVAL);
}

TEST(fixed_unaligned_address_is_einval)
{
	unsigned char *hole = find_hole(4 * PAGE);

	CHECK_ERR(raw_mmap((unsigned long)hole + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
}

TEST(closed_descriptor_is_ebadf)
{
	int fd = make_file("data", PAGE);

	MUST(close(fd));
	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0), EBADF);
}

TEST(negative_descriptor_is_ebadf)
{
	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, -1, 0), EBADF);
}

TEST(shared_write_on_readonly_descriptor_is_eacces)
{
	make_file("data", PAGE);
	int fd = MUST(open("data", O_RDONLY));

	CHECK_ERR(raw_mmap(0, PAGE, RW, MAP_SHARED, fd, 0), EACCES);
	CHECK_ERR(raw_mmap(0, PAGE, PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
}

TEST(writeonly_descriptor_is_eacces)
{
	make_file("data", PAGE);
	int fd = MUST(open("data", O_WRONLY));

	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0), EACCES);
	CHECK_ERR(raw_mmap(0, PAGE, PROT_WRITE, MAP_SHARED, fd, 0), EACCES);
	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), EACCES);
}

TEST(directory_is_enodev)
{
	int fd = MUST(open(".", O_RDONLY | O_DIRECTORY));

	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, fd, 0), ENODEV);
}

TEST(pipe_is_enodev)
{
	int ends[2];

	MUST(pipe(ends));
	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_PRIVATE, ends[0], 0), ENODEV);
}

TEST(offset_past_all_files_is_eoverflow)
{
	int fd = make_file("data", PAGE);

	CHECK_ERR(raw_mmap(0, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0x7ffffffffffff000), EOVERFLOW);
}

TEST(negative_offset_is_eoverflow)
{
	int fd = make_file("data", PAGE);

	CHECK_ERR(raw_mmap(0, PAGE, PROT_READ, MAP_SHARED, fd, -PAGE), EOVERFLOW);
}

TEST(length_of_all_memory_is_enomem)
{
	CHECK_ERR(raw_mmap(0, 1UL << 47, PROT_READ, ANON, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(0, 1UL << 62, PROT_READ, ANON, -1, 0), ENOMEM);
}

TEST(length_that_wraps_is_enomem)
{
	CHECK_ERR(raw_mmap(0, -1UL, PROT_READ, ANON, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(0, -PAGE, PROT_READ, ANON, -1, 0), ENOMEM);
}

TEST(fixed_in_kernel_space_is_enomem)
{
	CHECK_ERR(raw_mmap(0xffff800000000000, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
	CHECK_ERR(raw_mmap(0x800000000000 - PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
}

TEST(failed_mmap_leaves_the_old_mapping)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_anonymous(PAGE);

	MUST(close(fd));
	store(p, 5);
	CHECK_ERR(raw_mmap((unsigned long)p, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0), EBADF);
	CHECK_EQ(load(p), 5);
}

TEST(unknown_flags_of_private_are_ignored)
{
	long p = raw_mmap(0, PAGE, RW, ANON | 0x800 /* MAP_DENYWRITE: "this flag is ignored" */, -1, 0);

	CHECK(p > 0);
	store((void *)p, 1);
}

/* ---- munmap ---------------------------------------------------------------------------------- */

TEST(unmapped_memory_is_gone)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 1);
	MUST(munmap(p, PAGE));
	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_MAPERR, p);
}

TEST(munmap_takes_whole_pages)
{
	unsigned char *p = map_anonymous(3 * PAGE);

	MUST(munmap(p, PAGE + 1));
	CHECK_SIGNAL(load(p + PAGE + 5), SIGSEGV, SEGV_MAPERR, p + PAGE + 5);
	CHECK_EQ(load(p + 2 * PAGE), 0);
}

TEST(munmap_unaligned_is_einval)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	CHECK_ERR(raw_munmap((unsigned long)p + 1, PAGE), EINVAL);
	CHECK_EQ(load(p), 0);
}

TEST(munmap_length_zero_is_einval)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_ERR(raw_munmap((unsigned long)p, 0), EINVAL);
}

TEST(munmap_past_user_space_is_einval)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_ERR(raw_munmap((unsigned long)p, -PAGE), EINVAL);
	CHECK_ERR(raw_munmap(0xffff800000000000, PAGE), EINVAL);
	CHECK_EQ(load(p), 0);
}

TEST(munmap_of_a_hole_is_no_error)
{
	unsigned char *hole = find_hole(4 * PAGE);

	CHECK_EQ(munmap(hole, 4 * PAGE), 0);
}

TEST(munmap_twice_is_no_error)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_EQ(munmap(p, PAGE), 0);
	CHECK_EQ(munmap(p, PAGE), 0);
}

TEST(munmap_spans_areas_and_holes)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_anonymous(6 * PAGE);

	MUST(munmap(p + 2 * PAGE, PAGE));
	MUST(mmap(p + 3 * PAGE, PAGE, RW, MAP_SHARED | MAP_FIXED, fd, 0));
	memset(p, 3, 2 * PAGE);
	store(p + 5 * PAGE, 4);
	MUST(munmap(p + PAGE, 4 * PAGE));
	CHECK_BYTES(p, PAGE, 3);
	for (int i = 1; i < 5; i++)
		CHECK_SIGNAL(load(p + i * PAGE), SIGSEGV, SEGV_MAPERR, p + i * PAGE);
	CHECK_EQ(load(p + 5 * PAGE), 4);
}

TEST(unmapped_space_is_used_again)
{
	unsigned char *hole = find_hole(2 * PAGE);

	for (int i = 0; i < 100; i++) {
		CHECK_EQ(mmap(hole, 2 * PAGE, RW, ANON, -1, 0), hole);
		CHECK_EQ(load(hole + PAGE), 0);
		store(hole + PAGE, 1);
		MUST(munmap(hole, 2 * PAGE));
	}
}

TEST(munmap_releases_the_file)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	MUST(munmap(p, PAGE));
	CHECK_SIGNAL(store(p, 1), SIGSEGV, SEGV_MAPERR, p);
	CHECK_EQ(file_byte(fd, 0), pattern(0));
}
