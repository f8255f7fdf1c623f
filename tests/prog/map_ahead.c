/*
 * map_ahead.c - what comes before it is asked for: pages that are read ahead, and neighbours that a fault
 * shows together with the page that was touched. The contents are checked on every system; how many pages,
 * requests and faults it takes is Lectern's own.
 */
#include "guest.h"

#include <sys/wait.h>

#define PAGES 2048UL
#define AROUND 16UL                     // pages of one fault
#define FIRST 4L                        // pages of the first window
#define LARGEST 128L                    // of the largest
#define ASKED_MAX 512L                  // of one WILLNEED

#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#endif

static bool is_lectern(void)
{
	return own_count("minor_faults") >= 0;
}

#define ONLY_LECTERN() do { if (!is_lectern()) SKIP("no /proc/self/counts"); } while (0)

static long vmstat(const char *name)
{
	return number_named(slurp("/proc/vmstat"), name);
}

// A file on the disk, nothing of it in memory; what a count needs is there already.
static int cold_file(unsigned long pages)
{
	int fd = make_file("data", pages * PAGE);

	MUST(fsync(fd));
	MUST(close(fd));
	fd = MUST(open("data", O_RDWR));
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	own_count("cache_fills");
	vmstat("disk_reads");
	minor_faults();
	return fd;
}

static unsigned long scattered(unsigned long i)         // different pages, none beside the one before
{
	return i * 797 % PAGES;
}

TEST(scan_of_a_mapping_takes_few_requests)
{
	ONLY_LECTERN();
	int fd = cold_file(PAGES);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	long requests = vmstat("disk_reads"), pages = vmstat("pages_read"), async = vmstat("readahead_async");

	check_pattern(p, PAGES * PAGE, 0);
	requests = vmstat("disk_reads") - requests;
	pages = vmstat("pages_read") - pages;
	async = vmstat("readahead_async") - async;
	CHECK(requests <= (long)PAGES / 20);
	// And the blocks that say where they are.
	CHECK(pages >= (long)PAGES && pages <= (long)PAGES + (long)PAGES / 100);
	// Windows that were started before the reader came to their first page.
	CHECK(async >= (long)PAGES / LARGEST - 1);
}

TEST(scan_by_read_takes_few_requests)
{
	ONLY_LECTERN();
	static unsigned char buffer[PAGE];
	int fd = cold_file(PAGES);
	long requests = vmstat("disk_reads"), fills = own_count("cache_fills");

	for (unsigned long i = 0; i < PAGES; i++) {
		CHECK_EQ(read(fd, buffer, PAGE), PAGE);
		CHECK_EQ(buffer[5], pattern(i * PAGE + 5));
	}
	CHECK(vmstat("disk_reads") - requests <= (long)PAGES / 20);
	CHECK_EQ(own_count("cache_fills") - fills, PAGES);
}

struct touched {
	long pages, requests;           // read from the disk
};

// Of a cold file: the pages of a list.
static struct touched touch(int advice, unsigned long nr, unsigned long (*page)(unsigned long i))
{
	int fd = cold_file(PAGES);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);

	MUST(madvise(p, PAGES * PAGE, advice));
	struct touched before = { own_count("cache_fills"), vmstat("disk_reads") };
	for (unsigned long i = 0; i < nr; i++)
		CHECK_EQ(load(p + page(i) * PAGE), pattern(page(i) * PAGE));
	return (struct touched){ own_count("cache_fills") - before.pages, vmstat("disk_reads") - before.requests };
}

static unsigned long far_apart(unsigned long i)         // three blocks from one to the next, and not in a row
{
	return i * 7 % 40 * 3 * AROUND + 5;
}

TEST(touches_far_apart_read_what_they_touch)
{
	ONLY_LECTERN();
	CHECK_EQ(touch(MADV_NORMAL, 40, far_apart).pages, 40);
}

TEST(many_scattered_touches_take_few_requests)
{
	ONLY_LECTERN();
	struct touched t = touch(MADV_NORMAL, 400, scattered);

	CHECK(t.requests <= 200);       // 128 blocks, and those that say where they are; of some the first page alone
	CHECK(t.pages > 400 && t.pages <= (long)PAGES);
}

TEST(scattered_touches_with_advice)
{
	ONLY_LECTERN();
	CHECK_EQ(touch(MADV_RANDOM, 200, scattered).pages, 200);
}

