/*
 * map_big.c - large files, far offsets, many areas: arithmetic that must not wrap, and structures that
 * must not grow with the length of a mapping but with what is touched.
 */
#include "guest.h"

#define MIB (1024L * 1024)
#define GIB (1024 * MIB)

static int make_sparse(const char *name, long size)
{
	int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));

	MUST(ftruncate(fd, size));
	CHECK_EQ(file_size(fd), size);
	return fd;
}

static long blocks_of(int fd)
{
	struct stat status;

	MUST(fsync(fd));
	MUST(fstat(fd, &status));
	return status.st_blocks;
}

TEST(sparse_256_mib_touched_at_its_ends)
{
	int fd = make_sparse("data", 256 * MIB);
	unsigned char *p = map_file(fd, 256 * MIB, RW, MAP_SHARED, 0);

	store(p, 1);
	store(p + 256 * MIB - 1, 2);
	CHECK_EQ(load(p + 128 * MIB), 0);
	CHECK_EQ(msync(p, 256 * MIB, MS_SYNC), 0);
	CHECK_EQ(file_byte(fd, 0), 1);
	CHECK_EQ(file_byte(fd, 256 * MIB - 1), 2);
	CHECK(blocks_of(fd) < 200);                     // two blocks and the way to them
}

TEST(each_level_of_indirection_by_mapping)
{
	// ext2's direct blocks, then single, double and triple indirect ones (4 KiB blocks).
	static const long offsets[] = {
		0, 11 * 4096, 12 * 4096, 1035 * 4096, 1036 * 4096, 1037 * 4096 + 5, 600 * MIB,
		(1036 + 1024 * 1024 - 1) * 4096L, (1036 + 1024 * 1024) * 4096L, 5 * GIB - 1,
	};
	enum { NR = sizeof(offsets) / sizeof(offsets[0]) };
	int fd = make_sparse("data", 5 * GIB);

	for (int i = 0; i < NR; i++) {
		long page = offsets[i] & -4096L;
		unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, page);
		store(p + offsets[i] - page, i + 1);
		MUST(munmap(p, PAGE));
	}
	MUST(fsync(fd));
	for (int i = 0; i < NR; i++) {
		CHECK_EQ(file_byte(fd, offsets[i]), i + 1);
		CHECK_EQ(file_byte(fd, offsets[i] ^ 64), 0);
	}
	CHECK(blocks_of(fd) < 400);
}

TEST(each_level_of_indirection_by_write)
{
	int fd = make_sparse("data", 5 * GIB);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 5 * GIB - PAGE);

	for (long at = 3; at < 5 * GIB; at = at * 7)
		put_byte(fd, at, at % 251 + 1);
	for (long at = 3; at < 5 * GIB; at = at * 7) {
		CHECK_EQ(file_byte(fd, at), at % 251 + 1);
		CHECK_EQ(file_byte(fd, at + 1), 0);
	}
	CHECK_EQ(load(p + PAGE - 1), 0);
	put_byte(fd, 5 * GIB - 1, 9);
	CHECK_EQ(load(p + PAGE - 1), 9);
}

TEST(truncate_frees_far_blocks)
{
	int fd = make_sparse("data", 5 * GIB);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 5 * GIB - PAGE);

	store(p, 1);
	put_byte(fd, 700 * MIB, 1);
	CHECK(blocks_of(fd) > 0);
	MUST(ftruncate(fd, 100));
	CHECK_SIGNAL(load(p), SIGBUS, BUS_ADRERR, p);
	CHECK(blocks_of(fd) <= 8);
	MUST(ftruncate(fd, 5 * GIB));
	CHECK_EQ(load(p), 0);
	CHECK_EQ(file_byte(fd, 700 * MIB), 0);
}

