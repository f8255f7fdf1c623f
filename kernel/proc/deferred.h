#pragma once
/*
 * deferred.h - work that an interrupt finds but may not do: a kernel thread does it, in order.
 */
#include "types.h"
#include "lib/list.h"

struct deferred {
	void (*function)(struct deferred *d);   // may sleep; d may be queued again from then on
	struct list link;
	bool is_queued;                 // GUARDED_BY the room's lock
};

void deferred_init(struct deferred *d, void (*function)(struct deferred *d));
void deferred_queue(struct deferred *d);        // any context; once is enough until it has run
void deferred_start(void);                      // boot: starts the thread
void deferred_flush(struct deferred *d);        // returns when d is neither queued nor running. May sleep
