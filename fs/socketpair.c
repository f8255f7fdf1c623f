/*
 * socketpair.c - two connected sockets: two rings of a pipe, one each way (fs/pipe_ring.h). Programs have them
 * for what a pipe does in one direction: to wake their own loop (python3's asyncio), to speak with a child.
 * What a ring counts as its readers and writers are the ends that are neither closed nor shut; ring.lock covers that.
 * The rings live as long as either socket, since whoever polls stands in their queues.
 */
#include "fs/socketpair.h"
#include "fs/pipe_ring.h"
#include "fs/poll.h"
#include "fs/unnamed.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/slab.h"
#include <abi/errno.h>
#include <abi/poll.h>

_Static_assert(SOCKET_QUIET == PIPE_QUIET, "one flag");

struct pair {
	i32 refs;                       // atomic; the sockets
	struct pipe *ring[2];           // constant; ring[i] leads to socket i
};

struct socket {
	struct pair *pair;              // constant
	struct pipe *in, *out;          // constant
	u32 shut;                       // GUARDED_BY(in->lock: SHUT_READING; out->lock: SHUT_WRITING) each bit set once
};

static const struct file_ops socket_ops;

bool file_is_socket(const struct file *f)
{
	return f->ops == &socket_ops;
}

ssize_t socket_receive(struct file *f, struct iobuf *to, u32 flags)
{
	return pipe_read_ring(((struct socket *)f->private)->in, to, flags);
}

ssize_t socket_send(struct file *f, struct iobuf *from, u32 flags)
{
	struct pipe *out = ((struct socket *)f->private)->out;

	return pipe_write_ring(out, from, flags);
}

static ssize_t socket_read(struct file *f, struct iobuf *to, u64 *position)
{
	(void)position;
	return socket_receive(f, to, f->flags & O_NONBLOCK);
}

static ssize_t socket_write(struct file *f, struct iobuf *from, u64 *position)
{
	(void)position;
	return socket_send(f, from, f->flags & O_NONBLOCK);
}

// Neither end uses the ring any more: a reader finds the end of the stream behind what is there, a writer EPIPE.
static void shut_ring(struct socket *s, struct pipe *ring, u32 bit, bool forgets)
{
	mutex_lock(&ring->lock);
	bool is_first = !(s->shut & bit);

	if (is_first) {
		atomic_or(&s->shut, bit);
		WRITE_ONCE(ring->nr_readers, 0);
		WRITE_ONCE(ring->nr_writers, 0);
	}
	while (is_first && forgets && ring->used)
		pipe_drop_first(ring, pipe_slot(ring, 0)->page);
	mutex_unlock(&ring->lock);
	wake_all(&ring->readable);
	wake_all(&ring->writable);
}

void socket_shut(struct file *f, u32 what)
{
	struct socket *s = f->private;

	if (what & SOCKET_SHUT_READING)
		shut_ring(s, s->in, SOCKET_SHUT_READING, false);
	if (what & SOCKET_SHUT_WRITING)
		shut_ring(s, s->out, SOCKET_SHUT_WRITING, false);
}

static u32 socket_poll(struct file *f, struct poll_table *table)
{
	struct socket *s = f->private;
	u32 ready = 0;

	poll_wait(table, &s->in->readable);
	poll_wait(table, &s->out->writable);
	mutex_lock(&s->in->lock);
	bool is_shut_in = !s->in->nr_writers, has_bytes = s->in->used;

	s->in->is_polled = true;
	mutex_unlock(&s->in->lock);
	mutex_lock(&s->out->lock);
	bool is_shut_out = !s->out->nr_readers, has_room = pipe_has_room(s->out);

	mutex_unlock(&s->out->lock);
	if (is_shut_in && is_shut_out)
		ready |= POLLHUP;
	if (is_shut_in)
		ready |= POLLRDHUP;
	if (is_shut_in || has_bytes)
		ready |= POLLIN | POLLRDNORM;
	if (is_shut_out || has_room)
		ready |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return ready;
}

static i64 socket_seek(struct file *f, i64 offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return -ESPIPE;
}

static void pair_put(struct pair *pair)
{
	if (atomic_sub_return(&pair->refs, 1) > 0)
		return;
	for (int i = 0; i < 2; i++)
		if (pair->ring[i])
			pipe_free(pair->ring[i]);
	kfree(pair);
}

// What was sent to us is lost; what we sent can still be read.
static void socket_release(struct file *f)
{
	struct socket *s = f->private;

	shut_ring(s, s->in, SOCKET_SHUT_READING, true);
	shut_ring(s, s->out, SOCKET_SHUT_WRITING, false);
	pair_put(s->pair);
	kfree(s);
}

static const struct file_ops socket_ops = {
	.unnamed = "socket:[%lu]",
	.open = unnamed_file_open,
	.release = socket_release,
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.seek = socket_seek,
};

static struct pair *pair_create(void)
{
	struct pair *pair = kmalloc_zeroed(sizeof(*pair));

	if (!pair)
		return NULL;
	pair->refs = 1;
	for (int i = 0; i < 2; i++) {
		pair->ring[i] = pipe_alloc();
		if (!pair->ring[i]) {
			pair_put(pair);
			return NULL;
		}
		pair->ring[i]->nr_readers = pair->ring[i]->nr_writers = 1;
	}
	return pair;
}

// Takes a reference to the pair. -ENOMEM.
static int socket_create(struct pair *pair, int side, u32 flags, struct file **out)
{
	struct socket *s = kmalloc_zeroed(sizeof(*s));
	int error = unnamed_file_create(&socket_ops, s, flags | O_RDWR, out);

	if (error) {
		kfree(s);
		return error;
	}
	(*out)->inode->mode = S_IFSOCK | 0777;
	atomic_add(&pair->refs, 1);
	s->pair = pair;
	s->in = pair->ring[side];
	s->out = pair->ring[!side];
	return 0;
}

int socketpair_create(u32 flags, struct file **one, struct file **other)
{
	struct pair *pair = pair_create();
	int error = pair ? socket_create(pair, 0, flags, one) : -ENOMEM;

	if (!pair)
		return error;
	if (!error) {
		error = socket_create(pair, 1, flags, other);
		if (error)
			file_put(*one);
	}
	pair_put(pair);                         // the sockets have it
	return error;
}
