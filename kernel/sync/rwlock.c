/*
 * rwlock.c - many readers or one writer, asleep while they wait. The word counts readers, -1 is a writer;
 * a writer that waits is counted, and new readers stay back behind it, so writers are not starved.
 * Who finds it taken waits a moment awake first, if the writer runs on another CPU: to sleep and
 * to be woken takes longer than most writers do.
 * A thread must not take the lock for reading twice: a writer waiting in between would stop it for ever. It may try to.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "sync/lock.h"
#include "x86/cpu.h"

void rwlock_init(struct rwlock *l, const char *name, enum lock_rank rank)
{
	*l = (struct rwlock){ .rank = (u8)rank, .name = name };
	wait_queue_init(&l->waiters);
}

static inline bool try_read(struct rwlock *l)
{
	i32 readers = atomic_load(&l->readers);

	while (readers >= 0 && !READ_ONCE(l->nr_writers_waiting)) {
		if (atomic_compare_exchange(&l->readers, readers, readers + 1))
			return true;
		readers = atomic_load(&l->readers);
	}
	return false;
}

// After a full barrier, which belongs to that of wait_begin:
// who is not on the queue yet will see that the lock is free.
static inline void wake_waiters(struct rwlock *l)
{
	if (unlikely(!wait_queue_is_empty(&l->waiters)))
		wake_all(&l->waiters);
}

static inline bool try_write(struct rwlock *l)
{
	return atomic_compare_exchange(&l->readers, 0, -1);
}

static void __attribute__((noinline)) wait_for_reading(struct rwlock *l)
{
	for (u32 turn = 0; lock_spin_more(READ_ONCE(l->writer), turn); turn++) {
		if (try_read(l))
			return;
	}
	wait_event(&l->waiters, try_read(l));
}

UNCHECKED bool read_try_lock(struct rwlock *l)
{
	if (!try_read(l))
		return false;
	if (DEBUG_BUILD)
		lockcheck_note_read(l, l->name, l->rank, __builtin_return_address(0));
	return true;
}

UNCHECKED void read_lock(struct rwlock *l)
{
	if (DEBUG_BUILD) {
		lockcheck_may_sleep();
		lockcheck_acquire(l, l->name, l->rank, false, __builtin_return_address(0));
	}
	if (unlikely(!try_read(l)))
		wait_for_reading(l);
}

UNCHECKED void read_unlock(struct rwlock *l)
{
	if (DEBUG_BUILD)
		lockcheck_release(l);
	debug_assert(READ_ONCE(l->readers) > 0);
	if (atomic_sub_return(&l->readers, 1) == 0)
		wake_waiters(l);
}

static void __attribute__((noinline)) wait_for_writing(struct rwlock *l)
{
	for (u32 turn = 0; lock_spin_more(READ_ONCE(l->writer), turn); turn++) {
		if (!READ_ONCE(l->readers) && try_write(l))
			return;
	}
	atomic_add(&l->nr_writers_waiting, 1);
	wait_event(&l->waiters, try_write(l));
	atomic_sub(&l->nr_writers_waiting, 1);
}

static inline void take_for_writing(struct rwlock *l, bool same_rank_allowed, void *site)
{
	if (DEBUG_BUILD) {
		lockcheck_may_sleep();
		lockcheck_acquire(l, l->name, l->rank, same_rank_allowed, site);
	}
	if (unlikely(!try_write(l)))
		wait_for_writing(l);
	l->writer = current;
	l->holder = site;
}

UNCHECKED void write_lock(struct rwlock *l)
{
	take_for_writing(l, false, __builtin_return_address(0));
}

UNCHECKED void write_lock_second(struct rwlock *l)
{
	take_for_writing(l, true, __builtin_return_address(0));
}

UNCHECKED bool write_try_lock(struct rwlock *l)
{
	if (!try_write(l))
		return false;
	l->writer = current;
	if (DEBUG_BUILD)
		lockcheck_acquire(l, l->name, l->rank, true, __builtin_return_address(0));
	return true;
}

UNCHECKED void write_unlock(struct rwlock *l)
{
	debug_assert(l->writer == current);
	if (DEBUG_BUILD)
		lockcheck_release(l);
	l->writer = NULL;
	(void)atomic_exchange(&l->readers, 0);
	wake_waiters(l);
}

bool rwlock_is_write_held(const struct rwlock *l)
{
	return READ_ONCE(l->writer) == current;
}

bool rwlock_is_held(const struct rwlock *l)
{
	return READ_ONCE(l->readers) != 0;
}
