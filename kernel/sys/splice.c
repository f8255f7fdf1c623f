/*
 * splice.c - splice, tee and vmsplice: bytes into a pipe and out of it without a stop in the program's memory. Here they are
 * copied by way of a kernel buffer, a chunk at a time. A chunk that leaves a pipe is borrowed: what the other side does not
 * take is put back in front. For a chunk that enters a pipe, room is held before it is fetched, so it always fits.
 * Only the first chunk of a call waits; a call that has moved something returns with that.
 */
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define CHUNK (4 * PAGE_SIZE)
#define BYTES_MAX 0x7ffff000ul          // of one call, as Linux does
#define KNOWN_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

struct splice {
	struct file *in, *out;
	u64 *in_position, *out_position;        // NULL: a pipe, or the file's own
	char *chunk;
	bool waits;
};

static bool has_position(const struct file *f)
{
	return S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode);
}

typedef ssize_t (*move)(struct file *f, struct iobuf *b, u64 *position);

// Reads or writes at the given position, or at the file's own, or in a stream.
static ssize_t move_at(struct file *f, move how, char *bytes, size_t nr_bytes, u64 *position)
{
	struct iobuf b;
	ssize_t nr;
	u64 none = 0;

	iobuf_init_kernel(&b, bytes, nr_bytes);
	if (position)
		return how(f, &b, position);
	if (!has_position(f))
		return how(f, &b, &none);
	mutex_lock(&f->position_lock);
	nr = how(f, &b, &f->position);
	mutex_unlock(&f->position_lock);
	return nr;
}

static ssize_t file_to_pipe(struct splice *s, size_t nr_bytes)
{
	ssize_t room = pipe_hold_room(s->out, nr_bytes, s->waits), nr, added;

	if (room < 0)
		return room;
	nr = move_at(s->in, file_read, s->chunk, (size_t)room, s->in_position);
	added = pipe_fill_room(s->out, s->chunk, (size_t)room, nr > 0 ? (size_t)nr : 0);
	return nr > 0 ? added : nr;
}

static ssize_t pipe_to_file(struct splice *s, size_t nr_bytes)
{
	ssize_t there = pipe_borrow(s->in, s->chunk, nr_bytes, s->waits), nr;

	if (there <= 0)
		return there;
	nr = move_at(s->out, file_write, s->chunk, (size_t)there, s->out_position);
	pipe_settle(s->in, s->chunk, (size_t)there, nr > 0 ? (size_t)nr : 0);
	return nr;
}

static ssize_t pipe_to_pipe(struct splice *s, size_t nr_bytes)
{
	ssize_t there = pipe_borrow(s->in, s->chunk, nr_bytes, s->waits), room, nr = 0;

	if (there <= 0)
		return there;
	room = pipe_hold_room(s->out, (size_t)there, s->waits);
	if (room > 0)
		nr = pipe_fill_room(s->out, s->chunk, (size_t)room, (size_t)room);
	pipe_settle(s->in, s->chunk, (size_t)there, nr > 0 ? (size_t)nr : 0);
	return room > 0 ? nr : room;
}

static i64 splice_chunks(struct splice *s, size_t nr_bytes)
{
	bool from_pipe = file_is_pipe(s->in), to_pipe = file_is_pipe(s->out);
	i64 done = 0;
	ssize_t nr = 0;

	while ((size_t)done < nr_bytes) {
		size_t wanted = min(nr_bytes - (size_t)done, CHUNK);

		nr = !from_pipe ? file_to_pipe(s, wanted) : to_pipe ? pipe_to_pipe(s, wanted) : pipe_to_file(s, wanted);
		if (nr <= 0)
			break;
		done += nr;
		s->waits = false;
	}
	return done ? done : nr;
}

static int check_splice(const struct splice *s)
{
	bool from_pipe = file_is_pipe(s->in), to_pipe = file_is_pipe(s->out);

	if ((from_pipe && s->in_position) || (to_pipe && s->out_position))
		return -ESPIPE;
	if (!from_pipe && !to_pipe)
		return -EINVAL;
	if (from_pipe && to_pipe && pipe_is_same(s->in, s->out))
		return -EINVAL;
	if (S_ISDIR(s->in->inode->mode) || (!to_pipe && s->out->flags & O_APPEND))
		return -EINVAL;
	return 0;
}

static i64 splice_files(struct splice *s, size_t nr_bytes, u32 flags)
{
	i64 result = check_splice(s);

	if (result)
		return result;
	s->waits = !(flags & SPLICE_F_NONBLOCK) && !((file_is_pipe(s->in) ? s->in : s->out)->flags & O_NONBLOCK);
	s->chunk = kmalloc(CHUNK);
	if (!s->chunk)
		return -ENOMEM;
	result = splice_chunks(s, nr_bytes);
	kfree(s->chunk);
	return result;
}

