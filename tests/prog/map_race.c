/*
 * map_race.c - several processes at one page at one time. Every test has a model that says which
 * results can be, whoever comes first; nothing waits for time to pass. With one CPU the preemption
 * makes the races, with four they are real.
 */
#include "guest.h"

#include <sched.h>

#define WORKERS 4

// Shared by all workers of a test: a start line, so that they run at the same time, and results.
struct common {
	volatile int waiting, go, done;
	volatile long count[WORKERS];
};

static struct common *make_common(void)
{
	return MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

static void start_line(struct common *common)
{
	__atomic_add_fetch(&common->waiting, 1, __ATOMIC_SEQ_CST);
	while (!common->go)
		sched_yield();
}

// Forks the workers, lets them start together, and waits until all have ended well.
static void run_workers(struct common *common, void (*work)(struct common *, int))
{
	pid_t child[WORKERS];

	for (int i = 0; i < WORKERS; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			start_line(common);
			work(common, i);
			_exit(0);
		}
	}
	while (common->waiting < WORKERS)
		sched_yield();
	common->go = 1;
	for (int i = 0; i < WORKERS; i++)
		CHECK_CHILD(child[i]);
}

static int file;
static unsigned char *map;

static void increment(struct common *common, int worker)
{
	(void)common, (void)worker;
	for (int i = 0; i < 20000; i++)
		__atomic_add_fetch((long *)(map + 64), 1, __ATOMIC_SEQ_CST);
}

TEST(increments_of_a_shared_file_page_all_count)
{
	file = make_file("data", PAGE);
	map = map_file(file, PAGE, RW, MAP_SHARED, 0);
	*(long *)(map + 64) = 0;
	run_workers(make_common(), increment);
	long total = 0;
	CHECK_EQ(pread(file, &total, sizeof(total), 64), sizeof(total));
	CHECK_EQ(total, 20000 * WORKERS);
}

TEST(increments_of_shared_anonymous_memory_all_count)
{
	map = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	run_workers(make_common(), increment);
	CHECK_EQ(*(long *)(map + 64), 20000 * WORKERS);
}

static void increment_own_mapping(struct common *common, int worker)
{
	(void)common;
	for (int i = 0; i < 200; i++) {
		int fd = MUST(open("data", O_RDWR));
		unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);
		MUST(close(fd));
		for (int j = 0; j < 10; j++)
			__atomic_add_fetch((long *)(p + 64), 1, __ATOMIC_SEQ_CST);
		if ((i + worker) % 4 == 0)
			MUST(msync(p, PAGE, MS_ASYNC));
		MUST(munmap(p, PAGE));
	}
}

TEST(increments_by_mappings_that_come_and_go_all_count)
{
	file = make_file("data", PAGE);
	unsigned char *p = map_file(file, PAGE, RW, MAP_SHARED, 0);
	*(long *)(p + 64) = 0;
	MUST(munmap(p, PAGE));
	run_workers(make_common(), increment_own_mapping);
	long total = 0;
	CHECK_EQ(pread(file, &total, sizeof(total), 64), sizeof(total));
	CHECK_EQ(total, 200 * 10 * WORKERS);
}

static void sync_or_increment(struct common *common, int worker)
{
	if (worker == 0) {
		for (int i = 0; i < 30 || common->done < WORKERS - 1; i++)
			MUST(msync(map, PAGE, i % 3 ? MS_ASYNC : MS_SYNC));
		return;
	}
	for (int i = 0; i < 5000; i++)
		__atomic_add_fetch((long *)(map + 64), 1, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&common->done, 1, __ATOMIC_SEQ_CST);
}

TEST(store_during_write_back_is_not_lost)
{
	file = make_file("data", PAGE);
	map = map_file(file, PAGE, RW, MAP_SHARED, 0);
	*(long *)(map + 64) = 0;
	run_workers(make_common(), sync_or_increment);
	MUST(msync(map, PAGE, MS_SYNC));
	long total = 0;
	CHECK_EQ(pread(file, &total, sizeof(total), 64), sizeof(total));
	CHECK_EQ(total, 5000 * (WORKERS - 1));
}

static void touch_all(struct common *common, int worker)
{
	(void)common;
	for (int i = 0; i < 64; i++)
		store(map + i * PAGE + worker, worker + 1);
	for (int i = 0; i < 64; i++)
		CHECK_EQ(load(map + i * PAGE + worker), worker + 1);
}

TEST(first_touches_of_holes_at_once_find_one_page)
{
	file = MUST(open("data", O_RDWR | O_CREAT, 0644));
	MUST(ftruncate(file, 64 * PAGE));
	map = map_file(file, 64 * PAGE, RW, MAP_SHARED, 0);
	run_workers(make_common(), touch_all);
	for (int i = 0; i < 64; i++)
		for (int worker = 0; worker < WORKERS; worker++)
			CHECK_EQ(file_byte(file, i * PAGE + worker), worker + 1);
}

