/*
 * map_huge.c - private memory in pieces of 2 MiB: who gets one, at the first store or by MADV_COLLAPSE, what
 * it costs, and what the kernel tells of it. What happens to one afterwards is map_huge_split.c's. On a
 * system without transparent huge pages (or where no block is free) a test that needs one is skipped.
 */
#include "huge.h"

#include <sys/prctl.h>
#include <sys/uio.h>

#define KPF_COMPOUND_HEAD 15
#define KPF_COMPOUND_TAIL 16
#define KPF_THP 22

static bool is_mode_always(void)
{
	const char *mode = slurp("/sys/kernel/mm/transparent_hugepage/enabled");

	if (!mode)
		mode = slurp("/proc/sys/vm/transparent_hugepage");
	return mode && strstr(mode, "[always]");
}

/* ---- who gets one ------------------------------------------------------------------------------ */

TEST(first_store_takes_all_of_it)
{
	unsigned char *p = advised(1);

	CHECK_EQ(huge_kib(p, HUGE), 0);
	store(p + 5 * PAGE, 1);
	if (!huge_kib(p, HUGE))
		SKIP("no block is free");
	CHECK_EQ(huge_kib(p, HUGE), HUGE / 1024);
}

TEST(one_fault_for_512_pages)
{
	unsigned char *p = advised(4);

	store(p, 1);
	if (huge_pages(p, 4) != 1)
		SKIP("no block is free");
	long before = minor_faults();

	before = minor_faults();
	for (unsigned long at = HUGE; at < 4 * HUGE; at += PAGE)
		store(p + at, 1);
	CHECK_EQ(minor_faults() - before, 3);
}

TEST(is_zero_at_first)
{
	unsigned char *p = advised(1);

	store(p + HUGE - 1, 7);
	CHECK_BYTES(p, HUGE - 1, 0);
	CHECK_EQ(load(p + HUGE - 1), 7);
}

TEST(small_memory_that_was_there_is_not_in_the_way)
{
	unsigned char *p = advised(1);

	MUST(munmap(p, HUGE));
	for (int i = 0; i < 3; i++) {
		MUST(mmap(p + i * PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0));
		store(p + i * PAGE, 1);
		MUST(munmap(p + i * PAGE, PAGE));
	}
	MUST(mmap(p, HUGE, RW, ANON | MAP_FIXED, -1, 0));
	MUST(madvise(p, HUGE, MADV_HUGEPAGE));
	store(p, 1);
	if (!huge_kib(p, HUGE))
		SKIP("no block is free");
	CHECK_BYTES(p + 1, HUGE - 1, 0);
}

TEST(a_mapping_of_less_stays_small)
{
	unsigned char *p = advised(1);

	MUST(munmap(p + HUGE - PAGE, PAGE));
	store(p, 1);
	CHECK_EQ(huge_kib(p, HUGE), 0);
}

TEST(only_whole_pieces_are_huge)
{
	unsigned char *p = advised(3);

	MUST(munmap(p, PAGE));
	MUST(munmap(p + 3 * HUGE - PAGE, PAGE));
	for (unsigned long at = PAGE; at < 3 * HUGE - PAGE; at += PAGE)
		store(p + at, 1);
	if (!huge_pages(p, 3))
		SKIP("no block is free");
	CHECK_EQ(huge_pages(p, 3), 1);
}

TEST(nohugepage_forbids)
{
	unsigned char *p = advised(1);

	MUST(madvise(p, HUGE, MADV_NOHUGEPAGE));
	store(p, 1);
	CHECK_EQ(huge_kib(p, HUGE), 0);
}

TEST(without_advice_memory_is_small)
{
	unsigned char *p = region(1);

	if (is_mode_always())
		SKIP("huge pages for everybody");
	store(p, 1);
	CHECK_EQ(huge_kib(p, HUGE), 0);
}