TEST(a_fault_reads_around_where_others_have_been)
{
	ONLY_LECTERN();
	int fd = cold_file(PAGES);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	static const struct { unsigned long page; long nr_read; } touches[] = {
		{ 100 * AROUND + 3, 1 },                        // nobody has been here
		{ 100 * AROUND + 9, AROUND - 1 },               // the same block: the rest of it
		{ 100 * AROUND, 0 },
		{ 101 * AROUND + 15, AROUND }, { 99 * AROUND, AROUND },         // beside it
		{ 103 * AROUND + 15, 1 },                       // a block between: far again
		{ 102 * AROUND + 1, AROUND },
		{ PAGES - 1, 1 }, { PAGES - 5, AROUND - 1 },    // the last block
	};

	for (unsigned long i = 0; i < sizeof(touches) / sizeof(touches[0]); i++) {
		long before = own_count("cache_fills");

		CHECK_EQ(load(p + touches[i].page * PAGE), pattern(touches[i].page * PAGE));
		CHECK_EQ(own_count("cache_fills") - before, touches[i].nr_read);
	}
	long faults = minor_faults();

	check_pattern(p + 99 * AROUND * PAGE, 3 * AROUND * PAGE, 99 * AROUND * PAGE);
	CHECK_EQ(minor_faults() - faults, 0);           // each was shown whole
}

// The first of a part of the file reads on from there in windows, not in blocks.
TEST(a_sequence_after_a_block_opens_a_window)
{
	ONLY_LECTERN();
	int fd = cold_file(PAGES);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);

	load(p + (50 * AROUND + 8) * PAGE);
	load(p + 50 * AROUND * PAGE);                   // the block
	long requests = vmstat("disk_reads");
	check_pattern(p + 50 * AROUND * PAGE, 500 * PAGE, 50 * AROUND * PAGE);
	CHECK(vmstat("disk_reads") - requests <= 12);
}

TEST(window_doubles_and_collapses)
{
	ONLY_LECTERN();
	int fd = cold_file(PAGES);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	long before = own_count("cache_fills"), window = FIRST, expected = FIRST;
	unsigned long mark = 1;                 // where the next window is started

	load(p);
	CHECK_EQ(own_count("cache_fills") - before, expected);
	for (int i = 0; i < 8; i++) {
		window = window * 2 < LARGEST ? window * 2 : LARGEST;
		load(p + mark * PAGE);
		CHECK_EQ(own_count("cache_fills") - before, expected + window);
		mark = (unsigned long)expected;
		expected += window;
	}
	load(p + 1900 * PAGE);                  // far away: one page, and the next one begins again
	CHECK_EQ(own_count("cache_fills") - before, expected + 1);
	load(p + 1901 * PAGE);
	CHECK_EQ(own_count("cache_fills") - before, expected + 1 + FIRST);
}

// A reader who comes to the end of his window by another way than over its mark.
TEST(window_doubles_for_who_comes_to_its_end)
{
	ONLY_LECTERN();
	int fd = cold_file(PAGES);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	long window = FIRST;
	unsigned long at = 0;

	for (int i = 0; i < 8; i++) {
		long before = own_count("cache_fills");

		CHECK_EQ(load(p + at * PAGE), pattern(at * PAGE));
		CHECK_EQ(own_count("cache_fills") - before, window);
		at += window;
		window = window * 2 < LARGEST ? window * 2 : LARGEST;
	}
	long before = own_count("cache_fills");

	load(p + (at - LARGEST + 1) * PAGE);    // the mark of the last one
	CHECK_EQ(own_count("cache_fills") - before, LARGEST);
}

// One of two readers of a file comes to a mark of the other's: he goes on where that one's windows end.
TEST(another_readers_mark_is_met)
{
	ONLY_LECTERN();
	static unsigned char buffer[PAGE];
	int first = cold_file(PAGES), second = MUST(open("data", O_RDWR));
	long before = own_count("cache_fills");

	CHECK_EQ(pread(first, buffer, PAGE, 0), PAGE);          // 0 to 3, the mark on 1
	CHECK_EQ(own_count("cache_fills") - before, FIRST);
	CHECK_EQ(pread(second, buffer, PAGE, PAGE), PAGE);
	CHECK_EQ(own_count("cache_fills") - before, 2 * FIRST); // 4 to 7, the mark on 4
	CHECK_EQ(pread(second, buffer, PAGE, FIRST * PAGE), PAGE);
	CHECK_EQ(buffer[5], pattern(FIRST * PAGE + 5));
	CHECK_EQ(own_count("cache_fills") - before, 4 * FIRST);
}

