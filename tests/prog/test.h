#pragma once
/*
 * test.h - the frame of every guest test program.
 *
 * A program is one .c file that includes this header and holds TEST(name) { ... } bodies, one
 * intent each. It is a static binary which runs unchanged on Linux (there it must pass: Linux is
 * the oracle) and on Lectern. It prints TAP, and its exit status is 0 only when every test ran to
 * its last line.
 *
 *	prog            run all          prog NAME...    run only these
 *	prog -l         list the names   prog -n NAME    run in this process (for gdb)
 *
 * Each test runs in a forked child, in a process group of its own and in a fresh, empty current
 * directory under $TESTDIR (default /tmp), which is removed afterwards. The child ends with a status
 * of its own (TEST_PASSED) when the body returned, so neither a crash, a stray exit(0) nor a signal
 * handler can make a test pass. A child that is not done after $TEST_TIMEOUT seconds (default 60)
 * is killed and has failed.
 *
 * The first failing check ends its test. Checks work in processes that a test forks, too: there they
 * end that process with a status that CHECK_CHILD() in the parent reports. Nothing here goes through
 * stdio's buffers, so fork never prints a line twice.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// CHECK_SIGNAL jumps back into the middle of a test; no local changes between jump and landing.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered"
#endif

#define TEST_UNUSED __attribute__((unused))

enum { TEST_FAILED = 1, TEST_PASSED = 42 };

struct test {
	const char *name;
	void (*run)(void);                      // NULL: not a test but a HELPER
	int (*helper)(int argc, char **argv);
	int line;                               // tests run in the order of the source
};

#define TEST_ENTRY(title, run, helper)							\
	static const struct test test_entry_##title = { #title, run, helper, __LINE__ };	\
	static const struct test *const test_pointer_##title				\
		__attribute__((used, section("test_table"))) = &test_entry_##title;

#define TEST(title)									\
	static void test_##title(void);							\
	TEST_ENTRY(title, test_##title, NULL)						\
	static void test_##title(void)

// A body for programs that a test starts by execv: test_exec("title", ...) runs it, and what it
// returns is the exit status. argv[0] is the helper's name.
#define HELPER(title)									\
	static int helper_##title(int argc, char **argv);				\
	TEST_ENTRY(title, NULL, helper_##title)						\
	static int helper_##title(TEST_UNUSED int argc, TEST_UNUSED char **argv)

extern const struct test *const __start_test_table[];
extern const struct test *const __stop_test_table[];

static char test_program[512];                  // absolute path of this binary
static const struct test *test_current;
static int test_number;
static pid_t test_owner;                        // the process that runs the test's body

/* ---- output ---------------------------------------------------------------------------------- */

static TEST_UNUSED __attribute__((format(printf, 1, 2))) void say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	int length = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (length > (int)sizeof(text) - 1)
		length = sizeof(text) - 1;
	for (int done = 0; done < length; ) {
		ssize_t n = write(1, text + done, length - done);
		if (n <= 0)
			_exit(TEST_FAILED);
		done += n;
	}
}

static TEST_UNUSED const char *errno_name(int error)
{
#define N(name) case name: return #name;
	switch (error) {
	N(EPERM) N(ENOENT) N(ESRCH) N(EINTR) N(EIO) N(ENXIO) N(E2BIG) N(ENOEXEC) N(EBADF) N(ECHILD)
	N(EAGAIN) N(ENOMEM) N(EACCES) N(EFAULT) N(EBUSY) N(EEXIST) N(EXDEV) N(ENODEV) N(ENOTDIR)
	N(EISDIR) N(EINVAL) N(ENFILE) N(EMFILE) N(ENOTTY) N(ETXTBSY) N(EFBIG) N(ENOSPC) N(ESPIPE)
	N(EROFS) N(EMLINK) N(EPIPE) N(EDOM) N(ERANGE) N(ENAMETOOLONG) N(ENOSYS) N(ENOTEMPTY)
	N(ELOOP) N(EOVERFLOW) N(EOPNOTSUPP)
	}
#undef N
	static char number[24];
	snprintf(number, sizeof(number), "errno %d", error);
	return number;
}

static TEST_UNUSED const char *signal_name(int number)
{
#define N(name) case name: return #name;
	switch (number) {
	N(SIGHUP) N(SIGINT) N(SIGQUIT) N(SIGILL) N(SIGTRAP) N(SIGABRT) N(SIGBUS) N(SIGFPE) N(SIGKILL)
	N(SIGUSR1) N(SIGSEGV) N(SIGUSR2) N(SIGPIPE) N(SIGALRM) N(SIGTERM) N(SIGCHLD) N(SIGSTOP)
	case 0: return "no signal";
	}
#undef N
	static char text[24];
	snprintf(text, sizeof(text), "signal %d", number);
	return text;
}

// Ends the test: prints where, what was expected and what was seen.
#define FAIL(...)									\
	do {										\
		char text_[512];							\
		snprintf(text_, sizeof(text_), __VA_ARGS__);				\
		say("# %s:%d: %s\n", __FILE__, __LINE__, text_);			\
		_exit(TEST_FAILED);							\
	} while (0)

// Ends the test as passed, with the reason why it could not be done here.
#define SKIP(...)									\
	do {										\
		char text_[200];							\
		snprintf(text_, sizeof(text_), __VA_ARGS__);				\
		say("ok %d - %s # SKIP %s\n", test_number, test_current->name, text_);	\
		_exit(TEST_PASSED);							\
	} while (0)

/* ---- checks ---------------------------------------------------------------------------------- */

