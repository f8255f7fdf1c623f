/*
 * map_count.c - the counting oracle: how many faults, copies and fills the work of a program costs.
 *
 * What Linux counts the same way is checked on both systems; the exact counts of /proc/self/counts are
 * Lectern's own, and where there are none those tests are skipped. A number is always taken twice
 * before it is used, so that what the taking itself touches is there already.
 */
#include "guest.h"

#define PAGES 64UL

static bool is_lectern(void)
{
	return own_count("minor_faults") >= 0;
}

#define ONLY_LECTERN() do { if (!is_lectern()) SKIP("no /proc/self/counts"); } while (0)

static void touch(const unsigned char *p, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		load(p + i * PAGE);
}

static void dirty(unsigned char *p, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i++)
		store(p + i * PAGE, 1);
}

static long major_faults(void)
{
	struct rusage usage;

	MUST(getrusage(RUSAGE_SELF, &usage));
	return usage.ru_majflt;
}

extern char **environ;

// Makes every page of the stack our own, below us and up to where the arguments stand: which variable
// shares a page with which depends on where the stack begins, and that is random.
static void touch_stack(void)
{
	unsigned char below[4 * PAGE] = { 0 };
	cell *p = below;

	for (; p < (cell *)environ; p += PAGE)
		*p = *p;
	*(cell *)environ = *(cell *)environ;
}

// Runs everything once that a test runs while it counts: its code and data are then there, and only
// the pages which it means are still to come. After a fork that holds for the child anew.
static void settle(void)
{
	syscall(SYS_prctl, 41 /* PR_SET_THP_DISABLE */, 1, 0, 0, 0);    // refused where there are none
	touch_stack();
	unsigned char *p = map_anonymous(PAGE);
	touch(p, 1);
	dirty(p, 1);
	MUST(munmap(p, PAGE));
	minor_faults();
	major_faults();
	own_count("minor_faults");
	slurp("/proc/vmstat");
}

TEST(each_new_anonymous_page_is_one_fault)
{
	settle();
	unsigned char *p = map_anonymous(PAGES * PAGE);
	long before = minor_faults();

	dirty(p, PAGES);
	CHECK_EQ(minor_faults() - before, PAGES);
}

TEST(second_touch_is_no_fault)
{
	settle();
	unsigned char *p = map_anonymous(PAGES * PAGE);

	dirty(p, PAGES);
	long before = minor_faults();
	dirty(p, PAGES);
	touch(p, PAGES);
	CHECK_EQ(minor_faults() - before, 0);
}

TEST(load_then_store_are_two_faults)
{
	settle();
	unsigned char *p = map_anonymous(PAGES * PAGE);
	long before = minor_faults();

	touch(p, PAGES);
	CHECK_EQ(minor_faults() - before, PAGES);       // the shared zero page
	dirty(p, PAGES);
	CHECK_EQ(minor_faults() - before, 2 * PAGES);   // a frame of its own
}

