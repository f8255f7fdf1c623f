/*
 * sys_jobs.c - stopping and going on, jobs that nobody would continue, and how a parent learns of it: waitid.
 */
#include "guest.h"

#include <sched.h>
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

// In a new session: a child in a group of its own, below a parent in the session leader's group; `orphan` runs when its
// parent is gone.
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
