/*
 * map_advise.c - madvise: each advice's visible effect, where it applies, and its errors.
 */
#include "guest.h"

static bool is_resident(const void *page)
{
	unsigned char vector;

	MUST(mincore((void *)page, PAGE, &vector));
	return vector & 1;
}

TEST(dontneed_of_private_memory_gives_zeros)
{
	unsigned char *p = map_anonymous(3 * PAGE);

	memset(p, 5, 3 * PAGE);
	MUST(madvise(p + PAGE, PAGE, MADV_DONTNEED));
	CHECK_BYTES(p, PAGE, 5);
	CHECK_BYTES(p + PAGE, PAGE, 0);
	CHECK_BYTES(p + 2 * PAGE, PAGE, 5);
}

TEST(dontneed_of_a_private_file_mapping_shows_the_file_again)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	memset(p, 5, 2 * PAGE);
	put_byte(fd, 0, 0xee);
	MUST(madvise(p, 2 * PAGE, MADV_DONTNEED));
	CHECK_EQ(load(p), 0xee);
	check_pattern(p + 1, 2 * PAGE - 1, 1);
}

TEST(dontneed_of_shared_memory_loses_nothing)
{
	int fd = make_file("data", PAGE);
	unsigned char *file = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	unsigned char *memory = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));

	memset(file, 6, PAGE);
	memset(memory, 7, PAGE);
	MUST(madvise(file, PAGE, MADV_DONTNEED));
	MUST(madvise(memory, PAGE, MADV_DONTNEED));
	CHECK_BYTES(file, PAGE, 6);
	CHECK_BYTES(memory, PAGE, 7);
	CHECK_EQ(file_byte(fd, 9), 6);
}

TEST(dontneed_is_for_this_process_only)
{
	unsigned char *p = map_anonymous(PAGE);

	memset(p, 5, PAGE);
	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(madvise(p, PAGE, MADV_DONTNEED));
		CHECK_EQ(load(p), 0);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_BYTES(p, PAGE, 5);
}

TEST(hole_is_enomem_after_the_rest_is_done)
{
	unsigned char *p = map_anonymous(3 * PAGE);

	memset(p, 5, 3 * PAGE);
	MUST(munmap(p + PAGE, PAGE));
	CHECK_ERR(madvise(p, 3 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK_EQ(load(p), 0);
	CHECK_EQ(load(p + 2 * PAGE), 0);
}

TEST(what_is_refused)
{
	unsigned char *p = map_anonymous(PAGE);

	CHECK_ERR(madvise(p + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERR(madvise(p, PAGE, 99), EINVAL);
	CHECK_ERR(madvise(p, -PAGE, MADV_DONTNEED), EINVAL);
	CHECK_EQ(madvise(p, 0, MADV_DONTNEED), 0);
	CHECK_ERR(madvise(p, 0, 99), EINVAL);
}

TEST(length_is_rounded_up)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	memset(p, 5, 2 * PAGE);
	MUST(madvise(p, 1, MADV_DONTNEED));
	CHECK_BYTES(p, PAGE, 0);
	CHECK_BYTES(p + PAGE, PAGE, 5);
}

TEST(free_keeps_what_is_stored_afterwards)
{
	unsigned char *p = map_anonymous(PAGE);

	memset(p, 5, PAGE);
	MUST(madvise(p, PAGE, MADV_FREE));
	store(p, 9);
	CHECK_EQ(load(p), 9);
	CHECK(load(p + 1) == 5 || load(p + 1) == 0);
}

TEST(free_is_for_private_memory_only)
{
	int fd = make_file("data", PAGE);

	CHECK_ERR(madvise(map_file(fd, PAGE, RW, MAP_PRIVATE, 0), PAGE, MADV_FREE), EINVAL);
	CHECK_ERR(madvise(map_file(fd, PAGE, RW, MAP_SHARED, 0), PAGE, MADV_FREE), EINVAL);
}

TEST(dontfork_leaves_a_hole_in_the_child)
{
	unsigned char *p = map_anonymous(3 * PAGE);

	memset(p, 5, 3 * PAGE);
	MUST(madvise(p + PAGE, PAGE, MADV_DONTFORK));
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(load(p), 5);
		CHECK_SIGNAL(load(p + PAGE), SIGSEGV, SEGV_MAPERR, p + PAGE);
		CHECK_EQ(load(p + 2 * PAGE), 5);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p + PAGE), 5);
}

TEST(dofork_undoes_dontfork)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 5);
	MUST(madvise(p, PAGE, MADV_DONTFORK));
	MUST(madvise(p, PAGE, MADV_DOFORK));
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(load(p), 5);
		_exit(0);
	}
	CHECK_CHILD(child);
}

TEST(wipeonfork_gives_the_child_zeros)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	memset(p, 5, 2 * PAGE);
	MUST(madvise(p, PAGE, MADV_WIPEONFORK));
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_BYTES(p, PAGE, 0);
		CHECK_BYTES(p + PAGE, PAGE, 5);
		store(p, 6);
		// The wish is inherited, too.
		pid_t grandchild = MUST(fork());
		if (grandchild == 0) {
			CHECK_EQ(load(p), 0);
			_exit(0);
		}
		CHECK_CHILD(grandchild);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_BYTES(p, PAGE, 5);
}

TEST(keeponfork_undoes_wipeonfork)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 5);
	MUST(madvise(p, PAGE, MADV_WIPEONFORK));
	MUST(madvise(p, PAGE, MADV_KEEPONFORK));
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(load(p), 5);
		_exit(0);
	}
	CHECK_CHILD(child);
}

