/*
 * pipe.c - the ends of pipes: opening and closing them, waiting for them, unnamed pipes and FIFOs.
 * What lies between the ends is pipe_ring.c; how pages go in and come out without a copy is pipe_splice.c.
 *
 * A pipe lives in inode->private: an unnamed pipe's goes with the last end,
 * a FIFO's with the last opener, found and freed under inode->lock.
 */
#include "fs/pipe.h"
#include "fs/pipe_ring.h"
#include "fs/poll.h"
#include "fs/unnamed.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "proc/signal.h"
#include <abi/errno.h>
#include <abi/ioctl.h>
#include <abi/poll.h>

static i64 pipe_seek(struct file *f, i64 offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return -ESPIPE;
}

static int pipe_ioctl(struct file *f, u32 request, u64 argument)
{
	struct pipe *p = pipe_of(f);
	struct iobuf to;
	int nr;

	if (request != FIONREAD)
		return -ENOTTY;
	nr = (int)pipe_bytes(p);
	iobuf_init_user(&to, (void __user *)argument, sizeof(nr));
	return iobuf_put(&to, &nr, sizeof(nr)) == sizeof(nr) ? 0 : -EFAULT;
}

static u32 pipe_poll(struct file *f, struct poll_table *table)
{
	struct pipe *p = pipe_of(f);
	int access = f->flags & O_ACCMODE;
	u32 ready = 0;

	if (access != O_WRONLY)
		poll_wait(table, &p->readable);
	if (access != O_RDONLY)
		poll_wait(table, &p->writable);
	mutex_lock(&p->lock);
	p->is_polled = true;
	if (access != O_WRONLY) {
		if (p->used)
			ready |= POLLIN | POLLRDNORM;
		if (!p->nr_writers && p->writers_seen)
			ready |= POLLHUP;
	}
	if (access != O_RDONLY) {
		if (pipe_has_room(p))
			ready |= POLLOUT | POLLWRNORM;
		if (!p->nr_readers)
			ready |= POLLERR;
	}
	mutex_unlock(&p->lock);
	return ready;
}

/* --- opening and closing ---------------------------------------------------- */

static void add_end(struct pipe *p, u32 flags)
{
	int access = flags & O_ACCMODE;

	mutex_lock(&p->lock);
	if (access != O_WRONLY) {
		p->nr_readers++;
		p->readers_seen++;
	}
	if (access != O_RDONLY) {
		p->nr_writers++;
		p->writers_seen++;
	}
	mutex_unlock(&p->lock);
	wake_all(&p->opened);
}

// True when nobody has the pipe open any more.
static bool remove_end(struct pipe *p, u32 flags)
{
	int access = flags & O_ACCMODE;
	bool is_last;

	mutex_lock(&p->lock);
	if (access != O_WRONLY)
		p->nr_readers--;
	if (access != O_RDONLY)
		p->nr_writers--;
	is_last = !p->nr_readers && !p->nr_writers;
	mutex_unlock(&p->lock);
	wake_all(&p->readable);
	wake_all(&p->writable);
	return is_last;
}

static void pipe_release(struct file *f)
{
	struct inode *ip = f->inode;
	struct pipe *p = ip->private;

	write_lock(&ip->lock);
	if (remove_end(p, f->flags)) {
		ip->private = NULL;
		pipe_free(p);
	}
	write_unlock(&ip->lock);
}

// A FIFO's open waits until somebody opens the other end: *seen of it grows above before. Who has it meanwhile may have
// gone again, so the number of those who have it now says nothing. 0, -ENXIO, -ERESTARTSYS.
static int wait_for_other_end(struct pipe *p, struct file *f, u32 *seen, u32 before)
{
	if (f->flags & O_NONBLOCK)
		return (f->flags & O_ACCMODE) == O_WRONLY ? -ENXIO : 0;
	return wait_event_interruptible(&p->opened, READ_ONCE(*seen) != before) ? -ERESTARTSYS : 0;
}

static int fifo_open(struct inode *ip, struct file *f)
{
	int access = f->flags & O_ACCMODE, error = 0;
	struct pipe *p;

	write_lock(&ip->lock);
	if (!ip->private)
		ip->private = pipe_alloc();
	p = ip->private;
	if (!p) {
		write_unlock(&ip->lock);
		return -ENOMEM;
	}
	// Looked at before our end is there, and under the lock:
	// as soon as it is, the other may go on, write and close.
	bool is_met = access == O_RDWR || (access == O_RDONLY ? p->nr_writers : p->nr_readers);
	u32 *seen = access == O_RDONLY ? &p->writers_seen : &p->readers_seen;
	u32 before = *seen;

	add_end(p, f->flags);
	write_unlock(&ip->lock);
	if (!is_met)
		error = wait_for_other_end(p, f, seen, before);
	if (error)
		pipe_release(f);
	return error;
}

// By way of /proc/PID/fd: one end more, at once.
static int pipe_open(struct inode *ip, struct file *f)
{
	struct pipe *p;

	write_lock(&ip->lock);
	p = ip->private;
	if (p)
		add_end(p, f->flags);
	write_unlock(&ip->lock);
	return p ? 0 : -ENXIO;
}

static const struct file_ops pipe_file_ops = {
	.open = pipe_open,
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.seek = pipe_seek,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
};

const struct file_ops fifo_file_ops = {
	.open = fifo_open,
	.release = pipe_release,
	.read = pipe_read,
	.write = pipe_write,
	.seek = pipe_seek,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
};

bool file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_file_ops || f->ops == &fifo_file_ops;
}

bool pipe_is_same(const struct file *a, const struct file *b)
{
	return pipe_of(a) == pipe_of(b);
}

u64 pipe_size(const struct file *f)
{
	return (u64)READ_ONCE(pipe_of(f)->nr_slots) << PAGE_SHIFT;
}

/* --- unnamed pipes ---------------------------------------------------------- */

static struct inode *pipe_inode_create(void)
{
	struct inode *ip = unnamed_inode_create(S_IFIFO | 0600, &pipe_file_ops);

	if (!ip)
		return NULL;
	ip->private = pipe_alloc();
	if (!ip->private) {
		inode_put(ip);
		return NULL;
	}
	return ip;
}

int pipe_create(u32 flags, struct file **read_end, struct file **write_end)
{
	struct inode *ip = pipe_inode_create();
	struct file *r, *w;

	if (!ip)
		return -ENOMEM;
	// Each end counts from here on; a failed allocation of the second is undone by closing the first.
	r = file_alloc(ip, NULL, &pipe_file_ops, (flags & O_NONBLOCK) | O_RDONLY);
	if (!r) {
		pipe_free(ip->private);
		inode_put(ip);
		return -ENOMEM;
	}
	add_end(ip->private, O_RDONLY);
	w = file_alloc(ip, NULL, &pipe_file_ops, (flags & O_NONBLOCK) | O_WRONLY);
	if (w)
		add_end(ip->private, O_WRONLY);
	inode_put(ip);          // the files hold it
	if (!w) {
		file_put(r);
		return -ENOMEM;
	}
	*read_end = r;
	*write_end = w;
	return 0;
}
