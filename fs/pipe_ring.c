/*
 * pipe_ring.c - a ring of parts of pages, and the bytes that are copied into it and out of it.
 *
 * What is written goes into pages of the pipe's own: behind the last part when it fits whole and the part
 * may grow, else into fresh slots. So a write of up to PIPE_BUF bytes is one piece, and sixteen small writes
 * after sixteen full pages do not fit, as on Linux. A page that has been read is kept for the next write,
 * unless somebody else (tee) still looks at it.
 *
 * pipe.lock is held while user memory is copied, which may fault and sleep (the rank allows it).
 * Sleepers look at single words without the lock, and again with it.
 * Readers are woken when the ring was empty, writers when it was full: nobody else sleeps.
 */
#include "fs/pipe_ring.h"
#include "kernel.h"
#include "lib/iobuf.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/signal.h"
#include <abi/errno.h>

struct pipe *pipe_alloc(void)
{
	struct pipe *p = kmalloc_zeroed(sizeof(*p));

	if (!p)
		return NULL;
	p->nr_slots = PIPE_SIZE / PAGE_SIZE;
	p->mask = 2 * p->nr_slots - 1;
	p->slots = kmalloc_zeroed(2 * p->nr_slots * sizeof(p->slots[0]));
	if (!p->slots) {
		kfree(p);
		return NULL;
	}
	mutex_init(&p->lock, "pipe.lock", RANK_PIPE);
	wait_queue_init(&p->readable);
	wait_queue_init(&p->writable);
	wait_queue_init(&p->opened);
	return p;
}

void pipe_free(struct pipe *p)
{
	for (u32 i = 0; i < p->used; i++)
		page_put(pipe_slot(p, i)->page);
	for (u32 i = 0; i < p->nr_spares; i++)
		page_put(p->spares[i]);
	kfree(p->slots);
	kfree(p);
}

u64 pipe_bytes(struct pipe *p)
{
	u64 nr = 0;

	mutex_lock(&p->lock);
	for (u32 i = 0; i < p->used; i++)
		nr += pipe_slot(p, i)->length;
	mutex_unlock(&p->lock);
	return nr;
}

i64 pipe_set_size(struct file *f, u64 size)
{
	struct pipe *p = pipe_of(f);
	u32 nr = 1;

	if (size > PIPE_SIZE_MAX)
		return -EPERM;
	while ((u64)nr << PAGE_SHIFT < size)
		nr *= 2;
	struct pipe_part *fresh = kmalloc_zeroed(2 * nr * sizeof(*fresh)), *old = fresh;

	if (!fresh)
		return -ENOMEM;
	mutex_lock(&p->lock);
	bool fits = p->used + p->held <= nr;

	if (fits) {
		for (u32 i = 0; i < p->used; i++)
			fresh[i] = *pipe_slot(p, i);
		old = p->slots;
		p->slots = fresh;
		p->nr_slots = nr;
		p->mask = 2 * nr - 1;
		p->head = 0;
	}
	mutex_unlock(&p->lock);
	kfree(old);
	wake_all(&p->writable);
	return fits ? (i64)nr << PAGE_SHIFT : -EBUSY;
}

/* --- reading ---------------------------------------------------------------- */

// Moves what is there; 0 when the pipe is empty. -EFAULT.
static ssize_t take_bytes(struct pipe *p, struct iobuf *to)
{
	ssize_t done = 0;

	while (p->used && to->remaining) {
		struct pipe_part *part = pipe_slot(p, 0);
		size_t chunk = min((size_t)part->length, to->remaining);
		size_t copied = iobuf_put(to, (char *)page_address(part->page) + part->offset, chunk);

		part->offset += (u32)copied;
		part->length -= (u32)copied;
		done += (ssize_t)copied;
		if (!part->length)
			pipe_drop_first(p, part->page);
		if (copied < chunk)
			return done ? done : -EFAULT;
	}
	return done;
}