TEST(wipeonfork_is_for_private_memory_only)
{
	int fd = make_file("data", PAGE);

	CHECK_ERR(madvise(map_file(fd, PAGE, RW, MAP_PRIVATE, 0), PAGE, MADV_WIPEONFORK), EINVAL);
	CHECK_ERR(madvise(MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0)), PAGE, MADV_WIPEONFORK),
		  EINVAL);
}

TEST(populate_read_makes_resident_and_changes_nothing)
{
	unsigned char *p = map_anonymous(4 * PAGE);
	int fd = make_file("data", 2 * PAGE);
	unsigned char *q = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	MUST(madvise(p, 4 * PAGE, MADV_POPULATE_READ));
	CHECK(is_resident(p + 3 * PAGE));
	CHECK_BYTES(p, 4 * PAGE, 0);
	MUST(madvise(q, 2 * PAGE, MADV_POPULATE_READ));
	put_byte(fd, 0, 0xee);
	CHECK_EQ(load(q), 0xee);
}

TEST(populate_write_makes_copies)
{
	int fd = make_file("data", 2 * PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);

	MUST(madvise(p, PAGE, MADV_POPULATE_WRITE));
	put_byte(fd, 0, 0xee);
	put_byte(fd, PAGE, 0xee);
	CHECK_EQ(load(p), pattern(0));
	CHECK_EQ(load(p + PAGE), 0xee);
}

TEST(populate_where_access_is_forbidden_is_einval)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	MUST(mprotect(p, PAGE, PROT_READ));
	MUST(mprotect(p + PAGE, PAGE, PROT_NONE));
	CHECK_EQ(madvise(p, PAGE, MADV_POPULATE_READ), 0);
	CHECK_ERR(madvise(p, PAGE, MADV_POPULATE_WRITE), EINVAL);
	CHECK_ERR(madvise(p + PAGE, PAGE, MADV_POPULATE_READ), EINVAL);
}

TEST(populate_over_a_hole_is_enomem)
{
	CHECK_ERR(madvise(find_hole(PAGE), PAGE, MADV_POPULATE_READ), ENOMEM);
}

TEST(populate_past_the_end_of_file_is_efault)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	CHECK_ERR(madvise(p, 2 * PAGE, MADV_POPULATE_READ), EFAULT);
	CHECK_ERR(madvise(p, 2 * PAGE, MADV_POPULATE_WRITE), EFAULT);
}

TEST(advice_about_the_use_changes_no_byte)
{
	static const int advices[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_COLD,
				       MADV_PAGEOUT };
	int fd = make_file("data", 20 * PAGE);
	unsigned char *p = map_file(fd, 20 * PAGE, RW, MAP_SHARED, 0);

	for (unsigned i = 0; i < sizeof(advices) / sizeof(advices[0]); i++) {
		MUST(madvise(p, 20 * PAGE, advices[i]));
		check_pattern(p, 20 * PAGE, 0);
	}
}

TEST(pageout_of_private_memory_loses_nothing)
{
	unsigned char *p = map_anonymous(8 * PAGE);

	memset(p, 5, 8 * PAGE);
	MUST(madvise(p, 8 * PAGE, MADV_PAGEOUT));
	MUST(madvise(p, 8 * PAGE, MADV_COLD));
	CHECK_BYTES(p, 8 * PAGE, 5);
}

TEST(locked_memory_refuses_to_go)
{
	unsigned char *p = map_anonymous(PAGE);

	MUST(mlock(p, PAGE));
	CHECK_ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERR(madvise(p, PAGE, MADV_COLD), EINVAL);
	CHECK_ERR(madvise(p, PAGE, MADV_PAGEOUT), EINVAL);
}

TEST(remove_makes_a_hole_in_the_file)
{
	int fd = make_file("data", 4 * PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	MUST(madvise(p + PAGE, 2 * PAGE, MADV_REMOVE));
	check_pattern(p, PAGE, 0);
	CHECK_BYTES(p + PAGE, 2 * PAGE, 0);
	check_pattern(p + 3 * PAGE, PAGE, 3 * PAGE);
	CHECK_EQ(file_byte(fd, PAGE), 0);
	CHECK_EQ(file_size(fd), 4 * PAGE);
}

TEST(remove_is_for_shared_writable_mappings)
{
	int fd = make_file("data", PAGE), other = MUST(open("data", O_RDONLY));

	CHECK_ERR(madvise(map_anonymous(PAGE), PAGE, MADV_REMOVE), EINVAL);
	CHECK_ERR(madvise(map_file(fd, PAGE, RW, MAP_PRIVATE, 0), PAGE, MADV_REMOVE), EACCES);
	CHECK_ERR(madvise(map_file(other, PAGE, PROT_READ, MAP_SHARED, 0), PAGE, MADV_REMOVE), EACCES);
}

TEST(remove_goes_on_behind_a_hole)
{
	int fd = make_file("data", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_SHARED, 0);

	MUST(munmap(p + PAGE, PAGE));
	CHECK_ERR(madvise(p, 3 * PAGE, MADV_REMOVE), ENOMEM);
	CHECK_EQ(file_byte(fd, 0), 0);
	CHECK_EQ(file_byte(fd, PAGE), pattern(PAGE));
	CHECK_EQ(file_byte(fd, 2 * PAGE), 0);
}

TEST(posix_madvise_returns_the_error)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 5);
	CHECK_EQ(posix_madvise(p, PAGE, POSIX_MADV_WILLNEED), 0);
	CHECK_EQ(posix_madvise(p, PAGE, POSIX_MADV_DONTNEED), 0);
	CHECK_EQ(load(p), 5);
	CHECK_EQ(posix_madvise(p + 1, PAGE, POSIX_MADV_NORMAL), EINVAL);
}
