/*
 * file_later.c - the last reference on a file, given back by who holds locks. The end of a file may be the end of its
 * inode, which wants inode->lock and the disk; a page fault in the middle of a write() holds such locks already. So the
 * deferred-work thread does it. lock covers the list.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "proc/deferred.h"

static struct spinlock lock = SPINLOCK_INIT("files put later", RANK_DEVICE);
static struct list files = LIST_INIT(files);            // GUARDED_BY(lock) file.later_link

static struct file *take(void)
{
	struct file *f = NULL;
	u64 flag = spin_lock_irq(&lock);

	if (!list_is_empty(&files)) {
		f = list_first(&files, struct file, later_link);
		list_remove(&f->later_link);
	}
	spin_unlock_irq(&lock, flag);
	return f;
}

static void put_all(struct deferred *d)
{
	struct file *f;

	(void)d;
	while ((f = take()))
		file_put(f);
}

static struct deferred work = { .function = put_all, .link = LIST_INIT(work.link) };

void file_put_later(struct file *f)
{
	i32 refs = atomic_load(&f->refs);

	// Not the last one: simply one less. The last one goes to the list, which thereby owns the file alone.
	while (refs > 1) {
		if (atomic_compare_exchange(&f->refs, refs, refs - 1))
			return;
		refs = atomic_load(&f->refs);
	}
	u64 flag = spin_lock_irq(&lock);

	list_push_back(&files, &f->later_link);
	spin_unlock_irq(&lock, flag);
	deferred_queue(&work);
}