TEST(whole_file_of_5_gib_in_one_mapping)
{
	int fd = make_sparse("data", 5 * GIB);
	unsigned char *p = map_file(fd, 5 * GIB, RW, MAP_SHARED, 0);

	for (long at = 0; at < 5 * GIB; at += 512 * MIB)
		store(p + at + 1, at / (512 * MIB) + 1);
	for (long at = 0; at < 5 * GIB; at += 512 * MIB)
		CHECK_EQ(file_byte(fd, at + 1), at / (512 * MIB) + 1);
	MUST(munmap(p + GIB, 3 * GIB));
	CHECK_EQ(load(p + 4 * GIB + 1), 9);
	CHECK_EQ(load(p + 1), 1);
	CHECK_SIGNAL(load(p + 2 * GIB), SIGSEGV, SEGV_MAPERR, p + 2 * GIB);
}

TEST(offsets_4_gib_apart_are_different_pages)
{
	int fd = make_sparse("data", 5 * GIB);
	unsigned char *low = map_file(fd, PAGE, RW, MAP_SHARED, 16 * PAGE);
	unsigned char *high = map_file(fd, PAGE, RW, MAP_SHARED, 4 * GIB + 16 * PAGE);

	store(low, 1);
	CHECK_EQ(load(high), 0);
	store(high, 2);
	CHECK_EQ(load(low), 1);
	CHECK_EQ(file_byte(fd, 4 * GIB + 16 * PAGE), 2);
}

TEST(anonymous_memory_of_64_gib_touched_thinly)
{
	unsigned char *p = MUST(mmap(NULL, 64 * GIB, RW, ANON | MAP_NORESERVE, -1, 0));

	for (long at = 0; at < 64 * GIB; at += GIB)
		store(p + at, at / GIB + 1);
	for (long at = 0; at < 64 * GIB; at += GIB)
		CHECK_EQ(load(p + at), at / GIB + 1);
	MUST(munmap(p, 64 * GIB));
	CHECK_SIGNAL(load(p + GIB), SIGSEGV, SEGV_MAPERR, p + GIB);
}

// Tables are for what is mapped: those of pages here and there that came and went do not pile up.
TEST(tables_of_what_was_unmapped_are_freed)
{
	const long nr = 64, apart = 4 * MIB;
	unsigned char *p = find_hole(nr * apart);
	long before = number_named(slurp("/proc/self/status"), "VmPTE");

	for (long i = 0; i < nr; i++) {
		MUST(mmap(p + i * apart, PAGE, RW, ANON | MAP_FIXED, -1, 0));
		store(p + i * apart, 1);
		MUST(munmap(p + i * apart, PAGE));
	}
	long growth = number_named(slurp("/proc/self/status"), "VmPTE") - before;

	CHECK(growth <= 24);
}

TEST(memory_of_32_mib_is_all_kept)
{
	unsigned long pages = 8192;
	unsigned char *p = map_anonymous(pages * PAGE);

	for (unsigned long i = 0; i < pages; i++)
		*(volatile unsigned long *)(p + i * PAGE + i % 512 * 8) = i * 2654435761;
	for (unsigned long i = 0; i < pages; i++)
		CHECK_EQ(*(volatile unsigned long *)(p + i * PAGE + i % 512 * 8), i * 2654435761);
}

/* ---- many areas ------------------------------------------------------------------------------ */

TEST(thousand_areas_by_mprotect)
{
	unsigned char *p = map_anonymous(2000 * PAGE);
	struct map_line line;

	// Linux joins again only what was one family of pages before the split.
	store(p + PAGE, 1);
	for (int i = 0; i < 2000; i += 2)
		MUST(mprotect(p + i * PAGE, PAGE, PROT_READ));
	for (int i = 1; i < 2000; i += 2)
		store(p + i * PAGE, 1);
	CHECK_SIGNAL(store(p + 1000 * PAGE, 1), SIGSEGV, SEGV_ACCERR, p + 1000 * PAGE);
	CHECK(map_line_at(p + 1001 * PAGE, &line));
	CHECK_EQ(line.end - line.start, PAGE);
	MUST(mprotect(p, 2000 * PAGE, RW));
	CHECK(map_line_at(p + 1001 * PAGE, &line));
	CHECK(line.start <= (unsigned long)p && line.end >= (unsigned long)(p + 2000 * PAGE));
	for (int i = 0; i < 2000; i++)
		CHECK_EQ(load(p + i * PAGE), i % 2);
}

