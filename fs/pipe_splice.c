/*
 * pipe_splice.c - parts of pages into a pipe and out of it, by reference.
 *
 * Where they come from or go to has locks of its own, of lower rank than pipe.lock. So a splice takes parts out
 * ("borrows" them), works with them without any lock, and settles: what was not used goes back in front.
 * Its slots stay held meanwhile, so that there is room for that. Likewise room is held before what fills
 * it is fetched. A reader that comes in between sees what is behind the borrowed bytes: who reads one pipe
 * from two places does not know the order anyway.
 */
#include "fs/pipe_ring.h"
#include "kernel.h"
#include "mm/page.h"
#include "proc/process.h"
#include "proc/signal.h"
#include <abi/errno.h>

void pipe_parts_drop(struct pipe_part *parts, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		page_put(parts[i].page);
}

// Waits (or not) until there is something to read. 1; 0: nothing, and no writer; -EAGAIN, -ERESTARTSYS.
static int wait_for_bytes(struct pipe *p, bool waits)
{
	if (waits && wait_event_interruptible(&p->readable, READ_ONCE(p->used) || !READ_ONCE(p->nr_writers)))
		return -ERESTARTSYS;
	if (READ_ONCE(p->used))
		return 1;
	return READ_ONCE(p->nr_writers) ? -EAGAIN : 0;
}

// lock held. References to the first nr_bytes. How many parts.
static u32 share_parts(struct pipe *p, struct pipe_part *out, size_t nr_bytes)
{
	u32 nr = 0;

	for (; nr < p->used && nr < PARTS_MAX && nr_bytes; nr++) {
		out[nr] = *pipe_slot(p, nr);
		out[nr].length = (u32)min((size_t)out[nr].length, nr_bytes);
		out[nr].may_grow = false;
		nr_bytes -= out[nr].length;
		page_get(out[nr].page);
	}
	return nr;
}

// lock held. The bytes of shared parts are no longer the pipe's: what is left of a part that was cut stays.
static void take_out(struct pipe *p, const struct pipe_part *shared, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		struct pipe_part *first = pipe_slot(p, 0);

		first->offset += shared[i].length;
		first->length -= shared[i].length;
		if (!first->length)
			pipe_drop_first(p, first->page);
	}
}

int pipe_look(struct file *f, struct pipe_part *parts, size_t nr_bytes, bool waits)
{
	struct pipe *p = pipe_of(f);
	u32 nr = 0;

	while (!nr) {
		int found = wait_for_bytes(p, waits);

		if (found <= 0)
			return found;
		mutex_lock(&p->lock);
		nr = share_parts(p, parts, nr_bytes);
		mutex_unlock(&p->lock);
	}
	return (int)nr;
}

int pipe_borrow(struct file *f, struct pipe_part *parts, size_t nr_bytes, bool waits)
{
	struct pipe *p = pipe_of(f);
	u32 nr = 0;

	while (!nr) {
		int found = wait_for_bytes(p, waits);

		if (found <= 0)
			return found;
		mutex_lock(&p->lock);
		bool is_mine = !p->is_borrowed;

		if (is_mine && (nr = share_parts(p, parts, nr_bytes))) {
			take_out(p, parts, nr);
			p->held += nr;
			p->is_borrowed = true;
		}
		mutex_unlock(&p->lock);
		if (is_mine)
			continue;
		if (!waits)
			return -EAGAIN;
		if (wait_event_interruptible(&p->readable, !READ_ONCE(p->is_borrowed)))
			return -ERESTARTSYS;
	}
	return (int)nr;
}

// lock held. Puts a part back in front: before the bytes that follow it in the same page, if those are still there.
static void put_back(struct pipe *p, const struct pipe_part *part)
{
	struct pipe_part *first = pipe_slot(p, 0);

	if (p->used && first->page == part->page && first->offset == part->offset + part->length) {
		first->offset = part->offset;
		first->length += part->length;
		page_put(part->page);
		return;
	}
	p->head--;
	p->used++;
	*pipe_slot(p, 0) = *part;
}

void pipe_settle(struct file *f, struct pipe_part *parts, u32 nr, size_t nr_kept)
{
	struct pipe *p = pipe_of(f);
	u32 kept = 0;

	// Whole parts that found their place, then the one that did so in part.
	for (; kept < nr && nr_kept >= parts[kept].length; kept++)
		nr_kept -= parts[kept].length;
	if (kept < nr) {
		parts[kept].offset += (u32)nr_kept;
		parts[kept].length -= (u32)nr_kept;
	}
	pipe_parts_drop(parts, kept);
	mutex_lock(&p->lock);
	p->held -= nr;
	p->is_borrowed = false;
	for (u32 i = nr; i > kept; i--)
		put_back(p, &parts[i - 1]);
	mutex_unlock(&p->lock);
	wake_all(&p->writable);
	wake_all(&p->readable);
}

int pipe_hold_room(struct file *f, u32 nr, bool waits)
{
	struct pipe *p = pipe_of(f);
	int room = 0;

	while (!room) {
		mutex_lock(&p->lock);
		if (!p->nr_readers)
			room = -EPIPE;
		else if (pipe_has_room(p))
			room = (int)min(p->nr_slots - p->used - p->held, min(nr, (u32)PARTS_MAX));
		if (room > 0)
			p->held += (u32)room;
		mutex_unlock(&p->lock);
		if (!room && !waits)
			return -EAGAIN;
		if (!room && wait_event_interruptible(&p->writable, pipe_has_room(p) || !READ_ONCE(p->nr_readers)))
			return -ERESTARTSYS;
	}
	if (room == -EPIPE)
		signal_send_thread(current, SIGPIPE, NULL);
	return room;
}

size_t pipe_fill_room(struct file *f, u32 nr_held, const struct pipe_part *parts, u32 nr)
{
	struct pipe *p = pipe_of(f);
	size_t nr_bytes = 0;

	mutex_lock(&p->lock);
	p->held -= nr_held;
	for (u32 i = 0; i < nr; i++) {
		*pipe_slot(p, p->used) = parts[i];
		p->used++;
		nr_bytes += parts[i].length;
	}
	mutex_unlock(&p->lock);
	if (nr)
		wake_all(&p->readable);
	if (nr < nr_held)
		wake_all(&p->writable);
	return nr_bytes;
}