// The positions come from the program and go back there.
static i64 splice_positions(struct splice *s, i64 __user *in_user, i64 __user *out_user, size_t nr_bytes, u32 flags)
{
	u64 in_position, out_position;
	i64 result;

	if ((in_user && copy_from_user(&in_position, in_user, sizeof(in_position))) ||
	    (out_user && copy_from_user(&out_position, out_user, sizeof(out_position))))
		return -EFAULT;
	s->in_position = in_user ? &in_position : NULL;
	s->out_position = out_user ? &out_position : NULL;
	if ((in_user && (i64)in_position < 0) || (out_user && (i64)out_position < 0))
		return -EINVAL;
	result = splice_files(s, nr_bytes, flags);
	if ((in_user && copy_to_user(in_user, &in_position, sizeof(in_position))) ||
	    (out_user && copy_to_user(out_user, &out_position, sizeof(out_position))))
		return -EFAULT;
	return result;
}

i64 sys_splice(int in_fd, i64 __user *in_position, int out_fd, i64 __user *out_position, size_t nr_bytes, u32 flags)
{
	struct splice s = { .in = NULL };
	i64 result;

	if (flags & ~(u32)KNOWN_FLAGS)
		return -EINVAL;
	if (!nr_bytes)
		return 0;
	result = file_for_reading(in_fd, &s.in);
	if (result)
		return result;
	result = file_for_writing(out_fd, &s.out);
	if (!result) {
		result = splice_positions(&s, in_position, out_position, min(nr_bytes, BYTES_MAX), flags);
		file_put(s.out);
	}
	file_put(s.in);
	return result;
}

/* --- tee -------------------------------------------------------------------- */

// What the one pipe holds, as far as the other has room: it stays in the first.
static i64 tee_pipes(struct file *in, struct file *out, size_t nr_bytes, bool waits)
{
	char *copy = kmalloc(PIPE_SIZE);
	ssize_t there, room;

	if (!copy)
		return -ENOMEM;
	there = pipe_look(in, copy, min(nr_bytes, (size_t)PIPE_SIZE), waits);
	if (there > 0) {
		room = pipe_hold_room(out, (size_t)there, waits);
		there = room > 0 ? pipe_fill_room(out, copy, (size_t)room, (size_t)room) : room;
	}
	kfree(copy);
	return there;
}

i64 sys_tee(int in_fd, int out_fd, size_t nr_bytes, u32 flags)
{
	struct file *in, *out;
	i64 result;

	if (flags & ~(u32)KNOWN_FLAGS)
		return -EINVAL;
	if (!nr_bytes)
		return 0;
	result = file_for_reading(in_fd, &in);
	if (result)
		return result;
	result = file_for_writing(out_fd, &out);
	if (!result) {
		bool waits = !(flags & SPLICE_F_NONBLOCK) && !((in->flags | out->flags) & O_NONBLOCK);

		if (!file_is_pipe(in) || !file_is_pipe(out) || pipe_is_same(in, out))
			result = -EINVAL;
		else
			result = tee_pipes(in, out, nr_bytes, waits);
		file_put(out);
	}
	file_put(in);
	return result;
}

/* --- vmsplice --------------------------------------------------------------- */

static ssize_t memory_to_pipe(struct file *f, struct iobuf *b, char *chunk, bool waits)
{
	ssize_t room = pipe_hold_room(f, min(b->remaining, CHUNK), waits), added;
	size_t nr;

	if (room < 0)
		return room;
	nr = iobuf_take(b, chunk, (size_t)room);
	added = pipe_fill_room(f, chunk, (size_t)room, nr);
	return nr ? added : -EFAULT;
}

static ssize_t pipe_to_memory(struct file *f, struct iobuf *b, char *chunk, bool waits)
{
	ssize_t there = pipe_borrow(f, chunk, min(b->remaining, CHUNK), waits);
	size_t nr;

	if (there <= 0)
		return there;
	nr = iobuf_put(b, chunk, (size_t)there);
	pipe_settle(f, chunk, (size_t)there, nr);
	return nr ? (ssize_t)nr : -EFAULT;
}

static i64 vmsplice_chunks(struct file *f, struct iobuf *b, bool waits)
{
	bool to_pipe = (f->flags & O_ACCMODE) != O_RDONLY;
	char *chunk = kmalloc(CHUNK);
	ssize_t nr = 0;
	i64 done = 0;

	if (!chunk)
		return -ENOMEM;
	while (b->remaining) {
		nr = to_pipe ? memory_to_pipe(f, b, chunk, waits) : pipe_to_memory(f, b, chunk, waits);
		if (nr <= 0)
			break;
		done += nr;
		waits = false;
	}
	kfree(chunk);
	return done ? done : nr;
}

i64 sys_vmsplice(int fd, const struct iovec __user *user, u64 nr, u32 flags)
{
	struct iovec few[FEW_PIECES], *pieces;
	struct file *f;
	struct iobuf b;
	size_t total;
	i64 result;

	if (flags & ~(u32)KNOWN_FLAGS)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->flags & O_PATH || !file_is_pipe(f))
		result = -EBADF;
	else
		result = nr > UIO_MAXIOV ? -EINVAL : pieces_from_user(user, (int)nr, few, &pieces, &total);
	if (!result) {
		iobuf_init_pieces(&b, pieces, (u32)nr, total);
		result = vmsplice_chunks(f, &b, !(flags & SPLICE_F_NONBLOCK) && !(f->flags & O_NONBLOCK));
		if (pieces != few)
			kfree(pieces);
	}
	file_put(f);
	return result;
}
