/*
 * sys_signal.c - signals: handlers and what they are told, masks, interrupted calls.
 */
#include "guest.h"

#include <sched.h>

static volatile sig_atomic_t calls, last_signal, nested, deepest;
static volatile int last_code;
static volatile pid_t last_pid;
static volatile int *shared_calls;              // counted there, too, for another process to see

static void count_call(int number)
{
	calls++;
	if (shared_calls)
		(*shared_calls)++;
	last_signal = number;
}

static void tell_call(int number, siginfo_t *info, void *context)
{
	(void)context;
	calls++;
	last_signal = number;
	last_code = info->si_code;
	last_pid = info->si_pid;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	MUST(sigaction(number, &action, NULL));
}

static void block(int how, int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	MUST(sigprocmask(how, &set, NULL));
}

/* ---- handlers -------------------------------------------------------------------------------- */

TEST(handler_runs_before_kill_returns)
{
	handle(SIGUSR1, count_call, 0);
	for (int i = 1; i <= 100; i++) {
		MUST(kill(getpid(), SIGUSR1));
		CHECK_EQ(calls, i);
		CHECK_EQ(last_signal, SIGUSR1);
	}
}

TEST(siginfo_tells_the_sender)
{
	struct sigaction action;
	pid_t parent = getpid();

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = tell_call;
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGUSR2, &action, NULL));
	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(kill(parent, SIGUSR2));
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(calls, 1);
	CHECK_EQ(last_code, SI_USER);
	CHECK_EQ(last_pid, child);
}

TEST(sigaction_returns_what_was_set)
{
	struct sigaction action, old;

	memset(&action, 0, sizeof(action));
	action.sa_handler = count_call;
	action.sa_flags = SA_RESTART | SA_NODEFER;
	sigaddset(&action.sa_mask, SIGHUP);
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(sigaction(SIGUSR1, NULL, &old));
	CHECK(old.sa_handler == count_call);
	CHECK_EQ(old.sa_flags & (SA_RESTART | SA_NODEFER | SA_RESETHAND), SA_RESTART | SA_NODEFER);
	CHECK(sigismember(&old.sa_mask, SIGHUP));
	CHECK(!sigismember(&old.sa_mask, SIGINT));
}

TEST(kill_and_stop_cannot_be_caught)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = count_call;
	CHECK_ERR(sigaction(SIGKILL, &action, NULL), EINVAL);
	CHECK_ERR(sigaction(SIGSTOP, &action, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, 0, NULL, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, 65, NULL, NULL, 8), EINVAL);
	CHECK_ERR(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4), EINVAL);
}

TEST(ignored_signal_does_nothing)
{
	signal(SIGTERM, SIG_IGN);
	MUST(kill(getpid(), SIGTERM));
	signal(SIGTERM, SIG_DFL);       // and it was not kept for later
}

TEST(signals_ignored_by_default)
{
	MUST(kill(getpid(), SIGCHLD));
	MUST(kill(getpid(), SIGURG));
	MUST(kill(getpid(), SIGWINCH));
	MUST(kill(getpid(), SIGCONT));
}

TEST(reset_handler_runs_once)
{
	handle(SIGUSR1, count_call, SA_RESETHAND);
	pid_t child = MUST(fork());
	if (child == 0) {
		raise(SIGUSR1);
		if (calls == 1)
			raise(SIGUSR1);
		_exit(0);
	}
	CHECK_KILLED(child, SIGUSR1);
}

static void raise_again(int number)
{
	calls++;
	nested++;
	if (nested > deepest)
		deepest = nested;
	if (calls < 5)
		raise(number);
	nested--;
}

TEST(handler_is_not_entered_twice)
{
	handle(SIGUSR1, raise_again, 0);
	raise(SIGUSR1);
	CHECK_EQ(calls, 5);
	CHECK_EQ(deepest, 1);
}

TEST(nodefer_handler_nests)
{
	handle(SIGUSR1, raise_again, SA_NODEFER);
	raise(SIGUSR1);
	CHECK_EQ(calls, 5);
	CHECK_EQ(deepest, 5);
}

