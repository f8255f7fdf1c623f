// Signals. The kernel's sets are 64 bits, and so are ours; sigaction adds the way home from a
// handler.

#include "internal.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { SET_SIZE = sizeof(sigset_t) };

_Static_assert(SET_SIZE == 8, "the kernel refuses any other size");

int sigaction(int signal, const struct sigaction *restrict action,
	      struct sigaction *restrict old)
{
	struct kernel_sigaction to_kernel, from_kernel;

	if (action) {
		to_kernel.handler = action->sa_handler;
		to_kernel.flags = (unsigned int)action->sa_flags | SA_RESTORER;
		to_kernel.restorer = signal_restorer;
		to_kernel.mask = action->sa_mask;
	}
	if (CALL(SYS_rt_sigaction, signal, action ? &to_kernel : NULL, old ? &from_kernel : NULL,
		 SET_SIZE) < 0)
		return -1;
	if (old) {
		old->sa_handler = from_kernel.handler;
		old->sa_flags = (int)(from_kernel.flags & ~(unsigned long)SA_RESTORER);
		old->sa_mask = from_kernel.mask;
		old->sa_restorer = from_kernel.restorer;
	}
	return 0;
}

sighandler_t signal(int signal, sighandler_t handler)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct sigaction old;

	return sigaction(signal, &action, &old) ? SIG_ERR : old.sa_handler;
}

int siginterrupt(int signal, int interrupt)
{
	struct sigaction action;

	if (sigaction(signal, NULL, &action))
		return -1;
	if (interrupt)
		action.sa_flags &= ~SA_RESTART;
	else
		action.sa_flags |= SA_RESTART;
	return sigaction(signal, &action, NULL);
}

int kill(pid_t pid, int signal)
{
	return (int)CALL(SYS_kill, pid, signal);
}

int killpg(pid_t group, int signal)
{
	if (group < 0) {
		errno = EINVAL;
		return -1;
	}
	return kill(-group, signal);
}

int tgkill(pid_t process, pid_t thread, int signal)
{
	return (int)CALL(SYS_tgkill, process, thread, signal);
}

// To the calling thread; the handler has run when raise comes back.
int raise(int signal)
{
	return tgkill(getpid(), gettid(), signal);
}

int sigqueue(pid_t pid, int signal, const union sigval value)
{
	siginfo_t info = { .si_signo = signal, .si_code = SI_QUEUE };

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value = value;
	return (int)CALL(SYS_rt_sigqueueinfo, pid, signal, &info);
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return (int)CALL(SYS_rt_sigprocmask, how, set, old, SET_SIZE);
}

// The same, but the answer is the error.
int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return (int)-RAW_CALL(SYS_rt_sigprocmask, how, set, old, SET_SIZE);
}

int sigpending(sigset_t *set)
{
	return (int)CALL(SYS_rt_sigpending, set, SET_SIZE);
}

int sigsuspend(const sigset_t *mask)
{
	return (int)CALL(SYS_rt_sigsuspend, mask, SET_SIZE);
}

int pause(void)
{
	return (int)CALL(SYS_pause);
}

int sigaltstack(const stack_t *restrict stack, stack_t *restrict old)
{
	return (int)CALL(SYS_sigaltstack, stack, old);
}

int sigtimedwait(const sigset_t *restrict set, siginfo_t *restrict info,
		 const struct timespec *restrict timeout)
{
	return (int)CALL(SYS_rt_sigtimedwait, set, info, timeout, SET_SIZE);
}

int sigwaitinfo(const sigset_t *restrict set, siginfo_t *restrict info)
{
	return sigtimedwait(set, info, NULL);
}

// The answer is the error; errno stays.
int sigwait(const sigset_t *restrict set, int *restrict signal)
{
	long answer;

	do
		answer = RAW_CALL(SYS_rt_sigtimedwait, set, NULL, NULL, SET_SIZE);
	while (answer == -EINTR);
	if (answer < 0)
		return (int)-answer;
	*signal = (int)answer;
	return 0;
}

int sigemptyset(sigset_t *set)
{
	*set = 0;
	return 0;
}

int sigfillset(sigset_t *set)
{
	*set = ~0ul;
	return 0;
}

// The bit of a signal; 0 and EINVAL for what is no signal.
static sigset_t signal_bit(int signal)
{
	if (signal >= 1 && signal < NSIG)
		return 1ul << (signal - 1);
	errno = EINVAL;
	return 0;
}

int sigaddset(sigset_t *set, int signal)
{
	sigset_t bit = signal_bit(signal);

	*set |= bit;
	return bit ? 0 : -1;
}

int sigdelset(sigset_t *set, int signal)
{
	sigset_t bit = signal_bit(signal);

	*set &= ~bit;
	return bit ? 0 : -1;
}

int sigismember(const sigset_t *set, int signal)
{
	sigset_t bit = signal_bit(signal);

	return bit ? (*set & bit) != 0 : -1;
}

int sigisemptyset(const sigset_t *set)
{
	return *set == 0;
}
