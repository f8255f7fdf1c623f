/*
 * signal.c - system calls about signals.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "proc/alarm.h"
#include "proc/cpu_alarm.h"
#include "proc/internal.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/timer.h"
#include "sys/calls.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/time.h>

static bool is_signal(int number)
{
	return number >= 1 && number < NSIG;
}

i64 sys_rt_sigaction(int number, const struct kernel_sigaction __user *fresh,
		     struct kernel_sigaction __user *old, u64 size)
{
	struct kernel_sigaction wanted, was;

	if (size != sizeof(k_sigset_t))
		return -EINVAL;
	if (fresh && copy_from_user(&wanted, fresh, sizeof(wanted)))
		return -EFAULT;
	int error = signal_set_action(number, fresh ? &wanted : NULL, &was);

	if (!error && old && copy_to_user(old, &was, sizeof(was)))
		error = -EFAULT;
	return error;
}

i64 sys_rt_sigprocmask(int how, const u64 __user *fresh, u64 __user *old, u64 size)
{
	u64 was = current->signal_mask, set;

	if (size != sizeof(k_sigset_t))
		return -EINVAL;
	if (fresh) {
		if (copy_from_user(&set, fresh, sizeof(set)))
			return -EFAULT;
		if (how == SIG_BLOCK)
			signal_set_mask(was | set);
		else if (how == SIG_UNBLOCK)
			signal_set_mask(was & ~set);
		else if (how == SIG_SETMASK)
			signal_set_mask(set);
		else
			return -EINVAL;
	}
	return old && copy_to_user(old, &was, sizeof(was)) ? -EFAULT : 0;
}

i64 sys_rt_sigreturn(void)
{
	int error = signal_return(thread_user_frame(current));

	if (!error)
		syscall_return_whole_frame((i64)thread_user_frame(current)->rax);
	signal_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
	return 0;
}

i64 sys_rt_sigpending(u64 __user *out, u64 size)
{
	u64 pending = (current->pending_mask | current_process()->pending_mask) & current->signal_mask;

	if (size > sizeof(pending))
		return -EINVAL;
	return copy_to_user(out, &pending, size);
}

// The mask that holds until a signal has been handled; the old one is put back on the way out.
void signal_mask_for_call(u64 mask)
{
	current->saved_signal_mask = current->signal_mask;
	signal_set_mask(mask);
	atomic_or(&current->return_work, WORK_RESTORE_MASK);
}

i64 sys_pause(void)
{
	sleep_until(U64_MAX, WAIT_INTERRUPTIBLE);
	return -ERESTARTNOHAND;
}

i64 sys_rt_sigsuspend(const u64 __user *user, u64 size)
{
	u64 mask;

	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, user, sizeof(mask)))
		return -EFAULT;
	signal_mask_for_call(mask);
	return sys_pause();
}

i64 sys_rt_sigtimedwait(const u64 __user *set_user, siginfo_t __user *info_user,
			const struct timespec __user *timeout, u64 size)
{
	u64 set, deadline = U64_MAX, was = current->signal_mask;
	struct timespec t;
	siginfo_t info;

	if (size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, set_user, sizeof(set)) || (timeout && copy_from_user(&t, timeout, sizeof(t))))
		return -EFAULT;
	if (timeout) {
		if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
			return -EINVAL;
		deadline = clock_monotonic_ns() + min((u64)t.tv_sec, 1ul << 33) * 1000000000 + (u64)t.tv_nsec;
	}
	set &= ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
	bool taken = signal_take(set, &info);

	if (!taken && deadline > clock_monotonic_ns()) {
		WRITE_ONCE(current->awaited_signals, set);
		signal_set_mask(was & ~set);            // let one of them end the sleep
		sleep_until(deadline, WAIT_INTERRUPTIBLE);
		taken = signal_take(set, &info);
		signal_set_mask(was);
		WRITE_ONCE(current->awaited_signals, 0);
	}
	if (!taken)
		return clock_monotonic_ns() >= deadline ? -EAGAIN : -EINTR;
	if (info_user && copy_to_user(info_user, &info, sizeof(info)))
		return -EFAULT;
	return info.si_signo;
}

i64 sys_sigaltstack(const stack_t __user *fresh, stack_t __user *old)
{
	u64 rsp = thread_user_frame(current)->rsp;
	bool is_on_it = rsp > current->alternate_stack &&
			rsp - current->alternate_stack <= current->alternate_stack_size;
	stack_t wanted, was = { .ss_sp = (void *)current->alternate_stack, .ss_size = current->alternate_stack_size,
				.ss_flags = !current->alternate_stack_size ? SS_DISABLE : is_on_it ? SS_ONSTACK : 0 };

	if (fresh) {
		if (copy_from_user(&wanted, fresh, sizeof(wanted)))
			return -EFAULT;
		if (is_on_it)
			return -EPERM;
		u32 mode = (u32)wanted.ss_flags & ~SS_AUTODISARM;

		if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
			return -EINVAL;
		if (mode == SS_DISABLE)
			wanted = (stack_t){ .ss_flags = SS_DISABLE };
		else if (wanted.ss_size < MINSIGSTKSZ)
			return -ENOMEM;
		current->alternate_stack = (u64)wanted.ss_sp;
		current->alternate_stack_size = wanted.ss_size;
		current->alternate_stack_flags = (u32)wanted.ss_flags & SS_AUTODISARM;
	}
	return old && copy_to_user(old, &was, sizeof(was)) ? -EFAULT : 0;
}

static siginfo_t user_info(int number, int code)
{
	siginfo_t info = { .si_signo = number, .si_code = code };

	info.si_fields.kill.pid = current_process()->pid;
	return info;
}


// kill(-1): everybody but init and ourselves.
static i64 kill_all(int number, const siginfo_t *info)
{
	int nr = 0, pid = 1;
	struct process *p;

	while ((p = process_next(pid))) {
		pid = p->pid;
		if (p != current_process() && p->state == PROCESS_ALIVE) {
			nr++;
			if (number)
				signal_send_process(p, number, info);
		}
		process_put(p);
	}
	return nr ? 0 : -ESRCH;
}

i64 sys_kill(int pid, int number)
{
	siginfo_t info = user_info(number, SI_USER);
	i64 error = 0;

	if (number && !is_signal(number))
		return -EINVAL;
	if (pid == -1)
		return kill_all(number, &info);
	if (pid == 0)
		return signal_send_group(current_process()->group, number, &info);
	if (pid < 0)
		return signal_send_group(-pid, number, &info);
	struct process *p = process_find(pid);

	if (!p)
		return -ESRCH;
	if (number)
		error = signal_send_process(p, number, &info);
	process_put(p);
	return error;
}

i64 sys_tgkill(int pid, int tid, int number)
{
	siginfo_t info = user_info(number, SI_TKILL);
	i64 error = -ESRCH;

	if ((number && !is_signal(number)) || pid == 0 || tid <= 0)
		return -EINVAL;
	struct process *owner = NULL;

	spin_lock(&process_table_lock);
	struct thread *t = thread_find(tid, NULL);

	if (t && (pid < 0 || t->process->pid == pid)) {
		error = number ? signal_send_thread(t, number, &info) : 0;
		if (number == SIGCONT) {
			owner = t->process;
			process_hold(owner);
		}
	}
	spin_unlock(&process_table_lock);
	if (owner) {
		signal_tell_continued(owner);
		process_put(owner);
	}
	return error;
}

i64 sys_tkill(int tid, int number)
{
	return sys_tgkill(-1, tid, number);
}

i64 sys_rt_sigqueueinfo(int pid, int number, const siginfo_t __user *user)
{
	siginfo_t info;

	if (copy_from_user(&info, user, sizeof(info)))
		return -EFAULT;
	if (!is_signal(number))
		return number ? -EINVAL : 0;
	struct process *p = process_find(pid);

	if (!p)
		return -ESRCH;
	info.si_signo = number;
	i64 error = info.si_code >= 0 && p != current_process() ? -EPERM : signal_send_process(p, number, &info);

	process_put(p);
	return error;
}

i64 sys_setitimer(int which, const struct itimerval __user *fresh, struct itimerval __user *old)
{
	struct itimerval wanted = { 0 }, was;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (fresh && copy_from_user(&wanted, fresh, sizeof(wanted)))
		return -EFAULT;
	int error = which == ITIMER_REAL ? alarm_set(current_process(), &wanted, &was) :
		    cpu_alarm_set(which, &wanted, &was);

	if (!error && old && copy_to_user(old, &was, sizeof(was)))
		error = -EFAULT;
	return error;
}

i64 sys_getitimer(int which, struct itimerval __user *out)
{
	struct itimerval now;

	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (which == ITIMER_REAL)
		alarm_get(current_process(), &now);
	else
		cpu_alarm_get(which, &now);
	return copy_to_user(out, &now, sizeof(now));
}

i64 sys_alarm(u32 seconds)
{
	struct itimerval wanted = { .it_value = { .tv_sec = seconds } }, was;
	int error = alarm_set(current_process(), &wanted, &was);

	return error ? 0 : was.it_value.tv_sec + (was.it_value.tv_usec > 0);
}
