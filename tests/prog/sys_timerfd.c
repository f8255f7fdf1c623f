/*
 * sys_timerfd.c - a timer in a descriptor.
 */
#include "guest.h"

#include <abi/timerfd.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>

#define MS 1000000ul
#define HOUR 3600ul

static int make(int clock, int flags)
{
	return (int)MUST(syscall(SYS_timerfd_create, clock, flags));
}

// Sets it: the first expiration, and the period, in nanoseconds.
static void set(int fd, int flags, unsigned long value, unsigned long period)
{
	struct itimerspec t = { { period / 1000000000, period % 1000000000 },
				{ value / 1000000000, value % 1000000000 } };

	MUST(syscall(SYS_timerfd_settime, fd, flags, &t, NULL));
}

static long get(int fd)
{
	unsigned long nr = 0;

	return read(fd, &nr, sizeof(nr)) == 8 ? (long)nr : -1;
}

static unsigned long time_of(int clock)
{
	struct timespec t;

	MUST(clock_gettime(clock, &t));
	return (unsigned long)t.tv_sec * 1000000000 + (unsigned long)t.tv_nsec;
}

static void wait_until(int clock, unsigned long ns)
{
	while (time_of(clock) < ns)
		sched_yield();
}

TEST(read_waits_and_tells_how_often_it_expired)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	unsigned long start = time_of(CLOCK_MONOTONIC);

	set(fd, 0, 3 * MS, 0);
	CHECK_EQ(get(fd), 1);
	CHECK(time_of(CLOCK_MONOTONIC) >= start + 3 * MS);
}

TEST(periods_that_nobody_read_are_counted)
{
	int fd = make(CLOCK_MONOTONIC, O_NONBLOCK);
	unsigned long start = time_of(CLOCK_MONOTONIC);

	set(fd, 0, MS, MS);
	wait_until(CLOCK_MONOTONIC, start + 10 * MS);
	long nr = get(fd);
	unsigned long passed = time_of(CLOCK_MONOTONIC) - start;

	CHECK(nr >= 9 && (unsigned long)nr <= passed / MS);
	fcntl(fd, F_SETFL, 0);
	CHECK(get(fd) >= 1);                    // and it goes on
}

TEST(not_set_or_not_due_is_eagain)
{
	int fd = make(CLOCK_MONOTONIC, O_NONBLOCK);

	CHECK_ERR(get(fd), EAGAIN);
	set(fd, 0, HOUR * 1000000000, 0);
	CHECK_ERR(get(fd), EAGAIN);
	set(fd, 0, 1, 0);
	wait_until(CLOCK_MONOTONIC, time_of(CLOCK_MONOTONIC) + MS);
	CHECK_EQ(get(fd), 1);
	CHECK_ERR(get(fd), EAGAIN);             // once
}

TEST(setting_it_forgets_what_was_not_read)
{
	int fd = make(CLOCK_MONOTONIC, O_NONBLOCK);
	struct pollfd p = { fd, POLLIN, 0 };

	set(fd, 0, 1, 0);
	CHECK_EQ(poll(&p, 1, -1), 1);
	set(fd, 0, HOUR * 1000000000, 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_ERR(get(fd), EAGAIN);
	set(fd, 0, 1, 0);
	CHECK_EQ(poll(&p, 1, -1), 1);
	set(fd, 0, 0, 0);
	CHECK_ERR(get(fd), EAGAIN);
}

TEST(absolute_times_of_both_clocks)
{
	int clocks[] = { CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME };

	for (int i = 0; i < 3; i++) {
		int fd = make(clocks[i], 0);
		unsigned long at = time_of(clocks[i]) + 3 * MS;

		set(fd, TFD_TIMER_ABSTIME, at, 0);
		CHECK_EQ(get(fd), 1);
		CHECK(time_of(clocks[i]) >= at);
	}
}

TEST(absolute_times_that_have_passed_expire_at_once)
{
	int fd = make(CLOCK_REALTIME, 0);
	unsigned long now = time_of(CLOCK_REALTIME);

	set(fd, TFD_TIMER_ABSTIME, now - 10 * HOUR * 1000000000, 0);
	CHECK_EQ(get(fd), 1);
	set(fd, TFD_TIMER_ABSTIME, now - 10 * HOUR * 1000000000, HOUR * 1000000000);
	CHECK_EQ(get(fd), 11);
	set(fd, TFD_TIMER_ABSTIME, 1, 0);
	CHECK_EQ(get(fd), 1);
}

TEST(gettime_tells_what_is_left)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	struct itimerspec t;

	MUST(syscall(SYS_timerfd_gettime, fd, &t));
	CHECK_EQ(t.it_value.tv_sec + t.it_value.tv_nsec + t.it_interval.tv_sec + t.it_interval.tv_nsec, 0);
	set(fd, TFD_TIMER_ABSTIME, time_of(CLOCK_MONOTONIC) + HOUR * 1000000000, 7 * MS);
	MUST(syscall(SYS_timerfd_gettime, fd, &t));
	CHECK(t.it_value.tv_sec < (long)HOUR && t.it_value.tv_sec > (long)HOUR - 300);
	CHECK_EQ(t.it_interval.tv_nsec, 7 * MS);
	struct itimerspec off = { { 0, 0 }, { 0, 0 } }, old;

	MUST(syscall(SYS_timerfd_settime, fd, 0, &off, &old));
	CHECK_EQ(old.it_interval.tv_nsec, 7 * MS);
	CHECK(old.it_value.tv_sec > (long)HOUR - 300);
}

