/*
 * pagelock.c - the lock of one page: a bit in its flags, and one of a few hundred wait queues, chosen by the frame's
 * number. It sleeps, and unlike every other lock it may be handed over: the thread that starts a read locks the page,
 * the read's completion unlocks it. WRITEBACK is waited for on the same queues.
 * The waker looks at PAGE_WAITERS only, so that an unlock nobody waits for is one atomic operation.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "mm/page.h"
#include "mm/radix_alloc.h"
#include "sync/wait.h"

#define NR_QUEUES 256

static struct wait_queue queues[NR_QUEUES];

void cache_room_init(void)
{
	radix_alloc_init();
	for (u32 i = 0; i < NR_QUEUES; i++)
		wait_queue_init(&queues[i]);
}

static struct wait_queue *queue_of(const struct page *p)
{
	return &queues[((u64)p / sizeof(struct page)) % NR_QUEUES];
}

bool page_try_lock(struct page *p)
{
	return !(atomic_fetch_or(&p->flags, PAGE_LOCKED) & PAGE_LOCKED);
}

// Announces a waiter, then looks again: the order is what makes the wake-up certain.
static bool lock_or_announce(struct page *p)
{
	page_set(p, PAGE_WAITERS);
	return page_try_lock(p);
}

static bool flag_is_gone(struct page *p, u32 flag)
{
	page_set(p, PAGE_WAITERS);
	return !page_has(p, flag);
}

void page_lock(struct page *p)
{
	if (DEBUG_BUILD)
		lockcheck_may_sleep();
	if (!page_try_lock(p))
		wait_event(queue_of(p), lock_or_announce(p));
}

void page_unlock(struct page *p)
{
	u32 before = atomic_fetch_and(&p->flags, ~(u32)(PAGE_LOCKED | PAGE_WAITERS));

	assert(before & PAGE_LOCKED);
	if (before & PAGE_WAITERS)
		wake_all(queue_of(p));
}

void page_wait_unlocked(struct page *p)
{
	if (page_has(p, PAGE_LOCKED))
		wait_event(queue_of(p), flag_is_gone(p, PAGE_LOCKED));
}

void page_wait_writeback(struct page *p)
{
	if (page_has(p, PAGE_WRITEBACK))
		wait_event(queue_of(p), flag_is_gone(p, PAGE_WRITEBACK));
}

void page_wake(struct page *p)
{
	if (page_has(p, PAGE_WAITERS) && atomic_fetch_and(&p->flags, ~(u32)PAGE_WAITERS) & PAGE_WAITERS)
		wake_all(queue_of(p));
}
