/*
 * posix_timer.c - a process's timers. process.lock covers the list and every timer in it.
 * A timer has at most one signal pending: what expires meanwhile is counted in that signal's
 * record, and told as its overrun when it is taken.
 */
#include "kernel.h"
#include "mm/slab.h"
#include "proc/interval.h"
#include "proc/posix_timer.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "x86/clock.h"
#include "x86/clock_page.h"
#include <abi/errno.h>

#define TIMERS_MAX 1024                 // of one process

struct posix_timer {
	struct interval interval;
	struct process *process;        // constant
	struct list link;               // in process.timers
	int id, clock, signal, target_tid;      // constant
	union sigval value;             // constant
	int overrun;                    // of the last signal that was taken
};

// lock held.
static struct posix_timer *find(struct process *p, int id)
{
	struct posix_timer *t;

	list_for_each(t, &p->timers, link) {
		if (t->id == id)
			return t;
	}
	return NULL;
}

static void expired(struct deferred *work)
{
	struct posix_timer *t = container_of(work, struct posix_timer, interval.work);
	struct siginfo info = { .si_code = SI_TIMER };

	mutex_lock(&t->process->lock);
	u64 nr = interval_expire(&t->interval);

	mutex_unlock(&t->process->lock);
	if (!nr)
		return;
	info.si_fields.timer.timerid = t->id;
	info.si_fields.timer.overrun = (int)min(nr - 1, (u64)TIMER_OVERRUN_MAX);
	info.si_fields.timer.value = t->value;
	signal_send_timer(t->process, t->target_tid, t->signal, &info);
}

// lock held. The lowest number that is free, and the place in the list where it belongs.
static int free_id(struct process *p, struct list **before)
{
	struct posix_timer *t;
	int id = 0;

	*before = &p->timers;
	list_for_each(t, &p->timers, link) {
		if (t->id != id) {
			*before = &t->link;
			break;
		}
		id++;
	}
	return id;
}

i64 posix_timer_create(int clock, int signal, int target_tid, union sigval value, bool id_is_value)
{
	struct process *p = current_process();
	struct posix_timer *t = kmalloc_zeroed(sizeof(*t));
	struct list *before;

	if (!t)
		return -ENOMEM;
	interval_init(&t->interval, signal ? expired : NULL);
	t->process = p;
	t->clock = clock;
	t->signal = signal;
	t->target_tid = target_tid;
	t->value = value;
	mutex_lock(&p->lock);
	int id = free_id(p, &before);

	if (id < TIMERS_MAX) {
		t->id = id;
		if (id_is_value)
			t->value.sival_int = id;
		list_push_back(before, &t->link);       // in front of that one
	}
	mutex_unlock(&p->lock);
	if (id < TIMERS_MAX)
		return id;
	kfree(t);
	return -EAGAIN;
}

// lock held. The time by the monotonic clock; what has passed is at once. (A clock that is set later moves no timer.)
static u64 deadline_of(const struct posix_timer *t, int flags, u64 ns)
{
	u64 now = clock_monotonic_ns();

	if (!ns)
		return 0;
	if (!(flags & TIMER_ABSTIME))
		return now + ns;
	u64 own = 1u << t->clock & CLOCKS_REALTIME ? clock_realtime_ns() : now;

	return ns > own ? now + (ns - own) : now;
}

int posix_timer_set(int id, int flags, const struct posix_timer_times *fresh, struct posix_timer_times *old)
{
	struct process *p = current_process();
	int error = -EINVAL;

	mutex_lock(&p->lock);
	struct posix_timer *t = find(p, id);

	if (t) {
		*old = (struct posix_timer_times){ interval_left_ns(&t->interval), t->interval.period_ns };
		interval_set(&t->interval, deadline_of(t, flags, fresh->left_ns), fresh->period_ns);
		t->overrun = 0;
		error = 0;
	}
	mutex_unlock(&p->lock);
	return error;
}

int posix_timer_get(int id, struct posix_timer_times *out)
{
	struct process *p = current_process();
	int error = -EINVAL;

	mutex_lock(&p->lock);
	struct posix_timer *t = find(p, id);

	if (t) {
		*out = (struct posix_timer_times){ interval_left_ns(&t->interval), t->interval.period_ns };
		error = 0;
	}
	mutex_unlock(&p->lock);
	return error;
}

int posix_timer_overrun(int id)
{
	struct process *p = current_process();

	mutex_lock(&p->lock);
	struct posix_timer *t = find(p, id);
	int overrun = t ? t->overrun : -EINVAL;

	mutex_unlock(&p->lock);
	return overrun;
}

void posix_timer_taken(int id, int overrun)
{
	struct process *p = current_process();

	mutex_lock(&p->lock);
	struct posix_timer *t = find(p, id);

	if (t)
		t->overrun = overrun;
	mutex_unlock(&p->lock);
}

// lock held; afterwards the timer is the caller's alone, but for expired().
static void unlink(struct posix_timer *t)
{
	list_remove(&t->link);
	interval_set(&t->interval, 0, 0);
}

static void destroy(struct posix_timer *t)
{
	interval_flush(&t->interval);
	kfree(t);
}

int posix_timer_delete(int id)
{
	struct process *p = current_process();

	mutex_lock(&p->lock);
	struct posix_timer *t = find(p, id);

	if (t)
		unlink(t);
	mutex_unlock(&p->lock);
	if (!t)
		return -EINVAL;
	destroy(t);
	return 0;
}

void posix_timers_delete_all(struct process *p)
{
	for (;;) {
		struct posix_timer *t = NULL;

		mutex_lock(&p->lock);
		if (!list_is_empty(&p->timers)) {
			t = list_first(&p->timers, struct posix_timer, link);
			unlink(t);
		}
		mutex_unlock(&p->lock);
		if (!t)
			return;
		destroy(t);
	}
}
