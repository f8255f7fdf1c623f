/*
 * sys_direct.c - O_DIRECT: what goes past the cache is the same file.
 * Each way of writing is followed by each way of looking.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <sys/uio.h>

#define SECTOR 512UL
#define PAGES 8UL

static unsigned char *buffer;                   // PAGES pages, at a page's start

// A file of PAGES pages, and a descriptor with O_DIRECT; skips where the file system knows no such thing.
static int direct_file(int *plain)
{
	*plain = make_file("file", PAGES * PAGE);
	int fd = open("file", O_RDWR | O_DIRECT);

	if (fd == -1 && errno == EINVAL)
		SKIP("no O_DIRECT here");
	buffer = map_anonymous(PAGES * PAGE);
	return MUST(fd);
}

static bool on_tmpfs(void)
{
	struct statfs fs;

	MUST(statfs(".", &fs));
	return fs.f_type == 0x01021994;
}

TEST(direct_read_is_the_file)
{
	int plain, fd = direct_file(&plain);

	CHECK_EQ(pread(fd, buffer, PAGES * PAGE, 0), PAGES * PAGE);
	for (unsigned long i = 0; i < PAGES * PAGE; i++)
		CHECK_EQ(buffer[i], pattern(i));
	CHECK_EQ(pread(fd, buffer, 2 * PAGE, 3 * PAGE), 2 * PAGE);
	CHECK_EQ(buffer[5], pattern(3 * PAGE + 5));
}

TEST(direct_read_moves_the_position)
{
	int plain, fd = direct_file(&plain);

	CHECK_EQ(read(fd, buffer, PAGE), PAGE);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), PAGE);
	CHECK_EQ(read(fd, buffer, 2 * PAGE), 2 * PAGE);
	CHECK_EQ(buffer[9], pattern(PAGE + 9));
}

TEST(direct_read_sees_a_write_that_is_in_the_cache_only)
{
	int plain, fd = direct_file(&plain);

	MUST(fsync(plain));
	CHECK_EQ(pwrite(plain, "fresh", 5, PAGE + 100), 5);
	CHECK_EQ(pread(fd, buffer, PAGES * PAGE, 0), PAGES * PAGE);
	CHECK(memcmp(buffer + PAGE + 100, "fresh", 5) == 0);
}

TEST(direct_read_sees_a_store_through_a_mapping)
{
	int plain, fd = direct_file(&plain);
	volatile unsigned char *map = MUST(mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, plain, 0));

	for (int round = 1; round < 4; round++) {
		map[2 * PAGE + 7] = (unsigned char)round;
		CHECK_EQ(pread(fd, buffer, PAGE, 2 * PAGE), PAGE);
		CHECK_EQ(buffer[7], round);
	}
}

TEST(direct_write_is_seen_by_read_and_mapping)
{
	int plain, fd = direct_file(&plain);
	volatile unsigned char *map = MUST(mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, plain, 0));
	volatile unsigned char *copy = MUST(mmap(NULL, PAGES * PAGE, RW, MAP_PRIVATE, plain, 0));
	unsigned char c;

	CHECK_EQ(map[PAGE], pattern(PAGE));           // it is here, and shown
	CHECK_EQ(copy[PAGE], pattern(PAGE));
	copy[2 * PAGE] = 99;                            // our own from now on
	memset(buffer, 'd', 2 * PAGE);
	CHECK_EQ(pwrite(fd, buffer, 2 * PAGE, PAGE), 2 * PAGE);
	CHECK_EQ(map[PAGE], 'd');
	CHECK_EQ(map[3 * PAGE - 1], 'd');
	CHECK_EQ(map[3 * PAGE], pattern(3 * PAGE));
	CHECK_EQ(copy[PAGE], 'd');
	CHECK_EQ(copy[2 * PAGE], 99);
	CHECK_EQ(pread(plain, &c, 1, 2 * PAGE), 1);
	CHECK_EQ(c, 'd');
}

TEST(direct_write_over_dirty_pages_wins)
{
	int plain, fd = direct_file(&plain);
	volatile unsigned char *map = MUST(mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, plain, 0));

	map[PAGE] = 1;
	memset(buffer, 'd', PAGE);
	CHECK_EQ(pwrite(fd, buffer, PAGE, PAGE), PAGE);
	CHECK_EQ(map[PAGE], 'd');
	MUST(msync((void *)map, PAGES * PAGE, MS_SYNC));
	CHECK_EQ(pread(fd, buffer, PAGE, PAGE), PAGE);
	CHECK_BYTES(buffer, PAGE, 'd');
}

TEST(direct_write_grows_the_file)
{
	int plain, fd = direct_file(&plain);
	struct stat st;

	memset(buffer, 'g', PAGES * PAGE);
	CHECK_EQ(pwrite(fd, buffer, 4 * PAGE, (PAGES - 1) * PAGE), 4 * PAGE);
	MUST(fstat(plain, &st));
	CHECK_EQ(st.st_size, (PAGES + 3) * PAGE);
	memset(buffer, 0, 4 * PAGE);
	CHECK_EQ(pread(plain, buffer, 4 * PAGE, (PAGES - 1) * PAGE), 4 * PAGE);
	CHECK_BYTES(buffer, 4 * PAGE, 'g');
}

TEST(direct_write_appends)
{
	int plain, fd = direct_file(&plain);
	struct stat st;

	MUST(fcntl(fd, F_SETFL, O_APPEND | O_DIRECT));
	memset(buffer, 'a', PAGE);
	CHECK_EQ(write(fd, buffer, PAGE), PAGE);
	CHECK_EQ(write(fd, buffer, PAGE), PAGE);
	MUST(fstat(plain, &st));
	CHECK_EQ(st.st_size, (PAGES + 2) * PAGE);
	CHECK_EQ(pread(plain, buffer, 2 * PAGE, PAGES * PAGE), 2 * PAGE);
	CHECK_BYTES(buffer, 2 * PAGE, 'a');
}

TEST(holes_are_zeros_and_can_be_filled)
{
	int plain, fd = direct_file(&plain);

	MUST(ftruncate(plain, 0));
	MUST(ftruncate(plain, PAGES * PAGE));
	memset(buffer, 1, PAGES * PAGE);
	CHECK_EQ(pread(fd, buffer, PAGES * PAGE, 0), PAGES * PAGE);
	CHECK_BYTES(buffer, PAGES * PAGE, 0);
	memset(buffer, 'h', PAGE);
	CHECK_EQ(pwrite(fd, buffer, PAGE, 3 * PAGE), PAGE);
	CHECK_EQ(pread(fd, buffer, PAGES * PAGE, 0), PAGES * PAGE);
	CHECK_BYTES(buffer, 3 * PAGE, 0);
	CHECK_BYTES(buffer + 3 * PAGE, PAGE, 'h');
	CHECK_BYTES(buffer + 4 * PAGE, 4 * PAGE, 0);
}

TEST(what_is_no_multiple_of_a_sector_is_refused)
{
	int plain, fd = direct_file(&plain);

	if (on_tmpfs())
		SKIP("a tmpfs has no sectors");
	CHECK_ERR(pread(fd, buffer, PAGE, 100), EINVAL);
	CHECK_ERR(pread(fd, buffer, 100, 0), EINVAL);
	CHECK_ERR(pread(fd, buffer + 1, PAGE, 0), EINVAL);
	CHECK_ERR(pwrite(fd, buffer, PAGE, 100), EINVAL);
	CHECK_ERR(pwrite(fd, buffer, 100, 0), EINVAL);
	CHECK_ERR(pwrite(fd, buffer + 1, PAGE, 0), EINVAL);
	CHECK_EQ(pread(fd, buffer, 0, 0), 0);
	// At the end there is nothing to be refused.
	CHECK_EQ(pread(fd, buffer, 100, PAGES * PAGE), 0);
}

TEST(sectors_are_enough)
{
	int plain, fd = direct_file(&plain);

	CHECK_EQ(pread(fd, buffer + SECTOR, SECTOR, 3 * SECTOR), SECTOR);
	CHECK_EQ(buffer[SECTOR + 5], pattern(3 * SECTOR + 5));
	memset(buffer, 's', SECTOR);
	CHECK_EQ(pwrite(fd, buffer, SECTOR, PAGE + SECTOR), SECTOR);
	CHECK_EQ(pread(plain, buffer, PAGE, PAGE), PAGE);
	CHECK_EQ(buffer[SECTOR - 1], pattern(PAGE + SECTOR - 1));
	CHECK_BYTES(buffer + SECTOR, SECTOR, 's');
	CHECK_EQ(buffer[2 * SECTOR], pattern(PAGE + 2 * SECTOR));
	CHECK_EQ(pread(fd, buffer, PAGE, PAGE), PAGE);
	CHECK_BYTES(buffer + SECTOR, SECTOR, 's');
}

TEST(direct_read_ends_with_the_file)
{
	int plain, fd = direct_file(&plain);

	MUST(ftruncate(plain, 2 * PAGE + 100));
	CHECK_EQ(pread(fd, buffer, PAGES * PAGE, 0), 2 * PAGE + 100);
	CHECK_EQ(buffer[2 * PAGE + 99], pattern(2 * PAGE + 99));
	CHECK_EQ(pread(fd, buffer, PAGE, 2 * PAGE), 100);
	CHECK_EQ(pread(fd, buffer, PAGE, 3 * PAGE), 0);
}

TEST(several_pieces)
{
	int plain, fd = direct_file(&plain);
	struct iovec pieces[3] = {
		{ buffer, PAGE }, { buffer + 4 * PAGE, 2 * PAGE }, { buffer + 2 * PAGE, PAGE },
	};

	CHECK_EQ(preadv(fd, pieces, 3, PAGE), 4 * PAGE);
	CHECK_EQ(buffer[1], pattern(PAGE + 1));
	CHECK_EQ(buffer[4 * PAGE + 1], pattern(2 * PAGE + 1));
	CHECK_EQ(buffer[5 * PAGE + 1], pattern(3 * PAGE + 1));
	CHECK_EQ(buffer[2 * PAGE + 1], pattern(4 * PAGE + 1));
	for (unsigned long i = 0; i < PAGES; i++)
		memset(buffer + i * PAGE, (int)('0' + i), PAGE);
	CHECK_EQ(pwritev(fd, pieces, 3, 0), 4 * PAGE);
	CHECK_EQ(pread(plain, buffer, 4 * PAGE, 0), 4 * PAGE);
	CHECK_BYTES(buffer, PAGE, '0');
	CHECK_BYTES(buffer + PAGE, PAGE, '4');
	CHECK_BYTES(buffer + 2 * PAGE, PAGE, '5');
	CHECK_BYTES(buffer + 3 * PAGE, PAGE, '2');
}

TEST(memory_that_is_not_there_is_a_fault)
{
	int plain, fd = direct_file(&plain);

	MUST(munmap(buffer + 2 * PAGE, PAGE));
	CHECK_ERR(pread(fd, buffer + 2 * PAGE, PAGE, 0), EFAULT);
	CHECK_ERR(pwrite(fd, buffer + 2 * PAGE, PAGE, 0), EFAULT);
	MUST(mprotect(buffer + 4 * PAGE, PAGE, PROT_READ));
	CHECK_ERR(pread(fd, buffer + 4 * PAGE, PAGE, 0), EFAULT);
	CHECK_EQ(pwrite(fd, buffer + 4 * PAGE, PAGE, 0), PAGE);
}

TEST(a_page_that_a_child_shares_is_copied_before_the_disk_stores_to_it)
{
	int plain, fd = direct_file(&plain);
	struct gate ready = gate_make();

	memset(buffer, 'p', PAGE);
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(ready);
		CHECK_BYTES(buffer, PAGE, 'p');
		_exit(0);
	}
	CHECK_EQ(pread(fd, buffer, PAGE, PAGE), PAGE);
	CHECK_EQ(buffer[3], pattern(PAGE + 3));
	gate_open(ready);
	CHECK_CHILD(child);
}

TEST(memory_never_touched_is_filled)
{
	int plain, fd = direct_file(&plain);
	unsigned char *fresh = map_anonymous(2 * PAGE);

	CHECK_EQ(load(fresh), 0);                       // the page of zeros, which belongs to all
	CHECK_EQ(pread(fd, fresh, 2 * PAGE, 0), 2 * PAGE);
	CHECK_EQ(fresh[1], pattern(1));
	CHECK_EQ(load(map_anonymous(PAGE)), 0);
	// And written from.
	CHECK_EQ(pwrite(fd, map_anonymous(PAGE), PAGE, PAGE), PAGE);
	CHECK_EQ(pread(plain, fresh, PAGE, PAGE), PAGE);
	CHECK_BYTES(fresh, PAGE, 0);
}

TEST(from_one_file_into_the_mapping_of_another)
{
	int plain, fd = direct_file(&plain), other = make_file("other", PAGES * PAGE);
	unsigned char *map = MUST(mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, other, 0));

	CHECK_EQ(pwrite(plain, "first", 5, PAGE), 5);
	MUST(fsync(other));
	CHECK_EQ(pread(fd, map, PAGES * PAGE, 0), PAGES * PAGE);
	CHECK(memcmp(map + PAGE, "first", 5) == 0);
	MUST(msync(map, PAGES * PAGE, MS_SYNC));
	MUST(munmap(map, PAGES * PAGE));
	MUST(posix_fadvise(other, 0, 0, POSIX_FADV_DONTNEED));
	CHECK_EQ(pread(other, buffer, PAGE, PAGE), PAGE);
	CHECK(memcmp(buffer, "first", 5) == 0);
}

TEST(from_a_mapping_of_the_same_file)
{
	int plain, fd = direct_file(&plain);
	unsigned char *map = MUST(mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, plain, 0));

	map[0] = 'm';
	CHECK_EQ(pwrite(fd, map, PAGE, 4 * PAGE), PAGE);
	CHECK_EQ(map[4 * PAGE], 'm');
	CHECK_EQ(map[4 * PAGE + 1], pattern(1));
	CHECK_EQ(pwrite(fd, map + PAGE, 2 * PAGE, 0), 2 * PAGE);
	CHECK_EQ(map[1], pattern(PAGE + 1));
}

TEST(the_flag_comes_and_goes)
{
	int plain, fd = direct_file(&plain);

	CHECK(fcntl(fd, F_GETFL) & O_DIRECT);
	MUST(fcntl(fd, F_SETFL, 0));
	CHECK(!(fcntl(fd, F_GETFL) & O_DIRECT));
	CHECK_EQ(pread(fd, buffer + 1, 10, 100), 10);
	MUST(fcntl(plain, F_SETFL, O_DIRECT));
	if (!on_tmpfs())
		CHECK_ERR(pread(plain, buffer + 1, 10, 100), EINVAL);
}

TEST(where_there_is_no_cache_the_flag_is_refused)
{
	CHECK_ERR(open("/proc/self/maps", O_RDONLY | O_DIRECT), EINVAL);
	CHECK_ERR(open("/dev/null", O_RDWR | O_DIRECT), EINVAL);
	int fd = MUST(open("/proc/self/maps", O_RDONLY));

	CHECK_ERR(fcntl(fd, F_SETFL, O_DIRECT), EINVAL);
}

TEST(many_pages_at_once)
{
	int plain, fd = direct_file(&plain);
	const unsigned long nr = 300;
	unsigned char *many = map_anonymous(nr * PAGE);

	for (unsigned long i = 0; i < nr * PAGE; i += 64)
		many[i] = (unsigned char)(i / 64 * 31);
	CHECK_EQ(pwrite(fd, many, nr * PAGE, 0), nr * PAGE);    // grows
	MUST(fsync(fd));
	CHECK_EQ(pwrite(fd, many, nr * PAGE, 0), nr * PAGE);    // overwrites
	memset(many, 0, nr * PAGE);
	CHECK_EQ(pread(fd, many, nr * PAGE, 0), nr * PAGE);
	for (unsigned long i = 0; i < nr * PAGE; i += 64)
		CHECK_EQ(many[i], (unsigned char)(i / 64 * 31));
}

// A writer past the cache and one through a mapping, each with pages of its own, and a reader of both.
TEST(direct_and_mapped_writers_side_by_side)
{
	int plain, fd = direct_file(&plain);
	volatile unsigned *map = MUST(mmap(NULL, PAGES * PAGE, RW, MAP_SHARED, plain, 0));
	pid_t child = MUST(fork());

	if (child == 0) {
		for (unsigned i = 1; i <= 200; i++)
			for (unsigned long page = 1; page < PAGES; page += 2)
				map[page * PAGE / sizeof(unsigned)] = i;
		_exit(0);
	}
	for (unsigned i = 1; i <= 50; i++) {
		for (unsigned long page = 0; page < PAGES; page += 2) {
			*(unsigned *)(buffer + page * PAGE) = i;
			CHECK_EQ(pwrite(fd, buffer + page * PAGE, PAGE, page * PAGE), PAGE);
			CHECK_EQ(map[page * PAGE / sizeof(unsigned)], i);
		}
	}
	CHECK_CHILD(child);
	CHECK_EQ(pread(fd, buffer, PAGES * PAGE, 0), PAGES * PAGE);
	for (unsigned long page = 0; page < PAGES; page++)
		CHECK_EQ(*(unsigned *)(buffer + page * PAGE), page % 2 ? 200 : 50);
}
