/*
 * sys_epoll.c - a descriptor that watches others: by level, by edge, once; over pipes, event counters and
 * itself; whose it is, and its errors. Waiting for it is sys_epoll_wait.c's.
 */
#include "watching.h"

#include <poll.h>

#define MANY 300

/* ---- what is told ---------------------------------------------------------------------------- */

TEST(by_level_it_is_told_while_it_lasts)
{
	int ep = make(), fd = counter(0);

	watch(ep, fd, EPOLLIN);
	CHECK_EQ(now(ep, fd), 0);
	bump(fd);
	CHECK_EQ(now(ep, fd), EPOLLIN);
	CHECK_EQ(now(ep, fd), EPOLLIN);
	drain(fd);
	CHECK_EQ(now(ep, fd), 0);
	bump(fd);
	CHECK_EQ(now(ep, fd), EPOLLIN);
}

TEST(what_is_ready_already_is_told_when_added)
{
	int ep = make(), fd = counter(1);

	watch(ep, fd, EPOLLIN | EPOLLOUT);
	CHECK_EQ(now(ep, fd), EPOLLIN | EPOLLOUT);
}

TEST(by_edge_it_is_told_once_for_each_change)
{
	int ep = make(), fd = counter(0);

	watch(ep, fd, EPOLLIN | EPOLLET);
	CHECK_EQ(now(ep, fd), 0);
	bump(fd);
	CHECK_EQ(now(ep, fd), EPOLLIN);
	CHECK_EQ(now(ep, fd), 0);
	bump(fd);                               // more, though it was not read
	CHECK_EQ(now(ep, fd), EPOLLIN);
	CHECK_EQ(now(ep, fd), 0);
	drain(fd);
	CHECK_EQ(now(ep, fd), 0);
}

TEST(by_edge_a_pipe_tells_of_every_write)
{
	int ep = make(), p[2];
	char byte;

	MUST(pipe(p));
	watch(ep, p[0], EPOLLIN | EPOLLET);
	CHECK_EQ(write(p[1], "a", 1), 1);
	CHECK_EQ(now(ep, p[0]), EPOLLIN);
	CHECK_EQ(write(p[1], "b", 1), 1);
	CHECK_EQ(now(ep, p[0]), EPOLLIN);
	CHECK_EQ(now(ep, p[0]), 0);
	CHECK_EQ(read(p[0], &byte, 1), 1);      // something is left, nothing is new
	CHECK_EQ(now(ep, p[0]), 0);
}

TEST(once_and_then_silent_until_modified)
{
	int ep = make(), fd = counter(1);

	watch(ep, fd, EPOLLIN | EPOLLONESHOT);
	CHECK_EQ(now(ep, fd), EPOLLIN);
	CHECK_EQ(now(ep, fd), 0);
	bump(fd);
	CHECK_EQ(now(ep, fd), 0);
	MUST(control(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLONESHOT, (unsigned long)fd));
	CHECK_EQ(now(ep, fd), EPOLLIN);
	CHECK_EQ(now(ep, fd), 0);
}

TEST(modified_events_and_data_count_at_once)
{
	int ep = make(), fd = counter(1);
	struct epoll_event e;

	watch(ep, fd, EPOLLOUT);
	CHECK_EQ(now(ep, fd), EPOLLOUT);
	MUST(control(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0x123456789abcdef0));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(e.data, 0x123456789abcdef0);
	MUST(control(ep, EPOLL_CTL_MOD, fd, 0, 0));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
}

TEST(deleted_is_silent)
{
	int ep = make(), fd = counter(1);

	watch(ep, fd, EPOLLIN);
	MUST(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	CHECK_EQ(now(ep, fd), 0);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL), ENOENT);
	watch(ep, fd, EPOLLIN);
	CHECK_EQ(now(ep, fd), EPOLLIN);
}

