/*
 * cpu_alarm.c - interval timers by processor time. process.lock covers the values.
 * A tick only asks for the work, which looks at the process's times in a thread that may sleep.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/slab.h"
#include "proc/alarm.h"
#include "proc/cpu_alarm.h"
#include "proc/deferred.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "x86/clock_page.h"
#include <abi/errno.h>

#define NR_ALARMS 2                     // VIRTUAL, PROF

struct cpu_alarm {
	u64 deadline_ns, period_ns;     // GUARDED_BY(process->lock) by the process's own time; 0: not set, once
};

struct cpu_alarms {
	struct deferred work;
	struct process *process;        // constant
	struct cpu_alarm of[NR_ALARMS];
};

static const int signals[NR_ALARMS] = { SIGVTALRM, SIGPROF };

static u64 time_of(struct process *p, int i)
{
	struct cpu_times times = process_cpu_times(p);

	return i == ITIMER_PROF - ITIMER_VIRTUAL ? times.total_ns : times.total_ns - times.system_ns;
}

// lock held. Is it due? The next round is set.
static bool pass(struct cpu_alarm *a, u64 now)
{
	if (!a->deadline_ns || now < a->deadline_ns)
		return false;
	a->deadline_ns = a->period_ns ? now + a->period_ns - (now - a->deadline_ns) % a->period_ns : 0;
	return true;
}

static void look(struct deferred *work)
{
	struct cpu_alarms *a = container_of(work, struct cpu_alarms, work);
	struct process *p = a->process;

	for (int i = 0; i < NR_ALARMS; i++) {
		u64 now = time_of(p, i);

		mutex_lock(&p->lock);
		bool is_due = pass(&a->of[i], now);

		mutex_unlock(&p->lock);
		if (is_due)
			signal_send_process(p, signals[i], NULL);
	}
}

void cpu_alarms_tick(struct process *p)
{
	struct cpu_alarms *a = p->cpu_alarms;

	if (READ_ONCE(a->of[0].deadline_ns) || READ_ONCE(a->of[1].deadline_ns))
		deferred_queue(&a->work);
}

// lock held.
static void get_locked(const struct cpu_alarm *a, u64 now, struct itimerval *out)
{
	*out = (struct itimerval){ .it_interval = timeval_of(a->period_ns) };
	if (a->deadline_ns)                     // an armed timer never reads as zero
		out->it_value = timeval_of(max(a->deadline_ns, now + 1000) - now);
}

void cpu_alarm_get(int which, struct itimerval *out)
{
	struct process *p = current_process();
	u64 now = time_of(p, which - ITIMER_VIRTUAL);

	*out = (struct itimerval){ 0 };
	mutex_lock(&p->lock);
	if (p->cpu_alarms)
		get_locked(&p->cpu_alarms->of[which - ITIMER_VIRTUAL], now, out);
	mutex_unlock(&p->lock);
}

int cpu_alarm_set(int which, const struct itimerval *value, struct itimerval *old)
{
	struct process *p = current_process();
	u64 now = time_of(p, which - ITIMER_VIRTUAL), left;
	struct cpu_alarms *fresh;

	if (!timeval_is_valid(&value->it_value) || !timeval_is_valid(&value->it_interval))
		return -EINVAL;
	fresh = kmalloc_zeroed(sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	deferred_init(&fresh->work, look);
	fresh->process = p;
	mutex_lock(&p->lock);
	if (!p->cpu_alarms) {
		atomic_store(&p->cpu_alarms, fresh);    // ticks look at it
		fresh = NULL;
	}
	struct cpu_alarm *a = &p->cpu_alarms->of[which - ITIMER_VIRTUAL];

	get_locked(a, now, old);
	left = timeval_ns(&value->it_value);
	WRITE_ONCE(a->deadline_ns, left ? now + left : 0);
	a->period_ns = timeval_ns(&value->it_interval);
	mutex_unlock(&p->lock);
	kfree(fresh);
	return 0;
}

void cpu_alarms_free(struct process *p)
{
	struct cpu_alarms *a = p->cpu_alarms;

	atomic_store(&p->cpu_alarms, NULL);     // no thread but this one is left to tick
	deferred_flush(&a->work);
	kfree(a);
}
