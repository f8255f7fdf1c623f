#pragma once
/*
 * watching.h - for tests of epoll: a descriptor that watches, counters to be watched, and what is told now.
 */
#include "guest.h"

#include <sys/epoll.h>

static TEST_UNUSED int make(void)
{
	return MUST(epoll_create1(0));
}

static TEST_UNUSED int counter(unsigned int count)
{
	return (int)MUST(syscall(SYS_eventfd2, count, O_NONBLOCK));
}

static TEST_UNUSED void bump(int fd)
{
	unsigned long one = 1;

	CHECK_EQ(write(fd, &one, 8), 8);
}

static TEST_UNUSED void drain(int fd)
{
	unsigned long value;

	CHECK_EQ(read(fd, &value, 8), 8);
}

static TEST_UNUSED int control(int ep, int operation, int fd, unsigned int events, unsigned long data)
{
	struct epoll_event e = { events, data };

	return epoll_ctl(ep, operation, fd, &e);
}

static TEST_UNUSED void watch(int ep, int fd, unsigned int events)
{
	MUST(control(ep, EPOLL_CTL_ADD, fd, events, (unsigned long)fd));
}

// The events of the one descriptor that is ready now; 0: none is.
static TEST_UNUSED unsigned int now(int ep, int fd)
{
	struct epoll_event e[4];
	int nr = MUST(epoll_wait(ep, e, 4, 0));

	if (nr == 0)
		return 0;
	CHECK_EQ(nr, 1);
	CHECK_EQ(e[0].data, fd);
	return e[0].events;
}
