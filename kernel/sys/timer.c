/*
 * timer.c - timer_create and its kin: their arguments.
 */
#include "kernel.h"
#include "proc/posix_timer.h"
#include "proc/process.h"
#include "sys/calls.h"
#include "x86/clock_page.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/time.h>

#define SECONDS_MAX (1ul << 33)

// 0, -EINVAL (no clock), -EOPNOTSUPP (none that wakes anybody).
static int check_clock(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	}
	return clock < 0 || clock > CLOCK_TAI || clock == 10 ? -EINVAL : -EOPNOTSUPP;
}

static bool is_own_thread(int tid)
{
	spin_lock(&process_table_lock);
	struct thread *t = thread_find(tid, NULL);
	bool is_own = t && t->process == current_process();

	spin_unlock(&process_table_lock);
	return is_own;
}

static int check_event(const struct sigevent *e)
{
	if (e->sigev_notify == SIGEV_NONE)
		return 0;
	if (e->sigev_notify != SIGEV_SIGNAL && e->sigev_notify != SIGEV_THREAD && e->sigev_notify != SIGEV_THREAD_ID)
		return -EINVAL;
	if (e->sigev_notify == SIGEV_THREAD_ID && !is_own_thread(e->sigev_tid))
		return -EINVAL;
	return e->sigev_signo < 1 || e->sigev_signo >= NSIG ? -EINVAL : 0;
}

i64 sys_timer_create(int clock, const struct sigevent __user *user, int __user *id_out)
{
	struct sigevent e = { .sigev_signo = SIGALRM, .sigev_notify = SIGEV_SIGNAL };
	int error = check_clock(clock);

	if (!error && user && copy_from_user(&e, user, sizeof(e)))
		error = -EFAULT;
	if (!error)
		error = check_event(&e);
	if (error)
		return error;
	i64 id = posix_timer_create(clock, e.sigev_notify == SIGEV_NONE ? 0 : e.sigev_signo,
				    e.sigev_notify == SIGEV_THREAD_ID ? e.sigev_tid : 0, e.sigev_value, !user);

	if (id < 0)
		return id;
	int number = (int)id;

	if (copy_to_user(id_out, &number, sizeof(number))) {
		(void)posix_timer_delete(number);
		return -EFAULT;
	}
	return 0;
}

bool timespec_is_valid(const struct timespec *t)
{
	return t->tv_sec >= 0 && t->tv_nsec >= 0 && t->tv_nsec < 1000000000;
}

u64 timespec_ns(const struct timespec *t)
{
	return min((u64)t->tv_sec, SECONDS_MAX) * 1000000000 + (u64)t->tv_nsec;
}

static struct itimerspec spec_of(const struct posix_timer_times *t)
{
	return (struct itimerspec){ timespec_of(t->period_ns), timespec_of(t->left_ns) };
}

i64 sys_timer_settime(int id, int flags, const struct itimerspec __user *fresh_user, struct itimerspec __user *old_user)
{
	struct itimerspec fresh;
	struct posix_timer_times times, old;

	if (!fresh_user)
		return -EINVAL;
	if (copy_from_user(&fresh, fresh_user, sizeof(fresh)))
		return -EFAULT;
	if (!timespec_is_valid(&fresh.it_value) || !timespec_is_valid(&fresh.it_interval))
		return -EINVAL;
	times = (struct posix_timer_times){ timespec_ns(&fresh.it_value), timespec_ns(&fresh.it_interval) };
	int error = posix_timer_set(id, flags, &times, &old);

	if (error || !old_user)
		return error;
	struct itimerspec was = spec_of(&old);

	return copy_to_user(old_user, &was, sizeof(was));
}

i64 sys_timer_gettime(int id, struct itimerspec __user *out)
{
	struct posix_timer_times times;
	int error = posix_timer_get(id, &times);

	if (error)
		return error;
	struct itimerspec now = spec_of(&times);

	return copy_to_user(out, &now, sizeof(now));
}

i64 sys_timer_getoverrun(int id)
{
	return posix_timer_overrun(id);
}

i64 sys_timer_delete(int id)
{
	return posix_timer_delete(id);
}
