/*
 * map_hugetlb.c - MAP_HUGETLB: a pool, sizes and alignment, and memory that is otherwise like any. Here a test
 * makes the pool that it needs; on a Linux whose administrator has set none aside, those that need one are skipped.
 */
#include "guest.h"

#define HUGE (2UL << 20)
#define POOL "/proc/sys/vm/nr_hugepages"
#define FLAGS (ANON | MAP_HUGETLB)
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

static bool is_lectern(void)
{
	return access("/proc/self/counts", F_OK) == 0;
}

static long pool(const char *name)
{
	return number_named(slurp("/proc/meminfo"), name);
}

static void set_pool(long nr)
{
	char text[24];
	int fd = MUST(open(POOL, O_WRONLY));

	snprintf(text, sizeof(text), "%ld\n", nr);
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

// At least n free pieces, nobody else's.
static void need_pool(long n)
{
	if (is_lectern())
		set_pool(n);
	if (pool("HugePages_Free") < n)
		SKIP("no huge pages are set aside");
}

static unsigned char *pieces(unsigned long n, int flags)
{
	need_pool(4);
	return MUST(mmap(NULL, n * HUGE, RW,
			 (flags & MAP_SHARED ? MAP_SHARED | MAP_ANONYMOUS : ANON) | MAP_HUGETLB | flags, -1, 0));
}

static void fill(unsigned char *p, unsigned long n)
{
	for (unsigned long at = 0; at < n * HUGE; at += PAGE)
		store(p + at, pattern(at));
}

static void check_filled(const unsigned char *p, unsigned long from, unsigned long to)
{
	for (unsigned long at = from; at < to; at += PAGE)
		CHECK_EQ(load(p + at), pattern(at));
}

/* ---- the request --------------------------------------------------------------------------------- */

TEST(meminfo_tells_the_size)
{
	CHECK_EQ(pool("Hugepagesize"), 2048);
	CHECK(pool("HugePages_Total") >= pool("HugePages_Free"));
}

TEST(an_empty_pool_is_no_memory)
{
	if (is_lectern())
		set_pool(0);
	if (pool("HugePages_Total"))
		SKIP("there is a pool");
	CHECK_ERR(mmap(NULL, HUGE, RW, FLAGS, -1, 0), ENOMEM);
	CHECK_ERR(mmap(NULL, HUGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0), ENOMEM);
}

TEST(more_than_the_pool_has)
{
	need_pool(2);
	CHECK_ERR(mmap(NULL, (unsigned long)(pool("HugePages_Free") + 1) * HUGE, RW, FLAGS, -1, 0), ENOMEM);
	CHECK_EQ(pool("HugePages_Rsvd"), 0);
}

TEST(a_size_that_there_is_not)
{
	CHECK_ERR(mmap(NULL, HUGE, RW, FLAGS | 22 << MAP_HUGE_SHIFT, -1, 0), EINVAL);
}

TEST(one_gibibyte)
{
	void *p = mmap(NULL, 1UL << 30, RW, FLAGS | 30 << MAP_HUGE_SHIFT, -1, 0);

	CHECK(p == MAP_FAILED && (errno == EINVAL || errno == ENOMEM));
}

TEST(the_size_by_name)
{
	need_pool(1);
	unsigned char *p = MUST(mmap(NULL, HUGE, RW, FLAGS | 21 << MAP_HUGE_SHIFT, -1, 0));

	store(p, 1);
	CHECK_EQ(load(p), 1);
}

TEST(a_file_of_other_kind)
{
	int fd = make_file("plain", 2 * PAGE);

	CHECK_ERR(mmap(NULL, HUGE, RW, MAP_PRIVATE | MAP_HUGETLB, fd, 0), EINVAL);
}

TEST(no_length)
{
	CHECK_ERR(mmap(NULL, 0, RW, FLAGS, -1, 0), EINVAL);
}

TEST(the_length_is_rounded_up)
{
	need_pool(4);
	unsigned char *p = MUST(mmap(NULL, PAGE, RW, FLAGS, -1, 0));

	CHECK_EQ((unsigned long)p % HUGE, 0);
	store(p + HUGE - 1, 5);
	CHECK_EQ(load(p + HUGE - 1), 5);
	MUST(munmap(p, HUGE));
}

TEST(a_fixed_place_must_be_aligned)
{
	need_pool(1);
	unsigned char *hole = find_hole(4 * HUGE);

	CHECK_ERR(mmap((unsigned char *)(((unsigned long)hole & ~(HUGE - 1)) + HUGE + PAGE), HUGE, RW,
		       FLAGS | MAP_FIXED, -1, 0), EINVAL);
}

TEST(a_fixed_place)
{
	need_pool(1);
	unsigned char *hole = find_hole(4 * HUGE), *p = (unsigned char *)(((unsigned long)hole & ~(HUGE - 1)) + HUGE);

	CHECK(mmap(p, HUGE, RW, FLAGS | MAP_FIXED, -1, 0) == p);
	store(p, 1);
	CHECK_EQ(load(p), 1);
}

/* ---- what may be done with a part ------------------------------------------------------------------ */

TEST(munmap_of_a_part_of_a_piece)
{
	unsigned char *p = pieces(2, 0);

	fill(p, 2);
	CHECK_ERR(munmap(p, PAGE), EINVAL);
	CHECK_ERR(munmap(p + PAGE, HUGE), EINVAL);
	CHECK_ERR(munmap(p + PAGE, HUGE - PAGE), EINVAL);
	check_filled(p, 0, 2 * HUGE);
	MUST(munmap(p, HUGE));
	check_filled(p, HUGE, 2 * HUGE);
	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_MAPERR, p);
}