TEST(first_touches_of_shared_anonymous_at_once_find_one_page)
{
	map = MUST(mmap(NULL, 64 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	run_workers(make_common(), touch_all);
	for (int i = 0; i < 64; i++)
		for (int worker = 0; worker < WORKERS; worker++)
			CHECK_EQ(load(map + i * PAGE + worker), worker + 1);
}

static void store_private(struct common *common, int worker)
{
	(void)common;
	for (int i = 0; i < 64; i++) {
		int page = (i + worker * 16) % 64;
		CHECK_EQ(load(map + page * PAGE), pattern(page * PAGE));
		store(map + page * PAGE, worker);
	}
	for (int i = 0; i < 64; i++) {
		CHECK_EQ(load(map + i * PAGE), worker);
		CHECK_EQ(load(map + i * PAGE + 1), pattern(i * PAGE + 1));
	}
}

TEST(copies_on_write_at_once_are_all_whole)
{
	map = map_anonymous(64 * PAGE);
	for (unsigned long i = 0; i < 64 * PAGE; i++)
		map[i] = pattern(i);
	run_workers(make_common(), store_private);
	check_pattern(map, 64 * PAGE, 0);
}

static void write_or_store(struct common *common, int worker)
{
	(void)common;
	for (int i = 0; i < 500; i++) {
		off_t at = i % 16 * PAGE + worker * 100 + i / 16;
		if (worker % 2)
			put_byte(file, at, worker + 1);
		else
			store(map + at, worker + 1);
	}
}

TEST(writes_and_stores_in_one_page_are_all_there)
{
	file = make_file("data", 16 * PAGE);
	map = map_file(file, 16 * PAGE, RW, MAP_SHARED, 0);
	run_workers(make_common(), write_or_store);
	for (int worker = 0; worker < WORKERS; worker++)
		for (int i = 0; i < 500; i++) {
			off_t at = i % 16 * PAGE + worker * 100 + i / 16;
			CHECK_EQ(file_byte(file, at), worker + 1);
			CHECK_EQ(load(map + at), worker + 1);
		}
}

/* ---- truncation ------------------------------------------------------------------------------ */

// The store, or false if the page was past the end at that moment.
static bool try_store(unsigned char *p, unsigned char value)
{
	struct sigaction old[2];

	test_arm(old);
	if (sigsetjmp(test_landing, 1) == 0)
		store(p, value);
	test_disarm(old);
	if (test_signal && (test_signal != SIGBUS || test_code != BUS_ADRERR || test_address != p))
		FAIL("expected SIGBUS at %p or nothing, seen %s code %d at %p", (void *)p,
		     signal_name(test_signal), test_code, test_address);
	return test_signal == 0;
}

static void truncate_or_touch(struct common *common, int worker)
{
	unsigned long random = worker;

	if (worker == 0) {
		for (int i = 0; i < 150; i++) {
			MUST(ftruncate(file, i % 5 * PAGE));
			MUST(ftruncate(file, 8 * PAGE));
		}
		common->done = 1;
		return;
	}
	for (long i = 0; i < 300 || !common->done; i++) {
		random = random * 6364136223846793005 + 1442695040888963407;
		int page = (random >> 33) % 8;
		if (try_store(map + page * PAGE + worker, worker))
			common->count[worker]++;
	}
}

TEST(stores_against_truncation_are_sigbus_or_kept)
{
	struct common *common = make_common();

	file = make_file("data", 0);
	MUST(ftruncate(file, 8 * PAGE));
	map = map_file(file, 8 * PAGE, RW, MAP_SHARED, 0);
	run_workers(common, truncate_or_touch);
	CHECK_EQ(file_size(file), 8 * PAGE);
	for (int page = 0; page < 8; page++) {
		for (int worker = 1; worker < WORKERS; worker++) {
			int byte = load(map + page * PAGE + worker);
			CHECK(byte == 0 || byte == worker);
			CHECK_EQ(file_byte(file, page * PAGE + worker), byte);
		}
		CHECK_BYTES(map + page * PAGE + WORKERS, PAGE - WORKERS, 0);
	}
}

static void truncate_write_read(struct common *common, int worker)
{
	static unsigned char block[3 * PAGE];

	for (int i = 0; i < 100; i++) {
		if (worker == 0) {
			MUST(ftruncate(file, i % 3 * PAGE + 7));
		} else if (worker == 1) {
			memset(block, 0x11, sizeof(block));
			MUST(pwrite(file, block, 2 * PAGE, PAGE / 2));
		} else if (worker == 2) {
			ssize_t n = MUST(pread(file, block, sizeof(block), 0));
			for (ssize_t j = 0; j < n; j++)
				CHECK(block[j] == 0 || block[j] == 0x11 || block[j] == 0x22);
		} else {
			try_store(map + i % 3 * PAGE + i, 0x22);
		}
	}
	common->count[worker] = 1;
}

TEST(truncate_write_read_and_store_at_once_show_no_strange_byte)
{
	file = make_file("data", 0);
	map = map_file(file, 3 * PAGE, RW, MAP_SHARED, 0);
	run_workers(make_common(), truncate_write_read);
	MUST(ftruncate(file, 3 * PAGE));
	for (unsigned long i = 0; i < 3 * PAGE; i++) {
		int byte = load(map + i);
		CHECK(byte == 0 || byte == 0x11 || byte == 0x22);
		if (i % 97 == 0)
			CHECK_EQ(file_byte(file, i), byte);
	}
}

/* ---- processes that come and go -------------------------------------------------------------- */

static void fork_and_store(struct common *common, int worker)
{
	for (int i = 0; i < 25; i++) {
		pid_t child = MUST(fork());
		if (child == 0) {
			store(map + PAGE + worker, i);
			__atomic_add_fetch((long *)(map + 64), 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
		__atomic_add_fetch((long *)(map + 64), 1, __ATOMIC_SEQ_CST);
		CHECK_CHILD(child);
	}
	(void)common;
}

TEST(forks_and_exits_on_a_shared_page_lose_nothing)
{
	file = make_file("data", 2 * PAGE);
	map = map_file(file, 2 * PAGE, RW, MAP_SHARED, 0);
	*(long *)(map + 64) = 0;
	run_workers(make_common(), fork_and_store);
	CHECK_EQ(*(long *)(map + 64), 25 * 2 * WORKERS);
	CHECK_BYTES(map + PAGE, WORKERS, 24);
}

static void unlink_or_open(struct common *common, int worker)
{
	(void)common;
	for (int i = 0; i < 60; i++) {
		int fd = MUST(open("shared", O_RDWR | O_CREAT, 0644));
		MUST(ftruncate(fd, PAGE));
		unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);
		MUST(close(fd));
		if (i % 2)
			unlink("shared");
		// Nobody truncates to less than a page, so the page is there; linked or not.
		store(p + worker, i);
		CHECK_EQ(load(p + worker), i);
		MUST(munmap(p, PAGE));
	}
}

TEST(unlink_and_create_under_mappings)
{
	run_workers(make_common(), unlink_or_open);
}

static void protect_and_store(struct common *common, int worker)
{
	unsigned char *own = map + worker * PAGE;

	(void)common;
	for (int i = 0; i < 300; i++) {
		store(own, i);
		MUST(mprotect(own, PAGE, PROT_READ));
		CHECK_EQ(load(own), (unsigned char)i);
		if (i % 50 == 0)
			CHECK_SIGNAL(store(own, 1), SIGSEGV, SEGV_ACCERR, own);
		MUST(mprotect(own, PAGE, RW));
	}
}

TEST(protection_changes_at_once_stay_apart)
{
	file = make_file("data", WORKERS * PAGE);
	map = map_file(file, WORKERS * PAGE, RW, MAP_SHARED, 0);
	run_workers(make_common(), protect_and_store);
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(file_byte(file, i * PAGE), (unsigned char)299);
}

#define SEEN 16                                 // pages that one fault shows together

// Their frames; 0: nothing is shown, or who asks may not know.
static void frames_at(const unsigned char *p, unsigned long *frames)
{
	int fd = MUST(open("/proc/self/pagemap", O_RDONLY));

	CHECK_EQ(pread(fd, frames, SEEN * 8, (unsigned long)p / PAGE * 8), SEEN * 8);
	for (int i = 0; i < (int)SEEN; i++)
		frames[i] = frames[i] >> 63 ? frames[i] & ((1UL << 55) - 1) : 0;
	close(fd);
}

// By one mapping, then by another: a page that is shown stays the file's, so both find the same frames.
static void look_twice(int which)
{
	unsigned long first[SEEN], second[SEEN];

	for (int i = 0; i < 500; i++) {
		unsigned char *p = map_file(file, SEEN * PAGE, PROT_READ, MAP_SHARED, which * SEEN * PAGE);
		unsigned char *q = map_file(file, SEEN * PAGE, PROT_READ, MAP_SHARED, which * SEEN * PAGE);

		CHECK_EQ(load(p + i % SEEN * PAGE), 0);
		frames_at(p, first);
		for (int j = 0; j < SEEN; j++)
			CHECK_EQ(load(q + j * PAGE), 0);
		frames_at(q, second);
		for (int j = 0; j < SEEN; j++)
			CHECK(!first[j] || first[j] == second[j]);
		MUST(munmap(p, SEEN * PAGE));
		MUST(munmap(q, SEEN * PAGE));
	}
}

static void look_or_take_out(struct common *common, int worker)
{
	if (worker < 2) {
		look_twice(worker);
		__atomic_add_fetch(&common->done, 1, __ATOMIC_SEQ_CST);
		return;
	}
	while (common->done < 2)
		MUST(posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED));
}

// Two look at pages of their own through mappings that come and go, two take out of memory whatever nobody shows.
TEST(pages_that_are_shown_are_not_taken_out)
{
	file = MUST(open("holes", O_RDWR | O_CREAT | O_TRUNC, 0600));
	MUST(ftruncate(file, 2 * SEEN * PAGE));
	run_workers(make_common(), look_or_take_out);
}
