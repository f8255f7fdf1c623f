#pragma once
/*
 * interval.h - something that happens after some time, once or again and again, in a thread that may sleep.
 * It is part of its owner's record, and the owner's lock (a mutex) covers it; "held" below means that lock.
 */
#include "types.h"
#include "proc/deferred.h"
#include "proc/timer.h"

struct interval {
	struct timer timer;
	struct deferred work;
	bool is_silent;                 // constant; nothing happens, the time is only kept
	u64 period_ns;                  // 0: once
	u64 deadline_ns;                // monotonic; 0: not set
};

// expired NULL: silent.
void interval_init(struct interval *i, void (*expired)(struct deferred *work));
void interval_set(struct interval *i, u64 deadline_ns, u64 period_ns);  // held. deadline 0: no more
// held, from expired(): how many periods are over; 0: it was set anew meanwhile. The next is set.
u64 interval_expire(struct interval *i);
u64 interval_left_ns(struct interval *i);       // held. 0: not set; else at least 1
void interval_flush(struct interval *i);        // not held, set to 0 before: expired() is over after this. May sleep
