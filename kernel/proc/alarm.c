/*
 * alarm.c - ITIMER_REAL. process.lock covers the values.
 */
#include "kernel.h"
#include "mm/slab.h"
#include "proc/alarm.h"
#include "proc/interval.h"
#include "proc/process.h"
#include "x86/clock.h"
#include <abi/errno.h>

struct alarm {
	struct interval interval;       // GUARDED_BY(process->lock)
	struct process *process;
};

static void alarm_send(struct deferred *work)
{
	struct alarm *a = container_of(work, struct alarm, interval.work);
	struct process *p = a->process;

	mutex_lock(&p->lock);
	bool is_due = interval_expire(&a->interval);

	mutex_unlock(&p->lock);
	if (is_due)
		signal_send_process(p, SIGALRM, NULL);
}

static void get_locked(struct process *p, struct itimerval *out)
{
	*out = (struct itimerval){ 0 };
	if (!p->alarm)
		return;
	u64 left = interval_left_ns(&p->alarm->interval);

	out->it_interval = timeval_of(p->alarm->interval.period_ns);
	if (left)                       // an armed timer never reads as zero
		out->it_value = timeval_of(max(left, 1000ul));
}

void alarm_get(struct process *p, struct itimerval *out)
{
	mutex_lock(&p->lock);
	get_locked(p, out);
	mutex_unlock(&p->lock);
}

bool timeval_is_valid(const struct timeval *t)
{
	return t->tv_sec >= 0 && t->tv_usec >= 0 && t->tv_usec < 1000000;
}

u64 timeval_ns(const struct timeval *t)
{
	u64 seconds = min((u64)t->tv_sec, 1000000000ul);

	return seconds * 1000000000 + (u64)t->tv_usec * 1000;
}

int alarm_set(struct process *p, const struct itimerval *value, struct itimerval *old)
{
	struct alarm *fresh = NULL;

	if (!timeval_is_valid(&value->it_value) || !timeval_is_valid(&value->it_interval))
		return -EINVAL;
	if (!p->alarm) {
		fresh = kmalloc_zeroed(sizeof(*fresh));
		if (!fresh)
			return -ENOMEM;
		fresh->process = p;
		interval_init(&fresh->interval, alarm_send);
	}
	mutex_lock(&p->lock);
	get_locked(p, old);
	if (!p->alarm) {
		p->alarm = fresh;
		fresh = NULL;
	}
	u64 left = timeval_ns(&value->it_value);

	interval_set(&p->alarm->interval, left ? clock_monotonic_ns() + left : 0, timeval_ns(&value->it_interval));
	mutex_unlock(&p->lock);
	kfree(fresh);
	return 0;
}

// The process is ending: its last thread.
void alarm_free(struct process *p)
{
	struct alarm *a = p->alarm;

	mutex_lock(&p->lock);
	p->alarm = NULL;
	interval_set(&a->interval, 0, 0);
	mutex_unlock(&p->lock);
	interval_flush(&a->interval);
	kfree(a);
}
