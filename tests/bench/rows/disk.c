/*
 * disk.c - rows that wait for the disk: a file that is not in memory, and one that does not fit into it. What they
 * cost without idling is told apart from what they take.
 */
#include "bench.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define COLD_SIZE	(64 * MIB)
#define COLD_RANDOM	2048ul          // random pages of the cold file
#define BIG_RANDOM	4096ul          // and of the big one

// --- a file that is not in memory ---

// Op: a page of: map, add up every word, unmap, with nothing in the cache.
static void run_cold_mmap_seq(uint64_t n)
{
	int fd = open_data("bench.cold", COLD_SIZE);

	for (uint64_t done = 0; done < n; done += COLD_SIZE / PAGE) {
		drop_caches(fd);
		map_and_sum(fd, COLD_SIZE);
	}
	close(fd);
}

// Op: a page of the same by read() of 64 KiB each.
static void run_cold_read_seq(uint64_t n)
{
	int fd = open_data("bench.cold", COLD_SIZE);

	for (uint64_t done = 0; done < n; done += COLD_SIZE / PAGE) {
		uint64_t sum;

		drop_caches(fd);
		begin();
		sum = read_and_sum(fd);
		end(COLD_SIZE / PAGE);
		CHECK(sum == pattern_sum(COLD_SIZE / 8));
	}
	close(fd);
}

// Timed: the first word of so many pages, all different, in the order of shuffled[]; op: a page.
static void load_random_pages(const char *region, const uint32_t *pages, uint64_t count)
{
	uint64_t sum = 0, expected = 0;

	begin();
	for (uint64_t i = 0; i < count; i++)
		sum += *(const volatile uint64_t *)(region + pages[i] * PAGE);
	end(count);
	for (uint64_t i = 0; i < count; i++)
		expected += pages[i] * PAGE_WORDS * PATTERN;
	CHECK(sum == expected);
}

static void load_cold(uint64_t n, int advice)
{
	int fd = open_data("bench.cold", COLD_SIZE);

	shuffle(COLD_SIZE / PAGE);
	for (uint64_t done = 0; done < n; done += COLD_RANDOM) {
		drop_caches(fd);
		char *region = map(COLD_SIZE, PROT_READ, MAP_SHARED, fd);

		CHECK(madvise(region, COLD_SIZE, advice) == 0);
		load_random_pages(region, shuffled, COLD_RANDOM);
		unmap(region, COLD_SIZE);
	}
	close(fd);
}

// Op: a load from a page that is not in memory, at random; without and with the advice that says so.
static void run_cold_mmap_rand(uint64_t n) { load_cold(n, MADV_NORMAL); }
static void run_cold_mmap_rand_adv(uint64_t n) { load_cold(n, MADV_RANDOM); }

// --- the disk alone ---

static void read_device(uint64_t n, uint64_t size)
{
	int fd = open("/dev/vda", O_RDONLY | O_DIRECT);
	char *buffer = map_memory(size);
	uint64_t done = 0;

	CHECK(fd >= 0);
	store_pages(buffer, size / PAGE);
	begin();
	while (done < n * PAGE) {
		ssize_t got = read(fd, buffer, size);

		CHECK(got >= 0);
		if (got == 0)
			CHECK(done != 0 && lseek(fd, 0, SEEK_SET) == 0);
		done += (uint64_t)got;
	}
	end(done / PAGE);
	unmap(buffer, size);
	close(fd);
}

// Op: 4 KiB of the device read past the cache, in requests of 4 KiB, 64 KiB and 1 MiB.
static void run_device_4k(uint64_t n) { read_device(n, PAGE); }
static void run_device_64k(uint64_t n) { read_device(n, CHUNK); }
static void run_device_1m(uint64_t n) { read_device(n, MIB); }

const struct row disk_rows[] = {
	{ "cold_mmap_seq", "cold", run_cold_mmap_seq, 1, true },
	{ "cold_read_seq", "cold", run_cold_read_seq, 1, true },
	{ "cold_mmap_rand", "cold", run_cold_mmap_rand, 1, true },
	{ "cold_mmap_rand_adv", "cold", run_cold_mmap_rand_adv, 1, true },
	{ "device_4k", "device", run_device_4k, 0, true },
	{ "device_64k", "device", run_device_64k, 0, true },
	{ "device_1m", "device", run_device_1m, 0, true },
	{ NULL, NULL, NULL, 0, false },
};

// --- a file larger than memory ---

static int open_big(uint64_t *size)
{
	int fd = open_data("bench.big", 0);

	*size = file_size(fd) / CHUNK * CHUNK;
	CHECK(*size != 0);
	return fd;
}

// Op: a page of: map, add up every word, unmap; each pass finds the end of the file cached, not its start.
static void run_big_mmap_seq(uint64_t n)
{
	uint64_t size;
	int fd = open_big(&size);

	for (uint64_t done = 0; done < n; done += size / PAGE)
		map_and_sum(fd, size);
	close(fd);
}

// Op: a load from a random page, when memory is full of others; each pass, in all runs, loads other pages.
static void run_big_mmap_rand(uint64_t n)
{
	static uint64_t next;
	uint64_t size;
	int fd = open_big(&size);

	shuffle(size / PAGE);
	for (uint64_t done = 0; done < n; done += BIG_RANDOM) {
		char *region = map(size, PROT_READ, MAP_SHARED, fd);

		if (next + BIG_RANDOM > size / PAGE)
			next = 0;
		load_random_pages(region, shuffled + next, BIG_RANDOM);
		next += BIG_RANDOM;
		unmap(region, size);
	}
	close(fd);
}

// Op: a page of: map, store to the last word of every page, msync(), unmap. An even number of passes, the second of
// which puts the pattern back.
static void run_big_mmap_write(uint64_t n)
{
	uint64_t size, word, flip = 1;
	int fd = open_big(&size);
	uint64_t passes = (n + size / PAGE - 1) / (size / PAGE);

	passes += passes % 2;
	for (uint64_t done = 0; done < passes; done++, flip ^= 1) {
		begin();
		uint64_t *words = map(size, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

		for (uint64_t i = PAGE_WORDS - 1; i < size / 8; i += PAGE_WORDS)
			((volatile uint64_t *)words)[i] = (i * PATTERN) ^ flip;
		CHECK(msync(words, size, MS_SYNC) == 0);
		unmap(words, size);
		end(size / PAGE);
		drop_caches(fd);
		for (uint64_t i = PAGE_WORDS - 1; i < size / 8; i += 997 * PAGE_WORDS)
			CHECK(pread(fd, &word, 8, (off_t)(i * 8)) == 8 && word == ((i * PATTERN) ^ flip));
	}
	close(fd);
}

const struct row big_rows[] = {
	{ "big_mmap_seq", "big", run_big_mmap_seq, 1, true },
	{ "big_mmap_rand", "big", run_big_mmap_rand, 1, true },
	{ "big_mmap_write", "big", run_big_mmap_write, 1, true },
	{ NULL, NULL, NULL, 0, false },
};
