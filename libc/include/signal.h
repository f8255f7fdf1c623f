// Signals.
#pragma once

#include <abi/signal.h>
#include <abi/time.h>
#include <sys/types.h>

typedef k_sigset_t sigset_t;
typedef struct sigcontext mcontext_t;
typedef struct ucontext ucontext_t;
typedef int sig_atomic_t;
typedef void (*sighandler_t)(int);

#define _NSIG	NSIG

struct sigaction {
	union {
		void (*sa_handler)(int);
		void (*sa_sigaction)(int, siginfo_t *, void *);
	};
	sigset_t sa_mask;
	int sa_flags;
	void (*sa_restorer)(void);	// set by sigaction()
};

int sigaction(int signal, const struct sigaction *restrict action,
	      struct sigaction *restrict old);
sighandler_t signal(int signal, sighandler_t handler);	// SA_RESTART, as BSD's
int kill(pid_t pid, int signal);
int killpg(pid_t group, int signal);
int tgkill(pid_t process, pid_t thread, int signal);
int raise(int signal);
int sigqueue(pid_t pid, int signal, const union sigval value);
int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old);
int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old);
int sigpending(sigset_t *set);
int sigsuspend(const sigset_t *mask);
int sigaltstack(const stack_t *restrict stack, stack_t *restrict old);
int sigwait(const sigset_t *restrict set, int *restrict signal);
int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info);
int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
		 const struct timespec *restrict timeout);
int siginterrupt(int signal, int interrupt);

int sigemptyset(sigset_t *set);
int sigfillset(sigset_t *set);
int sigaddset(sigset_t *set, int signal);
int sigdelset(sigset_t *set, int signal);
int sigismember(const sigset_t *set, int signal);
int sigisemptyset(const sigset_t *set);

void psignal(int signal, const char *text);
