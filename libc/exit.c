// The end of a program: exit with its functions, _Exit, abort, failed assertions.

#include "internal.h"

#include <abi/signal.h>
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { NR_EXIT_FUNCTIONS = 64 };

static void (*exit_functions[NR_EXIT_FUNCTIONS])(void);
static int nr_exit_functions;
static void (*quick_exit_functions[NR_EXIT_FUNCTIONS])(void);
static int nr_quick_exit_functions;

// Has function called by exit, the last one first. Answers 0, or -1 if there are too many.
int atexit(void (*function)(void))
{
	if (nr_exit_functions == NR_EXIT_FUNCTIONS)
		return -1;
	exit_functions[nr_exit_functions++] = function;
	return 0;
}

// The same for quick_exit.
int at_quick_exit(void (*function)(void))
{
	if (nr_quick_exit_functions == NR_EXIT_FUNCTIONS)
		return -1;
	quick_exit_functions[nr_quick_exit_functions++] = function;
	return 0;
}

// Ends the program in good order: its functions first, then the buffers of stdio.
_Noreturn void exit(int status)
{
	while (nr_exit_functions > 0)
		exit_functions[--nr_exit_functions]();
	stdio_flush_all();
	_exit(status);
}

_Noreturn void quick_exit(int status)
{
	while (nr_quick_exit_functions > 0)
		quick_exit_functions[--nr_quick_exit_functions]();
	_exit(status);
}

// Ends all threads of the process at once.
_Noreturn void _exit(int status)
{
	for (;;)
		RAW_CALL(SYS_exit_group, status);
}

_Noreturn void _Exit(int status)
{
	_exit(status);
}

// Ends the process by SIGABRT, also if that is blocked, ignored, or caught by a handler that
// returns.
_Noreturn void abort(void)
{
	sigset_t set = 1ul << (SIGABRT - 1);

	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGABRT);
	signal(SIGABRT, SIG_DFL);
	raise(SIGABRT);
	_exit(127);
}

// The voice of assert().
_Noreturn void __assert_fail(const char *claim, const char *file, unsigned int line,
			     const char *function)
{
	fflush(stdout);
	dprintf(STDERR_FILENO, "%s: %s:%u: %s: Assertion `%s' failed.\n",
		program_invocation_short_name, file, line, function, claim);
	abort();
}