TEST(mprotect_of_a_part_of_a_piece)
{
	unsigned char *p = pieces(2, 0);

	CHECK_ERR(mprotect(p, PAGE, PROT_READ), EINVAL);
	MUST(mprotect(p + HUGE, HUGE, PROT_READ));
	store(p, 1);
	CHECK_SIGNAL(store(p + HUGE + PAGE, 1), SIGSEGV, SEGV_ACCERR, p + HUGE + PAGE);
	MUST(mprotect(p + HUGE, HUGE, RW));
	store(p + HUGE + PAGE, 1);
}

TEST(prot_none_keeps_the_bytes)
{
	unsigned char *p = pieces(1, 0);

	fill(p, 1);
	MUST(mprotect(p, HUGE, PROT_NONE));
	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_ACCERR, p);
	MUST(mprotect(p, HUGE, PROT_READ));
	check_filled(p, 0, HUGE);
}

TEST(mremap_cannot_add)
{
	unsigned char *p = pieces(1, 0);

	CHECK_ERR(mremap(p, HUGE, 2 * HUGE, MREMAP_MAYMOVE), EINVAL);
}

TEST(mremap_takes_away)
{
	unsigned char *p = pieces(2, 0);

	fill(p, 2);
	CHECK(mremap(p, 2 * HUGE, HUGE, 0) == p);
	check_filled(p, 0, HUGE);
	CHECK_SIGNAL(load(p + HUGE), SIGSEGV, SEGV_MAPERR, p + HUGE);
}

TEST(mremap_rounds_to_pieces)
{
	unsigned char *p = pieces(2, 0);

	fill(p, 2);
	CHECK(mremap(p, HUGE + PAGE, PAGE, 0) == p);
	check_filled(p, 0, HUGE);
	CHECK_SIGNAL(load(p + HUGE), SIGSEGV, SEGV_MAPERR, p + HUGE);
	CHECK_ERR(mremap(p + PAGE, HUGE, HUGE, 0), EINVAL);
}

