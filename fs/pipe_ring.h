#pragma once
/*
 * pipe_ring.h - what lies between the ends of a pipe. Inside fs/pipe*.c and fs/socketpair.c only.
 *
 *  W1  The ring's slots head .. head + used - 1 (modulo nr_slots) hold parts, oldest first; none is empty.
 *  W2  used + held <= nr_slots, or one more when a borrower has cut a part in two:
 *      one borrower at a time, and the array is longer than that.
 *  W3  At most one part of all pipes may grow into a page, and it holds the last bytes of that page that anybody reads.
 */
#include "types.h"
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "mm/page.h"
#include "sync/lock.h"

struct iobuf;

#define PIPE_SPARES 2

struct pipe {
	struct mutex lock;              // RANK_PIPE: covers everything but the queues; held while user memory is copied
	struct pipe_part *slots;        // GUARDED_BY(lock) 2 * nr_slots of them
	u32 nr_slots;                   // GUARDED_BY(lock) a power of two
	u32 mask;                       // GUARDED_BY(lock) 2 * nr_slots - 1
	u32 head, used;                 // GUARDED_BY(lock)
	u32 held;                       // GUARDED_BY(lock) slots that a splice has set aside for what comes (back)
	bool is_polled;                 // GUARDED_BY(lock) by poll or epoll: told of every write, as Linux does
	bool is_borrowed;               // GUARDED_BY(lock) a splice has taken parts out and has not settled
	u32 nr_readers, nr_writers;     // GUARDED_BY(lock) open ends
	u32 readers_seen, writers_seen; // GUARDED_BY(lock) how often one was opened: a FIFO's open waits for the next
	// GUARDED_BY(lock) pages that were read to their end: for the next write.
	struct page *spares[PIPE_SPARES];
	u32 nr_spares;
	struct wait_queue readable, writable, opened;
};

struct pipe *pipe_alloc(void);                          // NULL: no memory
void pipe_free(struct pipe *p);                         // nobody has an end any more
static inline struct pipe *pipe_of(const struct file *f)
{
	return f->inode->private;
}

// A free slot? Without the lock the answer may be old.
static inline bool pipe_has_room(const struct pipe *p)
{
	return READ_ONCE(p->used) + READ_ONCE(p->held) < READ_ONCE(p->nr_slots);
}

// lock held: the i-th part from the front.
static inline struct pipe_part *pipe_slot(struct pipe *p, u32 i)
{
	return &p->slots[(p->head + i) & p->mask];
}

// lock held: the oldest part, of this page, has been read.
// A page of the pipe's own is kept for the next write, unless tee still shows it.
static inline void pipe_drop_first(struct pipe *p, struct page *page)
{
	p->head++;
	p->used--;
	if (page->owner == PAGE_KERNEL && atomic_load(&page->refs) == 1 && p->nr_spares < PIPE_SPARES)
		p->spares[p->nr_spares++] = page;
	else
		page_put(page);
}

u64 pipe_bytes(struct pipe *p);                         // takes the lock
// What goes through: bytes, 0 at the end (no writers), -EAGAIN, -ERESTARTSYS, -EFAULT, -ENOMEM; -EPIPE (no readers;
// SIGPIPE is sent). flags: O_NONBLOCK, PIPE_QUIET. May sleep.
#define PIPE_QUIET (1u << 31)           // no SIGPIPE
ssize_t pipe_read_ring(struct pipe *p, struct iobuf *to, u32 flags);
ssize_t pipe_write_ring(struct pipe *p, struct iobuf *from, u32 flags);
ssize_t pipe_read(struct file *f, struct iobuf *to, u64 *position);     // file_ops.read
ssize_t pipe_write(struct file *f, struct iobuf *from, u64 *position);  // file_ops.write
