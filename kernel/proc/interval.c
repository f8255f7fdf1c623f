/*
 * interval.c - after some time, once or again and again. The timer fires in an interrupt, where little can be done; the
 * deferred-work thread does it and sets the next round.
 * Whoever sets it anew meanwhile finds that the work looks at the deadline again, under the owner's lock.
 */
#include "kernel.h"
#include "proc/interval.h"
#include "x86/clock.h"

static void fired(struct timer *t)
{
	deferred_queue(&container_of(t, struct interval, timer)->work);
}

void interval_init(struct interval *i, void (*expired)(struct deferred *work))
{
	*i = (struct interval){ .is_silent = !expired };
	deferred_init(&i->work, expired);
}

void interval_set(struct interval *i, u64 deadline_ns, u64 period_ns)
{
	timer_cancel(&i->timer);
	i->deadline_ns = deadline_ns;
	i->period_ns = period_ns;
	if (deadline_ns && !i->is_silent)
		timer_arm(&i->timer, deadline_ns, fired);
}

// Over the rounds that have passed; how many.
static u64 pass(struct interval *i, u64 now)
{
	u64 nr = 1;

	if (!i->deadline_ns || now < i->deadline_ns)
		return 0;
	if (!i->period_ns) {
		i->deadline_ns = 0;
		return 1;
	}
	nr += (now - i->deadline_ns) / i->period_ns;
	i->deadline_ns += nr * i->period_ns;
	return nr;
}

u64 interval_expire(struct interval *i)
{
	u64 nr = pass(i, clock_monotonic_ns());

	// Set anew, it may be due again before its interrupt has come: that one is cancelled.
	if (nr)
		interval_set(i, i->deadline_ns, i->period_ns);
	return nr;
}

u64 interval_left_ns(struct interval *i)
{
	u64 now = clock_monotonic_ns();

	if (i->is_silent)
		pass(i, now);
	return i->deadline_ns ? max(i->deadline_ns, now + 1) - now : 0;
}

void interval_flush(struct interval *i)
{
	deferred_flush(&i->work);
}