// The end of the file cuts a window short; the reader who waits there for more goes on where he was.
TEST(window_goes_on_when_the_file_grows)
{
	ONLY_LECTERN();
	static unsigned char buffer[PAGE];
	const unsigned long size = 6, grown = 200;
	int reader = cold_file(size), writer = MUST(open("data", O_RDWR));
	long before = own_count("cache_fills");

	for (unsigned long i = 0; i < size; i++)
		CHECK_EQ(read(reader, buffer, PAGE), PAGE);
	CHECK_EQ(read(reader, buffer, PAGE), 0);
	CHECK_EQ(own_count("cache_fills") - before, size);
	memset(buffer, 7, PAGE);
	for (unsigned long i = size; i < grown; i++)
		CHECK_EQ(pwrite(writer, buffer, PAGE, i * PAGE), PAGE);
	MUST(fsync(writer));
	MUST(posix_fadvise(writer, size * PAGE, 0, POSIX_FADV_DONTNEED));
	before = own_count("cache_fills");
	CHECK_EQ(read(reader, buffer, PAGE), PAGE);
	CHECK_EQ(buffer[5], 7);
	CHECK_EQ(own_count("cache_fills") - before, 4 * FIRST); // after 4, and 8 that the end had cut to 2
}

TEST(nothing_is_read_past_the_end)
{
	ONLY_LECTERN();
	int fd = cold_file(6);
	unsigned char *p = map_file(fd, 6 * PAGE, PROT_READ, MAP_SHARED, 0);
	long before = own_count("cache_fills");

	load(p);
	CHECK_EQ(own_count("cache_fills") - before, FIRST);
	check_pattern(p, 6 * PAGE, 0);
	CHECK_EQ(own_count("cache_fills") - before, 6);
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	CHECK_EQ(own_count("cache_fills") - before, 6);
}

TEST(advice_about_the_file)
{
	ONLY_LECTERN();
	static unsigned char buffer[PAGE];
	int fd = cold_file(PAGES);
	long before = own_count("cache_fills");

	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	for (int i = 0; i < 20; i++)
		CHECK_EQ(read(fd, buffer, PAGE), PAGE);
	CHECK_EQ(own_count("cache_fills") - before, 20);
	CHECK_EQ(pread(fd, buffer, 1, 1000 * PAGE - 1), 1);
	CHECK_EQ(own_count("cache_fills") - before, 21);
	MUST(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	CHECK_EQ(pread(fd, buffer, 1, 1000 * PAGE), 1);
	CHECK_EQ(own_count("cache_fills") - before, 21 + LARGEST);
}

static void ask_and_check(int fd, const unsigned char *p, long fills)
{
	CHECK_EQ(own_count("cache_fills") - fills, ASKED_MAX);
	check_pattern(p, ASKED_MAX * PAGE, 0);
	CHECK_EQ(own_count("cache_fills") - fills, ASKED_MAX);
	MUST(close(fd));
}

TEST(will_need_reads_so_much_and_no_more)
{
	ONLY_LECTERN();
	int fd = cold_file(PAGES);
	unsigned char *p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	long fills = own_count("cache_fills");

	MUST(madvise(p, PAGES * PAGE, MADV_WILLNEED));
	ask_and_check(fd, p, fills);
	MUST(munmap(p, PAGES * PAGE));

	fd = cold_file(PAGES);
	p = map_file(fd, PAGES * PAGE, PROT_READ, MAP_SHARED, 0);
	fills = own_count("cache_fills");
	MUST(syscall(SYS_readahead, fd, 0L, PAGES * PAGE));
	ask_and_check(fd, p, fills);
}

/* ---- neighbours ------------------------------------------------------------------------------ */

static bool is_shown(const void *p)
{
	return pagemap_word(p) >> 63;
}

static unsigned long nr_shown(const unsigned char *p, unsigned long pages)
{
	unsigned long nr = 0;

	for (unsigned long i = 0; i < pages; i++)
		nr += is_shown(p + i * PAGE);
	return nr;
}

// At an address that is a multiple of 64 pages, so that windows begin where the test thinks.
static unsigned char *map_aligned(int fd, unsigned long pages, int flags)
{
	unsigned char *hole = find_hole((pages + 128) * PAGE);
	unsigned char *start = (unsigned char *)(((unsigned long)hole + 64 * PAGE - 1) & ~(64 * PAGE - 1));

	return MUST(mmap(start, pages * PAGE, PROT_READ, flags | MAP_FIXED, fd, 0));
}

static void neighbours(int flags)
{
	int fd = make_file("data", 60 * PAGE);  // in memory
	unsigned char *p = map_aligned(fd, 64, flags);

	nr_shown(p, 64);
	minor_faults();
	long before = minor_faults();
	load(p + 21 * PAGE);
	CHECK_EQ(minor_faults() - before, 1);
	CHECK_EQ(nr_shown(p, 64), AROUND);
	CHECK(is_shown(p + 16 * PAGE) && is_shown(p + 31 * PAGE));
	before = minor_faults();
	check_pattern(p + 16 * PAGE, AROUND * PAGE, 16 * PAGE);
	CHECK_EQ(minor_faults() - before, 0);
	load(p + 50 * PAGE);
	CHECK_EQ(nr_shown(p, 64), AROUND + 12); // the file ends before the window does
	CHECK_SIGNAL(load(p + 60 * PAGE), SIGBUS, BUS_ADRERR, p + 60 * PAGE);
}

TEST(fault_shows_neighbours)
{
	ONLY_LECTERN();
	neighbours(MAP_SHARED);
}

TEST(fault_shows_neighbours_of_a_private_mapping)
{
	ONLY_LECTERN();
	neighbours(MAP_PRIVATE);
}

TEST(neighbours_stay_in_the_area)
{
	ONLY_LECTERN();
	int fd = make_file("data", 64 * PAGE);
	unsigned char *p = map_aligned(fd, 64, MAP_SHARED);

	MUST(mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE));
	load(p + 5 * PAGE);
	CHECK_EQ(nr_shown(p, 64), 4);
	MUST(madvise(p + 16 * PAGE, 16 * PAGE, MADV_RANDOM));
	load(p + 20 * PAGE);
	CHECK_EQ(nr_shown(p, 64), 5);
}