TEST(advice_comes_too_late_for_what_has_a_table)
{
	unsigned char *p = region(1);

	if (is_mode_always())
		SKIP("huge pages for everybody");
	store(p, 1);
	if (madvise(p, HUGE, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	store(p + PAGE, 2);
	CHECK_EQ(load(p), 1);
	CHECK_EQ(load(p + PAGE), 2);
}

TEST(advice_over_a_hole)
{
	unsigned char *p = advised(3);

	MUST(munmap(p + HUGE, HUGE));
	CHECK_ERR(madvise(p, 3 * HUGE, MADV_HUGEPAGE), ENOMEM);
}

TEST(prctl_switches_them_off)
{
	unsigned char *p = advised(1);

	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 1);
	store(p, 1);
	CHECK_EQ(huge_kib(p, HUGE), 0);
	MUST(prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0));
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
}

TEST(prctl_is_inherited_by_fork)
{
	MUST(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1 ? 0 : 1);
	CHECK_CHILD(child);
}

/* ---- what the kernel tells and does with them -------------------------------------------------------- */

TEST(mincore_says_resident)
{
	unsigned char *p = filled(1), vector[PARTS];

	MUST(mincore(p, HUGE, vector));
	for (unsigned long i = 0; i < PARTS; i++)
		CHECK_EQ(vector[i] & 1, 1);
	CHECK_EQ(huge_kib(p, HUGE), HUGE / 1024);
}

TEST(mlock_and_munlock)
{
	unsigned char *p = advised(1);

	MUST(mlock(p, HUGE));
	check_filled((unsigned char *)memset(p, 0, HUGE), 0, 0);
	MUST(munlock(p + PAGE, PAGE));
	MUST(munlock(p, HUGE));
	CHECK_BYTES(p, HUGE, 0);
}

TEST(frames_follow_one_another)
{
	unsigned char *p = filled(1);
	unsigned long first = frame_of(p);

	if (!first)
		SKIP("frame numbers are hidden");
	CHECK_EQ(first % PARTS, 0);
	for (unsigned long i = 0; i < PARTS; i++)
		CHECK_EQ(frame_of(p + i * PAGE), first + i);
}

TEST(kpageflags_tells_head_and_tails)
{
	unsigned char *p = filled(1);
	unsigned long first = frame_of(p), flags[2];
	int fd = open("/proc/kpageflags", O_RDONLY);

	if (fd == -1 || !first)
		SKIP("no /proc/kpageflags");
	CHECK_EQ(pread(fd, flags, sizeof(flags), (off_t)first * 8), sizeof(flags));
	CHECK(flags[0] >> KPF_THP & 1 && flags[0] >> KPF_COMPOUND_HEAD & 1);
	CHECK(flags[1] >> KPF_THP & 1 && flags[1] >> KPF_COMPOUND_TAIL & 1);
}

TEST(meminfo_counts_them)
{
	unsigned char *p = filled(2);

	CHECK(number_named(slurp("/proc/meminfo"), "AnonHugePages") >= 4096);
	CHECK_EQ(huge_pages(p, 2), 2);
}

TEST(read_and_write_across_the_border_of_two)
{
	unsigned char *p = filled(2);
	int fd = make_file("across", 8 * PAGE);

	CHECK_EQ(pread(fd, p + HUGE - 4 * PAGE, 8 * PAGE, 0), 8 * PAGE);
	check_pattern(p + HUGE - 4 * PAGE, 8 * PAGE, 0);
	CHECK_EQ(pwrite(fd, p + HUGE - PAGE, 2 * PAGE, 0), 2 * PAGE);
	CHECK_EQ(file_byte(fd, 0), pattern(3 * PAGE));
	check_filled(p, 0, HUGE - 4 * PAGE);
}

TEST(read_into_memory_that_was_not_touched)
{
	unsigned char *p = advised(1);
	int fd = make_file("into", 2 * PAGE);

	CHECK_EQ(pread(fd, p + PAGE, 2 * PAGE, 0), 2 * PAGE);
	check_pattern(p + PAGE, 2 * PAGE, 0);
	CHECK_BYTES(p + 3 * PAGE, HUGE - 3 * PAGE, 0);
}

