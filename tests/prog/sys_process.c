/*
 * sys_process.c - processes: fork and wait, exit statuses, orphans, kill, groups; and the small calls
 * about time, names and registers.
 */
#include "guest.h"

#include <sched.h>
#include <sys/utsname.h>

/* ---- wait ------------------------------------------------------------------------------------ */

TEST(exit_status_is_eight_bits)
{
	static const int statuses[] = { 0, 1, 42, 127, 128, 255, 256, 256 + 7, -1 };

	for (unsigned i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		int status = wait_status(fork_exit(statuses[i]));
		CHECK(WIFEXITED(status));
		CHECK_EQ(WEXITSTATUS(status), statuses[i] & 255);
	}
}

TEST(killing_signal_is_told)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGPIPE, SIGALRM };

	for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		pid_t child = fork_sleeper();
		MUST(kill(child, signals[i]));
		CHECK_KILLED(child, signals[i]);
	}
}

TEST(wait_for_any_child_finds_each_once)
{
	pid_t child[10];
	int found[10] = { 0 };

	for (int i = 0; i < 10; i++)
		child[i] = fork_exit(i);
	for (int i = 0; i < 10; i++) {
		int status;
		pid_t seen = MUST(waitpid(-1, &status, 0));
		for (int j = 0; j < 10; j++)
			if (child[j] == seen) {
				found[j]++;
				CHECK_EQ(WEXITSTATUS(status), j);
			}
	}
	for (int i = 0; i < 10; i++)
		CHECK_EQ(found[i], 1);
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);
}

TEST(wnohang_returns_at_once)
{
	int status = 0x1234;
	pid_t child = fork_sleeper();

	CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
	CHECK_EQ(waitpid(-1, &status, WNOHANG), 0);
	CHECK_EQ(status, 0x1234);
	MUST(kill(child, SIGKILL));
	CHECK_KILLED(child, SIGKILL);
	CHECK_ERR(waitpid(-1, NULL, WNOHANG), ECHILD);
}

TEST(wait_errors)
{
	CHECK_ERR(waitpid(getpid(), NULL, 0), ECHILD);
	CHECK_ERR(waitpid(getppid(), NULL, 0), ECHILD);
	pid_t child = fork_exit(0);
	CHECK_ERR(waitpid(child, NULL, 0x7fff0000), EINVAL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK_ERR(waitpid(child, NULL, 0), ECHILD);
}

TEST(wait_blocks_until_the_end)
{
	volatile int *flag = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pid_t child = MUST(fork());

	if (child == 0) {
		for (int i = 0; i < 50; i++)
			sched_yield();
		*flag = 1;
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(*flag, 1);
}

TEST(zombie_can_be_signalled_until_waited_for)
{
	pid_t child = fork_exit(3);
	siginfo_t info;

	// Waits for the end, but leaves the zombie; where waitid is not there, the end is soon enough.
	if (syscall(SYS_waitid, 1 /* P_PID */, child, &info, WEXITED | WNOWAIT, NULL) == -1)
		CHECK_EQ(errno, ENOSYS);
	CHECK_EQ(kill(child, 0), 0);
	CHECK_EQ(kill(child, SIGTERM), 0);
	int status = wait_status(child);
	CHECK(WIFSIGNALED(status) || WEXITSTATUS(status) == 3);
	CHECK_ERR(kill(child, 0), ESRCH);
}

TEST(orphan_gets_another_parent)
{
	struct gate gate = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		pid_t father = getpid();
		if (MUST(fork()) == 0) {
			while (getppid() == father)
				sched_yield();
			CHECK(getppid() >= 1);
			gate_open(gate);
		}
		_exit(0);
	}
	close(gate.ends[1]);
	CHECK_CHILD(child);
	gate_wait(gate);
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);        // a grandchild is not ours
}

TEST(ignored_sigchld_leaves_no_zombies)
{
	signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 5; i++)
		fork_exit(i);
	CHECK_ERR(waitpid(-1, NULL, 0), ECHILD);        // returns when the last has gone
}

TEST(hundred_children_at_once)
{
	struct gate gate = gate_make();
	pid_t child[100];

	for (int i = 0; i < 100; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			gate_wait(gate);
			_exit(i);
		}
	}
	for (int i = 0; i < 100; i++)
		gate_open(gate);
	for (int i = 0; i < 100; i++)
		CHECK_EQ(WEXITSTATUS(wait_status(child[i])), i);
}

