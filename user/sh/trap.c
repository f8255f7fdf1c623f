/*
 * Signals. A handler only notes that its signal came; the command of a trap runs when the
 * command that was interrupted is over.
 */
#include "sh.h"
#include "util.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NR_SIGNALS = 65 };       /* 0 is EXIT */

static char *traps[NR_SIGNALS];         /* NULL: none; "": ignored */
static volatile sig_atomic_t pending[NR_SIGNALS];
volatile int interrupt_seen;

static void note(int signal)
{
	pending[signal] = 1;
}

static void note_interrupt(int signal)
{
	pending[signal] = traps[signal] != NULL;
	interrupt_seen = !traps[signal];
}

static void handle(int signal, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };    /* no SA_RESTART: reads come back */

	sigaction(signal, &action, NULL);
}

void interactive_signals(void)
{
	handle(SIGINT, note_interrupt);
	handle(SIGQUIT, SIG_IGN);
	handle(SIGTERM, SIG_IGN);
	handle(SIGTSTP, SIG_IGN);
	handle(SIGTTIN, SIG_IGN);
	handle(SIGTTOU, SIG_IGN);
}

void child_signals(void)
{
	if (sh.interactive) {
		static const int ours[] = { SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU };

		for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
			if (!traps[ours[i]] || *traps[ours[i]])
				handle(ours[i], SIG_DFL);
	}
	for (int i = 0; i < NR_SIGNALS; i++) {
		if (!traps[i] || (i && !*traps[i]))
			continue;                       /* an ignored signal stays ignored */
		if (i)
			handle(i, SIG_DFL);
		free(traps[i]);
		traps[i] = NULL;
		pending[i] = 0;
	}
}

static void run(const char *command)
{
	char *copy = must(strdup(command));
	int status = sh.status;

	exec_string(copy);
	sh.status = status;
	free(copy);
}

int trap_pending(void)
{
	for (int i = 1; i < NR_SIGNALS; i++)
		if (pending[i])
			return i;
	return 0;
}

void traps_run(void)
{
	int signal;

	while ((signal = trap_pending())) {
		pending[signal] = 0;
		if (traps[signal] && *traps[signal])
			run(traps[signal]);
	}
}

bool trap_has_exit(void)
{
	return traps[0] != NULL;
}

void trap_run_exit(void)
{
	char *command = traps[0];

	traps[0] = NULL;
	if (command && *command)
		run(command);
	free(command);
}

static void trap_set(int signal, const char *command)
{
	free(traps[signal]);
	traps[signal] = command ? must(strdup(command)) : NULL;
	if (!signal || signal == SIGKILL || signal == SIGSTOP)
		return;
	if (command)
		handle(signal, *command ? note : SIG_IGN);
	else if (sh.interactive && signal == SIGINT)
		handle(signal, note_interrupt);
	else
		handle(signal, SIG_DFL);
}

static int print_traps(void)
{
	for (int i = 0; i < NR_SIGNALS; i++)
		if (traps[i])
			printf("trap -- '%s' %s\n", traps[i], i ? signal_name(i) : "EXIT");
	return 0;
}

int trap_builtin(int argc, char **argv)
{
	int first = 1, status = 0;
	const char *command = NULL;

	if (first < argc && !strcmp(argv[first], "--"))
		first++;
	if (first == argc)
		return print_traps();
	bool is_number = *argv[first] &&
		strspn(argv[first], "0123456789") == strlen(argv[first]);
	if (argc - first > 1 && !is_number) {
		if (strcmp(argv[first], "-"))
			command = argv[first];
		first++;
	}
	for (; first < argc; first++) {
		int signal = !strcmp(argv[first], "EXIT") ? 0 : signal_number(argv[first]);

		if (signal < 0 || signal >= NR_SIGNALS) {
			sh_warn("trap: %s: bad trap", argv[first]);
			status = 1;
			continue;
		}
		trap_set(signal, command);
	}
	return status;
}
