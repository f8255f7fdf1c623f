/*
 * sys_limits.c - RLIMIT_FSIZE: SIGXFSZ and EFBIG wherever a file would become too large.
 * (RLIMIT_AS and RLIMIT_MEMLOCK are in map_flags.c and map_lock.c.)
 */
#define _GNU_SOURCE
#include "guest.h"

#include <sys/uio.h>

#define LIMIT (3 * PAGE + 100)

static volatile int nr_told;

static void told(int number)
{
	nr_told += number == SIGXFSZ;
}

static void limit_size(unsigned long bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	MUST(setrlimit(RLIMIT_FSIZE, &limit));
	CHECK(signal(SIGXFSZ, told) != SIG_ERR);
	nr_told = 0;
}

// The call fails with EFBIG, and the signal has come.
#define CHECK_LIMITED(call)				\
	do {						\
		nr_told = 0;				\
		CHECK_ERR(call, EFBIG);			\
		CHECK_EQ(nr_told, 1);			\
	} while (0)

static char bytes[8 * PAGE];

TEST(fsize_write_stops_at_the_limit)
{
	int fd = make_file("file", 0);

	limit_size(LIMIT);
	CHECK_EQ(write(fd, bytes, 8 * PAGE), LIMIT);    // a part, and no signal
	CHECK_EQ(nr_told, 0);
	CHECK_LIMITED(write(fd, bytes, 1));
	CHECK_EQ(file_size(fd), LIMIT);
	CHECK_EQ(write(fd, bytes, 0), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), LIMIT);
}

TEST(fsize_is_about_positions_not_growth)
{
	int fd = make_file("file", 8 * PAGE);

	limit_size(LIMIT);
	CHECK_LIMITED(pwrite(fd, bytes, 10, 5 * PAGE)); // bytes that are there already
	nr_told = 0;
	CHECK_EQ(pwrite(fd, bytes, 200, LIMIT - 150), 150);
	CHECK_EQ(nr_told, 0);
	CHECK_EQ(file_size(fd), 8 * PAGE);
	check_pattern(map_file(fd, 8 * PAGE, PROT_READ, MAP_SHARED, 0) + LIMIT, 8 * PAGE - LIMIT, LIMIT);
}

TEST(fsize_vectors_and_append)
{
	int fd = make_file("file", 3 * PAGE);
	struct iovec pieces[3] = { { bytes, 50 }, { bytes, 40 }, { bytes, 30 } };

	limit_size(LIMIT);
	MUST(lseek(fd, 3 * PAGE, SEEK_SET));
	CHECK_EQ(writev(fd, pieces, 3), 100);
	CHECK_LIMITED(writev(fd, pieces, 3));
	close(fd);
	fd = MUST(open("file", O_WRONLY | O_APPEND));
	CHECK_LIMITED(write(fd, bytes, 1));
	CHECK_EQ(file_size(fd), LIMIT);
}

TEST(fsize_truncate)
{
	int fd = make_file("file", PAGE);

	limit_size(LIMIT);
	MUST(ftruncate(fd, LIMIT));
	CHECK_LIMITED(ftruncate(fd, LIMIT + 1));
	CHECK_LIMITED(truncate("file", 100 * PAGE));
	CHECK_EQ(file_size(fd), LIMIT);
	limit_size(10);
	MUST(ftruncate(fd, PAGE));      // smaller is always allowed
	CHECK_EQ(nr_told, 0);
	CHECK_EQ(file_size(fd), PAGE);
}

TEST(fsize_fallocate)
{
	int fd = make_file("file", PAGE);

	limit_size(LIMIT);
	CHECK_LIMITED(fallocate(fd, 0, 0, LIMIT + 1));
	CHECK_EQ(file_size(fd), PAGE);
	MUST(fallocate(fd, 0, 0, LIMIT));
	CHECK_EQ(file_size(fd), LIMIT);
	limit_size(10);
	MUST(fallocate(fd, 0, 0, LIMIT));       // nothing grows
	CHECK_EQ(nr_told, 0);
}

TEST(fsize_copies)
{
	int in = make_file("in", 8 * PAGE), out = make_file("out", 0);
	long from = 0, to = PAGE;

	limit_size(LIMIT);
	CHECK_EQ(syscall(SYS_copy_file_range, in, &from, out, &to, 8 * PAGE, 0), LIMIT - PAGE);
	CHECK_EQ(nr_told, 0);
	to = LIMIT;
	CHECK_LIMITED(syscall(SYS_copy_file_range, in, &from, out, &to, 10, 0));
	from = 0;
	MUST(lseek(out, LIMIT, SEEK_SET));
	CHECK_LIMITED(syscall(SYS_sendfile, out, in, &from, 10));
	MUST(lseek(out, LIMIT - 60, SEEK_SET));
	CHECK_EQ(syscall(SYS_sendfile, out, in, &from, 50), 50);
	CHECK_EQ(file_size(out), LIMIT);
}

TEST(fsize_does_not_bind_mappings_and_pipes)
{
	int fd = make_file("file", 2 * PAGE), ends[2];
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	MUST(pipe(ends));
	limit_size(10);
	store(p + PAGE, 9);
	CHECK_EQ(file_byte(fd, PAGE), 9);
	CHECK_EQ(write(ends[1], bytes, 100), 100);
	CHECK_EQ(nr_told, 0);
}

TEST(fsize_kills_who_does_not_catch_it)
{
	int fd = make_file("file", 0);
	pid_t child = MUST(fork());

	if (child == 0) {
		limit_size(5);
		signal(SIGXFSZ, SIG_DFL);
		if (write(fd, bytes, 10) != 5)
			_exit(1);
		write(fd, bytes, 10);
		_exit(2);
	}
	CHECK_KILLED(child, SIGXFSZ);
	CHECK_EQ(file_size(fd), 5);
}

TEST(fsize_is_inherited)
{
	int fd = make_file("file", 0);
	pid_t child;

	limit_size(5);
	child = MUST(fork());
	if (child == 0)
		_exit(!(write(fd, bytes, 10) == 5 && write(fd, bytes, 10) == -1 && errno == EFBIG && nr_told == 1));
	CHECK_CHILD(child);
}
