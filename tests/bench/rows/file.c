/*
 * file.c - rows on files that are in the page cache: faults of shared and private mappings, read and write, and
 * msync(). bench.read is never changed; bench.write is, and put to the disk before a row is over.
 */
#include "bench.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

static void read_faults(uint64_t n, uint64_t step)
{
	int fd = open_data("bench.read", REGION);

	warm(fd, REGION);
	for (uint64_t done = 0; done < n; done += REGION / step) {
		const volatile char *region = map(REGION, PROT_READ, MAP_SHARED, fd);

		begin();
		for (const volatile char *at = region; at < region + REGION; at += step)
			(void)*at;
		end(REGION / step);
		CHECK(*(const volatile uint64_t *)(region + PAGE) == PAGE_WORDS * PATTERN);
		unmap(region, REGION);
	}
	close(fd);
}

// Op: the first load from a page of a shared mapping. Neighbours that are mapped at once make it cheap.
static void run_fault_file_read(uint64_t n) { read_faults(n, PAGE); }

// Op: the first load from one page in 16, so that neighbours do not help: a fault.
static void run_fault_file_read_64k(uint64_t n) { read_faults(n, 16 * PAGE); }

// Op: the first store to a clean page of a shared mapping.
static void run_fault_file_write(uint64_t n)
{
	static uint64_t stamp = 1;
	int fd = open_data("bench.write", REGION);
	uint64_t word;

	warm(fd, REGION);
	for (uint64_t done = 0; done < n; done += REGION_PAGES, stamp++) {
		char *region = map(REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd);

		begin();
		for (uint64_t i = 0; i < REGION_PAGES; i++)
			*(volatile uint64_t *)(region + i * PAGE) = stamp;
		end(REGION_PAGES);
		unmap(region, REGION);
		CHECK(pread(fd, &word, 8, REGION - PAGE) == 8 && word == stamp);
		CHECK(fsync(fd) == 0);          // clean again for the next pass
	}
	close(fd);
}

// Op: the first store to a page of a private mapping, which copies it.
static void run_fault_private_cow(uint64_t n)
{
	int fd = open_data("bench.read", REGION);
	uint64_t word;

	warm(fd, REGION);
	for (uint64_t done = 0; done < n; done += REGION_PAGES) {
		char *region = map(REGION, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);

		begin();
		for (uint64_t i = 0; i < REGION_PAGES; i++)
			*(volatile uint64_t *)(region + i * PAGE) = 1;
		end(REGION_PAGES);
		CHECK(((uint64_t *)region)[PAGE_WORDS + 1] == (PAGE_WORDS + 1) * PATTERN);
		CHECK(pread(fd, &word, 8, PAGE) == 8 && word == PAGE_WORDS * PATTERN);
		unmap(region, REGION);
	}
	close(fd);
}

// Op: one pread() of 4 KiB.
static void run_pread(uint64_t n)
{
	int fd = open_data("bench.read", REGION);

	warm(fd, REGION);
	begin();
	for (uint64_t i = 0; i < n; i++)
		CHECK(pread(fd, chunk, PAGE, (off_t)(i % REGION_PAGES * PAGE)) == (ssize_t)PAGE);
	end(n);
	CHECK(chunk[1] == ((n - 1) % REGION_PAGES * PAGE_WORDS + 1) * PATTERN);
	close(fd);
}

// Op: one pwrite() of 4 KiB over what was there, in 4 MiB, so that little has to go to the disk.
static void run_pwrite(uint64_t n)
{
	int fd = open_data("bench.write", REGION);
	uint64_t word;

	warm(fd, REGION);
	begin();
	for (uint64_t i = 0; i < n; i++) {
		chunk[0] = i;
		CHECK(pwrite(fd, chunk, PAGE, (off_t)(i % 1024 * PAGE)) == (ssize_t)PAGE);
	}
	end(n);
	CHECK(pread(fd, &word, 8, (off_t)((n - 1) % 1024 * PAGE)) == 8 && word == n - 1);
	CHECK(fsync(fd) == 0);
	close(fd);
}

// Op: a page of: map, add up every word, unmap.
static void run_mmap_seq(uint64_t n)
{
	int fd = open_data("bench.read", REGION);

	warm(fd, REGION);
	for (uint64_t done = 0; done < n; done += REGION_PAGES)
		map_and_sum(fd, REGION);
	close(fd);
}

// Op: a page of the same by read() of 64 KiB each.
static void run_read_seq(uint64_t n)
{
	int fd = open_data("bench.read", REGION);

	warm(fd, REGION);
	for (uint64_t done = 0; done < n; done += REGION_PAGES) {
		uint64_t sum;

		begin();
		sum = read_and_sum(fd);
		end(REGION_PAGES);
		CHECK(sum == pattern_sum(REGION / 8));
	}
	close(fd);
}

static void sync_batches(uint64_t n, uint64_t batch)
{
	static uint64_t stamp = 1000000;
	int fd = open_data("bench.write", REGION);
	char *region = map(REGION, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	uint64_t word, at = 0, last = 0;

	warm(fd, REGION);
	CHECK(fsync(fd) == 0);
	begin();
	for (uint64_t done = 0; done < n; done += batch) {
		stamp++;
		for (uint64_t i = 0; i < batch; i++)
			*(volatile uint64_t *)(region + (at + i) * PAGE) = stamp;
		CHECK(msync(region + at * PAGE, batch * PAGE, MS_SYNC) == 0);
		last = at;
		at = (at + batch) % REGION_PAGES;
	}
	end((n + batch - 1) / batch * batch);
	unmap(region, REGION);
	drop_caches(fd);                        // so that the disk answers
	CHECK(pread(fd, &word, 8, (off_t)(last * PAGE)) == 8 && word == stamp);
	close(fd);
}

// Op: a store to one page and its msync().
static void run_msync_1(uint64_t n) { sync_batches(n, 1); }

// Op: a page of 1024 that are stored to and put to the disk by one msync().
static void run_msync_1024(uint64_t n) { sync_batches(n, 1024); }

const struct row file_rows[] = {
	{ "fault_file_read", "file", run_fault_file_read, 0, false },
	{ "fault_file_read_64k", "file", run_fault_file_read_64k, 0, false },
	{ "fault_file_write", "file", run_fault_file_write, 8 * REGION_PAGES, false },
	{ "fault_private_cow", "file", run_fault_private_cow, 0, false },
	{ "pread_4k", "file", run_pread, 0, false },
	{ "pwrite_4k", "file", run_pwrite, 0, false },
	{ "mmap_seq", "file", run_mmap_seq, 0, false },
	{ "read_seq", "file", run_read_seq, 0, false },
	{ "msync_1", "file", run_msync_1, 4096, true },
	{ "msync_1024", "file", run_msync_1024, 16384, true },
	{ NULL, NULL, NULL, 0, false },
};
