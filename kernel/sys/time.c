/*
 * time.c - system calls about time.
 */
#include "kernel.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "proc/timer.h"
#include "sys/calls.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/time.h>

static int read_clock(int clock, u64 *ns)
{
	u32 bit = (u32)clock < 32 ? 1u << clock : 0;

	if (bit & CLOCKS_REALTIME)
		*ns = clock_realtime_ns();
	else if (bit & CLOCKS_MONOTONIC)
		*ns = clock_monotonic_ns();
	else if (clock == CLOCK_PROCESS_CPUTIME_ID)
		*ns = process_cpu_times(current_process()).total_ns;
	else if (clock == CLOCK_THREAD_CPUTIME_ID)
		*ns = thread_cpu_times(current).total_ns;
	else
		return -EINVAL;
	return 0;
}

i64 sys_clock_gettime(int clock, struct timespec __user *out)
{
	u64 ns;
	int error = read_clock(clock, &ns);

	if (error)
		return error;
	struct timespec t = timespec_of(ns);

	return copy_to_user(out, &t, sizeof(t));
}

i64 sys_clock_getres(int clock, struct timespec __user *out)
{
	u64 ns;
	struct timespec t = { .tv_nsec = 1 };
	int error = read_clock(clock, &ns);

	if (!error && out)
		error = copy_to_user(out, &t, sizeof(t));
	return error;
}

i64 sys_clock_settime(int clock, const struct timespec __user *user)
{
	struct timespec t;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
		return -EINVAL;
	clock_set_realtime_ns((u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec);
	return 0;
}

i64 sys_gettimeofday(struct timeval __user *out, void __user *zone)
{
	struct timeval t = timeval_of(clock_realtime_ns());
	u64 no_zone = 0;

	if (out && copy_to_user(out, &t, sizeof(t)))
		return -EFAULT;
	return zone ? copy_to_user(zone, &no_zone, sizeof(no_zone)) : 0;
}

i64 sys_time(i64 __user *out)
{
	i64 seconds = (i64)(clock_realtime_ns() / 1000000000);

	if (out && copy_to_user(out, &seconds, sizeof(seconds)))
		return -EFAULT;
	return seconds;
}

#define TIMER_ABSTIME 1

i64 sys_clock_nanosleep(int clock, int flags, const struct timespec __user *user, struct timespec __user *left)
{
	struct timespec t;
	u64 now;
	int error = read_clock(clock, &now);

	if (error || clock == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	if (copy_from_user(&t, user, sizeof(t)))
		return -EFAULT;
	if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= 1000000000)
		return -EINVAL;
	u64 ns = min((u64)t.tv_sec, 1ul << 33) * 1000000000 + (u64)t.tv_nsec;
	u64 wait_ns = !(flags & TIMER_ABSTIME) ? ns : ns > now ? ns - now : 0;
	u64 deadline = clock_monotonic_ns() + wait_ns;

	if (sleep_until(deadline, WAIT_INTERRUPTIBLE) == 0)
		return 0;
	if (flags & TIMER_ABSTIME)
		return -ERESTARTNOHAND;
	u64 at = clock_monotonic_ns();

	t = timespec_of(deadline > at ? deadline - at : 0);
	return left && copy_to_user(left, &t, sizeof(t)) ? -EFAULT : -EINTR;
}

i64 sys_nanosleep(const struct timespec __user *user, struct timespec __user *left)
{
	return sys_clock_nanosleep(CLOCK_MONOTONIC, 0, user, left);
}

static u64 hundredths(const struct timeval *t)
{
	return (u64)t->tv_sec * 100 + (u64)t->tv_usec / 10000;
}

// In hundredths of a second.
i64 sys_times(u64 __user *out)
{
	struct process *p = current_process();
	struct cpu_times own = process_cpu_times(p);
	u64 t[4] = { (own.total_ns - own.system_ns) / 10000000, own.system_ns / 10000000,
		     hundredths(&p->children_usage.ru_utime), hundredths(&p->children_usage.ru_stime) };

	if (out && copy_to_user(out, t, sizeof(t)))
		return -EFAULT;
	return (i64)(clock_monotonic_ns() / 10000000);
}
