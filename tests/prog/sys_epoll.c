/*
 * sys_epoll.c - a descriptor that watches others: by level, by edge, once;
 * over pipes, event counters, terminals and itself.
 */
#include "guest.h"
#include "threads.h"

#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>

#define MANY 300

static int make(void)
{
	return MUST(epoll_create1(0));
}

static int counter(unsigned int count)
{
	return (int)MUST(syscall(SYS_eventfd2, count, O_NONBLOCK));
}

static void bump(int fd)
{
	unsigned long one = 1;

	CHECK_EQ(write(fd, &one, 8), 8);
}

static void drain(int fd)
{
	unsigned long value;

	CHECK_EQ(read(fd, &value, 8), 8);
}

static int control(int ep, int operation, int fd, unsigned int events, unsigned long data)
{
	struct epoll_event e = { events, data };

	return epoll_ctl(ep, operation, fd, &e);
}

static void watch(int ep, int fd, unsigned int events)
{
	MUST(control(ep, EPOLL_CTL_ADD, fd, events, (unsigned long)fd));
}

// The events of the one descriptor that is ready now; 0: none is.
static unsigned int now(int ep, int fd)
{
	struct epoll_event e[4];
	int nr = MUST(epoll_wait(ep, e, 4, 0));

	if (nr == 0)
		return 0;
	CHECK_EQ(nr, 1);
	CHECK_EQ(e[0].data, fd);
	return e[0].events;
}

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

/* ---- waiting --------------------------------------------------------------------------------- */

TEST(waits_until_another_process_writes)
{
	int ep = make(), p[2];
	pid_t child;
	struct epoll_event e;

	MUST(pipe(p));
	watch(ep, p[0], EPOLLIN);
	child = MUST(fork());
	if (child == 0) {
		for (int i = 0; i < 50; i++)
			sched_yield();
		_exit(write(p[1], "x", 1) != 1);
	}
	CHECK_EQ(epoll_wait(ep, &e, 1, -1), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(e.data, p[0]);
	CHECK_CHILD(child);
}

TEST(added_while_somebody_waits_is_seen)
{
	int ep = make(), fd = counter(1);
	pid_t child = MUST(fork());
	struct epoll_event e;

	if (child == 0) {
		for (int i = 0; i < 50; i++)
			sched_yield();
		_exit(control(ep, EPOLL_CTL_ADD, fd, EPOLLIN, 7) != 0);
	}
	CHECK_EQ(epoll_wait(ep, &e, 1, -1), 1);
	CHECK_EQ(e.data, 7);
	CHECK_CHILD(child);
}

TEST(time_runs_out)
{
	int ep = make();
	struct epoll_event e;
	struct timespec t = { 0, 5000000 };

	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 5), 0);
	CHECK_EQ(syscall(SYS_epoll_pwait2, ep, &e, 1, &t, NULL, 8), 0);
	t.tv_nsec = 1000000000;
	CHECK_ERR(syscall(SYS_epoll_pwait2, ep, &e, 1, &t, NULL, 8), EINVAL);
}

static volatile int handled;

static void count_signal(int number)
{
	(void)number;
	handled++;
}

TEST(a_signal_ends_the_wait_even_with_restart)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_RESTART };
	int ep = make();
	struct epoll_event e;

	MUST(sigaction(SIGALRM, &action, NULL));
	alarm(1);
	CHECK_ERR(epoll_wait(ep, &e, 1, -1), EINTR);
	CHECK_EQ(handled, 1);
}

TEST(the_mask_of_the_call_holds_while_it_waits)
{
	struct sigaction action = { .sa_handler = count_signal };
	int ep = make(), fd = counter(1);
	sigset_t blocked, none;
	struct epoll_event e;

	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(sigprocmask(SIG_BLOCK, &blocked, NULL));
	raise(SIGUSR1);
	CHECK_EQ(handled, 0);
	CHECK_ERR(epoll_pwait(ep, &e, 1, -1, &none), EINTR);
	CHECK_EQ(handled, 1);
	raise(SIGUSR1);                         // blocked again
	CHECK_EQ(handled, 1);
	watch(ep, fd, EPOLLIN);
	CHECK_EQ(epoll_pwait(ep, &e, 1, -1, &blocked), 1);
	CHECK_EQ(handled, 1);
	CHECK_ERR(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &none, 4), EINVAL);
}

// Each counter is bumped by one process and taken by whoever collects it: nothing is lost.
TEST(edges_are_not_lost_between_processes)
{
	int ep = make(), fd[4];
	unsigned long sum = 0;
	pid_t child[4];

	for (int i = 0; i < 4; i++) {
		fd[i] = counter(0);
		watch(ep, fd[i], EPOLLIN | EPOLLET);
	}
	for (int i = 0; i < 4; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			for (int j = 0; j < 300; j++)
				bump(fd[i]);
			_exit(0);
		}
	}
	while (sum < 4 * 300) {
		struct epoll_event e[2];
		int nr = MUST(epoll_wait(ep, e, 2, -1));

		for (int i = 0; i < nr; i++) {
			unsigned long value;

			if (read((int)e[i].data, &value, 8) == 8)
				sum += value;
		}
	}
	CHECK_EQ(sum, 4 * 300);
	for (int i = 0; i < 4; i++)
		CHECK_CHILD(child[i]);
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

/* ---- at once --------------------------------------------------------------------------------- */

static int storm_ep, storm_fd[3];
static int storm_is_over, storm_failures;

static void storm_opener(void *argument)
{
	int i = (int)(long)argument;
	unsigned long one = 1;

	for (unsigned int round = 0; round < 200; round++) {
		struct epoll_event e = { EPOLLIN | (round & 2 ? EPOLLET : 0), 99 };
		long fd = raw_call(SYS_eventfd2, round & 1, O_NONBLOCK, 0, 0, 0, 0);

		if (raw_call(SYS_epoll_ctl, storm_ep, EPOLL_CTL_ADD, fd, (long)&e, 0, 0) != 0)
			storm_failures++;
		raw_call(SYS_write, storm_fd[i], (long)&one, 8, 0, 0, 0);
		raw_call(SYS_close, fd, 0, 0, 0, 0, 0);         // while somebody may be asking it
	}
}

static void storm_collector(void *argument)
{
	struct epoll_event e[8];

	(void)argument;
	while (!__atomic_load_n(&storm_is_over, __ATOMIC_ACQUIRE))
		if (raw_call(SYS_epoll_wait, storm_ep, (long)e, 8, 1, 0, 0) < 0)
			storm_failures++;
}

TEST(files_are_closed_while_others_collect)
{
	struct thread opener[3], collector[2];
	struct epoll_event e[8];

	storm_ep = make();
	for (int i = 0; i < 3; i++) {
		storm_fd[i] = counter(0);
		watch(storm_ep, storm_fd[i], EPOLLIN | EPOLLET);
	}
	for (int i = 0; i < 2; i++)
		thread_begin(&collector[i], storm_collector, NULL);
	for (int i = 0; i < 3; i++)
		thread_begin(&opener[i], storm_opener, (void *)(long)i);
	for (int i = 0; i < 3; i++)
		thread_join(&opener[i]);
	__atomic_store_n(&storm_is_over, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < 2; i++)
		thread_join(&collector[i]);
	CHECK_EQ(storm_failures, 0);
	// What is still open is all that it watches.
	CHECK_EQ(epoll_wait(storm_ep, e, 8, 0) <= 3, 1);
	for (int i = 0; i < 3; i++) {
		unsigned long sum;

		CHECK_EQ(read(storm_fd[i], &sum, 8), 8);
		CHECK_EQ(sum, 200);
	}
}