TEST(thousand_mappings_of_one_file)
{
	static unsigned char *at[1000];
	int fd = make_file("data", 10 * PAGE);

	for (int i = 0; i < 1000; i++)
		at[i] = map_file(fd, PAGE, RW, i % 2 ? MAP_PRIVATE : MAP_SHARED, i % 10 * PAGE);
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(load(at[i] + i), pattern(i % 10 * PAGE + i));
	store(at[0] + 4000, 0);
	for (int i = 0; i < 1000; i += 10)
		CHECK_EQ(load(at[i] + 4000), 0);
	MUST(ftruncate(fd, PAGE));
	for (int i = 0; i < 1000; i += 10)
		CHECK_EQ(load(at[i] + 4000), 0);
	CHECK_SIGNAL(load(at[999]), SIGBUS, BUS_ADRERR, at[999]);
	for (int i = 0; i < 1000; i++)
		MUST(munmap(at[i * 7 % 1000], PAGE));
}

TEST(thousand_areas_over_fork)
{
	unsigned char *p = map_anonymous(2000 * PAGE);

	for (int i = 0; i < 2000; i += 2)
		MUST(munmap(p + i * PAGE, PAGE));
	for (int i = 1; i < 2000; i += 2)
		store(p + i * PAGE, i % 250);
	pid_t child = MUST(fork());
	if (child == 0) {
		for (int i = 1; i < 2000; i += 2)
			CHECK_EQ(load(p + i * PAGE), i % 250);
		CHECK_SIGNAL(load(p + 500 * PAGE), SIGSEGV, SEGV_MAPERR, p + 500 * PAGE);
		_exit(0);
	}
	CHECK_CHILD(child);
}

TEST(holes_are_filled_in_any_order)
{
	unsigned char *p = map_anonymous(1000 * PAGE);

	MUST(munmap(p, 1000 * PAGE));
	for (int i = 0; i < 1000; i++) {
		int page = i * 387 % 1000;
		MUST(mmap(p + page * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
		store(p + page * PAGE, page % 251);
	}
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(load(p + i * PAGE), i % 251);
}

/* ---- the heap -------------------------------------------------------------------------------- */

static unsigned char *set_break(unsigned char *end)
{
	return (unsigned char *)syscall(SYS_brk, end);
}

TEST(break_grows_and_shrinks)
{
	unsigned char *start = set_break(NULL);
	unsigned char *page = (unsigned char *)(((unsigned long)start + PAGE - 1) & -PAGE);

	CHECK_EQ(set_break(page + MIB), page + MIB);
	CHECK_BYTES(page, MIB, 0);
	memset(page, 7, MIB);
	CHECK_EQ(set_break(page + PAGE), page + PAGE);
	CHECK_BYTES(page, PAGE, 7);
	CHECK_SIGNAL(load(page + PAGE), SIGSEGV, SEGV_MAPERR, page + PAGE);
	CHECK_EQ(set_break(page + MIB), page + MIB);
	CHECK_BYTES(page + PAGE, MIB - PAGE, 0);        // what was given back comes again as zeros
}

TEST(break_need_not_be_aligned)
{
	unsigned char *start = set_break(NULL);

	CHECK_EQ(set_break(start + 5000), start + 5000);
	store(start + 4999, 1);
	CHECK_EQ(set_break(start + 4999), start + 4999);
	CHECK_EQ(set_break(NULL), start + 4999);
}

TEST(break_does_not_run_into_a_mapping)
{
	unsigned char *start = set_break(NULL);
	unsigned char *page = (unsigned char *)(((unsigned long)start + PAGE - 1) & -PAGE);

	MUST(mmap(page + 16 * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	store(page + 16 * PAGE, 1);
	CHECK_EQ(set_break(page + 64 * PAGE), start);   // refused: the break stays
	CHECK_EQ(load(page + 16 * PAGE), 1);
	CHECK_EQ(set_break(page + 8 * PAGE), page + 8 * PAGE);
}

TEST(break_below_its_start_is_refused)
{
	unsigned char *start = set_break(NULL);

	CHECK_EQ(set_break((unsigned char *)4096), start);
	CHECK_EQ(set_break((unsigned char *)0xffff800000000000), start);
}
