/*
 * copy.c - copy_file_range: from one file of bytes to another inside the kernel. Holes become zeros, as Linux's copy does
 * where a file system has no way of its own.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define CHUNK (16 * PAGE_SIZE)
#define BYTES_MAX 0x7ffff000ul          // of one call, as Linux does

static int check_files(const struct file *in, const struct file *out)
{
	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	return out->flags & O_APPEND ? -EBADF : 0;
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
	return (i64)min(nr_bytes, BYTES_MAX);
}

static ssize_t copy_chunk(struct file *in, u64 *from, struct file *out, u64 *to, char *chunk, size_t nr_bytes)
{
	struct iobuf b;
	u64 at = *from;
	ssize_t nr;

	iobuf_init_kernel(&b, chunk, nr_bytes);
	nr = file_read(in, &b, &at);
	if (nr <= 0)
		return nr;
	iobuf_init_kernel(&b, chunk, (size_t)nr);
	nr = file_write(out, &b, to);
	if (nr > 0)
		*from += (u64)nr;
	return nr;
}

static i64 copy_range(struct file *in, u64 *from, struct file *out, u64 *to, size_t nr_bytes)
{
	i64 done = 0, allowed = check_ranges(in, *from, out, *to, nr_bytes);
	char *chunk;
	ssize_t nr = 0;

	if (allowed <= 0)
		return allowed;
	chunk = kmalloc(CHUNK);
	if (!chunk)
		return -ENOMEM;
	while (done < allowed) {
		nr = copy_chunk(in, from, out, to, chunk, min((size_t)(allowed - done), CHUNK));
		if (nr <= 0)
			break;
		done += nr;
	}
	kfree(chunk);
	return done ? done : nr;
}

// A position is the program's, or (NULL) the file's own, which then moves. The two files may be one, so neither's position is locked.
static i64 copy_positions(struct file *in, i64 __user *in_user, struct file *out, i64 __user *out_user, size_t nr_bytes)
{
	u64 from = READ_ONCE(in->position), to = READ_ONCE(out->position);
	i64 result = check_files(in, out);

	if (result)
		return result;
	if ((in_user && copy_from_user(&from, in_user, sizeof(from))) || (out_user && copy_from_user(&to, out_user, sizeof(to))))
		return -EFAULT;
	result = copy_range(in, &from, out, &to, nr_bytes);
	if (result <= 0)
		return result;
	if (!in_user)
		WRITE_ONCE(in->position, from);
	if (!out_user)
		WRITE_ONCE(out->position, to);
	if ((in_user && copy_to_user(in_user, &from, sizeof(from))) || (out_user && copy_to_user(out_user, &to, sizeof(to))))
		return -EFAULT;
	return result;
}

i64 sys_copy_file_range(int in_fd, i64 __user *in_position, int out_fd, i64 __user *out_position, size_t nr_bytes, u32 flags)
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