static void check_it_moves(int flags)
{
	unsigned char *p = pieces(2, flags), *to = MUST(mmap(NULL, HUGE, RW, FLAGS, -1, 0));
	pid_t child;

	fill(p, 2);
	CHECK_ERR(mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + PAGE), EINVAL);
	CHECK_ERR(mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, to), EINVAL);
	long free = pool("HugePages_Free");

	CHECK(mremap(p, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	CHECK_EQ(pool("HugePages_Free"), free + 1);     // what was there
	CHECK_SIGNAL(load(p), SIGSEGV, SEGV_MAPERR, p);
	check_filled(to, 0, HUGE);
	for (unsigned long at = HUGE; at < 2 * HUGE; at += PAGE)
		CHECK_EQ(load(p + at), pattern(at));
	child = MUST(fork());
	if (child == 0) {
		store(to, 99);
		_exit(load(to + PAGE) != pattern(PAGE));
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(to), flags & MAP_SHARED ? 99 : pattern(0));
	MUST(munmap(to, HUGE));
	CHECK_EQ(pool("HugePages_Free"), free + 2);
}

TEST(mremap_moves_a_piece)
{
	check_it_moves(0);
}

TEST(mremap_moves_a_shared_piece)
{
	check_it_moves(MAP_SHARED);
}

TEST(sys_tells_of_the_pool)
{
	const char *folder = "/sys/kernel/mm/hugepages/hugepages-2048kB/";
	char path[128];

	if (access(folder, F_OK) != 0 && !is_lectern())
		SKIP("there is no /sys here");
	snprintf(path, sizeof(path), "%snr_hugepages", folder);
	CHECK(slurp(path) != NULL);
	CHECK_EQ(atol(slurp(path)), pool("HugePages_Total"));
	snprintf(path, sizeof(path), "%sfree_hugepages", folder);
	CHECK_EQ(atol(slurp(path)), pool("HugePages_Free"));
	snprintf(path, sizeof(path), "%ssurplus_hugepages", folder);
	CHECK_EQ(atol(slurp(path)), pool("HugePages_Surp"));
}

TEST(advice_that_does_not_fit)
{
	unsigned char *p = pieces(1, 0);

	fill(p, 1);
	CHECK_ERR(madvise(p, HUGE, MADV_FREE), EINVAL);
	CHECK_ERR(madvise(p, HUGE, MADV_HUGEPAGE), EINVAL);
	CHECK_ERR(madvise(p, HUGE, MADV_COLD), EINVAL);
	CHECK_ERR(madvise(p + PAGE, HUGE - PAGE, MADV_DONTNEED), EINVAL);
	check_filled(p, 0, HUGE);
}

TEST(dontneed_of_a_piece)
{
	unsigned char *p = pieces(2, 0);

	fill(p, 2);
	MUST(madvise(p, HUGE, MADV_DONTNEED));
	CHECK_BYTES(p, HUGE, 0);
	check_filled(p, HUGE, 2 * HUGE);
	store(p, 1);
}

TEST(dontneed_ends_at_the_last_whole_piece)
{
	unsigned char *p = pieces(2, 0);

	fill(p, 2);
	MUST(madvise(p, HUGE + PAGE, MADV_DONTNEED));
	CHECK_BYTES(p, PAGE, 0);
	check_filled(p, HUGE, 2 * HUGE);
}

TEST(dontneed_of_what_is_shared_keeps_the_bytes)
{
	unsigned char *p = pieces(1, MAP_SHARED);

	fill(p, 1);
	MUST(madvise(p, HUGE, MADV_DONTNEED));
	check_filled(p, 0, HUGE);
}

/* ---- memory ------------------------------------------------------------------------------------------ */

TEST(is_zero_also_when_it_was_used)
{
	for (int i = 0; i < 3; i++) {
		unsigned char *p = pieces(4, 0);

		CHECK_BYTES(p, 4 * HUGE, 0);
		memset(p, 0xa5, 4 * HUGE);
		MUST(munmap(p, 4 * HUGE));
	}
}

TEST(the_pool_has_them_back)
{
	need_pool(4);
	long before = pool("HugePages_Free");
	unsigned char *p = pieces(3, 0);

	fill(p, 3);
	CHECK_EQ(pool("HugePages_Free"), before - 3);
	MUST(munmap(p, 2 * HUGE));
	CHECK_EQ(pool("HugePages_Free"), before - 1);
	MUST(munmap(p + 2 * HUGE, HUGE));
	CHECK_EQ(pool("HugePages_Free"), before);
}

TEST(the_pool_has_them_back_from_the_dead)
{
	need_pool(4);
	long before = pool("HugePages_Free");
	pid_t child = MUST(fork());

	if (child == 0) {
		fill(pieces(3, 0), 3);
		raise(SIGKILL);
	}
	CHECK_KILLED(child, SIGKILL);
	CHECK_EQ(pool("HugePages_Free"), before);
}

TEST(a_private_piece_after_fork)
{
	unsigned char *p = pieces(1, 0);

	fill(p, 1);
	pid_t child = MUST(fork());

	if (child == 0) {
		check_filled(p, 0, HUGE);
		store(p + PAGE, 255);
		CHECK_EQ(load(p + PAGE), 255);
		check_filled(p, 2 * PAGE, HUGE);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_filled(p, 0, HUGE);
	store(p, 255);
	check_filled(p, PAGE, HUGE);
}

TEST(a_shared_piece_after_fork)
{
	unsigned char *p = pieces(2, MAP_SHARED);

	fill(p, 1);
	pid_t child = MUST(fork());

	if (child == 0) {
		check_filled(p, 0, HUGE);
		store(p + PAGE, 255);
		store(p + HUGE, 254);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p + PAGE), 255);
	CHECK_EQ(load(p + HUGE), 254);
	check_filled(p, 2 * PAGE, HUGE);
}

TEST(a_shared_piece_that_was_read_only)
{
	unsigned char *p = pieces(1, MAP_SHARED);

	fill(p, 1);
	MUST(mprotect(p, HUGE, PROT_READ));
	pid_t child = MUST(fork());

	if (child == 0) {
		MUST(mprotect(p, HUGE, RW));
		store(p, 255);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p), 255);
	MUST(mprotect(p, HUGE, RW));
	store(p, pattern(0));
	check_filled(p, 0, HUGE);
}

