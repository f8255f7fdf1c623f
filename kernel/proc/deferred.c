/*
 * deferred.c - work that an interrupt finds but may not do. One list, one thread; the lock (interrupts closed)
 * covers the list and the flags.
 */
#include "kernel.h"
#include "proc/deferred.h"
#include "proc/thread.h"
#include "proc/timer.h"
#include "sync/lock.h"
#include "x86/clock.h"

static struct spinlock lock = SPINLOCK_INIT("deferred work", RANK_DEVICE);
static struct list queued = LIST_INIT(queued);          // GUARDED_BY(lock)
static struct deferred *running;                        // GUARDED_BY(lock)
static struct wait_queue worker_wait = { .waiters = LIST_INIT(worker_wait.waiters) };
static struct wait_queue done_wait = { .waiters = LIST_INIT(done_wait.waiters) };

void deferred_init(struct deferred *d, void (*function)(struct deferred *d))
{
	*d = (struct deferred){ .function = function };
	list_init(&d->link);
}

void deferred_queue(struct deferred *d)
{
	u64 flag = spin_lock_irq(&lock);

	if (!d->is_queued) {
		d->is_queued = true;
		list_push_back(&queued, &d->link);
	}
	spin_unlock_irq(&lock, flag);
	wake_all(&worker_wait);
}

static struct deferred *take(void)
{
	struct deferred *d = NULL;
	u64 flag = spin_lock_irq(&lock);

	if (!list_is_empty(&queued)) {
		d = list_first(&queued, struct deferred, link);
		list_remove(&d->link);
		d->is_queued = false;
	}
	running = d;
	spin_unlock_irq(&lock, flag);
	return d;
}

static void worker(void *argument)
{
	(void)argument;
	for (;;) {
		struct deferred *d;

		wait_event(&worker_wait, !list_is_empty(&queued));
		while ((d = take())) {
			d->function(d);
			wake_all(&done_wait);
		}
	}
}

static bool is_idle(struct deferred *d)
{
	u64 flag = spin_lock_irq(&lock);
	bool idle = !d->is_queued && running != d;

	spin_unlock_irq(&lock, flag);
	return idle;
}

void deferred_flush(struct deferred *d)
{
	while (!is_idle(d)) {
		struct waiter w;

		wait_begin(&done_wait, &w, WAIT_UNINTERRUPTIBLE);
		if (!is_idle(d))
			(void)!wait_timeout_sleep(&w, WAIT_UNINTERRUPTIBLE, clock_monotonic_ns() + 1000000);
		wait_end(&done_wait, &w);
	}
}

void deferred_start(void)
{
	if (!kernel_thread_create("deferred", worker, NULL))
		panic("no memory for the deferred-work thread");
}
