/*
 * pipe.c - bytes from writers to readers: a ring of PIPE_SIZE bytes in pages that appear as they are first used.
 *
 * pipe.lock covers everything in struct pipe; it is held while user memory is copied, which may fault and sleep (the
 * rank allows it), so a write of up to PIPE_BUF bytes is one piece. Sleepers look at single words without the lock, and
 * again with it. A pipe lives in inode->private: an unnamed pipe's goes with the last end, a FIFO's with the last opener,
 * found and freed under inode->lock.
 */
#include "fs/pipe.h"
#include "fs/poll.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/signal.h"
#include <abi/errno.h>
#include <abi/ioctl.h>
#include <abi/poll.h>

#define PIPE_PAGES (PIPE_SIZE / PAGE_SIZE)

struct pipe {
	struct mutex lock;              // RANK_PIPE
	u64 head;                       // GUARDED_BY(lock) where the next byte is read, in 0 .. PIPE_SIZE - 1
	u64 used;                       // GUARDED_BY(lock) bytes in the ring
	u64 held;                       // GUARDED_BY(lock) bytes of room that a splice has set aside, for what comes or comes back
	u32 nr_readers, nr_writers;     // GUARDED_BY(lock) open ends
	u32 readers_seen, writers_seen; // GUARDED_BY(lock) how often an end was opened: a FIFO's open waits for the next
	char *pages[PIPE_PAGES];        // GUARDED_BY(lock) NULL: not used yet
	struct wait_queue readable, writable, opened;
};

static struct slab_cache pipe_inodes;
static struct superblock pipe_sb;
static u64 last_pipe_number;            // atomic

static struct pipe *pipe_alloc(void)
{
	struct pipe *p = kmalloc_zeroed(sizeof(*p));

	if (!p)
		return NULL;
	mutex_init(&p->lock, "pipe.lock", RANK_PIPE);
	wait_queue_init(&p->readable);
	wait_queue_init(&p->writable);
	wait_queue_init(&p->opened);
	return p;
}

static void pipe_free(struct pipe *p)
{
	for (u32 i = 0; i < PIPE_PAGES; i++)
		kfree(p->pages[i]);
	kfree(p);
}

static struct pipe *pipe_of(const struct file *f)
{
	return f->inode->private;
}

static u64 room_in(const struct pipe *p)
{
	return PIPE_SIZE - READ_ONCE(p->used) - READ_ONCE(p->held);
}

/* --- reading and writing ---------------------------------------------------- */

// Moves what is there; 0 when the pipe is empty. -EFAULT.
static ssize_t take_bytes(struct pipe *p, struct iobuf *to)
{
	ssize_t done = 0;

	while (p->used && to->remaining) {
		u64 offset = p->head % PAGE_SIZE;
		u64 there = min(p->used, PAGE_SIZE - offset);
		size_t chunk = min(there, to->remaining);
		size_t copied = iobuf_put(to, p->pages[p->head / PAGE_SIZE] + offset, chunk);

		p->head = (p->head + copied) % PIPE_SIZE;
		p->used -= copied;
		done += (ssize_t)copied;
		if (copied < chunk)
			return done ? done : -EFAULT;
	}
	return done;
}

// Moves what fits. -EFAULT, -ENOMEM.
static ssize_t add_bytes(struct pipe *p, struct iobuf *from)
{
	ssize_t done = 0;

	while (room_in(p) && from->remaining) {
		u64 tail = (p->head + p->used) % PIPE_SIZE;
		u64 offset = tail % PAGE_SIZE;
		u64 room = min(room_in(p), PAGE_SIZE - offset);
		size_t chunk = min(room, from->remaining);
		char **page = &p->pages[tail / PAGE_SIZE];
		size_t copied;

		if (!*page)
			*page = kmalloc(PAGE_SIZE);
		if (!*page)
			return done ? done : -ENOMEM;
		copied = iobuf_take(from, *page + offset, chunk);
		p->used += copied;
		done += (ssize_t)copied;
		if (copied < chunk)
			return done ? done : -EFAULT;
	}
	return done;
}

static ssize_t pipe_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct pipe *p = pipe_of(f);
	ssize_t done;

	(void)position;
	if (!to->remaining)
		return 0;
	for (;;) {
		mutex_lock(&p->lock);
		done = take_bytes(p, to);
		if (done == 0 && p->nr_writers && f->flags & O_NONBLOCK)
			done = -EAGAIN;
		bool is_over = done != 0 || !p->nr_writers;

		mutex_unlock(&p->lock);
		if (is_over)
			break;
		if (wait_event_interruptible(&p->readable, READ_ONCE(p->used) || !READ_ONCE(p->nr_writers)))
			return -ERESTARTSYS;
	}
	if (done > 0)
		wake_all(&p->writable);
	return done;
}