TEST(epoll_tells_of_it)
{
	int fd = make(CLOCK_MONOTONIC, O_NONBLOCK), ep = MUST(epoll_create1(0));
	struct epoll_event e = { EPOLLIN | EPOLLET, 5 };

	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	for (int i = 0; i < 3; i++) {
		set(fd, 0, 2 * MS, 0);
		CHECK_EQ(epoll_wait(ep, &e, 1, -1), 1);
		CHECK_EQ(e.data, 5);
		CHECK_EQ(get(fd), 1);
	}
	set(fd, 0, MS, MS);                     // again and again: after each read
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(epoll_wait(ep, &e, 1, -1), 1);
		CHECK(get(fd) >= 1);
	}
}

TEST(a_child_has_the_same_one)
{
	int fd = make(CLOCK_MONOTONIC, 0);
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(get(fd) != 1);
	set(fd, 0, 2 * MS, 0);
	CHECK_CHILD(child);
}

TEST(closing_it_while_it_runs)
{
	for (int i = 0; i < 200; i++) {
		int fd = make(CLOCK_MONOTONIC, 0);

		set(fd, 0, 1 + (unsigned long)i * 1000, 1000);
		sched_yield();
		close(fd);
	}
}

static void ignore(int number)
{
	(void)number;
}

TEST(a_signal_ends_the_wait)
{
	struct sigaction action = { .sa_handler = ignore };
	int fd = make(CLOCK_MONOTONIC, 0);

	MUST(sigaction(SIGALRM, &action, NULL));
	alarm(1);
	CHECK_ERR(get(fd), EINTR);
}

TEST(timerfd_errors)
{
	int fd = make(CLOCK_MONOTONIC, O_CLOEXEC), pipes[2];
	struct itimerspec t = { { 0, 0 }, { 0, 1000000000 } };
	char bytes[16], path[64], link[64] = "";

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	MUST(pipe(pipes));
	CHECK_ERR(syscall(SYS_timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	CHECK_ERR(syscall(SYS_timerfd_create, 99, 0), EINVAL);
	CHECK_ERR(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 1), EINVAL);
	CHECK_ERR(syscall(SYS_timerfd_settime, fd, 0, &t, NULL), EINVAL);
	t.it_value.tv_nsec = 0;
	CHECK_ERR(syscall(SYS_timerfd_settime, fd, 4, &t, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timerfd_settime, pipes[0], 0, &t, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timerfd_settime, 99, 0, &t, NULL), EBADF);
	CHECK_ERR(syscall(SYS_timerfd_settime, fd, 0, 16, NULL), EFAULT);
	CHECK_ERR(syscall(SYS_timerfd_gettime, fd, 16), EFAULT);
	CHECK_ERR(syscall(SYS_timerfd_gettime, pipes[0], &t), EINVAL);
	CHECK_ERR(read(fd, bytes, 7), EINVAL);
	CHECK_ERR(write(fd, bytes, 8), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(readlink(path, link, sizeof(link) - 1));
	CHECK_STR(link, "anon_inode:[timerfd]");
	CHECK_ERR(open(path, O_RDONLY), ENXIO);
}