static void raise_other(int number)
{
	if (number == SIGUSR1) {
		raise(SIGUSR2);
		CHECK_EQ(calls, nested);        // SIGUSR2 came at once, or waits for us if masked
	} else {
		calls++;
	}
}

TEST(another_signal_interrupts_a_handler)
{
	nested = 1;
	handle(SIGUSR1, raise_other, 0);
	handle(SIGUSR2, raise_other, 0);
	raise(SIGUSR1);
	CHECK_EQ(calls, 1);
}

TEST(masked_signal_waits_for_the_handlers_end)
{
	struct sigaction action;

	nested = 0;
	memset(&action, 0, sizeof(action));
	action.sa_handler = raise_other;
	sigaddset(&action.sa_mask, SIGUSR2);
	MUST(sigaction(SIGUSR1, &action, NULL));
	handle(SIGUSR2, raise_other, 0);
	raise(SIGUSR1);
	CHECK_EQ(calls, 1);
}

/* ---- masks ----------------------------------------------------------------------------------- */

TEST(blocked_signal_is_kept_once)
{
	sigset_t pending;

	handle(SIGUSR1, count_call, 0);
	block(SIG_BLOCK, SIGUSR1);
	for (int i = 0; i < 3; i++)
		raise(SIGUSR1);
	CHECK_EQ(calls, 0);
	MUST(sigpending(&pending));
	CHECK(sigismember(&pending, SIGUSR1));
	block(SIG_UNBLOCK, SIGUSR1);
	CHECK_EQ(calls, 1);
	MUST(sigpending(&pending));
	CHECK(!sigismember(&pending, SIGUSR1));
}

TEST(mask_is_inherited_and_pending_is_not)
{
	handle(SIGUSR1, count_call, 0);
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	pid_t child = MUST(fork());
	if (child == 0) {
		sigset_t set;
		MUST(sigprocmask(SIG_BLOCK, NULL, &set));
		CHECK(sigismember(&set, SIGUSR1));
		MUST(sigpending(&set));
		CHECK(!sigismember(&set, SIGUSR1));
		_exit(0);
	}
	CHECK_CHILD(child);
	block(SIG_UNBLOCK, SIGUSR1);
	CHECK_EQ(calls, 1);
}

TEST(kill_and_stop_cannot_be_blocked)
{
	sigset_t set;

	sigfillset(&set);
	MUST(sigprocmask(SIG_SETMASK, &set, NULL));
	MUST(sigprocmask(SIG_BLOCK, NULL, &set));
	CHECK(!sigismember(&set, SIGKILL));
	CHECK(!sigismember(&set, SIGSTOP));
	CHECK(sigismember(&set, SIGTERM));
	CHECK_ERR(sigprocmask(77, &set, NULL), EINVAL);
}

TEST(mask_is_restored_after_the_handler)
{
	sigset_t before, after;

	block(SIG_BLOCK, SIGHUP);
	handle(SIGUSR1, count_call, 0);
	MUST(sigprocmask(SIG_BLOCK, NULL, &before));
	raise(SIGUSR1);
	MUST(sigprocmask(SIG_BLOCK, NULL, &after));
	for (int number = 1; number < 32; number++)
		CHECK_EQ(sigismember(&before, number), sigismember(&after, number));
}

TEST(sigsuspend_waits_with_another_mask)
{
	sigset_t none, set;
	pid_t parent = getpid();

	handle(SIGUSR1, count_call, 0);
	block(SIG_BLOCK, SIGUSR1);
	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(kill(parent, SIGUSR1));
		_exit(0);
	}
	sigemptyset(&none);
	while (calls == 0)
		CHECK_ERR(sigsuspend(&none), EINTR);
	MUST(sigprocmask(SIG_BLOCK, NULL, &set));
	CHECK(sigismember(&set, SIGUSR1));
	CHECK_CHILD(child);
}

/* ---- SIGCHLD and interrupted calls ----------------------------------------------------------- */

