/*
 * map_huge.c - private memory in pieces of 2 MiB: who gets one,
 * what it costs, and that nothing but the counts tells the difference.
 * On a system without transparent huge pages (or where no block is free) a test that needs one is skipped.
 */
#include "guest.h"
#include <sys/prctl.h>
#include <sys/uio.h>

#define HUGE (2UL << 20)
#define PARTS (HUGE / PAGE)
#define KPF_COMPOUND_HEAD 15
#define KPF_COMPOUND_TAIL 16
#define KPF_THP 22

// n aligned pieces of 2 MiB of untouched memory, with a hole on both sides.
static unsigned char *region(unsigned long n)
{
	unsigned char *all = MUST(mmap(NULL, (n + 2) * HUGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0));
	unsigned char *start = (unsigned char *)(((unsigned long)all + HUGE) & ~(HUGE - 1));

	MUST(munmap(all, (n + 2) * HUGE));
	return MUST(mmap(start, n * HUGE, RW, ANON | MAP_FIXED, -1, 0));
}

static unsigned char *advised(unsigned long n)
{
	unsigned char *p = region(n);

	if (madvise(p, n * HUGE, MADV_HUGEPAGE))
		SKIP("no transparent huge pages");
	return p;
}

// KiB of [start, start + length) that entries of 2 MiB show.
static long huge_kib(const volatile void *start, unsigned long length)
{
	const char *text = slurp("/proc/self/smaps");
	struct map_line line = { 0 };
	long sum = 0;

	CHECK(text != NULL);
	for (; text && *text; text = strchr(text, '\n'), text += !!text) {
		if ((*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'f'))
			map_line_parse(text, &line);
		else if (!strncmp(text, "AnonHugePages:", 14) && line.start < (unsigned long)start + length &&
			 (unsigned long)start < line.end)
			sum += strtol(text + 14, NULL, 10);
	}
	return sum;
}

static long huge_pages(const volatile void *start, unsigned long n)
{
	return huge_kib(start, n * HUGE) / (long)(HUGE / 1024);
}

// n pieces that are huge pages now, the pattern in each page's first byte.
static unsigned char *filled(unsigned long n)
{
	unsigned char *p = advised(n);

	for (unsigned long at = 0; at < n * HUGE; at += PAGE)
		store(p + at, pattern(at));
	if (huge_pages(p, n) != (long)n)
		SKIP("no block of 2 MiB is free, or no huge pages");
	return p;
}

// The first byte of each page of [from, to) of what filled() made.
static void check_filled(const unsigned char *p, unsigned long from, unsigned long to)
{
	for (unsigned long at = from; at < to; at += PAGE)
		if (load(p + at) != pattern(at))
			FAIL("page %lu: %02x", at / PAGE, load(p + at));
}

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

/* ---- what splits one ----------------------------------------------------------------------------- */

TEST(munmap_of_one_page_keeps_the_others)
{
	unsigned char *p = filled(1);

	MUST(munmap(p + 100 * PAGE, PAGE));
	CHECK_EQ(huge_kib(p, HUGE), 0);
	check_filled(p, 0, 100 * PAGE);
	check_filled(p, 101 * PAGE, HUGE);
	CHECK_SIGNAL(load(p + 100 * PAGE), SIGSEGV, SEGV_MAPERR, p + 100 * PAGE);
}

TEST(munmap_of_all_of_it)
{
	unsigned char *p = filled(3);

	MUST(munmap(p + HUGE, HUGE));
	CHECK_EQ(huge_pages(p, 3), 2);
	check_filled(p, 0, HUGE);
	check_filled(p, 2 * HUGE, 3 * HUGE);
	CHECK_SIGNAL(load(p + HUGE), SIGSEGV, SEGV_MAPERR, p + HUGE);
}

TEST(mprotect_of_one_page)
{
	unsigned char *p = filled(1);

	MUST(mprotect(p + 7 * PAGE, PAGE, PROT_READ));
	CHECK_SIGNAL(store(p + 7 * PAGE, 1), SIGSEGV, SEGV_ACCERR, p + 7 * PAGE);
	store(p + 8 * PAGE, pattern(8 * PAGE));
	store(p + 6 * PAGE, pattern(6 * PAGE));
	check_filled(p, 0, HUGE);
}

