/*
 * splice.c - splice, tee and vmsplice: bytes into a pipe and out of it without a stop in the program's memory,
 * and into it (and from pipe to pipe) without any copy: what moves are references to pages (sys/parts.h).
 * A step that leaves a pipe borrows: what the other side does not take is put back in front. For a step that
 * enters a pipe, room is held before it is fetched, so it always fits. Only the first step of a call waits;
 * a call that has moved something returns with that.
 */
#include "fs/pipe.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/iobuf.h"
#include "mm/page.h"
#include "mm/slab.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include "sys/parts.h"
#include "x86/cpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define STEP (PARTS_MAX * PAGE_SIZE)
#define KNOWN_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

struct splice {
	struct file *in, *out;
	u64 *in_position, *out_position;        // NULL: a pipe, or the file's own
	bool waits;
};

static ssize_t pipe_to_file(struct splice *s, size_t nr_bytes)
{
	struct pipe_part parts[PARTS_MAX];
	int nr = pipe_borrow(s->in, parts, nr_bytes, s->waits);

	if (nr <= 0)
		return nr;
	ssize_t moved = parts_to_file(s->out, s->out_position, parts, (u32)nr);

	pipe_settle(s->in, parts, (u32)nr, moved > 0 ? (size_t)moved : 0);
	return moved;
}

// The first nr parts into the pipe, by references of its own, as far as there is room. Bytes, or -errno.
static ssize_t share_with_pipe(struct file *out, const struct pipe_part *parts, u32 nr, bool waits)
{
	int room = pipe_hold_room(out, nr, waits);

	if (room < 0)
		return room;
	for (int i = 0; i < room; i++)
		page_get(parts[i].page);
	count_add(COUNTER_SPLICE_PAGES, (u32)room);
	return (ssize_t)pipe_fill_room(out, (u32)room, parts, (u32)room);
}

static ssize_t pipe_to_pipe(struct splice *s, size_t nr_bytes)
{
	struct pipe_part parts[PARTS_MAX];
	int nr = pipe_borrow(s->in, parts, nr_bytes, s->waits);

	if (nr <= 0)
		return nr;
	ssize_t moved = share_with_pipe(s->out, parts, (u32)nr, s->waits);

	pipe_settle(s->in, parts, (u32)nr, moved > 0 ? (size_t)moved : 0);
	return moved;
}

static i64 splice_steps(struct splice *s, size_t nr_bytes)
{
	bool from_pipe = file_is_pipe(s->in), to_pipe = file_is_pipe(s->out);
	bool is_stream = !from_pipe && !file_has_pages(s->in);  // what it has now is enough: more may mean a wait
	i64 done = 0;
	ssize_t nr = 0;

	while ((size_t)done < nr_bytes) {
		size_t wanted = min(nr_bytes - (size_t)done, STEP);

		if (!from_pipe)
			nr = file_to_pipe(s->in, s->in_position, s->out, wanted, s->waits);
		else
			nr = to_pipe ? pipe_to_pipe(s, wanted) : pipe_to_file(s, wanted);
		if (nr <= 0)
			break;
		done += nr;
		s->waits = false;
		if (is_stream && !S_ISBLK(s->in->inode->mode))
			break;
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
	return splice_steps(s, nr_bytes);
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
		result = splice_positions(&s, in_position, out_position, min(nr_bytes, SPLICE_BYTES_MAX), flags);
		file_put(s.out);
	}
	file_put(s.in);
	return result;
}

/* --- tee -------------------------------------------------------------------- */

// What the one pipe holds, as far as the other has room: it stays in the first, and both show the same pages.
static i64 tee_pipes(struct file *in, struct file *out, size_t nr_bytes, bool waits)
{
	struct pipe_part parts[PARTS_MAX];
	int nr = pipe_look(in, parts, nr_bytes, waits);

	if (nr <= 0)
		return nr;
	ssize_t shared = share_with_pipe(out, parts, (u32)nr, waits);

	pipe_parts_drop(parts, (u32)nr);
	return shared;
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

static ssize_t memory_to_pipe(struct file *f, struct iobuf *b, bool waits)
{
	struct pipe_part parts[PARTS_MAX];
	int room = pipe_hold_room(f, PARTS_MAX, waits), nr;

	if (room < 0)
		return room;
	nr = parts_from_memory(b, parts, (u32)room);
	size_t moved = pipe_fill_room(f, (u32)room, parts, nr > 0 ? (u32)nr : 0);

	return nr > 0 ? (ssize_t)moved : nr;
}

static ssize_t pipe_to_memory(struct file *f, struct iobuf *b, bool waits)
{
	struct pipe_part parts[PARTS_MAX];
	int nr = pipe_borrow(f, parts, b->remaining, waits);

	if (nr <= 0)
		return nr;
	ssize_t moved = parts_to_memory(b, parts, (u32)nr);

	pipe_settle(f, parts, (u32)nr, moved > 0 ? (size_t)moved : 0);
	return moved;
}

static i64 vmsplice_steps(struct file *f, struct iobuf *b, bool waits)
{
	bool to_pipe = (f->flags & O_ACCMODE) != O_RDONLY;
	ssize_t nr = 0;
	i64 done = 0;

	while (b->remaining) {
		nr = to_pipe ? memory_to_pipe(f, b, waits) : pipe_to_memory(f, b, waits);
		if (nr <= 0)
			break;
		done += nr;
		waits = false;
	}
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
		result = vmsplice_steps(f, &b, !(flags & SPLICE_F_NONBLOCK) && !(f->flags & O_NONBLOCK));
		if (pieces != few)
			kfree(pieces);
	}
	file_put(f);
	return result;
}
