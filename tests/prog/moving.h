#pragma once
/*
 * moving.h - for tests of what moves bytes inside the kernel: the calls by their numbers, and checks of what arrived.
 * Include it first: it asks libc for everything.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <sys/ioctl.h>
#include <sys/uio.h>

#ifndef SPLICE_F_NONBLOCK
#define SPLICE_F_NONBLOCK 2
#endif

// The calls themselves: not every libc has names for them.
static TEST_UNUSED ssize_t do_splice(int in, long *in_at, int out, long *out_at, size_t n, unsigned flags)
{
	return syscall(SYS_splice, in, in_at, out, out_at, n, flags);
}

static TEST_UNUSED ssize_t do_tee(int in, int out, size_t n, unsigned flags)
{
	return syscall(SYS_tee, in, out, n, flags);
}

static TEST_UNUSED ssize_t do_vmsplice(int fd, const struct iovec *pieces, unsigned long nr, unsigned flags)
{
	return syscall(SYS_vmsplice, fd, pieces, nr, flags);
}

static TEST_UNUSED ssize_t do_copy(int in, long *in_at, int out, long *out_at, size_t n, unsigned flags)
{
	return syscall(SYS_copy_file_range, in, in_at, out, out_at, n, flags);
}

static TEST_UNUSED ssize_t do_sendfile(int out, int in, long *at, size_t n)
{
	return syscall(SYS_sendfile, out, in, at, n);
}

static unsigned char big[256 * 1024];

// The next n bytes of a descriptor are the pattern from that offset on.
static TEST_UNUSED void check_stream(int fd, size_t n, unsigned long offset)
{
	size_t done = 0;

	while (done < n) {
		ssize_t got = MUST(read(fd, big + done, n - done));

		CHECK(got > 0);
		done += got;
	}
	check_pattern(big, n, offset);
}

static TEST_UNUSED void check_file(int fd, unsigned long size, unsigned long offset)
{
	CHECK_EQ(file_size(fd), size);
	CHECK_EQ(pread(fd, big, size, 0), size);
	check_pattern(big, size, offset);
}

static TEST_UNUSED long available(int fd)
{
	struct stat st;
	int nr = 0;

	MUST(fstat(fd, &st));
	MUST(ioctl(fd, FIONREAD, &nr));
	return nr;
}
