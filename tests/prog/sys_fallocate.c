/*
 * sys_fallocate.c - the room behind a file: fallocate, holes, and finding them with lseek. Each fact is tried
 * on the file system of the work folder (on Lectern: ext2) and in memory (/dev/shm), where both know it.
 */
#define _GNU_SOURCE
#include "guest.h"

#ifndef FALLOC_FL_KEEP_SIZE
#include <linux/falloc.h>
#endif

#define KEEP FALLOC_FL_KEEP_SIZE
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

static char shm_name[64];

// A file in memory in the pattern, which no directory knows.
static int make_shm(unsigned long size)
{
	snprintf(shm_name, sizeof(shm_name), "/dev/shm/allocate.%d", (int)getpid());
	int fd = make_file(shm_name, size);

	MUST(unlink(shm_name));
	return fd;
}

static long blocks(int fd)
{
	struct stat st;

	MUST(fstat(fd, &st));
	return st.st_blocks;
}

static void check_file(int fd, unsigned long from, unsigned long to, bool zeros)
{
	for (unsigned long at = from; at < to; at += at + 97 < to ? 97 : 1)
		CHECK_EQ(file_byte(fd, at), zeros ? 0 : pattern(at));
}

/* ---- allocation ------------------------------------------------------------------------------ */

static void check_mode_0(int fd)
{
	long before;

	CHECK_EQ(fallocate(fd, 0, 0, 10 * PAGE), 0);
	CHECK_EQ(file_size(fd), 10 * PAGE);
	before = blocks(fd);
	CHECK(before >= (long)(10 * PAGE / 512));
	check_file(fd, 0, 10 * PAGE, true);
	put_byte(fd, 5 * PAGE, 9);
	MUST(fsync(fd));
	CHECK_EQ(blocks(fd), before);
}

TEST(mode_0_grows_and_reserves)
{
	check_mode_0(make_file("a", 0));
	check_mode_0(make_shm(0));
}

TEST(mode_0_keeps_what_is_there)
{
	int fd = make_file("a", 3 * PAGE + 100);

	CHECK_EQ(fallocate(fd, 0, PAGE, 5 * PAGE), 0);
	CHECK_EQ(file_size(fd), 6 * PAGE);
	check_file(fd, 0, 3 * PAGE + 100, false);
	check_file(fd, 3 * PAGE + 100, 6 * PAGE, true);
}

TEST(mode_0_within_the_file_keeps_the_size)
{
	int fd = make_file("a", 3 * PAGE);

	CHECK_EQ(fallocate(fd, 0, 0, PAGE), 0);
	CHECK_EQ(file_size(fd), 3 * PAGE);
	check_file(fd, 0, 3 * PAGE, false);
}

TEST(mode_0_fills_holes)
{
	int fd = make_file("a", 0);

	MUST(ftruncate(fd, 64 * PAGE));
	put_byte(fd, 20 * PAGE, 7);
	CHECK_EQ(fallocate(fd, 0, 0, 64 * PAGE), 0);
	CHECK(blocks(fd) >= (long)(64 * PAGE / 512));
	CHECK_EQ(file_byte(fd, 20 * PAGE), 7);
	check_file(fd, 21 * PAGE, 64 * PAGE, true);
}

TEST(keep_size_within_the_file)
{
	int fd = make_file("a", 0);

	MUST(ftruncate(fd, 4 * PAGE));
	CHECK_EQ(fallocate(fd, KEEP, 0, 4 * PAGE), 0);
	CHECK_EQ(file_size(fd), 4 * PAGE);
	CHECK(blocks(fd) >= (long)(4 * PAGE / 512));
}

TEST(stores_to_reserved_pages_stay)
{
	int fd = make_file("a", 0);

	CHECK_EQ(fallocate(fd, 0, 0, 4 * PAGE), 0);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);
	CHECK_BYTES(p, 4 * PAGE, 0);
	store(p + 2 * PAGE, 5);
	MUST(msync(p, 4 * PAGE, MS_SYNC));
	CHECK_EQ(file_byte(fd, 2 * PAGE), 5);
}

/* ---- errors ---------------------------------------------------------------------------------- */

