/*
 * data.c - what the rows work on. Data files hold a pattern that tells its own place, so that every row can check
 * what it read; anonymous regions; a fixed permutation for random access; children that must end well.
 */
#include "bench.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_SHUFFLED	(1u << 17)

uint64_t chunk[CHUNK / sizeof(uint64_t)] __attribute__((aligned(4096)));
uint32_t shuffled[MAX_SHUFFLED];

// --- files ---

void write_pattern(int fd, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += CHUNK) {
		for (uint64_t i = 0; i < CHUNK / 8; i++)
			chunk[i] = (at / 8 + i) * PATTERN;
		CHECK(pwrite(fd, chunk, CHUNK, (off_t)at) == (ssize_t)CHUNK);
	}
}

uint64_t file_size(int fd)
{
	struct stat status;

	CHECK(fstat(fd, &status) == 0);
	return (uint64_t)status.st_size;
}

int open_data(const char *name, uint64_t size)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", data_folder, name);
	fd = open(path, size ? O_RDWR | O_CREAT : O_RDWR, 0644);
	if (fd < 0)
		fail(name);
	if (file_size(fd) < size) {
		write_pattern(fd, size);
		CHECK(fsync(fd) == 0);
	}
	return fd;
}

void warm(int fd, uint64_t size)
{
	for (uint64_t at = 0; at < size; at += CHUNK)
		CHECK(pread(fd, chunk, CHUNK, (off_t)at) == (ssize_t)CHUNK);
}

void drop_caches(int fd)
{
	int control;

	sync();
	control = open("/proc/sys/vm/drop_caches", O_WRONLY);
	if (control < 0) {                      // no right to: this file at least
		CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
		return;
	}
	CHECK(write(control, "3", 1) == 1);
	close(control);
}

uint64_t sum_words(const uint64_t *words, uint64_t count)
{
	uint64_t a = 0, b = 0;

	for (uint64_t i = 0; i < count; i += 8) {
		a += words[i] + words[i + 1] + words[i + 2] + words[i + 3];
		b += words[i + 4] + words[i + 5] + words[i + 6] + words[i + 7];
	}
	return a + b;
}

// PATTERN times the sum of 0 .. words - 1, modulo 2^64.
uint64_t pattern_sum(uint64_t words)
{
	uint64_t pairs = words % 2 ? words * ((words - 1) / 2) : words / 2 * (words - 1);

	return pairs * PATTERN;
}

uint64_t read_and_sum(int fd)
{
	uint64_t sum = 0;
	ssize_t n;

	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	while ((n = read(fd, chunk, CHUNK)) > 0)
		sum += sum_words(chunk, (uint64_t)n / 8);
	CHECK(n == 0);
	return sum;
}

void map_and_sum(int fd, uint64_t size)
{
	uint64_t sum;

	begin();
	const uint64_t *words = map(size, PROT_READ, MAP_SHARED, fd);
	sum = sum_words(words, size / 8);
	unmap(words, size);
	end(size / PAGE);
	CHECK(sum == pattern_sum(size / 8));
}

// --- memory ---

void *map(uint64_t size, int protection, int flags, int fd)
{
	void *start = mmap(NULL, size, protection, flags, fd, 0);

	CHECK(start != MAP_FAILED);
	return start;
}

char *map_memory(uint64_t size)
{
	return map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

void unmap(const volatile void *start, uint64_t size)
{
	CHECK(munmap((void *)start, size) == 0);
}

void store_pages(char *start, uint64_t pages)
{
	for (volatile char *at = start; at < start + pages * PAGE; at += PAGE)
		*at = 1;
}

void shuffle(uint64_t count)
{
	uint64_t x = 88172645463325252ul;       // xorshift: the same order in every run

	CHECK(count <= MAX_SHUFFLED);
	for (uint64_t i = 0; i < count; i++)
		shuffled[i] = (uint32_t)i;
	for (uint64_t i = count; i > 1; i--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		uint64_t other = x % i;
		uint32_t kept = shuffled[i - 1];

		shuffled[i - 1] = shuffled[other];
		shuffled[other] = kept;
	}
}

// --- children ---

pid_t fork_child(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	return child;
}

void wait_child(pid_t child)
{
	int status;

	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
