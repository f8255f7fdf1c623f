// Waiting for one of several descriptors.
#pragma once

#include <abi/poll.h>
#include <abi/time.h>
#include <signal.h>
#include <sys/types.h>

#define FD_SET(fd, set)		((set)->fds_bits[(fd) / 64] |= 1ul << ((fd) % 64))
#define FD_CLR(fd, set)		((set)->fds_bits[(fd) / 64] &= ~(1ul << ((fd) % 64)))
#define FD_ISSET(fd, set)	((int)((set)->fds_bits[(fd) / 64] >> ((fd) % 64) & 1))
#define FD_ZERO(set)		((void)__builtin_memset((set), 0, sizeof(fd_set)))

int select(int nr, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except,
	   struct timeval *restrict timeout);
int pselect(int nr, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except,
	    const struct timespec *restrict timeout, const sigset_t *restrict mask);
