#pragma once
/*
 * wait.h - sleeping until something has happened.
 *
 *      wait_event(&queue, condition);          another thread: make the condition true; wake_all(&queue);
 *
 * A waiter puts itself on the queue, marks itself asleep, looks at the condition once more, and only
 * then gives up the CPU: a wake-up between the look and the sleep makes it runnable again, so none is
 * lost. Conditions are read without the queue's lock; they must be single words or take their own lock.
 * Wake-ups may come from interrupts.
 */
#include "types.h"
#include "lib/list.h"

struct thread;

// Not struct spinlock, whose header needs this one: the same word (spin.h), of rank RANK_WAIT.
struct wait_queue {
	u32 lock_word;                  // taken with interrupts closed
	struct list waiters;            // GUARDED_BY(lock_word): struct waiter.link
};

struct waiter {
	struct list link;
	struct thread *thread;          // NULL: the waiter of a struct watcher
	bool was_woken;
};

// Who does not sleep but wants to be told of every wake-up, until wait_unwatch.
struct watcher {
	struct waiter waiter;
	// With the queue's lock held and interrupts closed; may wake_all_nested other queues, never in a circle.
	void (*told)(struct watcher *w);
};

enum wait_mode {
	WAIT_UNINTERRUPTIBLE,           // disk and locks: only the condition ends it
	WAIT_INTERRUPTIBLE,             // terminal, pipe, wait4: a signal ends it with -EINTR
};

void wait_queue_init(struct wait_queue *q);
void wait_begin(struct wait_queue *q, struct waiter *w, enum wait_mode mode);
// Sleeps unless woken meanwhile. 0, or -EINTR when mode is interruptible and a signal is pending.
int wait_sleep(struct waiter *w, enum wait_mode mode);
void wait_end(struct wait_queue *q, struct waiter *w);
// Sets *condition and wakes all, both under the queue's lock, and does not touch the queue afterwards:
// for a queue that lies on the waiter's stack. The waiter calls wait_queue_drain before it leaves.
void wait_release(struct wait_queue *q, bool *condition);
void wait_queue_drain(struct wait_queue *q);     // returns when no waker is inside any more
void wake_all_nested(struct wait_queue *q);     // from watcher.told
void wait_watch(struct wait_queue *q, struct watcher *w, void (*told)(struct watcher *w));
void wait_unwatch(struct wait_queue *q, struct watcher *w);     // afterwards told() does not run and is not running
void wake_queue(struct wait_queue *q, bool all);        // for wake_all and wake_one
static inline bool wait_queue_is_empty(const struct wait_queue *q)
{
	return list_is_empty(&q->waiters);
}

// The barrier belongs to wait_begin's: the caller's change is seen by a waiter whom we do not see on the list.
static inline void wake_all(struct wait_queue *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!wait_queue_is_empty(q))
		wake_queue(q, true);
}

// One thread, and every watcher in front of it.
static inline void wake_one(struct wait_queue *q)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!wait_queue_is_empty(q))
		wake_queue(q, false);
}

#define wait_event_mode(q, condition, mode) ({ \
	int wait_error_ = 0; \
	if (!(condition)) { \
		struct waiter waiter_; \
		for (;;) { \
			wait_begin((q), &waiter_, (mode)); \
			if (condition) { \
				wait_end((q), &waiter_); \
				break; \
			} \
			wait_error_ = wait_sleep(&waiter_, (mode)); \
			wait_end((q), &waiter_); \
			if (wait_error_ || (condition)) \
				break; \
		} \
	} \
	wait_error_; })

// May sleep.
#define wait_event(q, condition) ((void)wait_event_mode((q), (condition), WAIT_UNINTERRUPTIBLE))
// May sleep. 0, or -EINTR.
#define wait_event_interruptible(q, condition) wait_event_mode((q), (condition), WAIT_INTERRUPTIBLE)