TEST(neighbours_show_what_is_stored)
{
	int fd = make_file("data", 32 * PAGE);
	unsigned char *p = map_file(fd, 32 * PAGE, RW, MAP_SHARED, 0);

	for (unsigned long i = 0; i < 32; i += 3)
		load(p + i * PAGE);
	for (unsigned long i = 0; i < 32; i++)
		store(p + i * PAGE, 200);
	MUST(msync(p, 32 * PAGE, MS_SYNC));
	for (unsigned long i = 0; i < 32; i++) {
		store(p + i * PAGE + 1, 201);
		CHECK_EQ(file_byte(fd, (off_t)(i * PAGE)), 200);
		CHECK_EQ(file_byte(fd, (off_t)(i * PAGE + 1)), 201);
	}
}

// Looks at a file through mappings that come and go, until it is told to stop.
static void look_around(int fd, volatile int *is_over)
{
	unsigned long sum = 0;

	while (!*is_over) {
		unsigned char *p = map_file(fd, 32 * PAGE, PROT_READ, MAP_SHARED, 0);

		for (unsigned long i = 0; i < 32; i += 5)
			sum += load(p + i * PAGE);
		MUST(munmap(p, 32 * PAGE));
	}
	_exit(sum == 1);
}

// Pages leave the file while others show them as neighbours: what is left to see is the hole.
TEST(hole_under_neighbours)
{
	int fd = make_file("data", 32 * PAGE);
	volatile int *is_over = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	unsigned char *p = map_file(fd, 32 * PAGE, PROT_READ, MAP_SHARED, 0);
	static unsigned char full[32 * PAGE];
	pid_t child[2];

	memset(full, 7, sizeof(full));
	for (int i = 0; i < 2; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0)
			look_around(fd, is_over);
	}
	for (int round = 0; round < 150; round++) {
		CHECK_EQ(pwrite(fd, full, sizeof(full), 0), sizeof(full));
		CHECK_EQ(load(p + (round % 32) * PAGE), 7);
		MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 32 * PAGE));
		for (unsigned long i = 0; i < 32; i++)
			CHECK_EQ(load(p + i * PAGE), 0);
	}
	*is_over = 1;
	for (int i = 0; i < 2; i++)
		CHECK_CHILD(child[i]);
}
