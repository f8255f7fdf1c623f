#pragma once
/*
 * locking.h - for tests of file locks: setting one on a range, what another process meets, and a signal in
 * the middle of a wait. Include it first: it asks libc for everything.
 */
#define _GNU_SOURCE
#include "guest.h"

static TEST_UNUSED struct flock range(short type, long start, long length)
{
	struct flock lock;

	memset(&lock, 0, sizeof(lock));
	lock.l_type = type;
	lock.l_whence = SEEK_SET;
	lock.l_start = start;
	lock.l_len = length;
	return lock;
}

static TEST_UNUSED int set(int fd, short type, long start, long length)
{
	struct flock lock = range(type, start, length);

	return fcntl(fd, F_SETLK, &lock);
}

// What a process that is not this one would meet with a lock of that type.
static TEST_UNUSED struct flock seen_by_other(const char *name, short type, long start, long length)
{
	struct flock lock = range(type, start, length);
	int ends[2];

	MUST(pipe(ends));
	pid_t child = MUST(fork());

	if (child == 0) {
		int fd = MUST(open(name, O_RDWR));

		MUST(fcntl(fd, F_GETLK, &lock));
		CHECK_EQ(write(ends[1], &lock, sizeof(lock)), sizeof(lock));
		_exit(0);
	}
	CHECK_EQ(read(ends[0], &lock, sizeof(lock)), sizeof(lock));
	CHECK_CHILD(child);
	close(ends[0]);
	close(ends[1]);
	return lock;
}

static TEST_UNUSED void check_lock(const char *name, long at, short type, long start, long length)
{
	struct flock seen = seen_by_other(name, F_WRLCK, at, 1);

	CHECK_EQ(seen.l_type, type);
	if (type == F_UNLCK)
		return;
	CHECK_EQ(seen.l_whence, SEEK_SET);
	CHECK_EQ(seen.l_start, start);
	CHECK_EQ(seen.l_len, length);
	CHECK_EQ(seen.l_pid, getpid());
}

static TEST_UNUSED void nothing(int number)
{
	(void)number;
}

static TEST_UNUSED void interrupt_after(int ms, int flags)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = flags };
	struct timespec t = { .tv_nsec = ms * 1000000L };
	pid_t parent = getpid();

	sigaction(SIGUSR1, &action, NULL);
	if (MUST(fork()) == 0) {
		nanosleep(&t, NULL);
		kill(parent, SIGUSR1);
		_exit(0);
	}
}

// Sleeps a while, to let a child come to where it waits. No test depends on its having come there.
static TEST_UNUSED void pause_ms(int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
}