TEST(thousand_children_one_after_another)
{
	for (int i = 0; i < 1000; i++)
		CHECK_EQ(WEXITSTATUS(wait_status(fork_exit(i))), i & 255);
}

TEST(stopped_and_continued_child_is_told)
{
	int status;
	pid_t child = MUST(fork());

	if (child == 0) {
		raise(SIGSTOP);
		_exit(5);
	}
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	CHECK_EQ(WSTOPSIG(status), SIGSTOP);
	CHECK_EQ(waitpid(child, &status, WNOHANG | WUNTRACED), 0);
	MUST(kill(child, SIGCONT));
	CHECK_EQ(WEXITSTATUS(wait_status(child)), 5);
}

/* ---- who is who ------------------------------------------------------------------------------ */

TEST(process_numbers)
{
	pid_t parent = getpid();
	pid_t child = MUST(fork());

	if (child == 0) {
		CHECK_EQ(getppid(), parent);
		CHECK(getpid() != parent);
		CHECK_EQ(syscall(SYS_gettid), getpid());
		_exit(0);
	}
	CHECK(child > 0 && child != parent);
	CHECK_CHILD(child);
	CHECK_EQ(getpid(), parent);
}

TEST(kill_errors)
{
	CHECK_EQ(kill(getpid(), 0), 0);
	CHECK_ERR(kill(getpid(), 65), EINVAL);
	CHECK_ERR(kill(getpid(), -1), EINVAL);
	CHECK_ERR(kill(0x3fffffff, SIGTERM), ESRCH);
	CHECK_ERR(kill(-0x3fffffff, SIGTERM), ESRCH);
}

TEST(process_groups)
{
	CHECK_EQ(getpgrp(), getpid());                  // the frame made us one
	struct gate gate = gate_make();
	pid_t first = MUST(fork());
	if (first == 0) {
		MUST(setpgid(0, 0));
		gate_open(gate);
		for (;;)
			pause();
	}
	gate_wait(gate);
	CHECK_EQ(getpgid(first), first);
	pid_t second = fork_sleeper();
	CHECK_EQ(getpgid(second), getpid());
	MUST(setpgid(second, first));
	CHECK_EQ(getpgid(second), first);
	CHECK_EQ(waitpid(-getpid(), NULL, WNOHANG), -1);
	MUST(kill(-first, SIGTERM));
	CHECK_KILLED(first, SIGTERM);
	CHECK_KILLED(second, SIGTERM);
	CHECK_ERR(setpgid(0x3fffffff, 0), ESRCH);
	CHECK_ERR(setpgid(0, -1), EINVAL);
	CHECK_ERR(getpgid(0x3fffffff), ESRCH);
}

TEST(session_of_its_own)
{
	CHECK_ERR(setsid(), EPERM);                     // a group leader already
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(setsid(), getpid());
		CHECK_EQ(getsid(0), getpid());
		CHECK_EQ(getpgrp(), getpid());
		_exit(0);
	}
	CHECK_CHILD(child);
}