TEST(without_reserve_an_empty_pool_is_a_signal)
{
	need_pool(4);
	long free = pool("HugePages_Free");
	unsigned char *rest = MUST(mmap(NULL, (unsigned long)free * HUGE, RW, FLAGS, -1, 0));

	fill(rest, (unsigned long)free);
	unsigned char *p = MUST(mmap(NULL, HUGE, RW, FLAGS | MAP_NORESERVE, -1, 0));

	CHECK_SIGNAL(store(p + PAGE, 1), SIGBUS, BUS_ADRERR, p + PAGE);
	MUST(munmap(rest, (unsigned long)free * HUGE));
	store(p + PAGE, 1);
	CHECK_EQ(load(p + PAGE), 1);
}

TEST(read_and_write)
{
	unsigned char *p = pieces(2, 0);
	int fd = make_file("io", 4 * PAGE);

	CHECK_EQ(pread(fd, p + HUGE - 2 * PAGE, 4 * PAGE, 0), 4 * PAGE);
	check_pattern(p + HUGE - 2 * PAGE, 4 * PAGE, 0);
	CHECK_EQ(pwrite(fd, p + HUGE - PAGE, PAGE, 0), PAGE);
	CHECK_EQ(file_byte(fd, 1), pattern(PAGE + 1));
}

TEST(mincore_and_mlock)
{
	unsigned char *p = pieces(1, 0), vector[HUGE / PAGE];

	fill(p, 1);
	MUST(mlock(p, HUGE));
	MUST(mincore(p, HUGE, vector));
	for (unsigned long i = 0; i < HUGE / PAGE; i++)
		CHECK_EQ(vector[i] & 1, 1);
	MUST(munlock(p, HUGE));
}

TEST(smaps_tells_the_size_of_its_pages)
{
	unsigned char *p = pieces(1, 0);
	char start[32];

	fill(p, 1);
	snprintf(start, sizeof(start), "%lx-", (unsigned long)p);
	const char *text = strstr(slurp("/proc/self/smaps"), start);

	CHECK(text != NULL);
	CHECK_EQ(number_named(text, "KernelPageSize"), 2048);
	CHECK_EQ(number_named(text, "Private_Hugetlb"), 2048);
	CHECK_EQ(number_named(text, "AnonHugePages"), 0);
}

TEST(the_pool_grows_and_shrinks)
{
	if (!is_lectern())
		SKIP("the host's pool is its administrator's");
	set_pool(6);
	CHECK_EQ(pool("HugePages_Total"), 6);
	unsigned char *p = pieces(2, 0);

	set_pool(0);
	CHECK_EQ(pool("HugePages_Total"), 2);           // in use
	fill(p, 2);
	check_filled(p, 0, 2 * HUGE);
	MUST(munmap(p, 2 * HUGE));
	set_pool(0);
	CHECK_EQ(pool("HugePages_Total"), 0);
}

TEST(nothing_stays_behind)
{
	if (is_lectern()) {
		set_pool(0);
		CHECK_EQ(pool("HugePages_Total"), 0);
	}
	CHECK_EQ(pool("HugePages_Rsvd"), 0);
}
