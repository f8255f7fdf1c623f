/*
 * eventfd.c - a count in a descriptor (eventfd(2)). A write adds to it and waits while it would not fit; a read takes
 * it, all or one, and waits while it is 0. lock covers the count; sleepers look at it without, and again with it.
 */
#include "fs/eventfd.h"
#include "fs/poll.h"
#include "fs/unnamed.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/signal.h"
#include <abi/errno.h>
#include <abi/poll.h>

struct eventfd {
	struct mutex lock;              // RANK_PIPE
	u64 count;                      // GUARDED_BY(lock)
	bool one_by_one;                // constant
	struct wait_queue readable, writable;
};

// Takes what a read gets; 0: nothing is there.
static u64 take(struct eventfd *e)
{
	mutex_lock(&e->lock);
	u64 taken = e->one_by_one ? min(e->count, 1ul) : e->count;

	e->count -= taken;
	mutex_unlock(&e->lock);
	return taken;
}

static ssize_t eventfd_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct eventfd *e = f->private;
	u64 taken;

	(void)position;
	if (to->remaining < sizeof(taken))
		return -EINVAL;
	while (!(taken = take(e))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&e->readable, READ_ONCE(e->count)))
			return -ERESTARTSYS;
	}
	wake_all(&e->writable);
	return iobuf_put(to, &taken, sizeof(taken)) == sizeof(taken) ? (ssize_t)sizeof(taken) : -EFAULT;
}

static bool add(struct eventfd *e, u64 more)
{
	mutex_lock(&e->lock);
	bool fits = more <= EVENT_MAX - e->count;

	if (fits)
		e->count += more;
	mutex_unlock(&e->lock);
	return fits;
}

static ssize_t eventfd_write(struct file *f, struct iobuf *from, u64 *position)
{
	struct eventfd *e = f->private;
	u64 more;

	(void)position;
	if (from->remaining < sizeof(more))
		return -EINVAL;
	if (iobuf_take(from, &more, sizeof(more)) < sizeof(more))
		return -EFAULT;
	if (more > EVENT_MAX)
		return -EINVAL;
	while (!add(e, more)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&e->writable, more <= EVENT_MAX - READ_ONCE(e->count)))
			return -ERESTARTSYS;
	}
	wake_all(&e->readable);
	return sizeof(more);
}

static u32 eventfd_poll(struct file *f, struct poll_table *table)
{
	struct eventfd *e = f->private;

	poll_wait(table, &e->readable);
	poll_wait(table, &e->writable);
	u64 count = READ_ONCE(e->count);

	return (count ? POLLIN | POLLRDNORM : 0u) | (count < EVENT_MAX ? POLLOUT | POLLWRNORM : 0u);
}

static void eventfd_release(struct file *f)
{
	kfree(f->private);
}

static const struct file_ops eventfd_ops = {
	.unnamed = "anon_inode:[eventfd]",
	.open = unnamed_file_open,
	.release = eventfd_release,
	.read = eventfd_read,
	.write = eventfd_write,
	.poll = eventfd_poll,
	.seek = unnamed_file_seek,
};

int eventfd_create(u64 count, u32 flags, bool one_by_one, struct file **out)
{
	struct eventfd *e = kmalloc_zeroed(sizeof(*e));
	int error = unnamed_file_create(&eventfd_ops, e, flags | O_RDWR, out);

	if (error) {
		kfree(e);
		return error;
	}
	mutex_init(&e->lock, "eventfd.lock", RANK_PIPE);
	wait_queue_init(&e->readable);
	wait_queue_init(&e->writable);
	e->count = count;
	e->one_by_one = one_by_one;
	return 0;
}