TEST(the_end_of_a_pipe_is_told_unasked)
{
	int ep = make(), p[2];

	MUST(pipe(p));
	watch(ep, p[0], 0);
	CHECK_EQ(now(ep, p[0]), 0);
	close(p[1]);
	CHECK_EQ(now(ep, p[0]), EPOLLHUP);
	MUST(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
	MUST(pipe(p));
	watch(ep, p[1], 0);
	close(p[0]);
	CHECK_EQ(now(ep, p[1]), EPOLLERR);
}

TEST(a_full_pipe_becomes_writable_when_read)
{
	static char bytes[65536];
	int ep = make(), p[2];

	MUST(pipe2(p, O_NONBLOCK));
	watch(ep, p[1], EPOLLOUT);
	CHECK_EQ(now(ep, p[1]), EPOLLOUT);
	CHECK_EQ(write(p[1], bytes, sizeof(bytes)), sizeof(bytes));
	CHECK_EQ(now(ep, p[1]), 0);
	CHECK_EQ(read(p[0], bytes, 4096), 4096);
	CHECK_EQ(now(ep, p[1]), EPOLLOUT);
}

TEST(many_are_told_in_turn)
{
	struct epoll_event e[MANY];
	int ep = make(), fd[MANY], seen[MANY] = { 0 };

	for (int i = 0; i < MANY; i++) {
		fd[i] = counter(1);
		MUST(control(ep, EPOLL_CTL_ADD, fd[i], EPOLLIN, (unsigned long)i));
	}
	CHECK_EQ(epoll_wait(ep, e, MANY, 0), MANY);
	// Fewer at a time: those that had to wait come first the next time.
	for (int round = 0; round < 3; round++) {
		CHECK_EQ(epoll_wait(ep, e, MANY / 3, 0), MANY / 3);
		for (int i = 0; i < MANY / 3; i++)
			seen[e[i].data]++;
	}
	for (int i = 0; i < MANY; i++)
		CHECK_EQ(seen[i], 1);
	for (int i = 0; i < MANY; i += 2)
		drain(fd[i]);
	CHECK_EQ(epoll_wait(ep, e, MANY, 0), MANY / 2);
}

/* ---- whose it is ----------------------------------------------------------------------------- */

TEST(closing_the_last_descriptor_ends_it)
{
	int ep = make(), fd = counter(1), other;

	watch(ep, fd, EPOLLIN);
	other = MUST(dup(fd));
	close(fd);
	CHECK_EQ(now(ep, fd), EPOLLIN);         // the file is open still
	close(other);
	CHECK_EQ(now(ep, fd), 0);
	CHECK_EQ(counter(1), fd);               // the same number, and nobody watches it
	CHECK_EQ(now(ep, fd), 0);
	watch(ep, fd, EPOLLIN);
	CHECK_EQ(now(ep, fd), EPOLLIN);
}

TEST(a_duplicate_is_watched_by_itself)
{
	int ep = make(), fd = counter(1), other = MUST(dup(fd));
	struct epoll_event e[4];

	watch(ep, fd, EPOLLIN);
	watch(ep, other, EPOLLOUT);
	CHECK_EQ(epoll_wait(ep, e, 4, 0), 2);
	MUST(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
	CHECK_EQ(now(ep, other), EPOLLOUT);
}

TEST(a_child_has_the_same_one)
{
	int ep = make(), fd = counter(1);
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(control(ep, EPOLL_CTL_ADD, fd, EPOLLIN, (unsigned long)fd) != 0);
	CHECK_CHILD(child);
	CHECK_EQ(now(ep, fd), EPOLLIN);
}

TEST(closing_it_leaves_what_it_watched)
{
	int ep = make(), second = make(), p[2];
	char byte;

	MUST(pipe(p));
	watch(ep, p[0], EPOLLIN);
	watch(second, p[0], EPOLLIN);
	close(ep);
	CHECK_EQ(write(p[1], "x", 1), 1);
	CHECK_EQ(now(second, p[0]), EPOLLIN);
	CHECK_EQ(read(p[0], &byte, 1), 1);
	CHECK_EQ(now(second, p[0]), 0);
}

/* ---- in one another -------------------------------------------------------------------------- */

TEST(one_watches_another)
{
	int outer = make(), inner = make(), fd = counter(0);
	struct pollfd p = { outer, POLLIN, 0 };

	watch(outer, inner, EPOLLIN);
	watch(inner, fd, EPOLLIN);
	CHECK_EQ(now(outer, inner), 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	bump(fd);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(now(outer, inner), EPOLLIN);
	CHECK_EQ(now(inner, fd), EPOLLIN);
	drain(fd);
	CHECK_EQ(now(outer, inner), 0);
}

TEST(poll_sleeps_on_one)
{
	int ep = make(), fd = counter(0);
	struct pollfd p = { ep, POLLIN, 0 };
	pid_t child;

	watch(ep, fd, EPOLLIN);
	child = MUST(fork());
	if (child == 0) {
		bump(fd);
		_exit(0);
	}
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_CHILD(child);
}

TEST(circles_are_eloop)
{
	int a = make(), b = make(), c = make();

	CHECK_ERR(control(a, EPOLL_CTL_ADD, a, EPOLLIN, 0), EINVAL);
	watch(a, b, EPOLLIN);
	watch(b, c, EPOLLIN);
	CHECK_ERR(control(b, EPOLL_CTL_ADD, a, EPOLLIN, 0), ELOOP);
	CHECK_ERR(control(c, EPOLL_CTL_ADD, a, EPOLLIN, 0), ELOOP);
}

TEST(long_rows_are_eloop)
{
	int last = make();

	for (int i = 0; i < 3; i++) {
		int next = make();

		watch(next, last, EPOLLIN);
		last = next;
	}
	for (int i = 0; i < 10; i++) {
		int next = make();

		if (control(next, EPOLL_CTL_ADD, last, EPOLLIN, 0) == 0) {
			last = next;
			continue;
		}
		CHECK_EQ(errno, ELOOP);
		return;
	}
	FAIL("13 epolls in a row were allowed");
}

/* ---- errors ---------------------------------------------------------------------------------- */

TEST(epoll_ctl_errors)
{
	int ep = make(), fd = counter(0), file = MUST(open("file", O_RDWR | O_CREAT, 0600));

	CHECK_ERR(control(-1, EPOLL_CTL_ADD, fd, EPOLLIN, 0), EBADF);
	CHECK_ERR(control(ep, EPOLL_CTL_ADD, 999, EPOLLIN, 0), EBADF);
	CHECK_ERR(control(fd, EPOLL_CTL_ADD, ep, EPOLLIN, 0), EINVAL);
	CHECK_ERR(control(ep, EPOLL_CTL_ADD, file, EPOLLIN, 0), EPERM);
	CHECK_ERR(control(ep, EPOLL_CTL_ADD, MUST(open("/", O_RDONLY)), EPOLLIN, 0), EPERM);
	CHECK_ERR(control(ep, EPOLL_CTL_ADD, MUST(open("/dev/null", O_RDWR)), EPOLLIN, 0), EPERM);
	CHECK_ERR(control(ep, 9, fd, EPOLLIN, 0), EINVAL);
	CHECK_ERR(control(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0), ENOENT);
	CHECK_ERR(epoll_ctl(ep, EPOLL_CTL_ADD, fd, (void *)16), EFAULT);
	watch(ep, fd, EPOLLIN);
	CHECK_ERR(control(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 0), EEXIST);
}

TEST(exclusive_is_for_adding_only)
{
	int ep = make(), fd = counter(1);

	CHECK_ERR(control(ep, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 0), EINVAL);
	CHECK_ERR(control(ep, EPOLL_CTL_ADD, make(), EPOLLIN | EPOLLEXCLUSIVE, 0), EINVAL);
	watch(ep, fd, EPOLLIN | EPOLLEXCLUSIVE);
	CHECK_EQ(now(ep, fd), EPOLLIN);
	CHECK_ERR(control(ep, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLEXCLUSIVE, 0), EINVAL);
	CHECK_ERR(control(ep, EPOLL_CTL_MOD, fd, EPOLLIN, 0), EINVAL);
}

TEST(epoll_wait_errors)
{
	int ep = make(), fd = counter(1);
	struct epoll_event e;

	CHECK_ERR(epoll_wait(-1, &e, 1, 0), EBADF);
	CHECK_ERR(epoll_wait(fd, &e, 1, 0), EINVAL);
	CHECK_ERR(epoll_wait(ep, &e, 0, 0), EINVAL);
	CHECK_ERR(epoll_wait(ep, &e, 0x7fffffff, 0), EINVAL);
	watch(ep, fd, EPOLLIN);
	CHECK_ERR(epoll_wait(ep, (void *)16, 1, 0), EFAULT);
	CHECK_EQ(now(ep, fd), EPOLLIN);         // it was not lost
}

TEST(epoll_create_flags_and_name)
{
	char path[64], link[64] = "";
	int ep = MUST(epoll_create1(EPOLL_CLOEXEC)), other = (int)MUST(syscall(SYS_epoll_create, 1));

	CHECK_EQ(fcntl(ep, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(other, F_GETFD), 0);
	CHECK_ERR(epoll_create1(1), EINVAL);
	CHECK_ERR(syscall(SYS_epoll_create, 0), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ep);
	MUST(readlink(path, link, sizeof(link) - 1));
	CHECK_STR(link, "anon_inode:[eventpoll]");
	CHECK_ERR(open(path, O_RDONLY), ENXIO);
	CHECK_ERR(read(ep, link, 8), EINVAL);
	CHECK_ERR(write(ep, link, 8), EINVAL);
}