TEST(mprotect_of_all_of_it_keeps_it_whole)
{
	unsigned char *p = filled(2);

	MUST(mprotect(p, 2 * HUGE, PROT_READ));
	CHECK_EQ(huge_pages(p, 2), 2);
	CHECK_SIGNAL(store(p + PAGE, 1), SIGSEGV, SEGV_ACCERR, p + PAGE);
	MUST(mprotect(p, 2 * HUGE, RW));
	store(p + PAGE, pattern(PAGE));
	CHECK_EQ(huge_pages(p, 2), 2);
	check_filled(p, 0, 2 * HUGE);
}

TEST(prot_none_and_back)
{
	unsigned char *p = filled(1);

	MUST(mprotect(p, HUGE, PROT_NONE));
	CHECK_SIGNAL(load(p + PAGE), SIGSEGV, SEGV_ACCERR, p + PAGE);
	MUST(mprotect(p, HUGE, RW));
	check_filled(p, 0, HUGE);
	store(p, 1);
	CHECK_EQ(load(p), 1);
}

TEST(dontneed_of_one_page)
{
	unsigned char *p = filled(1);

	MUST(madvise(p + 9 * PAGE, PAGE, MADV_DONTNEED));
	CHECK_BYTES(p + 9 * PAGE, PAGE, 0);
	check_filled(p, 0, 9 * PAGE);
	check_filled(p, 10 * PAGE, HUGE);
}

TEST(dontneed_of_all_of_it)
{
	unsigned char *p = filled(2);

	MUST(madvise(p, HUGE, MADV_DONTNEED));
	CHECK_EQ(huge_pages(p, 2), 1);
	CHECK_BYTES(p, HUGE, 0);
	check_filled(p, HUGE, 2 * HUGE);
	store(p, 3);
	CHECK_EQ(load(p), 3);
}

TEST(free_of_a_part_keeps_the_rest)
{
	unsigned char *p = filled(1);

	MUST(madvise(p + 16 * PAGE, 16 * PAGE, MADV_FREE));
	check_filled(p, 0, 16 * PAGE);
	check_filled(p, 32 * PAGE, HUGE);
	for (unsigned long at = 16 * PAGE; at < 32 * PAGE; at += PAGE)
		CHECK(load(p + at) == pattern(at) || load(p + at) == 0);
	store(p + 20 * PAGE, 9);
	CHECK_EQ(load(p + 20 * PAGE), 9);
}

TEST(cold_and_pageout_keep_the_bytes)
{
	unsigned char *p = filled(1);

	MUST(madvise(p, HUGE, MADV_COLD));
	MUST(madvise(p + PAGE, PAGE, MADV_PAGEOUT));
	check_filled(p, 0, HUGE);
}

