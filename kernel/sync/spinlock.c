/*
 * spinlock.c - one word (spin.h), with a rank. The usual case stands in lock.h and costs no call; here is the rest.
 * Interrupts stay as they are unless the _irq forms are used; which locks need those is said at their rank.
 */
#include "kernel.h"
#include "sync/lock.h"

void spin_init(struct spinlock *l, const char *name, enum lock_rank rank)
{
	*l = (struct spinlock){ .rank = (u8)rank, .name = name };
}

UNCHECKED void spin_lock_slow(struct spinlock *l)
{
	if (DEBUG_BUILD)
		lockcheck_acquire(l, l->name, l->rank, false, __builtin_return_address(0));
	word_lock(&l->word);
	if (DEBUG_BUILD)
		l->holder = __builtin_return_address(0);
}

UNCHECKED bool spin_try_lock(struct spinlock *l)
{
	if (!word_try_lock(&l->word))
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
