/*
 * spinlock.c - one word, taken by exchange. The usual case stands in lock.h and costs no call; here is the rest. A
 * waiter reads until the word is free and only then tries to write it, so that waiting causes no traffic between the
 * CPUs. Interrupts stay as they are unless the _irq forms are used; which locks need those is said at their rank.
 */
#include "kernel.h"
#include "sync/lock.h"

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
	*l = (struct spinlock){ .rank = (u8)rank, .name = name };
}

static inline void spin_take(struct spinlock *l)
{
	while (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE))
		while (READ_ONCE(l->word))
			__builtin_ia32_pause();
}

UNCHECKED void spin_lock_slow(struct spinlock *l)
{
	if (DEBUG_BUILD)
		lockcheck_acquire(l, l->name, l->rank, false, __builtin_return_address(0));
	spin_take(l);
	if (DEBUG_BUILD)
		l->holder = __builtin_return_address(0);
}

UNCHECKED bool spin_try_lock(struct spinlock *l)
{
	if (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE))
		return false;
	if (DEBUG_BUILD)
		lockcheck_acquire(l, l->name, l->rank, true, __builtin_return_address(0));
	return true;
}

void spin_unlock_check(struct spinlock *l)
{
	assert(READ_ONCE(l->word));
	lockcheck_release(l);
}