TEST(vmsplice_keeps_what_it_took)
{
	unsigned char *p = filled(1), seen[PAGE];
	struct gate pipe = gate_make();
	struct iovec part = { p + PAGE, PAGE };

	CHECK_EQ(syscall(SYS_vmsplice, pipe.ends[1], &part, 1, 0), PAGE);
	MUST(munmap(p, HUGE));
	CHECK_EQ(read(pipe.ends[0], seen, PAGE), PAGE);
	CHECK_EQ(seen[0], pattern(PAGE));
}

/* ---- MADV_COLLAPSE --------------------------------------------------------------------------------- */

// One piece of pages of 4 KiB, filled; every step-th page is touched.
static unsigned char *small_pages(unsigned long step)
{
	unsigned char *p = region(1);

	MUST(madvise(p, HUGE, MADV_NORMAL));
	if (madvise(p, HUGE, MADV_NOHUGEPAGE))
		SKIP("no transparent huge pages");
	for (unsigned long at = 0; at < HUGE; at += step * PAGE)
		store(p + at, pattern(at));
	MUST(madvise(p, HUGE, MADV_HUGEPAGE));
	CHECK_EQ(huge_kib(p, HUGE), 0);
	return p;
}

static void collapse(unsigned char *p)
{
	if (madvise(p, HUGE, MADV_COLLAPSE)) {
		if (errno == EINVAL)
			SKIP("no MADV_COLLAPSE");
		SKIP("no block is free");
	}
}

TEST(collapse_makes_one_of_512)
{
	unsigned char *p = small_pages(1);

	collapse(p);
	CHECK_EQ(huge_kib(p, HUGE), HUGE / 1024);
	check_filled(p, 0, HUGE);
	store(p + PAGE, 1);
	CHECK_EQ(load(p + PAGE), 1);
}

TEST(collapse_fills_what_was_not_there)
{
	unsigned char *p = small_pages(2);

	collapse(p);
	CHECK_EQ(huge_kib(p, HUGE), HUGE / 1024);
	for (unsigned long at = 0; at < HUGE; at += PAGE)
		CHECK_EQ(load(p + at), at / PAGE % 2 ? 0 : pattern(at));
}

TEST(collapse_of_what_is_huge_already)
{
	unsigned char *p = filled(1);

	collapse(p);
	CHECK_EQ(huge_kib(p, HUGE), HUGE / 1024);
	check_filled(p, 0, HUGE);
}

TEST(collapse_of_a_read_only_mapping)
{
	unsigned char *p = small_pages(1);

	MUST(mprotect(p, HUGE, PROT_READ));
	collapse(p);
	check_filled(p, 0, HUGE);
	CHECK_SIGNAL(store(p, 1), SIGSEGV, SEGV_ACCERR, p);
	MUST(mprotect(p, HUGE, RW));
	store(p, pattern(0));
	check_filled(p, 0, HUGE);
}

TEST(collapse_then_fork_then_split)
{
	unsigned char *p = small_pages(1);

	collapse(p);
	pid_t child = MUST(fork());

	if (child == 0) {
		store(p + PAGE, 255);
		MUST(munmap(p, PAGE));
		check_filled(p, 2 * PAGE, HUGE);
		_exit(0);
	}
	CHECK_CHILD(child);
	MUST(munmap(p + 2 * PAGE, PAGE));
	check_filled(p, 0, 2 * PAGE);
	check_filled(p, 3 * PAGE, HUGE);
}

TEST(split_and_collapse_again_and_again)
{
	unsigned char *p = small_pages(1);

	for (int i = 0; i < 5; i++) {
		collapse(p);
		MUST(mprotect(p + i * PAGE, PAGE, PROT_READ));
		MUST(mprotect(p + i * PAGE, PAGE, RW));
		store(p + i * PAGE, pattern(i * PAGE));
		check_filled(p, 0, HUGE);
	}
}
