/*
 * poll.c - waiting for one of many files.
 * A thread that polls stands in many queues at once but sleeps only once: it enters them all while it still runs, and
 * goes to sleep on a queue of its own. A waker marks the entry and then looks whether the thread sleeps;
 * the thread marks itself asleep and then looks at the entries' marks. So one of the two always sees the other.
 */
#include "fs/poll.h"
#include "fs/vfs.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/timer.h"
#include <abi/errno.h>
#include <abi/poll.h>

void poll_begin(struct poll_table *table)
{
	*table = (struct poll_table){ .chunks = NULL };
}

void poll_restart(struct poll_table *table)
{
	struct poll_chunk *next;

	for (struct poll_chunk *c = table->chunks; c; c = next) {
		next = c->next;
		for (u32 i = 0; i < c->nr; i++)
			wait_end(c->entries[i].queue, &c->entries[i].waiter);
		// References only now: the last one may sleep, and free the queue.
		for (u32 i = 0; i < c->nr; i++)
			file_put(c->entries[i].file);
		c->nr = 0;
		if (next) {             // one chunk stays for the next round
			kfree(c);
			table->chunks = next;
		}
	}
}

void poll_end(struct poll_table *table)
{
	poll_restart(table);
	kfree(table->chunks);
	table->chunks = NULL;
}

void poll_wait(struct poll_table *table, struct wait_queue *queue)
{
	struct poll_chunk *c = table ? table->chunks : NULL;
	struct poll_entry *e;

	if (!table)
		return;
	if (table->enter) {
		table->enter(table, queue);
		return;
	}
	if (!c || c->nr == POLL_CHUNK) {
		c = kmalloc(sizeof(*c));
		if (!c) {
			table->error = -ENOMEM;
			return;
		}
		c->nr = 0;
		c->next = table->chunks;
		table->chunks = c;
	}
	e = &c->entries[c->nr++];
	e->queue = queue;
	e->file = file_hold(table->file);
	wait_begin(queue, &e->waiter, WAIT_INTERRUPTIBLE);
	WRITE_ONCE(current->state, THREAD_RUNNABLE);    // not asleep yet: there are more files to ask
}

u32 poll_file(struct poll_table *table, struct file *f)
{
	table->file = f;
	return f->ops->poll ? f->ops->poll(f, table) : POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

static bool was_woken(struct poll_table *table)
{
	for (struct poll_chunk *c = table->chunks; c; c = c->next)
		for (u32 i = 0; i < c->nr; i++)
			if (READ_ONCE(c->entries[i].waiter.was_woken))
				return true;
	return false;
}

int poll_sleep(struct poll_table *table, u64 deadline_ns)
{
	struct wait_queue own;
	struct waiter w;
	int error = 0;

	if (table->error)
		return table->error;
	wait_queue_init(&own);
	wait_begin(&own, &w, WAIT_INTERRUPTIBLE);
	if (!was_woken(table))
		error = wait_timeout_sleep(&w, WAIT_INTERRUPTIBLE, deadline_ns);
	wait_end(&own, &w);
	// A file that changed counts more than a signal or the clock: the caller looks at it once more.
	return was_woken(table) ? 0 : error;
}