TEST(sigchld_tells_which_child)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = tell_call;
	action.sa_flags = SA_SIGINFO | SA_RESTART;
	MUST(sigaction(SIGCHLD, &action, NULL));
	pid_t child = MUST(fork());
	if (child == 0)
		_exit(3);
	CHECK_EQ(WEXITSTATUS(wait_status(child)), 3);
	CHECK_EQ(calls, 1);
	CHECK_EQ(last_pid, child);
	CHECK_EQ(last_code, CLD_EXITED);
}

// A child that sends the signal again and again until *stop: one of them must find us asleep.
static pid_t fork_sender(int number, volatile int *stop)
{
	pid_t parent = getpid(), child = MUST(fork());

	if (child == 0) {
		while (!*stop) {
			kill(parent, number);
			struct timespec moment = { 0, 200000 };
			nanosleep(&moment, NULL);
		}
		_exit(0);
	}
	return child;
}

static volatile int *shared_flags(void)
{
	return MUST(mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
}

TEST(interrupted_read_is_eintr)
{
	volatile int *stop = shared_flags();
	struct gate gate = gate_make();
	char byte;

	handle(SIGUSR1, count_call, 0);
	pid_t child = fork_sender(SIGUSR1, stop);
	CHECK_ERR(read(gate.ends[0], &byte, 1), EINTR);
	*stop = 1;
	CHECK_CHILD(child);
	CHECK(calls > 0);
}

TEST(restarted_read_goes_on)
{
	volatile int *flags = shared_flags();
	struct gate gate = gate_make();
	char byte = 0;

	shared_calls = flags + 1;
	handle(SIGUSR1, count_call, SA_RESTART);
	pid_t sender = fork_sender(SIGUSR1, flags), writer = MUST(fork());
	if (writer == 0) {
		while (*shared_calls < 5)               // the reader has been interrupted by then
			sched_yield();
		CHECK_EQ(write(gate.ends[1], "!", 1), 1);
		_exit(0);
	}
	CHECK_EQ(read(gate.ends[0], &byte, 1), 1);
	CHECK_EQ(byte, '!');
	*flags = 1;
	CHECK_CHILD(sender);
	CHECK_CHILD(writer);
}

TEST(interrupted_wait_is_eintr)
{
	volatile int *stop = shared_flags();

	handle(SIGUSR1, count_call, 0);
	pid_t sleeper = MUST(fork());
	while (sleeper == 0) {
		signal(SIGUSR1, SIG_IGN);
		pause();
	}
	pid_t sender = fork_sender(SIGUSR1, stop);
	CHECK_ERR(waitpid(sleeper, NULL, 0), EINTR);
	*stop = 1;
	CHECK_CHILD(sender);
	MUST(kill(sleeper, SIGKILL));
	CHECK_KILLED(sleeper, SIGKILL);
}

TEST(interrupted_nanosleep_tells_the_rest)
{
	volatile int *stop = shared_flags();
	struct timespec length = { 1000, 0 }, rest = { 0, 0 };

	handle(SIGUSR1, count_call, SA_RESTART);        // nanosleep is never restarted
	pid_t sender = fork_sender(SIGUSR1, stop);
	CHECK_ERR(nanosleep(&length, &rest), EINTR);
	*stop = 1;
	CHECK_CHILD(sender);
	CHECK(rest.tv_sec >= 900 && rest.tv_sec <= 1000);
}

TEST(pause_returns_after_a_handler)
{
	volatile int *stop = shared_flags();

	handle(SIGUSR1, count_call, SA_RESTART);
	pid_t sender = fork_sender(SIGUSR1, stop);
	CHECK_ERR(pause(), EINTR);
	*stop = 1;
	CHECK_CHILD(sender);
}

TEST(write_to_a_broken_pipe_is_sigpipe)
{
	int ends[2];

	MUST(pipe(ends));
	MUST(close(ends[0]));
	handle(SIGPIPE, count_call, 0);
	CHECK_ERR(write(ends[1], "x", 1), EPIPE);
	CHECK_EQ(calls, 1);
}
