/*
 * sys_shared_signals.c - what threads, and processes that share memory, have in common of signals and of their end: the
 * handlers, what is pending, and the status that the parent is told.
 */
#include "threads.h"

#include <abi/wait.h>

/* ---- handlers -------------------------------------------------------------------------------- */

static volatile int nr_caught;

static void catch(int number)
{
	(void)number;
	nr_caught++;
}

static volatile int thread_is_ready, thread_may_go;

static void wait_blocked(void *argument)
{
	unsigned long set = 1ul << (SIGUSR1 - 1);

	(void)argument;
	thread_is_ready = 1;
	while (!thread_may_go)
		raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	raw_call(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&set, 0, 8, 0, 0);
}

TEST(ignoring_drops_what_is_pending_for_every_thread)
{
	struct thread t;
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	signal(SIGUSR1, catch);
	sigprocmask(SIG_BLOCK, &set, NULL);
	thread_begin(&t, wait_blocked, NULL);
	while (!thread_is_ready)
		sched_yield();
	MUST(syscall(SYS_tgkill, getpid(), t.tid, SIGUSR1));
	MUST(syscall(SYS_tgkill, getpid(), getpid(), SIGUSR1));
	MUST(kill(getpid(), SIGUSR1));
	sigpending(&pending);
	CHECK(sigismember(&pending, SIGUSR1));
	signal(SIGUSR1, SIG_IGN);
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGUSR1));
	signal(SIGUSR1, catch);
	thread_may_go = 1;
	thread_join(&t);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK_EQ(nr_caught, 0);
	raise(SIGUSR1);
	CHECK_EQ(nr_caught, 1);
}

TEST(default_that_ignores_drops_too)
{
	sigset_t set, pending;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	signal(SIGWINCH, catch);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGWINCH);
	signal(SIGWINCH, SIG_DFL);
	sigpending(&pending);
	CHECK(!sigismember(&pending, SIGWINCH));
	signal(SIGWINCH, catch);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK_EQ(nr_caught, 0);
}

static void set_action_and_exit(void *argument)
{
	struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } a = { argument, 0, NULL, 0 };

	raw_call(SYS_exit, raw_call(SYS_rt_sigaction, SIGUSR2, (long)&a, 0, 8, 0, 0) != 0, 0, 0, 0, 0, 0);
}

// A child with a stack of its own that shares memory, and whatever else the flags say.
static pid_t clone_sharing(long flags, void (*run)(void *), void *argument)
{
	char *stack = MUST(mmap(NULL, THREAD_STACK, RW, ANON, -1, 0));
	long pid = clone_onto(flags | SIGCHLD, stack + THREAD_STACK, run, argument, NULL, NULL);

	CHECK(pid > 0);
	return (pid_t)pid;
}

TEST(clone_sighand_shares_the_handlers)
{
	struct sigaction now;
	pid_t child = clone_sharing(CLONE_VM | CLONE_SIGHAND, set_action_and_exit, SIG_IGN);

	CHECK_CHILD(child);
	MUST(sigaction(SIGUSR2, NULL, &now));
	CHECK(now.sa_handler == SIG_IGN);
	signal(SIGUSR2, SIG_DFL);
	child = clone_sharing(CLONE_VM, set_action_and_exit, SIG_IGN);  // without it: a copy
	CHECK_CHILD(child);
	MUST(sigaction(SIGUSR2, NULL, &now));
	CHECK(now.sa_handler == SIG_DFL);
}

static void wait_for_usr2(void *argument)
{
	volatile int *goes_on = argument;

	while (!*goes_on)
		raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	raw_call(SYS_exit, 0, 0, 0, 0, 0, 0);
}

TEST(clone_sighand_keeps_pending_signals_apart)
{
	static volatile int goes_on;
	pid_t child = clone_sharing(CLONE_VM | CLONE_SIGHAND, wait_for_usr2, (void *)&goes_on);

	signal(SIGUSR2, catch);         // for both
	MUST(kill(child, SIGUSR2));
	while (nr_caught == 0)
		sched_yield();
	CHECK_EQ(nr_caught, 1);         // in the child
	goes_on = 1;
	CHECK_CHILD(child);
}

HELPER(check_default)
{
	struct sigaction now;

	sigaction(SIGUSR2, NULL, &now);
	return now.sa_handler != SIG_DFL;
}

static void exec_check(void *argument)
{
	(void)argument;
	test_exec("check_default", NULL, NULL, NULL);
}

TEST(exec_leaves_shared_handlers_alone)
{
	struct sigaction now;

	signal(SIGUSR2, catch);
	CHECK_CHILD(clone_sharing(CLONE_VM | CLONE_SIGHAND, exec_check, NULL));
	MUST(sigaction(SIGUSR2, NULL, &now));
	CHECK(now.sa_handler == catch);
}

/* ---- the end of a process whose first thread has gone ---------------------------------------- */

static void exit_late(void *argument)
{
	// The first thread is a zombie of its own until then.
	while (thread_state(getpid()) != 'Z')
		raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	raw_call((long)argument & 1 ? SYS_exit_group : SYS_exit, (long)argument >> 8, 0, 0, 0, 0, 0);
}

static int status_when_leader_exits(long how, int status)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		struct thread t;

		thread_begin(&t, exit_late, (void *)how);
		raw_call(SYS_exit, status, 0, 0, 0, 0, 0);
	}
	return wait_status(child);
}

TEST(status_is_the_last_threads_when_all_leave_by_exit)
{
	CHECK_EQ(status_when_leader_exits(7 << 8, 5), 7 << 8);
}

TEST(status_is_the_groups_when_one_says_exit_group)
{
	CHECK_EQ(status_when_leader_exits(9 << 8 | 1, 5), 9 << 8);
}

static void die_late(void *argument)
{
	(void)argument;
	while (thread_state(getpid()) != 'Z')
		raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	raw_call(SYS_tgkill, getpid(), own_tid(), SIGKILL, 0, 0, 0);
	for (;;)
		raw_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

TEST(status_is_the_signal_that_killed_the_rest)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		struct thread t;

		thread_begin(&t, die_late, NULL);
		raw_call(SYS_exit, 5, 0, 0, 0, 0, 0);
	}
	CHECK_KILLED(child, SIGKILL);
}
