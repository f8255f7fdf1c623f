/*
 * sys_epoll_wait.c - sleeping until something that an epoll watches is ready: what ends the wait, and that
 * nothing is lost while processes and threads write, add, close and collect at once.
 */
#include "threads.h"
#include "watching.h"

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