TEST(mapping_and_unmapping_a_gigabyte_faults_nothing)
{
	settle();
	int fd = MUST(open("data", O_RDWR | O_CREAT, 0644));

	MUST(ftruncate(fd, 1L << 30));
	long before = minor_faults(), before_major = major_faults();
	unsigned char *p = MUST(mmap(NULL, 1L << 30, RW, MAP_SHARED, fd, 0));
	// More than this machine has: without MAP_NORESERVE, Linux refuses it too where memory is so small.
	unsigned char *q = MUST(mmap(NULL, 1L << 30, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
	MUST(munmap(p, 1L << 30));
	MUST(munmap(q, 1L << 30));
	CHECK_EQ(minor_faults() - before, 0);
	CHECK_EQ(major_faults() - before_major, 0);
}

TEST(unmapped_and_mapped_again_faults_again)
{
	settle();
	unsigned char *hole = find_hole(PAGES * PAGE);

	MUST(mmap(hole, PAGES * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	dirty(hole, PAGES);
	long before = minor_faults();
	MUST(mmap(hole, PAGES * PAGE, RW, ANON | MAP_FIXED, -1, 0));
	dirty(hole, PAGES);
	CHECK_EQ(minor_faults() - before, PAGES);
}

TEST(cached_file_pages_are_no_major_faults)
{
	settle();
	int fd = make_file("data", PAGES * PAGE);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	long before = minor_faults(), before_major = major_faults();

	touch(p, PAGES);
	long seen = minor_faults() - before;
	CHECK_EQ(major_faults() - before_major, 0);
	CHECK(seen >= 1 && seen <= (long)PAGES);        // a fault may map neighbours too
	touch(p, PAGES);
	CHECK_EQ(minor_faults() - before, seen);
}

TEST(store_to_a_forked_page_is_one_fault)
{
	settle();
	unsigned char *p = map_anonymous(PAGES * PAGE);

	dirty(p, PAGES);
	pid_t child = MUST(fork());
	if (child == 0) {
		settle();
		long before = minor_faults();
		touch(p, PAGES);
		CHECK_EQ(minor_faults() - before, 0);   // fork copied the page tables
		dirty(p, PAGES);
		CHECK_EQ(minor_faults() - before, PAGES);
		_exit(0);
	}
	CHECK_CHILD(child);
}

TEST(childs_faults_are_added_when_waited_for)
{
	struct rusage usage;

	settle();
	MUST(getrusage(RUSAGE_CHILDREN, &usage));
	long before = usage.ru_minflt;
	pid_t child = MUST(fork());
	if (child == 0) {
		dirty(map_anonymous(PAGES * PAGE), PAGES);
		_exit(0);
	}
	MUST(getrusage(RUSAGE_CHILDREN, &usage));
	CHECK_EQ(usage.ru_minflt - before, 0);
	CHECK_CHILD(child);
	MUST(getrusage(RUSAGE_CHILDREN, &usage));
	CHECK(usage.ru_minflt - before >= (long)PAGES);
}

TEST(wait4_tells_the_childs_faults)
{
	struct rusage usage;
	int status;
	pid_t child = MUST(fork());

	if (child == 0) {
		settle();
		dirty(map_anonymous(PAGES * PAGE), PAGES);
		_exit(0);
	}
	CHECK_EQ(wait4(child, &status, 0, &usage), child);
	CHECK_EQ(status, 0);
	CHECK(usage.ru_minflt >= (long)PAGES);
}

// Linux keeps up to 64 pages of a count aside in each thread.
#define PEAK_PAGES 2048ul
#define PEAK_LEAST ((PEAK_PAGES - 256) * PAGE / 1024)

TEST(peak_of_resident_memory_outlives_munmap_and_exit)
{
	struct rusage usage;
	int status;
	pid_t child = MUST(fork());

	if (child == 0) {
		unsigned char *p = map_anonymous(PEAK_PAGES * PAGE);

		dirty(p, PEAK_PAGES);
		MUST(munmap(p, PEAK_PAGES * PAGE));
		const char *text = slurp("/proc/self/status");

		CHECK(number_named(text, "VmHWM") >= (long)PEAK_LEAST);
		CHECK(number_named(text, "VmRSS") < number_named(text, "VmHWM") - (long)PEAK_LEAST / 2);
		MUST(getrusage(RUSAGE_SELF, &usage));
		CHECK(usage.ru_maxrss >= (long)PEAK_LEAST);
		_exit(7);
	}
	CHECK_EQ(wait4(child, &status, 0, &usage), child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	CHECK(usage.ru_maxrss >= (long)PEAK_LEAST);
	MUST(getrusage(RUSAGE_CHILDREN, &usage));
	CHECK(usage.ru_maxrss >= (long)PEAK_LEAST);
}

TEST(faults_move_the_global_count)
{
	settle();
	unsigned char *p = map_anonymous(PAGES * PAGE);
	long before = number_named(slurp("/proc/vmstat"), "pgfault");

	CHECK(before > 0);
	dirty(p, PAGES);
	CHECK(number_named(slurp("/proc/vmstat"), "pgfault") - before >= (long)PAGES);
}

TEST(frames_are_used_and_given_back)
{
	// Numbers of the whole system: a busy Linux host would blur them.
	ONLY_LECTERN();
	unsigned long pages = 1000;
	unsigned char *p = map_anonymous(pages * PAGE);

	dirty(p, 1);
	slurp("/proc/meminfo");
	long before = number_named(slurp("/proc/meminfo"), "MemFree");
	dirty(p, pages);
	long used = before - number_named(slurp("/proc/meminfo"), "MemFree");
	MUST(munmap(p, pages * PAGE));
	long kept = before - number_named(slurp("/proc/meminfo"), "MemFree");
	if (used < 3900 || used > 5000 || kept > 600)
		FAIL("expected about 4000 kB used and then given back, seen %ld used, %ld kept",
		     used, kept);
}

/* ---- Lectern's own counts -------------------------------------------------------------------- */

TEST(zero_fills_are_exact)
{
	ONLY_LECTERN();
	settle();
	unsigned char *p = map_anonymous(PAGES * PAGE);
	long before = own_count("zero_fills");

	dirty(p, PAGES);
	CHECK_EQ(own_count("zero_fills") - before, PAGES);
	dirty(p, PAGES);
	CHECK_EQ(own_count("zero_fills") - before, PAGES);
}

TEST(counts_agree_with_getrusage)
{
	ONLY_LECTERN();
	settle();
	dirty(map_anonymous(PAGES * PAGE), PAGES);
	CHECK_EQ(own_count("minor_faults"), minor_faults());
	CHECK_EQ(own_count("major_faults"), major_faults());
}

TEST(copies_of_a_private_file_are_exact)
{
	ONLY_LECTERN();
	settle();
	int fd = make_file("data", PAGES * PAGE);
	unsigned char *p = map_file(fd, PAGES * PAGE, RW, MAP_PRIVATE, 0);
	long before = own_count("cow_copies");

	touch(p, PAGES);
	CHECK_EQ(own_count("cow_copies") - before, 0);
	dirty(p, PAGES);
	CHECK_EQ(own_count("cow_copies") - before, PAGES);
	dirty(p, PAGES);
	CHECK_EQ(own_count("cow_copies") - before, PAGES);
}

TEST(copies_after_fork_are_exact)
{
	ONLY_LECTERN();
	settle();
	unsigned char *p = map_anonymous(PAGES * PAGE);

	dirty(p, PAGES);
	pid_t child = MUST(fork());
	if (child == 0) {
		settle();
		long before = own_count("cow_copies");
		dirty(p, PAGES / 2);
		CHECK_EQ(own_count("cow_copies") - before, PAGES / 2);
		_exit(0);
	}
	CHECK_CHILD(child);
	settle();
	long before = own_count("cow_copies"), faults = own_count("minor_faults");
	dirty(p, PAGES);                        // the child is gone: every page is ours alone
	CHECK_EQ(own_count("cow_copies") - before, 0);
	CHECK_EQ(own_count("minor_faults") - faults, PAGES);
}

TEST(dirty_faults_of_a_shared_file_are_exact)
{
	ONLY_LECTERN();
	settle();
	int fd = make_file("data", PAGES * PAGE);
	unsigned char *p = map_file(fd, PAGES * PAGE, RW, MAP_SHARED, 0);

	MUST(fsync(fd));
	long before = own_count("dirty_faults"), copies = own_count("cow_copies");
	touch(p, PAGES);
	CHECK_EQ(own_count("dirty_faults") - before, 0);
	dirty(p, PAGES);
	CHECK_EQ(own_count("dirty_faults") - before, PAGES);
	dirty(p, PAGES);
	CHECK_EQ(own_count("dirty_faults") - before, PAGES);
	MUST(msync(p, PAGES * PAGE, MS_SYNC));
	dirty(p, PAGES);                        // clean again, so the next store is seen again
	CHECK_EQ(own_count("dirty_faults") - before, 2 * PAGES);
	CHECK_EQ(own_count("cow_copies") - copies, 0);
}

TEST(mapping_a_cached_file_fills_nothing)
{
	ONLY_LECTERN();
	int fd = make_file("data", PAGES * PAGE);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	unsigned char *q = map_file(fd, PAGES * PAGE, PROT_READ, MAP_PRIVATE, 0);
	long before = own_count("cache_fills"), reads = own_count("disk_reads");

	touch(p, PAGES);
	touch(q, PAGES);
	CHECK_EQ(own_count("cache_fills") - before, 0);
	CHECK_EQ(own_count("disk_reads") - reads, 0);
}

TEST(cold_page_is_a_major_fault_and_read_once)
{
	ONLY_LECTERN();
	int fd = make_file("data", PAGES * PAGE);

	MUST(fsync(fd));
	int drop = MUST(open("/proc/sys/vm/drop_caches", O_WRONLY));
	CHECK_EQ(write(drop, "1\n", 2), 2);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	unsigned char *q = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	slurp("/proc/self/counts");
	long before = own_count("major_faults"), fills = own_count("cache_fills");
	load(p + 17 * PAGE);
	CHECK_EQ(own_count("major_faults") - before, 1);
	CHECK(own_count("cache_fills") - fills >= 1);
	fills = own_count("cache_fills");
	load(q + 17 * PAGE);
	CHECK_EQ(own_count("major_faults") - before, 1);
	CHECK_EQ(own_count("cache_fills") - fills, 0);
}

// Many mappings of one file, each of another page: write-back of one looks at the one that shows it.
TEST(write_back_looks_at_no_other_areas)
{
	ONLY_LECTERN();
	int fd = make_file("data", PAGES * PAGE);
	unsigned char *p[PAGES];

	for (unsigned long i = 0; i < PAGES; i++)
		p[i] = map_file(fd, PAGE, RW, MAP_SHARED, (off_t)(i * 7 % PAGES * PAGE));
	MUST(fsync(fd));
	long before = number_named(slurp("/proc/vmstat"), "rmap_areas");
	for (unsigned long i = 0; i < PAGES; i++) {
		store(p[i], 1);
		MUST(msync(p[i], PAGE, MS_SYNC));
	}
	long seen = number_named(slurp("/proc/vmstat"), "rmap_areas") - before;
	CHECK(seen >= (long)PAGES && seen < 8 * (long)PAGES);
}

TEST(each_system_call_is_counted)
{
	ONLY_LECTERN();
	own_count("syscalls");
	long first = own_count("syscalls"), second = own_count("syscalls");
	long round = second - first;            // what the reading itself takes
	for (int i = 0; i < 10; i++)
		syscall(SYS_getppid);
	CHECK_EQ(own_count("syscalls") - second, round + 10);
}