// One round of a write, with the lock held: what was moved, 0 when there is no room yet, or an error.
static ssize_t write_round(struct file *f, struct pipe *p, struct iobuf *from, u64 need)
{
	if (!p->nr_readers)
		return -EPIPE;
	if (room_in(p) >= need)
		return add_bytes(p, from);
	return f->flags & O_NONBLOCK ? -EAGAIN : 0;
}

static ssize_t pipe_write(struct file *f, struct iobuf *from, u64 *position)
{
	struct pipe *p = pipe_of(f);
	u64 need = from->remaining <= PIPE_BUF ? from->remaining : 1;
	ssize_t done = 0, moved = 0;

	(void)position;
	while (from->remaining) {
		mutex_lock(&p->lock);
		moved = write_round(f, p, from, need);
		mutex_unlock(&p->lock);
		if (moved < 0)
			break;
		done += moved;
		if (moved) {
			wake_all(&p->readable);
			continue;
		}
		if (wait_event_interruptible(&p->writable,
					     room_in(p) >= need || !READ_ONCE(p->nr_readers))) {
			moved = -ERESTARTSYS;
			break;
		}
	}
	if (moved == -EPIPE)
		signal_send_thread(current, SIGPIPE, NULL);
	return done ? done : moved < 0 ? moved : 0;
}

/* --- for splice ------------------------------------------------------------- */

// Waits (or not) until there is something to read. 1; 0: nothing, and no writer; -EAGAIN, -ERESTARTSYS.
static int wait_for_bytes(struct pipe *p, bool waits)
{
	if (waits && wait_event_interruptible(&p->readable, READ_ONCE(p->used) || !READ_ONCE(p->nr_writers)))
		return -ERESTARTSYS;
	if (READ_ONCE(p->used))
		return 1;
	return READ_ONCE(p->nr_writers) ? -EAGAIN : 0;
}

// p->lock held. Copies without taking.
static size_t look_at_bytes(struct pipe *p, char *to, size_t nr_bytes)
{
	size_t nr = min(nr_bytes, p->used), done = 0;

	while (done < nr) {
		u64 at = (p->head + done) % PIPE_SIZE;
		size_t chunk = min(nr - done, PAGE_SIZE - at % PAGE_SIZE);

		memcpy(to + done, p->pages[at / PAGE_SIZE] + at % PAGE_SIZE, chunk);
		done += chunk;
	}
	return nr;
}

static ssize_t copy_out(struct pipe *p, char *to, size_t nr_bytes, bool waits, bool takes)
{
	size_t nr = 0;

	while (!nr) {
		int found = wait_for_bytes(p, waits);

		if (found <= 0)
			return found;
		mutex_lock(&p->lock);
		nr = look_at_bytes(p, to, nr_bytes);
		if (takes) {
			p->head = (p->head + nr) % PIPE_SIZE;
			p->used -= nr;
			p->held += nr;
		}
		mutex_unlock(&p->lock);
	}
	return (ssize_t)nr;
}

ssize_t pipe_look(struct file *f, void *to, size_t nr_bytes, bool waits)
{
	return copy_out(pipe_of(f), to, nr_bytes, waits, false);
}

ssize_t pipe_borrow(struct file *f, void *to, size_t nr_bytes, bool waits)
{
	return copy_out(pipe_of(f), to, nr_bytes, waits, true);
}

// Bytes that come back lie in pages that have been used already, in the room that was held for them.
void pipe_settle(struct file *f, const void *bytes, size_t nr_borrowed, size_t nr_kept)
{
	struct pipe *p = pipe_of(f);

	mutex_lock(&p->lock);
	p->held -= nr_borrowed;
	for (size_t left = nr_borrowed; left > nr_kept; left--) {
		p->head = (p->head + PIPE_SIZE - 1) % PIPE_SIZE;
		p->used++;
		p->pages[p->head / PAGE_SIZE][p->head % PAGE_SIZE] = ((const char *)bytes)[left - 1];
	}
	mutex_unlock(&p->lock);
	wake_all(&p->writable);
	wake_all(&p->readable);
}