#define CHECK(condition)								\
	do {										\
		if (!(condition))							\
			FAIL("expected %s, seen that it is not so", #condition);	\
	} while (0)

#define CHECK_EQ(seen, expected)							\
	do {										\
		long seen_ = (long)(seen), expected_ = (long)(expected);		\
		if (seen_ != expected_)							\
			FAIL("expected %s == %ld (0x%lx), seen %ld (0x%lx)", #seen,	\
			     expected_, expected_, seen_, seen_);			\
	} while (0)

#define CHECK_STR(seen, expected)							\
	do {										\
		const char *seen_ = (seen), *expected_ = (expected);			\
		if (strcmp(seen_, expected_) != 0)					\
			FAIL("expected %s to be \"%.160s\", seen \"%.160s\"", #seen,	\
			     expected_, seen_);						\
	} while (0)

// The call fails with -1 (MAP_FAILED) and this errno.
#define CHECK_ERR(call, error)								\
	do {										\
		errno = 0;								\
		long seen_ = (long)(call);						\
		int errno_ = errno;							\
		if (seen_ != -1)							\
			FAIL("expected %s to fail with %s, seen 0x%lx", #call,		\
			     errno_name(error), seen_);					\
		if (errno_ != (error))							\
			FAIL("expected %s to fail with %s, seen %s", #call,		\
			     errno_name(error), errno_name(errno_));			\
	} while (0)

// The call's value, which must not be -1.
#define MUST(call)									\
	({										\
		__typeof__(call) must_ = (call);					\
		if ((long)must_ == -1)							\
			FAIL("expected %s to succeed, seen %s", #call, errno_name(errno));	\
		must_;									\
	})

// All bytes of [start, start + length) are this value.
#define CHECK_BYTES(start, length, value)						\
	do {										\
		const volatile unsigned char *bytes_ = (const void *)(start);		\
		unsigned char value_ = (value);						\
		for (size_t i_ = 0; i_ < (size_t)(length); i_++)			\
			if (bytes_[i_] != value_)					\
				FAIL("expected byte %zu of %s to be 0x%02x, seen 0x%02x",	\
				     i_, #start, value_, bytes_[i_]);			\
	} while (0)

static volatile sig_atomic_t test_signal;       // last signal that CHECK_SIGNAL caught
static volatile int test_code;
static void *volatile test_address;
static sigjmp_buf test_landing;

static TEST_UNUSED void test_catch(int number, siginfo_t *info, TEST_UNUSED void *context)
{
	test_signal = number;
	test_code = info->si_code;
	test_address = info->si_addr;
	siglongjmp(test_landing, 1);
}

static TEST_UNUSED void test_arm(struct sigaction old[2])
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = test_catch;
	action.sa_flags = SA_SIGINFO;
	test_signal = 0;
	sigaction(SIGSEGV, &action, &old[0]);
	sigaction(SIGBUS, &action, &old[1]);
}

static TEST_UNUSED void test_disarm(struct sigaction old[2])
{
	sigaction(SIGSEGV, &old[0], NULL);
	sigaction(SIGBUS, &old[1], NULL);
}

// The statement raises this signal, with this si_code and this si_addr.
#define CHECK_SIGNAL(statement, signal, code, address)					\
	do {										\
		struct sigaction old_[2];						\
		test_arm(old_);								\
		if (sigsetjmp(test_landing, 1) == 0) {					\
			statement;							\
		}									\
		test_disarm(old_);							\
		if (test_signal != (signal))						\
			FAIL("expected %s to raise %s, seen %s", #statement,		\
			     signal_name(signal), signal_name(test_signal));		\
		if (test_code != (code) || test_address != (void *)(address))		\
			FAIL("expected %s with code %d at %p, seen code %d at %p",	\
			     signal_name(signal), (code), (void *)(address),		\
			     test_code, (void *)test_address);				\
	} while (0)

/* ---- processes that a test starts ------------------------------------------------------------ */

// Waits for this child; its status as wait4 gives it.
static TEST_UNUSED int wait_status(pid_t child)
{
	int status;
	pid_t seen;

	do {
		seen = waitpid(child, &status, 0);
	} while (seen == -1 && errno == EINTR);
	if (seen != child) {
		say("# waitpid(%d): expected it back, seen %d (%s)\n", child, seen, errno_name(errno));
		_exit(TEST_FAILED);
	}
	return status;
}

// The child ended by exit with status 0 (a failed check in it does not).
#define CHECK_CHILD(child)								\
	do {										\
		int status_ = wait_status(child);					\
		if (WIFSIGNALED(status_))						\
			FAIL("expected the child to exit 0, seen it killed by %s",	\
			     signal_name(WTERMSIG(status_)));				\
		if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0)			\
			FAIL("expected the child to exit 0, seen status 0x%x", status_);	\
	} while (0)

// The child was ended by this signal.
#define CHECK_KILLED(child, signal)							\
	do {										\
		int status_ = wait_status(child);					\
		if (!WIFSIGNALED(status_) || WTERMSIG(status_) != (signal))		\
			FAIL("expected the child to be killed by %s, seen status 0x%x",	\
			     signal_name(signal), status_);				\
	} while (0)

// Forgets the frame's crash report, for children whose death is what the test wants.
static TEST_UNUSED void default_signals(void)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	signal(SIGILL, SIG_DFL);
	signal(SIGFPE, SIG_DFL);
}

// Replaces this process with the named HELPER of the same binary; up to three arguments.
static TEST_UNUSED void test_exec(const char *helper, const char *a, const char *b, const char *c)
{
	const char *argv[] = { test_program, "--helper", helper, a, b, c, NULL };

	execv(test_program, (char *const *)argv);
	say("# execv(%s): %s\n", test_program, errno_name(errno));
	_exit(TEST_FAILED);
}

#include "testmain.h"
