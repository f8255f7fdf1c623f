#pragma once
/*
 * timer.h - things to do later. Each CPU keeps its own timers, ordered by deadline.
 */
#include "types.h"
#include "lib/rbtree.h"
#include "sync/wait.h"

struct timer {
	u64 deadline_ns;                // monotonic
	void (*function)(struct timer *t);      // from the interrupt; must not sleep
	u32 cpu;
	bool is_armed;                  // GUARDED_BY(the queue's lock)
	struct rb_node node;
};

void timers_init_cpu(void);
void timer_arm(struct timer *t, u64 deadline_ns, void (*function)(struct timer *t));
void timer_cancel(struct timer *t);             // afterwards the function does not run and is not running
void timer_interrupt(void);                     // x86/clock.c calls it with interrupts closed
// Sleeps until the monotonic time; -EINTR when a signal came (interruptible mode). May sleep.
int sleep_until(u64 deadline_ns, enum wait_mode mode);
// As wait_event_interruptible with an end: 0, -EINTR, or -ETIMEDOUT. deadline U64_MAX: never.
int wait_timeout_sleep(struct waiter *w, enum wait_mode mode, u64 deadline_ns);
void timer_program_next(void);                  // interrupts closed: asks the clock for the next deadline of this CPU
