/*
 * map_threads.c - threads of one process that fault while others change the same address space beside them,
 * around them and under them. Every test says what may be seen whoever comes first. The rounds are few enough
 * for every run of the tests; MAP_THREADS_ROUNDS=N does N times as many, for a campaign.
 */
#include "threads.h"

static volatile int go, done, nr_ready;

static long rounds(long n)
{
	const char *times = getenv("MAP_THREADS_ROUNDS");

	return times ? n * strtol(times, NULL, 10) : n;
}

static void ready(void)
{
	__atomic_add_fetch(&nr_ready, 1, __ATOMIC_SEQ_CST);
	while (!go)
		sched_yield();
}

// The threads run beside `here`, and end when it returns.
static void run_beside(void (*run)(void *), int nr, void (*here)(void))
{
	static struct thread threads[8];

	go = done = nr_ready = 0;
	for (long i = 0; i < nr; i++)
		thread_begin(&threads[i], run, (void *)i);
	while (nr_ready < nr)
		sched_yield();
	go = 1;
	here();
	done = 1;
	for (int i = 0; i < nr; i++)
		thread_join(&threads[i]);
}

static void call(long number, long a, long b, long c, long d, long e, long f)
{
	long result = raw_call(number, a, b, c, d, e, f);

	if (result < 0 && result > -4096)
		FAIL("expected call %ld to be done, seen %s", number, errno_name((int)-result));
}

/* ---- neighbours ------------------------------------------------------------------------------ */

#define PAGES 16
static unsigned char *region;                   // PAGES for each thread, all one area to begin with

static unsigned char *own_page(long thread, int i)
{
	return region + (thread * PAGES + i) * PAGE;
}

static void touch_and_forget(void *argument)
{
	long me = (long)argument;

	ready();
	for (long n = 1; !done; n++) {
		for (int i = 0; i < PAGES; i++)
			store(own_page(me, i), (unsigned char)(n + i));
		for (int i = 0; i < PAGES; i++)
			CHECK_EQ(load(own_page(me, i)), (unsigned char)(n + i));
		call(SYS_madvise, (long)own_page(me, 0), PAGES * PAGE, MADV_DONTNEED, 0, 0, 0);
		for (int i = 0; i < PAGES; i++)
			CHECK_EQ(load(own_page(me, i)), 0);
	}
}

