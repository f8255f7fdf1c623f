/*
 * sys_jobs.c - stopping and going on, jobs that nobody would continue, waitid, and what threads and processes share of
 * signals and of their end.
 */
#include "threads.h"

#include <abi/wait.h>

static long wait_id(int which, int id, siginfo_t *info, int options)
{
	memset(info, 0x55, sizeof(*info));
	return syscall(SYS_waitid, which, id, info, options, NULL);
}

// What waitid tells: code, pid and status of a child.
static void check_told(const siginfo_t *info, int code, pid_t pid, int status)
{
	CHECK_EQ(info->si_signo, SIGCHLD);
	CHECK_EQ(info->si_errno, 0);
	CHECK_EQ(info->si_code, code);
	CHECK_EQ(info->si_pid, pid);
	CHECK_EQ(info->si_uid, getuid());
	CHECK_EQ(info->si_status, status);
}

static char state_of(pid_t pid)
{
	char path[32];
	const char *text;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = slurp(path);
	return text && *text ? strrchr(text, ')')[2] : '?';
}

/* ---- waitid ---------------------------------------------------------------------------------- */

TEST(waitid_tells_exit_and_signal)
{
	siginfo_t info;
	pid_t child = fork_exit(7);

	CHECK_EQ(wait_id(P_PID, child, &info, WEXITED), 0);
	check_told(&info, CLD_EXITED, child, 7);
	CHECK_ERR(wait_id(P_PID, child, &info, WEXITED), ECHILD);
	child = fork_sleeper();
	MUST(kill(child, SIGTERM));
	CHECK_EQ(wait_id(P_ALL, 0, &info, WEXITED), 0);
	check_told(&info, CLD_KILLED, child, SIGTERM);
}

TEST(waitid_tells_stop_and_continuation)
{
	siginfo_t info;
	pid_t child = fork_sleeper();

	MUST(kill(child, SIGSTOP));
	CHECK_EQ(wait_id(P_PID, child, &info, WSTOPPED), 0);
	check_told(&info, CLD_STOPPED, child, SIGSTOP);
	CHECK_EQ(wait_id(P_PID, child, &info, WSTOPPED | WNOHANG), 0);
	CHECK_EQ(info.si_pid, 0);               // told once
	MUST(kill(child, SIGCONT));
	CHECK_EQ(wait_id(P_PID, child, &info, WCONTINUED), 0);
	check_told(&info, CLD_CONTINUED, child, SIGCONT);
	MUST(kill(child, SIGKILL));
	CHECK_KILLED(child, SIGKILL);
}

TEST(waitid_nowait_leaves_everything)
{
	siginfo_t info;
	pid_t child = fork_sleeper();

	MUST(kill(child, SIGSTOP));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(wait_id(P_PID, child, &info, WSTOPPED | WNOWAIT), 0);
		check_told(&info, CLD_STOPPED, child, SIGSTOP);
	}
	CHECK_EQ(wait_id(P_PID, child, &info, WSTOPPED), 0);
	MUST(kill(child, SIGKILL));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(wait_id(P_PID, child, &info, WEXITED | WNOWAIT), 0);
		check_told(&info, CLD_KILLED, child, SIGKILL);
	}
	CHECK_EQ(state_of(child), 'Z');
	CHECK_KILLED(child, SIGKILL);
}

TEST(waitid_by_group)
{
	siginfo_t info;
	pid_t child = fork_sleeper(), other = fork_exit(1);

	MUST(setpgid(child, child));
	MUST(kill(child, SIGKILL));
	CHECK_EQ(wait_id(P_PGID, child, &info, WEXITED), 0);
	CHECK_EQ(info.si_pid, child);
	CHECK_EQ(wait_id(P_PGID, 0, &info, WEXITED), 0);        // the caller's own
	check_told(&info, CLD_EXITED, other, 1);
}

TEST(waitid_nohang_writes_zeros)
{
	siginfo_t info;
	pid_t child = fork_sleeper();

	CHECK_EQ(wait_id(P_ALL, 0, &info, WEXITED | WNOHANG), 0);
	CHECK_EQ(info.si_signo, 0);
	CHECK_EQ(info.si_pid, 0);
	CHECK_EQ(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED | WNOHANG, NULL), 0);
	MUST(kill(child, SIGKILL));
	CHECK_KILLED(child, SIGKILL);
}

TEST(waitid_errors)
{
	siginfo_t info;
	pid_t child;

	CHECK_ERR(wait_id(P_ALL, 0, &info, WEXITED), ECHILD);
	child = fork_exit(0);
	CHECK_ERR(wait_id(P_ALL, 0, &info, 0), EINVAL);
	CHECK_ERR(wait_id(P_ALL, 0, &info, WNOHANG), EINVAL);
	CHECK_ERR(wait_id(P_ALL, 0, &info, WEXITED | 0x100), EINVAL);
	CHECK_ERR(wait_id(77, 0, &info, WEXITED), EINVAL);
	CHECK_ERR(wait_id(P_PID, 0, &info, WEXITED), EINVAL);
	CHECK_ERR(wait_id(P_PID, -1, &info, WEXITED), EINVAL);
	CHECK_ERR(wait_id(P_PGID, -2, &info, WEXITED), EINVAL);
	CHECK_EQ(wait_id(P_PID, child, &info, WEXITED), 0);
}

