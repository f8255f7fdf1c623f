// Waiting for one of many descriptors, by what is ready.
#pragma once

#include <abi/epoll.h>
#include <fcntl.h>
#include <signal.h>

#define EPOLL_CLOEXEC O_CLOEXEC

int epoll_create1(int flags);
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event);
int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms);
int epoll_pwait(int epoll, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask);
