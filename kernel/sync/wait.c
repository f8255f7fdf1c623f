/*
 * wait.c - wait queues. The hard part is the wake-up that comes between the last look at the condition and the
 * sleep: the waiter marks itself asleep before it looks, so the waker finds it asleep and makes it runnable,
 * and the sleep ends at once. The queue's lock word covers the list; it is taken with interrupts closed,
 * because completions wake from interrupts.
 */
#include "kernel.h"
#include "sync/lock.h"
#include "sync/wait.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "x86/cpu.h"
#include "x86/irq.h"

static u64 queue_lock_ranked(struct wait_queue *q, bool is_nested)
{
	u64 interrupt_flag = interrupts_close();

	if (DEBUG_BUILD)
		lockcheck_acquire(q, "wait_queue", RANK_WAIT, is_nested, __builtin_return_address(0));
	word_lock(&q->lock_word);
	return interrupt_flag;
}

static u64 queue_lock(struct wait_queue *q)
{
	return queue_lock_ranked(q, false);
}

static void queue_unlock(struct wait_queue *q, u64 interrupt_flag)
{
	if (DEBUG_BUILD)
		lockcheck_release(q);
	word_unlock(&q->lock_word);
	interrupts_restore(interrupt_flag);
}

void wait_queue_init(struct wait_queue *q)
{
	q->lock_word = 0;
	list_init(&q->waiters);
}

void wait_begin(struct wait_queue *q, struct waiter *w, enum wait_mode mode)
{
	u64 flag = queue_lock(q);

	w->thread = current;
	w->was_woken = false;
	list_push_back(&q->waiters, &w->link);
	// Full barrier: the waker must see us on the list if we do not see its change (and the other way round).
	__atomic_store_n(&current->state, mode == WAIT_INTERRUPTIBLE ? THREAD_INTERRUPTIBLE : THREAD_SLEEPING,
			 __ATOMIC_SEQ_CST);
	queue_unlock(q, flag);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

int wait_sleep(struct waiter *w, enum wait_mode mode)
{
	if (READ_ONCE(w->was_woken))
		return 0;
	if (mode == WAIT_INTERRUPTIBLE && signal_is_pending(current))
		return -EINTR;
	schedule();
	return mode == WAIT_INTERRUPTIBLE && !READ_ONCE(w->was_woken) && signal_is_pending(current) ? -EINTR : 0;
}

void wait_end(struct wait_queue *q, struct waiter *w)
{
	u64 flag = queue_lock(q);

	list_remove(&w->link);
	WRITE_ONCE(current->state, THREAD_RUNNABLE);
	queue_unlock(q, flag);
}

// The owner may be gone by now: his record is not looked at.
bool lock_spin_more(const struct thread *owner, u32 turn)
{
	bool runs = !owner && nr_cpus > 1;

	for (u32 i = 0; i < nr_cpus && !runs; i++)
		runs = &cpus[i] != this_cpu() && READ_ONCE(cpus[i].running) == owner && !READ_ONCE(cpus[i].is_idle);
	if (!runs || turn >= LOCK_SPINS || atomic_load(&current->return_work) & WORK_RESCHEDULE)
		return false;
	spin_turn(turn);
	return true;
}

// The queue's lock is held.
static void wake_locked(struct wait_queue *q, bool all)
{
	struct waiter *w, *following;

	list_for_each_safe(w, following, &q->waiters, link) {
		if (!w->thread) {
			struct watcher *watcher = container_of(w, struct watcher, waiter);

			watcher->told(watcher);
			continue;
		}
		if (w->was_woken)
			continue;
		WRITE_ONCE(w->was_woken, true);
		sched_wake(w->thread, WAKE_NORMAL);
		if (!all)
			break;
	}
}

void wait_release(struct wait_queue *q, bool *condition)
{
	u64 flag = queue_lock(q);

	WRITE_ONCE(*condition, true);
	wake_locked(q, true);
	queue_unlock(q, flag);
}

void wait_queue_drain(struct wait_queue *q)
{
	queue_unlock(q, queue_lock(q));
}

void wake_queue(struct wait_queue *q, bool all)
{
	u64 flag = queue_lock(q);

	wake_locked(q, all);
	queue_unlock(q, flag);
}

/* --- watchers --------------------------------------------------------------- */

void wake_all_nested(struct wait_queue *q)
{
	u64 flag = queue_lock_ranked(q, true);

	wake_locked(q, true);
	queue_unlock(q, flag);
}

void wait_watch(struct wait_queue *q, struct watcher *w, void (*told)(struct watcher *w))
{
	u64 flag = queue_lock(q);

	w->waiter = (struct waiter){ .thread = NULL };
	w->told = told;
	list_push_back(&q->waiters, &w->waiter.link);
	queue_unlock(q, flag);
	// As in wait_begin: who changes something now sees us, or we see the change when we look next.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void wait_unwatch(struct wait_queue *q, struct watcher *w)
{
	u64 flag = queue_lock(q);

	list_remove(&w->waiter.link);
	queue_unlock(q, flag);
}