ssize_t pipe_read_ring(struct pipe *p, struct iobuf *to, u32 flags)
{
	ssize_t done;
	bool was_full;

	if (!to->remaining)
		return 0;
	for (;;) {
		mutex_lock(&p->lock);
		was_full = !pipe_has_room(p);
		done = take_bytes(p, to);
		if (done == 0 && p->nr_writers && flags & O_NONBLOCK)
			done = -EAGAIN;
		bool is_over = done != 0 || !p->nr_writers;

		mutex_unlock(&p->lock);
		if (is_over)
			break;
		if (wait_event_interruptible(&p->readable, READ_ONCE(p->used) || !READ_ONCE(p->nr_writers)))
			return -ERESTARTSYS;
	}
	if (was_full && done > 0)
		wake_all(&p->writable);
	return done;
}

ssize_t pipe_read(struct file *f, struct iobuf *to, u64 *position)
{
	(void)position;
	return pipe_read_ring(pipe_of(f), to, f->flags);
}

/* --- writing ---------------------------------------------------------------- */

// lock held. Adds the odd bytes of a write (what is more than whole pages)
// to the last part, if they fit there. How many; -EFAULT.
static ssize_t grow_last(struct pipe *p, struct iobuf *from)
{
	size_t odd = from->remaining & ~PAGE_MASK;

	if (!odd || !p->used)
		return 0;
	struct pipe_part *last = pipe_slot(p, p->used - 1);

	if (!last->may_grow || last->offset + last->length + odd > PAGE_SIZE)
		return 0;
	size_t copied = iobuf_take(from, (char *)page_address(last->page) + last->offset + last->length, odd);

	last->length += (u32)copied;
	return copied ? (ssize_t)copied : -EFAULT;
}

// lock held, a slot is free. Fills a page of the pipe's own, as a part of its own. How many bytes; -EFAULT, -ENOMEM.
static ssize_t add_page(struct pipe *p, struct iobuf *from)
{
	struct page *page = p->nr_spares ? p->spares[--p->nr_spares] : frame_alloc(PAGE_KERNEL, 0);
	size_t copied;

	if (!page)
		return -ENOMEM;
	copied = iobuf_take(from, page_address(page), min(from->remaining, PAGE_SIZE));
	if (!copied) {
		page_put(page);
		return -EFAULT;
	}
	*pipe_slot(p, p->used) = (struct pipe_part){ .page = page, .length = (u32)copied, .may_grow = true };
	p->used++;
	return (ssize_t)copied;
}

// lock held. Moves what fits: bytes; 0: there is no room; -EFAULT, -ENOMEM.
static ssize_t add_bytes(struct pipe *p, struct iobuf *from)
{
	size_t wanted = from->remaining & ~PAGE_MASK;
	ssize_t done = grow_last(p, from), nr;

	if (done < 0 || (done && (size_t)done < wanted))
		return done;
	while ((done == 0 || from->remaining) && pipe_has_room(p)) {
		wanted = min(from->remaining, PAGE_SIZE);
		nr = add_page(p, from);
		if (nr < 0)
			return done ? done : nr;
		done += nr;
		if ((size_t)nr < wanted)
			break;
	}
	return done;
}

// One round of a write, with the lock held: what was moved, 0 when there is no room yet, or an error.
static ssize_t write_round(struct pipe *p, struct iobuf *from, u32 flags)
{
	if (!p->nr_readers)
		return -EPIPE;
	ssize_t nr = add_bytes(p, from);

	return nr == 0 && flags & O_NONBLOCK ? -EAGAIN : nr;
}

ssize_t pipe_write_ring(struct pipe *p, struct iobuf *from, u32 flags)
{
	ssize_t done = 0, moved = 0;

	while (from->remaining) {
		mutex_lock(&p->lock);
		bool is_news = !p->used || p->is_polled;

		moved = write_round(p, from, flags);
		mutex_unlock(&p->lock);
		if (moved < 0)
			break;
		done += moved;
		if (moved) {
			if (is_news)
				wake_all(&p->readable);
			continue;
		}
		if (wait_event_interruptible(&p->writable, pipe_has_room(p) || !READ_ONCE(p->nr_readers))) {
			moved = -ERESTARTSYS;
			break;
		}
	}
	if (moved == -EPIPE && !(flags & PIPE_QUIET))
		signal_send_thread(current, SIGPIPE, NULL);
	return done ? done : moved < 0 ? moved : 0;
}

ssize_t pipe_write(struct file *f, struct iobuf *from, u64 *position)
{
	(void)position;
	return pipe_write_ring(pipe_of(f), from, f->flags & O_NONBLOCK);
}
