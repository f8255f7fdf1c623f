/*
 * spinlock.c - one word, taken by exchange. A waiter reads until the word is free and only then tries to
 * write it, so that waiting causes no traffic between the CPUs. Interrupts stay as they are unless the
 * _irq forms are used; which locks need those is said at their rank (lock.h).
 */
#include "kernel.h"
#include "sync/lock.h"
#include "x86/irq.h"

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

UNCHECKED void spin_lock(struct spinlock *l)
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

UNCHECKED void spin_unlock(struct spinlock *l)
{
	debug_assert(READ_ONCE(l->word));
	if (DEBUG_BUILD)
		lockcheck_release(l);
	__atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}

UNCHECKED u64 spin_lock_irq(struct spinlock *l)
{
	u64 interrupt_flag = interrupts_close();

	if (DEBUG_BUILD)
		lockcheck_acquire(l, l->name, l->rank, false, __builtin_return_address(0));
	spin_take(l);
	return interrupt_flag;
}

UNCHECKED void spin_unlock_irq(struct spinlock *l, u64 interrupt_flag)
{
	spin_unlock(l);
	interrupts_restore(interrupt_flag);
}
