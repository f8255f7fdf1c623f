/*
 * open.c - open, close, and descriptors: dup, fcntl, ioctl, pipe.
 */
#include "fs/pipe.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sys/arguments.h"
#include "sys/file_calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/ioctl.h>
#include <abi/mman.h>

#define MEMFD_NAME_MAX 249             // as on Linux, where "memfd:" stands before it in a name

i64 sys_openat(int dirfd, const char __user *path, int flags, u32 mode)
{
	struct dentry *start;
	struct file *f;
	char *copy;
	int error;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	error = path_from_user(path, &copy);
	if (error)
		return error;
	error = start_of_path(dirfd, copy, &start);
	if (!error) {
		error = path_open(start, copy, (flags & ~O_CLOEXEC) | O_LARGEFILE, mode & 07777 & ~current_umask(), &f);
		dentry_put(start);
	}
	kfree(copy);
	return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
}

i64 sys_open(const char __user *path, int flags, u32 mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

i64 sys_creat(const char __user *path, u32 mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

i64 sys_close(int fd)
{
	return fd_close(fd);
}

i64 sys_dup(int fd)
{
	struct file *f = fd_get(fd);

	return f ? fd_install(f, 0, false) : -EBADF;
}

i64 sys_dup2(int from, int to)
{
	struct file *f = fd_get(from);

	if (!f)
		return -EBADF;
	if (from == to) {
		file_put(f);
		return to;
	}
	return fd_replace(to, f, false);
}

i64 sys_dup3(int from, int to, int flags)
{
	struct file *f;

	if (flags & ~O_CLOEXEC || from == to)
		return -EINVAL;
	f = fd_get(from);
	return f ? fd_replace(to, f, flags & O_CLOEXEC) : -EBADF;
}

i64 sys_pipe2(int __user *fds, int flags)
{
	struct file *read_end, *write_end;
	int pair[2], error;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	error = pipe_create((u32)flags & O_NONBLOCK, &read_end, &write_end);
	if (error)
		return error;
	pair[0] = fd_install(read_end, 0, flags & O_CLOEXEC);
	if (pair[0] < 0) {
		file_put(write_end);
		return pair[0];
	}
	pair[1] = fd_install(write_end, 0, flags & O_CLOEXEC);
	if (pair[1] < 0) {
		fd_close(pair[0]);
		return pair[1];
	}
	error = copy_to_user(fds, pair, sizeof(pair));
	if (error) {
		fd_close(pair[0]);
		fd_close(pair[1]);
	}
	return error;
}

i64 sys_pipe(int __user *fds)
{
	return sys_pipe2(fds, 0);
}

// The close-on-exec bit of a descriptor; new_value < 0 only asks. The old value, or -EBADF.
static int close_on_exec(int fd, int new_value)
{
	struct file_table *t = current_process()->files;
	int result = -EBADF;

	spin_lock(&t->lock);
	if (fd >= 0 && (u32)fd < t->capacity && t->files[fd]) {
		u64 bit = 1ul << (fd % 64);

		result = t->close_on_exec[fd / 64] & bit ? FD_CLOEXEC : 0;
		if (new_value > 0)
			t->close_on_exec[fd / 64] |= bit;
		else if (new_value == 0)
			t->close_on_exec[fd / 64] &= ~bit;
	}
	spin_unlock(&t->lock);
	return result;
}

// Closes (or marks close-on-exec) every descriptor from first to last.
i64 sys_close_range(u32 first, u32 last, u32 flags)
{
	if (flags & ~(u32)CLOSE_RANGE_CLOEXEC || first > last)
		return -EINVAL;
	last = min(last, (u32)FILES_MAX - 1);
	for (u32 fd = first; fd <= last; fd++) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			close_on_exec((int)fd, 1);
		else
			fd_close((int)fd);
	}
	return 0;
}

i64 sys_memfd_create(const char __user *user_name, u32 flags)
{
	char name[MEMFD_NAME_MAX + 1];
	ssize_t length;
	struct file *f;
	int error;

	if (flags & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	length = copy_string_from_user(name, user_name, sizeof(name));
	if (length < 0)
		return length == -ENAMETOOLONG ? -EINVAL : length;
	error = tmpfs_create_memfd(name, flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL, &f);
	return error ? error : fd_install(f, 0, flags & MFD_CLOEXEC);
}

/* --- fcntl ------------------------------------------------------------------ */

static i64 duplicate_from(struct file *f, u64 lowest, bool cloexec)
{
	if (lowest >= FILES_MAX)
		return -EINVAL;
	return fd_install(file_hold(f), (int)lowest, cloexec);
}

static i64 set_status_flags(struct file *f, u64 flags)
{
	const u32 changeable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC;

	if (flags & O_DIRECT && !file_is_pipe(f) && !file_may_be_direct(f->inode, f->ops))
		return -EINVAL;
	WRITE_ONCE(f->flags, (f->flags & ~changeable) | ((u32)flags & changeable));
	return 0;
}

static i64 size_of_pipe(struct file *f, int command, u64 wanted)
{
	if (!file_is_pipe(f))
		return -EBADF;
	return command == F_SETPIPE_SZ ? pipe_set_size(f, (u32)wanted) : (i64)pipe_size(f);
}

static i64 seals_of(struct file *f, int command, u64 wanted)
{
	if (!file_is_on_tmpfs(f))
		return -EINVAL;
	if (command == F_GET_SEALS)
		return f->inode->seals;
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return -EPERM;
	if (wanted & ~(u64)(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return -EINVAL;
	return inode_add_seals(f->inode, (u32)wanted);
}

static i64 fcntl_of_file(int fd, struct file *f, int command, u64 argument)
{
	switch (command) {
	case F_DUPFD:
		return duplicate_from(f, argument, false);
	case F_DUPFD_CLOEXEC:
		return duplicate_from(f, argument, true);
	case F_GETFL:
		return f->flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
	case F_SETFL:
		return f->flags & O_PATH ? -EBADF : set_status_flags(f, argument);
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return size_of_pipe(f, command, argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return fcntl_lock(fd, f, command, (struct flock __user *)argument);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return seals_of(f, command, argument);
	default:
		return -EINVAL;
	}
}

i64 sys_fcntl(int fd, int command, u64 argument)
{
	struct file *f;
	i64 result;

	if (command == F_GETFD)
		return close_on_exec(fd, -1);
	if (command == F_SETFD) {
		int old = close_on_exec(fd, argument & FD_CLOEXEC ? 1 : 0);

		return old < 0 ? old : 0;
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	result = fcntl_of_file(fd, f, command, argument);
	file_put(f);
	return result;
}

/* --- ioctl ------------------------------------------------------------------ */

static i64 set_non_blocking(struct file *f, u64 argument)
{
	int on;

	if (copy_from_user(&on, (const void __user *)argument, sizeof(on)))
		return -EFAULT;
	return set_status_flags(f, on ? f->flags | O_NONBLOCK : f->flags & ~(u32)O_NONBLOCK);
}

static i64 bytes_to_read(struct file *f, u64 argument)
{
	u64 size = inode_size(f->inode), position = READ_ONCE(f->position);
	int nr = position < size ? (int)min(size - position, 0x7ffffffful) : 0;

	return copy_to_user((void __user *)argument, &nr, sizeof(nr));
}

i64 sys_ioctl(int fd, u32 request, u64 argument)
{
	struct file *f;
	i64 result;

	if (request == FIOCLEX || request == FIONCLEX) {
		result = close_on_exec(fd, request == FIOCLEX);
		return result < 0 ? result : 0;
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->flags & O_PATH)
		result = -EBADF;
	else if (request == FIONBIO)
		result = set_non_blocking(f, argument);
	else if (request == FIONREAD && S_ISREG(f->inode->mode))
		result = bytes_to_read(f, argument);
	else
		result = f->ops->ioctl ? f->ops->ioctl(f, request, argument) : -ENOTTY;
	file_put(f);
	return result;
}
