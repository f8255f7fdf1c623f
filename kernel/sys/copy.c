/*
 * copy.c - copy_file_range and sendfile: from one file to another inside the kernel, with one copy:
 * out of the very pages of the first into those of the second. (sendfile into a pipe is a splice, with none.)
 * Holes become zeros, as Linux's copy does where a file system has no way of its own.
 */
#include "fs/size_limit.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include "sys/parts.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define STEP (PARTS_MAX * PAGE_SIZE)

static int check_files(const struct file *in, const struct file *out)
{
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (out->flags & O_APPEND)
		return -EBADF;
	return in->inode->sb != out->inode->sb ? -EXDEV : 0;
}

// How many bytes may be copied; the ranges must not overlap in one file. -EINVAL, -EOVERFLOW, -EFBIG.
static i64 check_ranges(const struct file *in, u64 from, const struct file *out, u64 to, size_t nr_bytes)
{
	u64 size = inode_size(in->inode);

	if (from > I64_MAX || to > I64_MAX)
		return -EINVAL;
	if (nr_bytes > I64_MAX - from || nr_bytes > I64_MAX - to)
		return -EOVERFLOW;
	nr_bytes = from < size ? min(nr_bytes, size - from) : 0;
	if (in->inode == out->inode && nr_bytes && from < to + nr_bytes && to < from + nr_bytes)
		return -EINVAL;
	return nr_bytes ? size_limit_write(to, min(nr_bytes, SPLICE_BYTES_MAX)) : 0;
}

// One step. What could not be written is not consumed. Bytes, 0 at the end, or an error. to NULL: out's own position.
static ssize_t copy_step(struct file *in, u64 *from, struct file *out, u64 *to, size_t nr_bytes)
{
	struct pipe_part parts[PARTS_MAX];
	u64 at = *from;
	int nr = parts_from_file(in, &at, parts, PARTS_MAX, nr_bytes);

	if (nr <= 0)
		return nr;
	ssize_t moved = parts_to_file(out, to, parts, (u32)nr);

	pipe_parts_drop(parts, (u32)nr);
	if (moved > 0)
		*from += (u64)moved;
	return moved;
}

static i64 copy_steps(struct file *in, u64 *from, struct file *out, u64 *to, size_t nr_bytes)
{
	ssize_t nr = 0;
	i64 done = 0;

	while ((size_t)done < nr_bytes) {
		nr = copy_step(in, from, out, to, min(nr_bytes - (size_t)done, STEP));
		if (nr <= 0)
			break;
		done += nr;
	}
	return done ? done : nr;
}

/* --- copy_file_range -------------------------------------------------------- */

static i64 copy_range(struct file *in, u64 *from, struct file *out, u64 *to, size_t nr_bytes)
{
	i64 allowed = check_ranges(in, *from, out, *to, nr_bytes);

	return allowed <= 0 ? allowed : copy_steps(in, from, out, to, (size_t)allowed);
}

// A position is the program's, or (NULL) the file's own, which then moves.
// The two files may be one, so neither's position is locked.
static i64 copy_positions(struct file *in, i64 __user *in_user, struct file *out, i64 __user *out_user, size_t nr_bytes)
{
	u64 from = READ_ONCE(in->position), to = READ_ONCE(out->position);
	i64 result = check_files(in, out);

	if (result)
		return result;
	if ((in_user && copy_from_user(&from, in_user, sizeof(from))) ||
	    (out_user && copy_from_user(&to, out_user, sizeof(to))))
		return -EFAULT;
	result = copy_range(in, &from, out, &to, nr_bytes);
	if (result <= 0)
		return result;
	if (!in_user)
		WRITE_ONCE(in->position, from);
	if (!out_user)
		WRITE_ONCE(out->position, to);
	if ((in_user && copy_to_user(in_user, &from, sizeof(from))) ||
	    (out_user && copy_to_user(out_user, &to, sizeof(to))))
		return -EFAULT;
	return result;
}

i64 sys_copy_file_range(int in_fd, i64 __user *in_position, int out_fd, i64 __user *out_position,
			size_t nr_bytes, u32 flags)
{
	struct file *in, *out;
	i64 result;

	if (flags)
		return -EINVAL;
	result = file_for_reading(in_fd, &in);
	if (result)
		return result;
	result = file_for_writing(out_fd, &out);
	if (!result) {
		result = copy_positions(in, in_position, out, out_position, nr_bytes);
		file_put(out);
	}
	file_put(in);
	return result;
}

/* --- sendfile --------------------------------------------------------------- */

static i64 send_file(struct file *out, struct file *in, u64 *position, size_t nr_bytes)
{
	if (!S_ISREG(in->inode->mode) && !S_ISBLK(in->inode->mode))
		return -EINVAL;
	if (out->flags & O_APPEND)
		return -EINVAL;
	nr_bytes = min(nr_bytes, SPLICE_BYTES_MAX);
	if (!nr_bytes)
		return 0;
	if (!file_is_pipe(out))
		return copy_steps(in, position, out, NULL, nr_bytes);

	bool waits = !(out->flags & O_NONBLOCK);
	ssize_t nr;
	i64 done = 0;

	// As in a splice: who has sent something does not wait for more room.
	for (; (size_t)done < nr_bytes; done += nr, waits = false) {
		nr = file_to_pipe(in, position, out, min(nr_bytes - (size_t)done, STEP), waits);
		if (nr <= 0)
			return done ? done : nr;
	}
	return done;
}

static i64 send_with_position(struct file *out, struct file *in, i64 __user *user_position, size_t nr_bytes)
{
	i64 at, result;
	u64 position;

	if (!user_position) {
		// Not under the position lock: the two files may be one, and locks of one rank do not nest.
		position = READ_ONCE(in->position);
		result = send_file(out, in, &position, nr_bytes);
		WRITE_ONCE(in->position, position);
		return result;
	}
	if (copy_from_user(&at, user_position, sizeof(at)))
		return -EFAULT;
	if (at < 0)
		return -EINVAL;
	position = (u64)at;
	result = send_file(out, in, &position, nr_bytes);
	return copy_to_user(user_position, &position, sizeof(position)) ? -EFAULT : result;
}

i64 sys_sendfile(int out_fd, int in_fd, i64 __user *position, size_t nr_bytes)
{
	struct file *in, *out;
	i64 result = file_for_reading(in_fd, &in);

	if (result)
		return result;
	result = file_for_writing(out_fd, &out);
	if (!result) {
		result = send_with_position(out, in, position, nr_bytes);
		file_put(out);
	}
	file_put(in);
	return result;
}
