/*
 * mutex.c - a lock that sleeps. The owner's thread pointer is the lock: 0 is free. Who finds it taken
 * waits a moment awake if the owner runs on another CPU, then on the queue, and competes again when woken;
 * the fast paths are one atomic operation each.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "sync/lock.h"
#include "x86/cpu.h"

void mutex_init(struct mutex *l, const char *name, enum lock_rank rank)
{
	*l = (struct mutex){ .rank = (u8)rank, .name = name };
	wait_queue_init(&l->waiters);
}

UNCHECKED bool mutex_try_lock(struct mutex *l)
{
	if (!atomic_compare_exchange(&l->owner, NULL, current))
		return false;
	if (DEBUG_BUILD)
		lockcheck_acquire(l, l->name, l->rank, true, __builtin_return_address(0));
	return true;
}

// Kept out of the way of those who find the lock free.
static void __attribute__((noinline)) wait_until_mine(struct mutex *l)
{
	struct thread *owner;

	for (u32 turn = 0; !(owner = READ_ONCE(l->owner)) || lock_spin_more(owner, turn); turn++) {
		if (!owner && atomic_compare_exchange(&l->owner, NULL, current))
			return;
	}
	wait_event(&l->waiters, atomic_compare_exchange(&l->owner, NULL, current));
}

static inline void take(struct mutex *l, bool same_rank_allowed, void *site)
{
	if (DEBUG_BUILD) {
		lockcheck_may_sleep();
		lockcheck_acquire(l, l->name, l->rank, same_rank_allowed, site);
	}
	if (unlikely(!atomic_compare_exchange(&l->owner, NULL, current)))
		wait_until_mine(l);
	if (DEBUG_BUILD)
		l->holder = site;
}

UNCHECKED void mutex_lock(struct mutex *l)
{
	take(l, false, __builtin_return_address(0));
}

UNCHECKED void mutex_lock_second(struct mutex *l)
{
	take(l, true, __builtin_return_address(0));
}

UNCHECKED void mutex_unlock(struct mutex *l)
{
	debug_assert(l->owner == current);
	if (DEBUG_BUILD)
		lockcheck_release(l);
	(void)atomic_exchange(&l->owner, NULL);
	wake_one(&l->waiters);
}

bool mutex_is_mine(const struct mutex *l)
{
	return READ_ONCE(l->owner) == current;
}
