/*
 * alarm.c - ITIMER_REAL. The timer fires in an interrupt, where no signal can be sent; the deferred-work thread sends it
 * and arms the next round. process.lock covers the values.
 */
#include "kernel.h"
#include "mm/slab.h"
#include "proc/alarm.h"
#include "proc/deferred.h"
#include "proc/process.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include <abi/errno.h>

struct alarm {
	struct timer timer;
	struct deferred work;
	struct process *process;
	u64 interval_ns;                // GUARDED_BY(process->lock); 0: once
	u64 deadline_ns;                // GUARDED_BY(process->lock); 0: not set
};

static void alarm_fired(struct timer *t)
{
	deferred_queue(&container_of(t, struct alarm, timer)->work);
}

// Thread context. Sends the signal unless the alarm was set anew meanwhile.
static void alarm_send(struct deferred *d)
{
	struct alarm *a = container_of(d, struct alarm, work);
	struct process *p = a->process;

	mutex_lock(&p->lock);
	bool is_due = a->deadline_ns && clock_monotonic_ns() >= a->deadline_ns;

	if (is_due) {
		timer_cancel(&a->timer);        // set anew, and due again before its interrupt has come
		a->deadline_ns = a->interval_ns ? a->deadline_ns + a->interval_ns : 0;
		if (a->deadline_ns)
			timer_arm(&a->timer, a->deadline_ns, alarm_fired);
	}
	mutex_unlock(&p->lock);
	if (is_due)
		signal_send_process(p, SIGALRM, NULL);
}

static void get_locked(struct process *p, struct itimerval *out)
{
	u64 now = clock_monotonic_ns();

	*out = (struct itimerval){ 0 };
	if (!p->alarm)
		return;
	out->it_interval = timeval_of(p->alarm->interval_ns);
	if (p->alarm->deadline_ns)      // an armed timer never reads as zero
		out->it_value = timeval_of(max(p->alarm->deadline_ns, now + 1000) - now);
}

void alarm_get(struct process *p, struct itimerval *out)
{
	mutex_lock(&p->lock);
	get_locked(p, out);
	mutex_unlock(&p->lock);
}

static bool is_valid(const struct timeval *t)
{
	return t->tv_sec >= 0 && t->tv_usec >= 0 && t->tv_usec < 1000000;
}

static u64 ns_of(const struct timeval *t)
{
	u64 seconds = min((u64)t->tv_sec, 1000000000ul);

	return seconds * 1000000000 + (u64)t->tv_usec * 1000;
}

int alarm_set(struct process *p, const struct itimerval *value, struct itimerval *old)
{
	struct alarm *fresh = NULL;

	if (!is_valid(&value->it_value) || !is_valid(&value->it_interval))
		return -EINVAL;
	if (!p->alarm) {
		fresh = kmalloc_zeroed(sizeof(*fresh));
		if (!fresh)
			return -ENOMEM;
		fresh->process = p;
		deferred_init(&fresh->work, alarm_send);
	}
	mutex_lock(&p->lock);
	get_locked(p, old);
	if (!p->alarm) {
		p->alarm = fresh;
		fresh = NULL;
	}
	struct alarm *a = p->alarm;

	timer_cancel(&a->timer);
	a->interval_ns = ns_of(&value->it_interval);
	a->deadline_ns = ns_of(&value->it_value);
	if (a->deadline_ns) {
		a->deadline_ns += clock_monotonic_ns();
		timer_arm(&a->timer, a->deadline_ns, alarm_fired);
	}
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
	a->deadline_ns = 0;
	timer_cancel(&a->timer);
	mutex_unlock(&p->lock);
	deferred_flush(&a->work);
	kfree(a);
}