TEST(wait_for_clone_children_is_asked_for)
{
	siginfo_t info;
	// A child whose end is told by no signal.
	pid_t child = (pid_t)MUST(syscall(SYS_clone, 0, 0, 0, 0, 0));

	if (child == 0)
		_exit(3);
	CHECK_ERR(waitpid(child, NULL, 0), ECHILD);
	CHECK_EQ(wait_id(P_PID, child, &info, WEXITED | __WCLONE), 0);
	check_told(&info, CLD_EXITED, child, 3);
	child = (pid_t)MUST(syscall(SYS_clone, 0, 0, 0, 0, 0));
	if (child == 0)
		_exit(4);
	CHECK_EQ(waitpid(child, NULL, __WALL), child);
}

/* ---- stop and continue ----------------------------------------------------------------------- */

TEST(continue_right_behind_stop_is_not_lost)
{
	volatile int *count = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pid_t child = MUST(fork());

	while (child == 0)
		++*count;
	for (int i = 0; i < 300; i++) {
		MUST(kill(child, i & 1 ? SIGSTOP : SIGTSTP));
		MUST(kill(child, SIGCONT));
		int before = *count;

		while (*count == before)
			sched_yield();
	}
	MUST(kill(child, SIGKILL));
	CHECK_KILLED(child, SIGKILL);
}

static volatile int got_hup, got_cont;

static void note(int number)
{
	got_hup += number == SIGHUP;
	got_cont += number == SIGCONT;
}

// In a new session: a child in a group of its own, below a parent in the session leader's group;
// `orphan` runs when its parent is gone.
static void run_orphan(void (*orphan)(struct gate told), struct gate told)
{
	struct gate left = gate_make();
	pid_t leader = MUST(fork());

	if (leader == 0) {
		setsid();
		pid_t parent = fork();

		if (parent == 0) {
			pid_t child = fork();

			if (child == 0) {
				setpgid(0, 0);
				gate_wait(left);
				orphan(told);
				_exit(0);
			}
			setpgid(child, child);
			_exit(0);
		}
		wait_status(parent);
		gate_open(left);
		gate_wait(told);        // stays, or its end would hang up
		_exit(0);
	}
	CHECK_CHILD(leader);
}

static void raise_terminal_stops(struct gate told)
{
	int numbers[] = { SIGTSTP, SIGTTIN, SIGTTOU };

	for (int i = 0; i < 3; i++)
		raise(numbers[i]);
	gate_open(told);
}

TEST(orphaned_job_does_not_stop_from_the_terminal)
{
	run_orphan(raise_terminal_stops, gate_make());
}

static void stop_until_continued(struct gate told)
{
	pid_t me = getpid(), helper = fork();

	if (helper == 0) {
		while (state_of(me) != 'T')
			sched_yield();
		kill(me, SIGCONT);
		_exit(0);
	}
	raise(SIGSTOP);
	wait_status(helper);
	gate_open(told);
}

TEST(orphaned_job_still_stops_by_sigstop)
{
	run_orphan(stop_until_continued, gate_make());
}

TEST(job_with_a_guardian_stops_from_the_terminal)
{
	siginfo_t info;
	pid_t child = MUST(fork());

	if (child == 0) {
		setpgid(0, 0);
		raise(SIGTSTP);
		_exit(5);
	}
	CHECK_EQ(wait_id(P_PID, child, &info, WSTOPPED), 0);
	check_told(&info, CLD_STOPPED, child, SIGTSTP);
	MUST(kill(child, SIGCONT));
	CHECK_EQ(WEXITSTATUS(wait_status(child)), 5);
}

TEST(stopped_job_that_is_orphaned_is_hung_up_and_goes_on)
{
	struct gate told = gate_make();
	pid_t leader = MUST(fork());

	if (leader == 0) {
		setsid();
		pid_t parent = fork();

		if (parent == 0) {
			pid_t child = fork();
			int status;

			if (child == 0) {
				setpgid(0, 0);
				signal(SIGHUP, note);
				signal(SIGCONT, note);
				raise(SIGSTOP);
				if (got_hup != 1 || got_cont != 1)
					_exit(1);
				gate_open(told);
				_exit(0);
			}
			waitpid(child, &status, WUNTRACED);
			_exit(!WIFSTOPPED(status));     // the last who could continue it
		}
		int status = wait_status(parent);

		gate_wait(told);
		_exit(status != 0);
	}
	CHECK_CHILD(leader);
}

// A child whose own child stands in this group (0: a new one) and is stopped; it waits until that one was continued.
static pid_t fork_parent_of_stopped(int group, struct gate ready, volatile int *grandchild)
{
	pid_t parent = MUST(fork());

	if (parent == 0) {
		siginfo_t info;
		pid_t child = fork();

		while (child == 0)
			pause();
		setpgid(child, group ? group : child);
		kill(child, SIGSTOP);
		if (wait_id(P_PID, child, &info, WSTOPPED) != 0)
			_exit(1);
		*grandchild = child;
		gate_open(ready);
		if (wait_id(P_PID, child, &info, WCONTINUED) != 0 || info.si_code != CLD_CONTINUED)
			_exit(2);
		kill(child, SIGKILL);
		_exit(waitpid(child, NULL, 0) != child);
	}
	gate_wait(ready);
	return parent;
}

TEST(group_that_goes_on_tells_every_parent)
{
	volatile int *grandchild = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	struct gate ready = gate_make();
	pid_t first = fork_parent_of_stopped(0, ready, grandchild);
	int group = *grandchild;
	pid_t second = fork_parent_of_stopped(group, ready, grandchild);

	MUST(kill(-group, SIGCONT));
	CHECK_CHILD(first);
	CHECK_CHILD(second);
}

TEST(thread_signal_continues_and_tells)
{
	volatile int *grandchild = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pid_t parent = fork_parent_of_stopped(0, gate_make(), grandchild);

	MUST(syscall(SYS_tgkill, *grandchild, *grandchild, SIGCONT));
	CHECK_CHILD(parent);
}

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
