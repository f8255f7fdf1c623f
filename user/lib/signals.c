/* Signals by name and by number, for kill, trap and messages. */
#include "util.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
	int number;
	const char *name;
} signals[] = {
	{ SIGHUP, "HUP" }, { SIGINT, "INT" }, { SIGQUIT, "QUIT" }, { SIGILL, "ILL" },
	{ SIGTRAP, "TRAP" }, { SIGABRT, "ABRT" }, { SIGBUS, "BUS" }, { SIGFPE, "FPE" },
	{ SIGKILL, "KILL" }, { SIGUSR1, "USR1" }, { SIGSEGV, "SEGV" }, { SIGUSR2, "USR2" },
	{ SIGPIPE, "PIPE" }, { SIGALRM, "ALRM" }, { SIGTERM, "TERM" }, { SIGCHLD, "CHLD" },
	{ SIGCONT, "CONT" }, { SIGSTOP, "STOP" }, { SIGTSTP, "TSTP" }, { SIGTTIN, "TTIN" },
	{ SIGTTOU, "TTOU" }, { SIGURG, "URG" }, { SIGXCPU, "XCPU" }, { SIGXFSZ, "XFSZ" },
	{ SIGVTALRM, "VTALRM" }, { SIGPROF, "PROF" }, { SIGWINCH, "WINCH" }, { SIGIO, "IO" },
	{ SIGSYS, "SYS" },
};

enum { NR_NAMED = sizeof(signals) / sizeof(signals[0]), LAST_SIGNAL = 64 };

int signal_number(const char *name)
{
	if (*name && strspn(name, "0123456789") == strlen(name)) {
		int number = atoi(name);

		return number <= LAST_SIGNAL ? number : -1;
	}
	if (!strncasecmp(name, "SIG", 3))
		name += 3;
	for (size_t i = 0; i < NR_NAMED; i++)
		if (!strcasecmp(signals[i].name, name))
			return signals[i].number;
	return -1;
}

const char *signal_name(int number)
{
	for (size_t i = 0; i < NR_NAMED; i++)
		if (signals[i].number == number)
			return signals[i].name;
	return NULL;
}
