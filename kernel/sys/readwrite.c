/*
 * readwrite.c - the calls that move bytes between files and user memory.
 * A file with a position keeps position_lock across the whole call, so two threads that share it do not read the same
 * bytes; a stream (pipe, terminal) has no position, and a reader that waits there must not keep others from it.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sys/arguments.h"
#include "sync/look.h"
#include "sys/file_calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define BYTES_MAX 0x7ffff000ul          // of one call, as Linux does

enum direction { READ_FILE, WRITE_FILE };

static inline bool has_position(const struct file *f)
{
	u32 type = f->inode->mode & S_IFMT;

	return type == S_IFREG || type == S_IFDIR || type == S_IFBLK;
}

static inline ssize_t transfer_at(struct file *f, enum direction direction, struct iobuf *b, u64 *position)
{
	// file_borrow has looked whether it may be read or written; these look again.
	if (direction == READ_FILE)
		return likely(f->ops->read) ? f->ops->read(f, b, position) : file_read(f, b, position);
	return likely(f->ops->write) ? f->ops->write(f, b, position) : file_write(f, b, position);
}

static ssize_t transfer(struct file *f, enum direction direction, struct iobuf *b)
{
	ssize_t result;

	if (has_position(f)) {
		mutex_lock(&f->position_lock);
		result = transfer_at(f, direction, b, &f->position);
		mutex_unlock(&f->position_lock);
	} else {
		u64 position = READ_ONCE(f->position);

		result = transfer_at(f, direction, b, &position);
		WRITE_ONCE(f->position, position);
	}
	return result;
}

// pread and pwrite want a file that can be positioned.
static bool can_seek(struct file *f)
{
	return has_position(f) || !f->ops->seek || f->ops->seek(f, 0, SEEK_CUR) != -ESPIPE;
}

// The file for the length of the call: fd_return gives it back. -EBADF.
static inline int file_borrow(int fd, enum direction direction, struct file **out, bool *is_noted)
{
	u32 wrong_access = direction == READ_FILE ? O_WRONLY : O_RDONLY;
	struct file *f = fd_borrow(fd, is_noted);

	if (!f)
		return -EBADF;
	if (unlikely((f->flags & O_ACCMODE) == wrong_access || f->flags & O_PATH)) {
		fd_return(*is_noted);
		return -EBADF;
	}
	*out = f;
	return 0;
}

// position NULL: the file's own.
static inline i64 transfer_checked(struct file *f, enum direction direction, struct iobuf *b, const i64 *position)
{
	u64 at;

	if (!position)
		return transfer(f, direction, b);
	if (*position < 0)
		return -EINVAL;
	if (!can_seek(f))
		return -ESPIPE;
	at = (u64)*position;
	return transfer_at(f, direction, b, &at);
}

static inline i64 transfer_user(int fd, enum direction direction, const void __user *user, size_t nr_bytes,
				const i64 *position)
{
	struct file *f;
	struct iobuf b;
	bool is_noted;
	i64 result = file_borrow(fd, direction, &f, &is_noted);

	if (result)
		return result;
	iobuf_init_user(&b, (void __user *)user, min(nr_bytes, BYTES_MAX));
	result = user_range_is_valid(user, nr_bytes) ? transfer_checked(f, direction, &b, position) : -EFAULT;
	fd_return(is_noted);
	return result;
}

i64 sys_read(int fd, void __user *to, size_t nr_bytes)
{
	return transfer_user(fd, READ_FILE, to, nr_bytes, NULL);
}

i64 sys_write(int fd, const void __user *from, size_t nr_bytes)
{
	return transfer_user(fd, WRITE_FILE, from, nr_bytes, NULL);
}

// File, page and bytes in one look (sync/look.h):
// nothing is noted, counted or locked, so threads that read one file write to no common line.
// False: not all of it is in one page that is in memory, or something is wrong; then the long way tells.
static bool read_at_once(int fd, void __user *to, size_t nr_bytes, i64 position)
{
	struct iobuf b;
	size_t done = 0;

	if (position < 0 || nr_bytes > PAGE_SIZE - (position & ~PAGE_MASK) || !user_range_is_valid(to, nr_bytes))
		return false;
	iobuf_init_user(&b, to, nr_bytes);
	look_begin();
	struct file *f = fd_peek(fd);

	if (f && (f->flags & O_ACCMODE) != O_WRONLY && !(f->flags & O_PATH))
		done = file_read_present(f, &b, (u64)position);
	look_end();
	return done && done == nr_bytes;
}

i64 sys_pread64(int fd, void __user *to, size_t nr_bytes, i64 position)
{
	if (read_at_once(fd, to, nr_bytes, position))
		return (i64)nr_bytes;
	return transfer_user(fd, READ_FILE, to, nr_bytes, &position);
}

i64 sys_pwrite64(int fd, const void __user *from, size_t nr_bytes, i64 position)
{
	return transfer_user(fd, WRITE_FILE, from, nr_bytes, &position);
}

/* --- several pieces --------------------------------------------------------- */