// The last part is cut off, protected, unmapped and mapped again,
// so that the area of the others splits and merges all the time.
static void split_and_merge(void)
{
	unsigned char *mine = own_page(3, 0);

	for (long n = rounds(30); n > 0; n--) {
		MUST(mprotect(mine + PAGE, 2 * PAGE, PROT_READ));
		MUST(mprotect(mine, 4 * PAGE, PROT_READ));
		MUST(mprotect(mine, 4 * PAGE, RW));
		MUST(munmap(mine + 4 * PAGE, PAGE));
		store(mine, 1);
		MUST(munmap(mine, 8 * PAGE));
		CHECK(mmap(mine, 8 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == mine);
		CHECK_EQ(load(mine), 0);
	}
}

TEST(faults_beside_an_area_that_splits_and_merges)
{
	region = map_anonymous(4 * PAGES * PAGE);
	run_beside(touch_and_forget, 3, split_and_merge);
}

static void map_and_unmap(void *argument)
{
	(void)argument;
	ready();
	while (!done) {
		unsigned char *p = (unsigned char *)raw_call(SYS_mmap, 0, 3 * PAGE, RW, ANON, -1, 0);

		CHECK((unsigned long)p < -4095ul);
		CHECK_EQ(load(p), 0);
		store(p + PAGE, 7);
		store(p, 8);
		call(SYS_munmap, (long)p + PAGE, PAGE, 0, 0, 0, 0);
		CHECK_EQ(load(p), 8);
		call(SYS_munmap, (long)p, 3 * PAGE, 0, 0, 0, 0);
	}
}

static void touch_all(void)
{
	for (long n = rounds(30); n > 0; n--) {
		for (int i = 0; i < PAGES; i++)
			store(region + i * PAGE, (unsigned char)(n + i));
		for (int i = 0; i < PAGES; i++)
			CHECK_EQ(load(region + i * PAGE), (unsigned char)(n + i));
		MUST(madvise(region, PAGES * PAGE, MADV_DONTNEED));
	}
}

TEST(mappings_that_come_and_go_at_once)
{
	region = map_anonymous(PAGES * PAGE);
	run_beside(map_and_unmap, 3, touch_all);
}

/* ---- what a call has taken away is gone when it returns -------------------------------------- */

static sigjmp_buf back[8];
static int tids[8];
static volatile long nr_refused;

static void jump_back(int signal)
{
	(void)signal;
	__atomic_add_fetch(&nr_refused, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 8; i++)
		if (tids[i] == own_tid())
			siglongjmp(back[i], 1);
	_exit(TEST_FAILED);
}

static void catch_refusals(void)
{
	struct sigaction action = { .sa_handler = jump_back, .sa_flags = SA_NODEFER };

	MUST(sigaction(SIGSEGV, &action, NULL));
	MUST(sigaction(SIGBUS, &action, NULL));
}

static void store_when_allowed(void *argument)
{
	volatile long me = (long)argument;

	tids[me] = own_tid();
	ready();
	for (volatile unsigned char n = 1; !done; n = n == 255 ? 1 : n + 1)
		if (sigsetjmp(back[me], 1) == 0)
			store(region + me, n);
}

// A page that may not be stored to stays as it is, though it is absent and every store faults.
static void forbid_and_look(void)
{
	for (long n = rounds(30); n > 0; n--) {
		MUST(mprotect(region, PAGE, PROT_READ));
		MUST(madvise(region, PAGE, MADV_DONTNEED));
		for (int i = 0; i < 20; i++)
			CHECK(load(region) == 0 && load(region + 1) == 0 && load(region + 2) == 0);
		MUST(mprotect(region, PAGE, RW));
		store(region + 8, 1);
	}
}

TEST(no_store_lands_where_mprotect_has_forbidden_it)
{
	region = map_anonymous(PAGE);
	catch_refusals();
	run_beside(store_when_allowed, 3, forbid_and_look);
}

static void replace_and_look(void)
{
	int fd = make_file("data", PAGE);

	for (long n = rounds(30); n > 0; n--) {
		CHECK(mmap(region, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == region);
		for (int i = 0; i < 5; i++)
			CHECK(load(region) == pattern(0) && load(region + 1) == pattern(1));
		CHECK(mmap(region, PAGE, PROT_READ, ANON | MAP_FIXED, -1, 0) == region);
		for (int i = 0; i < 5; i++)
			CHECK(load(region) == 0 && load(region + 1) == 0);
		CHECK(mmap(region, PAGE, RW, ANON | MAP_FIXED, -1, 0) == region);
		MUST(munmap(region, PAGE));
	}
}

TEST(a_mapping_that_is_replaced_shows_nothing_of_the_old_one)
{
	region = find_hole(PAGE);
	catch_refusals();
	run_beside(store_when_allowed, 3, replace_and_look);
}

static void read_one_page(void *argument)
{
	(void)argument;
	ready();
	while (!done) {
		CHECK_EQ(load(region), pattern(0));
		call(SYS_madvise, (long)region, PAGE, MADV_DONTNEED, 0, 0, 0);
	}
}

// A fault shows its neighbours, too, but none that may not be read any more.
static void forbid_a_neighbour(void)
{
	int copy = MUST(open("copy", O_RDWR | O_CREAT, 0644));
	unsigned char *neighbour = region + 8 * PAGE;

	for (long n = rounds(10); n > 0; n--) {
		MUST(mprotect(neighbour, PAGE, PROT_NONE));
		for (int i = 0; i < 5; i++)
			CHECK_ERR(pwrite(copy, neighbour, 1, 0), EFAULT);
		MUST(mprotect(neighbour, PAGE, PROT_READ));
		if (n & 1)
			CHECK_EQ(load(neighbour), pattern(8 * PAGE));
		else
			MUST(madvise(neighbour, PAGE, MADV_DONTNEED));
	}
}

TEST(neighbours_of_a_fault_are_not_shown_where_they_are_forbidden)
{
	region = map_file(make_file("data", 16 * PAGE), 16 * PAGE, PROT_READ, MAP_SHARED, 0);
	run_beside(read_one_page, 1, forbid_a_neighbour);
}

/* ---- moving and forking ---------------------------------------------------------------------- */

static unsigned char *places[2];

static void store_at_both_places(void *argument)
{
	volatile long me = (long)argument;

	tids[me] = own_tid();
	ready();
	for (volatile long n = 1; !done; n++)
		if (sigsetjmp(back[me], 1) == 0)
			store(places[n & 1] + (me + 1) * PAGE, 1);
}

// Page 0 is nobody else's: it arrives with what it had. The others' may arrive as zeros or with a 1.
static void move_to_and_fro(void)
{
	for (long n = 0; n < rounds(30); n++) {
		unsigned char *from = places[n & 1], *to = places[~n & 1];

		store(from, (unsigned char)n);
		CHECK(mremap(from, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
		CHECK_EQ(load(to), (unsigned char)n);
		for (int i = 1; i < 4; i++)
			CHECK(load(to + i * PAGE) <= 1);
		if (n % 16 == 0)
			MUST(madvise(to, 4 * PAGE, MADV_DONTNEED));
	}
}

TEST(pages_that_move_arrive)
{
	places[1] = find_hole(4 * PAGE);
	places[0] = find_hole(4 * PAGE);
	CHECK(mmap(places[0], 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == places[0]);
	catch_refusals();
	run_beside(store_at_both_places, 3, move_to_and_fro);
}

static void count_in_order(void *argument)
{
	(void)argument;
	ready();
	for (long n = 1; !done; n++)
		for (int i = PAGES - 1; i >= 0; i--)
			*(volatile long *)(region + i * PAGE) = n;
}

// The child is one moment of its parent: the last page is stored to first,
// so no page is ahead of a later one, by more than one never.
static void fork_and_compare(void)
{
	for (long n = rounds(10); n > 0; n--) {
		pid_t child = MUST(fork());

		if (child == 0) {
			long first = *(volatile long *)region, previous = first;

			for (int i = 1; i < PAGES; i++) {
				long here = *(volatile long *)(region + i * PAGE);

				if (here < previous || here > first + 1)
					_exit(TEST_FAILED);
				previous = here;
			}
			_exit(0);
		}
		CHECK_CHILD(child);
	}
}

TEST(a_child_is_one_moment_of_its_parent)
{
	region = map_anonymous(PAGES * PAGE);
	run_beside(count_in_order, 1, fork_and_compare);
}