TEST(wrong_arguments)
{
	int fd = make_file("a", PAGE), ends[2];

	CHECK_ERR(fallocate(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(fallocate(fd, 0, -1, PAGE), EINVAL);
	CHECK_ERR(fallocate(fd, 0, 0, -1), EINVAL);
	CHECK_ERR(fallocate(-1, 0, 0, PAGE), EBADF);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, 0x4000, 0, PAGE), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, 0, 0x7ffffffffffff000, PAGE), EFBIG);
	CHECK_ERR(fallocate(MUST(open("a", O_RDONLY)), 0, 0, PAGE), EBADF);
	CHECK_ERR(fallocate(MUST(open(".", O_RDONLY)), 0, 0, PAGE), EBADF);
	MUST(pipe(ends));
	CHECK_ERR(fallocate(ends[1], 0, 0, PAGE), ESPIPE);
	CHECK_ERR(fallocate(MUST(open("/dev/null", O_WRONLY)), 0, 0, PAGE), ENODEV);
	CHECK_EQ(file_size(fd), PAGE);
}

/* ---- holes ----------------------------------------------------------------------------------- */

static void check_punch(int fd)
{
	long before = blocks(fd);

	CHECK_EQ(fallocate(fd, PUNCH, 2 * PAGE, 3 * PAGE), 0);
	CHECK_EQ(file_size(fd), 8 * PAGE);
	CHECK_EQ(blocks(fd), before - (long)(3 * PAGE / 512));
	check_file(fd, 0, 2 * PAGE, false);
	check_file(fd, 2 * PAGE, 5 * PAGE, true);
	check_file(fd, 5 * PAGE, 8 * PAGE, false);
}

TEST(punch_frees_whole_pages)
{
	int fd = make_file("a", 8 * PAGE);

	MUST(fsync(fd));
	check_punch(fd);
	check_punch(make_shm(8 * PAGE));
}

static void check_edges(int fd)
{
	CHECK_EQ(fallocate(fd, PUNCH, PAGE + 10, 3 * PAGE), 0);
	check_file(fd, 0, PAGE + 10, false);
	check_file(fd, PAGE + 10, 4 * PAGE + 10, true);
	check_file(fd, 4 * PAGE + 10, 8 * PAGE, false);
	CHECK_EQ(fallocate(fd, PUNCH, 6 * PAGE + 5, 20), 0);
	check_file(fd, 6 * PAGE, 6 * PAGE + 5, false);
	check_file(fd, 6 * PAGE + 5, 6 * PAGE + 25, true);
	check_file(fd, 6 * PAGE + 25, 7 * PAGE, false);
}

TEST(punch_zeroes_the_edges)
{
	check_edges(make_file("a", 8 * PAGE));
	check_edges(make_shm(8 * PAGE));
}

TEST(punch_to_the_end_and_behind)
{
	int fd = make_file("a", 3 * PAGE + 50);

	CHECK_EQ(fallocate(fd, PUNCH, PAGE, 100 * PAGE), 0);
	CHECK_EQ(file_size(fd), 3 * PAGE + 50);
	check_file(fd, 0, PAGE, false);
	check_file(fd, PAGE, 3 * PAGE + 50, true);
	CHECK_EQ(fallocate(fd, PUNCH, 50 * PAGE, PAGE), 0);
}

TEST(punch_of_a_deep_file_frees_everything)
{
	int fd = make_file("a", 0);

	for (unsigned long at = 0; at < 3000; at += 250)
		put_byte(fd, at * PAGE, 1);
	MUST(fsync(fd));
	CHECK_EQ(fallocate(fd, PUNCH, 0, 3000 * PAGE), 0);
	CHECK_EQ(blocks(fd), 0);
	CHECK_EQ(file_byte(fd, 250 * PAGE), 0);
}

