/*
 * page_later.c - references given back by interrupts. The frame allocator's stocks belong to threads,
 * so a completion only links the page here, and the deferred-work thread puts it. lock covers the list.
 */
#include "mm/page.h"
#include "proc/deferred.h"
#include "sync/lock.h"

static struct spinlock lock = SPINLOCK_INIT("pages put later", RANK_DEVICE);
static struct list pages = LIST_INIT(pages);            // GUARDED_BY(lock) page.link

static void put_all(struct deferred *d)
{
	(void)d;
	for (;;) {
		struct page *p = NULL;
		u64 flag = spin_lock_irq(&lock);

		if (!list_is_empty(&pages)) {
			p = list_first(&pages, struct page, link);
			list_remove(&p->link);
		}
		spin_unlock_irq(&lock, flag);
		if (!p)
			return;
		page_put(p);
	}
}

static struct deferred work = { .function = put_all, .link = LIST_INIT(work.link) };

void page_put_later(struct page *p)
{
	u64 flag = spin_lock_irq(&lock);

	list_push_back(&pages, &p->link);
	spin_unlock_irq(&lock, flag);
	deferred_queue(&work);
}