int pieces_from_user(const struct iovec __user *pieces, int nr, struct iovec *few, struct iovec **out, size_t *total)
{
	struct iovec *copy = few;
	int error = 0;

	if (nr < 0 || nr > UIO_MAXIOV)
		return -EINVAL;
	if (nr > FEW_PIECES)
		copy = kmalloc((size_t)nr * sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*total = 0;
	if (copy_from_user(copy, pieces, (size_t)nr * sizeof(*copy)))
		error = -EFAULT;
	for (int i = 0; i < nr && !error; i++) {
		if ((i64)copy[i].iov_len < 0)
			error = -EINVAL;
		else if (!user_range_is_valid(copy[i].iov_base, copy[i].iov_len))
			error = -EFAULT;
		copy[i].iov_len = min(copy[i].iov_len, BYTES_MAX - *total);
		*total += copy[i].iov_len;
	}
	if (error && copy != few)
		kfree(copy);
	*out = copy;
	return error;
}

static i64 transfer_vector(int fd, enum direction direction, const struct iovec __user *user, int nr,
			   const i64 *position)
{
	struct iovec few[FEW_PIECES], *pieces;
	struct file *f;
	struct iobuf b;
	size_t total;
	bool is_noted;
	i64 result = file_borrow(fd, direction, &f, &is_noted);

	if (result)
		return result;
	result = pieces_from_user(user, nr, few, &pieces, &total);
	if (!result) {
		iobuf_init_pieces(&b, pieces, (u32)nr, total);
		result = transfer_checked(f, direction, &b, position);
		if (pieces != few)
			kfree(pieces);
	}
	fd_return(is_noted);
	return result;
}

i64 sys_readv(int fd, const struct iovec __user *pieces, int nr)
{
	return transfer_vector(fd, READ_FILE, pieces, nr, NULL);
}

i64 sys_writev(int fd, const struct iovec __user *pieces, int nr)
{
	return transfer_vector(fd, WRITE_FILE, pieces, nr, NULL);
}

i64 sys_preadv(int fd, const struct iovec __user *pieces, int nr, i64 position)
{
	return transfer_vector(fd, READ_FILE, pieces, nr, &position);
}

i64 sys_pwritev(int fd, const struct iovec __user *pieces, int nr, i64 position)
{
	return transfer_vector(fd, WRITE_FILE, pieces, nr, &position);
}

// Position -1 means the file's own. No flag is known here yet.
i64 sys_preadv2(int fd, const struct iovec __user *pieces, int nr, i64 position, u64 unused, int flags)
{
	(void)unused;
	if (flags)
		return -EOPNOTSUPP;
	return transfer_vector(fd, READ_FILE, pieces, nr, position == -1 ? NULL : &position);
}

i64 sys_pwritev2(int fd, const struct iovec __user *pieces, int nr, i64 position, u64 unused, int flags)
{
	(void)unused;
	if (flags)
		return -EOPNOTSUPP;
	return transfer_vector(fd, WRITE_FILE, pieces, nr, position == -1 ? NULL : &position);
}

/* --- positions -------------------------------------------------------------- */

i64 sys_lseek(int fd, i64 offset, int whence)
{
	struct file *f = fd_get(fd);
	i64 result;

	if (!f)
		return -EBADF;
	if (f->flags & O_PATH) {
		file_put(f);
		return -EBADF;
	}
	result = f->ops->seek ? f->ops->seek(f, offset, whence) : file_seek_default(f, offset, whence);
	file_put(f);
	return result;
}