TEST(descriptors_are_copied_by_fork)
{
	int fd = make_file("a", 10);
	pid_t child = MUST(fork());

	if (child == 0) {
		MUST(close(fd));
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(file_byte(fd, 0), pattern(0));
}

TEST(umask_and_current_directory_are_ones_own)
{
	char before[300], after[300];

	umask(027);
	CHECK(getcwd(before, sizeof(before)) != NULL);
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(umask(0), 027);
		MUST(chdir("/"));
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(umask(022), 027);
	CHECK(getcwd(after, sizeof(after)) != NULL);
	CHECK_STR(after, before);
}

TEST(everybody_gets_the_processor)
{
	volatile long *count = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pid_t child[6];

	for (int i = 0; i < 6; i++) {
		child[i] = MUST(fork());
		while (child[i] == 0)
			count[i * 8]++;                 // never yields: only preemption takes turns
	}
	for (int i = 0; i < 6; i++)
		while (count[i * 8] < 1000)
			;
	for (int i = 0; i < 6; i++) {
		MUST(kill(child[i], SIGKILL));
		CHECK_KILLED(child[i], SIGKILL);
	}
}

/* ---- time ------------------------------------------------------------------------------------ */

static long now_ns(int clock)
{
	struct timespec now;

	MUST(syscall(SYS_clock_gettime, clock, &now));
	CHECK(now.tv_nsec >= 0 && now.tv_nsec < 1000000000);
	return now.tv_sec * 1000000000 + now.tv_nsec;
}

TEST(monotonic_clock_never_goes_back)
{
	long last = 0;

	for (int i = 0; i < 2000; i++) {
		long now = now_ns(CLOCK_MONOTONIC);
		CHECK(now >= last);
		last = now;
		if (i % 100 == 0)
			sched_yield();
	}
}

TEST(monotonic_clock_is_one_for_all_processes)
{
	volatile long *shared = MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	struct gate to_child = gate_make(), to_parent = gate_make();
	pid_t child = MUST(fork());

	for (int i = 0; i < 100; i++) {
		if (child == 0) {
			gate_wait(to_child);
			CHECK(now_ns(CLOCK_MONOTONIC) >= *shared);
			*shared = now_ns(CLOCK_MONOTONIC);
			gate_open(to_parent);
		} else {
			*shared = now_ns(CLOCK_MONOTONIC);
			gate_open(to_child);
			gate_wait(to_parent);
			CHECK(now_ns(CLOCK_MONOTONIC) >= *shared);
		}
	}
	if (child == 0)
		_exit(0);
	CHECK_CHILD(child);
}

TEST(real_time_is_after_2020)
{
	CHECK(now_ns(CLOCK_REALTIME) / 1000000000 > 1577836800);
	CHECK_ERR(syscall(SYS_clock_gettime, 1000, &(struct timespec){ 0 }), EINVAL);
}

TEST(nanosleep_sleeps_at_least_as_long)
{
	static const long lengths[] = { 0, 1, 50000, 2000000, 11000000 };

	for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct timespec length = { 0, lengths[i] };
		long before = now_ns(CLOCK_MONOTONIC);
		CHECK_EQ(nanosleep(&length, NULL), 0);
		CHECK(now_ns(CLOCK_MONOTONIC) - before >= lengths[i]);
	}
}

TEST(nanosleep_errors)
{
	struct timespec length = { 0, 1000000000 };

	CHECK_ERR(nanosleep(&length, NULL), EINVAL);
	length.tv_nsec = -1;
	CHECK_ERR(nanosleep(&length, NULL), EINVAL);
	length.tv_sec = -1;
	length.tv_nsec = 0;
	CHECK_ERR(nanosleep(&length, NULL), EINVAL);
}

TEST(processor_time_is_counted)
{
	struct rusage usage;
	long used = 0;

	while (used == 0) {
		for (volatile int i = 0; i < 100000; i++)
			;
		MUST(getrusage(RUSAGE_SELF, &usage));
		used = usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
	}
	CHECK_ERR(getrusage(77, &usage), EINVAL);
}

/* ---- the rest -------------------------------------------------------------------------------- */

TEST(uname_tells_the_machine)
{
	struct utsname name;

	MUST(uname(&name));
	CHECK_STR(name.machine, "x86_64");
	CHECK(name.sysname[0] && name.release[0]);
}

TEST(fs_and_gs_bases)
{
	unsigned long fs = 0, gs = 0, seen;
	unsigned long *cell_of_gs = (unsigned long *)map_anonymous(PAGE);

	MUST(syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &fs));
	CHECK_EQ(syscall(SYS_arch_prctl, 0x1002 /* ARCH_SET_FS */, fs), 0);
	*cell_of_gs = 0x1234567890;
	CHECK_EQ(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, cell_of_gs), 0);
	for (int i = 0; i < 100; i++) {
		sched_yield();
		__asm__ volatile("movq %%gs:0, %0" : "=r"(seen));
		CHECK_EQ(seen, 0x1234567890);
	}
	MUST(syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &gs));
	CHECK_EQ(gs, cell_of_gs);
	pid_t child = MUST(fork());
	if (child == 0) {
		__asm__ volatile("movq %%gs:0, %0" : "=r"(seen));
		_exit(seen == 0x1234567890 ? 0 : 1);
	}
	CHECK_CHILD(child);
	CHECK_ERR(syscall(SYS_arch_prctl, 0x1001, 0xffff800000000000), EPERM);
	CHECK_ERR(syscall(SYS_arch_prctl, 0x1001, 0x900000000000), EPERM);
	CHECK_ERR(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
}

TEST(unknown_call_is_enosys)
{
	CHECK_ERR(syscall(100000), ENOSYS);
	CHECK_ERR(syscall(-1L), ENOSYS);
}