TEST(punch_is_seen_by_every_shared_mapping)
{
	int fd = make_file("a", 4 * PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);
	unsigned char *q = map_file(fd, 4 * PAGE, PROT_READ, MAP_SHARED, 0);

	store(p + PAGE, 99);
	CHECK_EQ(load(q + PAGE), 99);
	CHECK_EQ(fallocate(fd, PUNCH, PAGE, 2 * PAGE), 0);
	CHECK_BYTES(p + PAGE, 2 * PAGE, 0);
	CHECK_BYTES(q + PAGE, 2 * PAGE, 0);
	check_pattern(q + 3 * PAGE, PAGE, 3 * PAGE);
	store(p + 2 * PAGE, 42);
	CHECK_EQ(load(q + 2 * PAGE), 42);
	CHECK_EQ(file_byte(fd, 2 * PAGE), 42);
}

TEST(punch_leaves_private_copies)
{
	int fd = make_file("a", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_PRIVATE, 0);

	store(p + PAGE, 77);
	check_pattern(p + 2 * PAGE, PAGE, 2 * PAGE);
	CHECK_EQ(fallocate(fd, PUNCH, 0, 3 * PAGE), 0);
	CHECK_EQ(load(p + PAGE), 77);
	check_pattern(p + PAGE + 1, PAGE - 1, PAGE + 1);
	CHECK_BYTES(p + 2 * PAGE, PAGE, 0);
}

TEST(punched_pages_can_be_written_again)
{
	int fd = make_file("a", 4 * PAGE);

	MUST(fsync(fd));
	for (int round = 0; round < 20; round++) {
		CHECK_EQ(fallocate(fd, PUNCH, PAGE, 2 * PAGE), 0);
		put_byte(fd, 2 * PAGE + 7, round + 1);
		CHECK_EQ(file_byte(fd, 2 * PAGE + 7), round + 1);
		CHECK_EQ(file_byte(fd, 2 * PAGE + 8), 0);
		MUST(fdatasync(fd));
	}
	check_file(fd, 0, PAGE, false);
	check_file(fd, 3 * PAGE, 4 * PAGE, false);
}

TEST(madvise_remove_punches)
{
	int fd = make_file("a", 4 * PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);

	MUST(fsync(fd));
	long before = blocks(fd);
	CHECK_EQ(madvise(p + PAGE, 2 * PAGE, MADV_REMOVE), 0);
	CHECK_BYTES(p + PAGE, 2 * PAGE, 0);
	check_file(fd, PAGE, 3 * PAGE, true);
	CHECK_EQ(blocks(fd), before - (long)(2 * PAGE / 512));
}

TEST(times_move)
{
	int fd = make_file("a", 4 * PAGE);
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct stat st;

	MUST(futimens(fd, old));
	CHECK_EQ(fallocate(fd, PUNCH, 0, PAGE), 0);
	MUST(fstat(fd, &st));
	CHECK(st.st_mtim.tv_sec > 1000);
}

// A storing thread and a punching process on the same pages:
// what is read afterwards is a byte that was stored, or zero.
TEST(punch_races_with_stores)
{
	int fd = make_file("a", 16 * PAGE);
	unsigned char *p = map_file(fd, 16 * PAGE, RW, MAP_SHARED, 0);
	pid_t child = MUST(fork());

	if (child == 0) {
		for (int i = 0; i < 20000; i++)
			store(p + i % 16 * PAGE + 3, 200);
		_exit(0);
	}
	for (int i = 0; i < 300; i++) {
		CHECK_EQ(fallocate(fd, PUNCH, i % 8 * PAGE, 8 * PAGE), 0);
		if (i % 16 == 0)
			MUST(fdatasync(fd));
	}
	CHECK_CHILD(child);
	MUST(fsync(fd));
	for (unsigned long at = 0; at < 16; at++) {
		unsigned char seen = file_byte(fd, at * PAGE + 3);

		CHECK(seen == 0 || seen == 200 || seen == pattern(at * PAGE + 3));
		CHECK_EQ(load(p + at * PAGE + 3), seen);
	}
}

/* ---- zeros ----------------------------------------------------------------------------------- */

static void may_zero(int fd)
{
	if (fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 1) == -1 && errno == EOPNOTSUPP)
		SKIP("no FALLOC_FL_ZERO_RANGE on this file system");
}