TEST(mremap_moves_the_bytes)
{
	unsigned char *p = filled(2), *to = region(2);

	CHECK(mremap(p, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	check_filled(to, 0, 2 * HUGE);
	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_MAPERR, p);
}

TEST(mremap_to_an_aligned_place_keeps_it_whole)
{
	unsigned char *p = filled(2), *to = region(2);
	pid_t child;

	CHECK(mremap(p, 2 * HUGE, 2 * HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK_EQ(huge_pages(to, 2), 2);
	check_filled(to, 0, 2 * HUGE);
	child = MUST(fork());
	if (child == 0) {
		store(to + PAGE, 1);
		_exit(load(to) != pattern(0));
	}
	CHECK_CHILD(child);
	check_filled(to, 0, 2 * HUGE);
	store(to + PAGE, 2);
	MUST(madvise(to + HUGE, PAGE, MADV_DONTNEED));
	CHECK_EQ(load(to + HUGE), 0);
	CHECK_EQ(load(to + HUGE + PAGE), pattern(HUGE + PAGE));
}

TEST(mremap_to_a_place_that_is_not_aligned)
{
	unsigned char *p = filled(1), *to = region(2);

	CHECK(mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE) == to + PAGE);
	check_filled(to + PAGE, 0, HUGE);
	store(to + PAGE, 1);
	CHECK_EQ(load(to + PAGE), 1);
}

TEST(mremap_shrinks_in_the_middle_of_one)
{
	unsigned char *p = filled(2);

	CHECK(mremap(p, 2 * HUGE, HUGE + 3 * PAGE, 0) == p);
	check_filled(p, 0, HUGE + 3 * PAGE);
	CHECK_EQ(huge_pages(p, 1), 1);
	CHECK_SIGNAL(load(p + HUGE + 3 * PAGE), SIGSEGV, SEGV_MAPERR, p + HUGE + 3 * PAGE);
}

TEST(advice_on_a_part_keeps_the_bytes)
{
	unsigned char *p = filled(1);

	MUST(madvise(p + PAGE, PAGE, MADV_RANDOM));
	MUST(madvise(p + 5 * PAGE, PAGE, MADV_NOHUGEPAGE));
	check_filled(p, 0, HUGE);
	store(p + PAGE, 1);
	CHECK_EQ(load(p + PAGE), 1);
}

/* ---- fork ------------------------------------------------------------------------------------------ */

TEST(a_child_sees_the_bytes)
{
	unsigned char *p = filled(2);
	pid_t child = MUST(fork());

	if (child == 0) {
		check_filled(p, 0, 2 * HUGE);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, 2 * HUGE);
}

TEST(a_childs_stores_are_its_own)
{
	unsigned char *p = filled(1);
	pid_t child = MUST(fork());

	if (child == 0) {
		for (unsigned long at = 0; at < HUGE; at += 3 * PAGE)
			store(p + at, 255);
		for (unsigned long at = 0; at < HUGE; at += PAGE)
			CHECK_EQ(load(p + at), at % (3 * PAGE) ? pattern(at) : 255);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, HUGE);
}

TEST(a_parents_stores_are_its_own)
{
	unsigned char *p = filled(1);
	struct gate gate = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(gate);
		check_filled(p, 0, HUGE);
		_exit(0);
	}
	store(p, 255);
	store(p + HUGE - PAGE, 255);
	gate_open(gate);
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 255);
	check_filled(p, PAGE, HUGE - PAGE);
}

TEST(alone_again_nothing_is_copied)
{
	unsigned char *p = filled(2);
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(0);
	CHECK_CHILD(child);
	long before = own_count("cow_copies");

	before = own_count("cow_copies");
	for (unsigned long at = 0; at < 2 * HUGE; at += PAGE)
		store(p + at, pattern(at));
	CHECK_EQ(own_count("cow_copies") - before, 0);          // -1 - -1 elsewhere
	check_filled(p, 0, 2 * HUGE);
}

TEST(a_line_of_children)
{
	unsigned char *p = filled(1);

	for (int generation = 1; generation <= 4; generation++) {
		pid_t child = MUST(fork());

		if (child) {
			CHECK_CHILD(child);
			check_filled(p, 4 * PAGE, HUGE);
			if (generation > 1)
				_exit(0);
			break;
		}
		store(p + (generation - 1) * PAGE, 100 + generation);
		for (int i = 0; i < 4; i++)
			CHECK_EQ(load(p + i * PAGE), i < generation ? 101 + i : pattern(i * PAGE));
		if (generation == 4)
			_exit(0);
	}
	check_filled(p, 0, HUGE);
}

TEST(wipe_on_fork)
{
	unsigned char *p = filled(1);

	MUST(madvise(p, HUGE, MADV_WIPEONFORK));
	pid_t child = MUST(fork());

	if (child == 0) {
		CHECK_BYTES(p, HUGE, 0);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, HUGE);
}

TEST(a_child_may_unmap_what_it_shares)
{
	unsigned char *p = filled(2);
	pid_t child = MUST(fork());

	if (child == 0) {
		MUST(munmap(p + 3 * PAGE, HUGE));
		check_filled(p, 0, 3 * PAGE);
		check_filled(p, HUGE + 3 * PAGE, 2 * HUGE);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, 2 * HUGE);
}

TEST(many_children_store_at_once)
{
	unsigned char *p = filled(1);
	pid_t children[4];

	for (int i = 0; i < 4; i++) {
		children[i] = MUST(fork());
		if (children[i])
			continue;
		for (unsigned long at = i * PAGE; at < HUGE; at += 8 * PAGE)
			store(p + at, 200 + i);
		for (unsigned long at = 0; at < HUGE; at += PAGE)
			CHECK_EQ(load(p + at), at / PAGE % 8 == (unsigned long)i ? 200 + i : pattern(at));
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		CHECK_CHILD(children[i]);
	check_filled(p, 0, HUGE);
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