ssize_t pipe_hold_room(struct file *f, size_t nr_bytes, bool waits)
{
	struct pipe *p = pipe_of(f);
	ssize_t room = 0;

	while (!room) {
		mutex_lock(&p->lock);
		room = p->nr_readers ? (ssize_t)min(room_in(p), nr_bytes) : -EPIPE;
		if (room > 0)
			p->held += (u64)room;
		mutex_unlock(&p->lock);
		if (!room && !waits)
			return -EAGAIN;
		if (!room && wait_event_interruptible(&p->writable, room_in(p) || !READ_ONCE(p->nr_readers)))
			return -ERESTARTSYS;
	}
	if (room == -EPIPE)
		signal_send_thread(current, SIGPIPE, NULL);
	return room;
}

ssize_t pipe_fill_room(struct file *f, const void *bytes, size_t nr_held, size_t nr_bytes)
{
	struct pipe *p = pipe_of(f);
	struct iobuf from;
	ssize_t done;

	iobuf_init_kernel(&from, (void *)bytes, nr_bytes);
	mutex_lock(&p->lock);
	p->held -= nr_held;
	done = add_bytes(p, &from);
	mutex_unlock(&p->lock);
	wake_all(&p->readable);
	if ((size_t)done < nr_held)
		wake_all(&p->writable);
	return done;
}

bool pipe_is_same(const struct file *a, const struct file *b)
{
	return pipe_of(a) == pipe_of(b);
}

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
	nr = (int)READ_ONCE(p->used);
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
	if (access != O_WRONLY) {
		if (p->used)
			ready |= POLLIN | POLLRDNORM;
		if (!p->nr_writers && p->writers_seen)
			ready |= POLLHUP;
	}
	if (access != O_RDONLY) {
		if (room_in(p) >= PIPE_BUF)
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

// A FIFO's open waits until somebody has the other end. 0, -ENXIO, -ERESTARTSYS.
static int wait_for_other_end(struct pipe *p, struct file *f, u32 readers_seen, u32 writers_seen)
{
	int access = f->flags & O_ACCMODE;

	if (access == O_RDONLY && !(f->flags & O_NONBLOCK))
		return wait_event_interruptible(&p->opened, READ_ONCE(p->nr_writers) ||
						READ_ONCE(p->writers_seen) != writers_seen) ? -ERESTARTSYS : 0;
	if (access != O_WRONLY)
		return 0;
	if (f->flags & O_NONBLOCK)
		return READ_ONCE(p->nr_readers) ? 0 : -ENXIO;
	return wait_event_interruptible(&p->opened, READ_ONCE(p->nr_readers) ||
					READ_ONCE(p->readers_seen) != readers_seen) ? -ERESTARTSYS : 0;
}

static int fifo_open(struct inode *ip, struct file *f)
{
	struct pipe *p;
	u32 readers_seen, writers_seen;
	int error;

	write_lock(&ip->lock);
	if (!ip->private)
		ip->private = pipe_alloc();
	p = ip->private;
	if (!p) {
		write_unlock(&ip->lock);
		return -ENOMEM;
	}
	readers_seen = p->readers_seen;
	writers_seen = p->writers_seen;
	add_end(p, f->flags);
	write_unlock(&ip->lock);

	error = wait_for_other_end(p, f, readers_seen, writers_seen);
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

/* --- unnamed pipes ---------------------------------------------------------- */

static struct inode *pipe_inode_alloc(struct superblock *sb)
{
	(void)sb;
	return slab_alloc_zeroed(&pipe_inodes);
}

static void pipe_inode_free(struct inode *ip)
{
	slab_free(&pipe_inodes, ip);
}

static const struct superblock_ops pipe_sb_ops = {
	.inode_alloc = pipe_inode_alloc,
	.inode_free = pipe_inode_free,
};
static const struct inode_ops pipe_inode_ops = { .lookup = NULL };

static struct inode *pipe_inode_create(void)
{
	struct inode *ip = pipe_inode_alloc(&pipe_sb);

	if (!ip)
		return NULL;
	inode_init_unhashed(ip, &pipe_sb);
	ip->ops = &pipe_inode_ops;
	ip->file_ops = &pipe_file_ops;
	ip->number = atomic_add_return(&last_pipe_number, 1);
	ip->mode = S_IFIFO | 0600;
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

void pipes_init(void)
{
	slab_cache_init(&pipe_inodes, "pipe_inode", sizeof(struct inode), 16);
	pipe_sb.ops = &pipe_sb_ops;
	pipe_sb.device_id = (u32)ABI_MKDEV(0, 12);
	mutex_init(&pipe_sb.rename_lock, "pipe rename_lock", RANK_RENAME);
	list_init(&pipe_sb.inodes);
	list_init(&pipe_sb.dirty_inodes);
	list_init(&pipe_sb.link);
}
