// Waiting for one of several descriptors.
#pragma once

#include <abi/poll.h>
#include <abi/time.h>
#include <signal.h>

typedef unsigned long nfds_t;

int poll(struct pollfd *fds, nfds_t nr, int timeout_ms);
int ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout, const sigset_t *mask);