TEST(zero_range)
{
	int fd = make_file("a", 4 * PAGE);

	may_zero(fd);
	CHECK_EQ(fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, 3 * PAGE), 0);
	check_file(fd, 1, 100, false);
	check_file(fd, 100, 3 * PAGE + 100, true);
	check_file(fd, 3 * PAGE + 100, 4 * PAGE, false);
	CHECK(blocks(fd) >= (long)(4 * PAGE / 512));
	CHECK_EQ(fallocate(fd, FALLOC_FL_ZERO_RANGE | KEEP, 0, PAGE), 0);
	CHECK_EQ(file_size(fd), 4 * PAGE);
}

TEST(zero_range_behind_the_end_grows)
{
	int fd = make_file("a", PAGE);

	may_zero(fd);
	CHECK_EQ(fallocate(fd, FALLOC_FL_ZERO_RANGE, 100, 3 * PAGE), 0);
	CHECK_EQ(file_size(fd), 3 * PAGE + 100);
	check_file(fd, 1, 100, false);
	check_file(fd, 100, 3 * PAGE + 100, true);
}

/* ---- seeking --------------------------------------------------------------------------------- */

static void check_seek(int fd)
{
	MUST(ftruncate(fd, 0));
	MUST(ftruncate(fd, 16 * PAGE));
	put_byte(fd, 4 * PAGE + 9, 1);
	put_byte(fd, 5 * PAGE, 1);
	put_byte(fd, 10 * PAGE, 1);
	MUST(fsync(fd));
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 4 * PAGE);
	CHECK_EQ(lseek(fd, 4 * PAGE + 100, SEEK_DATA), 4 * PAGE + 100);
	CHECK_EQ(lseek(fd, 6 * PAGE, SEEK_DATA), 10 * PAGE);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 0);
	CHECK_EQ(lseek(fd, 7, SEEK_HOLE), 7);
	CHECK_EQ(lseek(fd, 4 * PAGE, SEEK_HOLE), 6 * PAGE);
	CHECK_EQ(lseek(fd, 10 * PAGE, SEEK_HOLE), 11 * PAGE);
	CHECK_ERR(lseek(fd, 11 * PAGE, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 16 * PAGE, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 16 * PAGE, SEEK_HOLE), ENXIO);
	CHECK_ERR(lseek(fd, -1, SEEK_HOLE), ENXIO);
}

TEST(seek_finds_data_and_holes)
{
	check_seek(make_file("a", 0));
	check_seek(make_shm(0));
}

TEST(seek_hole_at_the_end)
{
	int fd = make_file("a", 2 * PAGE + 10);

	MUST(fsync(fd));
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 2 * PAGE + 10);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2 * PAGE + 10);
}

TEST(seek_in_an_empty_file)
{
	int fd = make_file("a", 0);

	CHECK_ERR(lseek(fd, 0, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, 0, SEEK_HOLE), ENXIO);
}

TEST(seek_finds_the_punched_hole)
{
	int fd = make_file("a", 6 * PAGE);

	MUST(fsync(fd));
	CHECK_EQ(fallocate(fd, PUNCH, 2 * PAGE, 2 * PAGE), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 2 * PAGE);
	CHECK_EQ(lseek(fd, 2 * PAGE, SEEK_DATA), 4 * PAGE);
}

TEST(seek_far_in_a_sparse_file)
{
	int fd = make_file("a", 0);

	MUST(ftruncate(fd, 1L << 33));
	put_byte(fd, (1L << 33) - 5000, 1);
	MUST(fsync(fd));
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), (1L << 33) - 2 * PAGE);
	CHECK_EQ(lseek(fd, PAGE, SEEK_HOLE), PAGE);
}

/* ---- readahead ------------------------------------------------------------------------------- */

TEST(readahead_is_advice)
{
	int fd = make_file("a", 4 * PAGE), ends[2];

	CHECK_EQ(readahead(fd, 0, 100 * PAGE), 0);
	check_file(fd, 0, 4 * PAGE, false);
	CHECK_ERR(readahead(-1, 0, PAGE), EBADF);
	CHECK_ERR(readahead(MUST(open("a", O_WRONLY)), 0, PAGE), EBADF);
	MUST(pipe(ends));
	CHECK_ERR(readahead(ends[0], 0, PAGE), EINVAL);
}
