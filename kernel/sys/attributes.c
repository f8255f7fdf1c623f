/*
 * attributes.c - the calls that change what a file says about itself: mode, owner, times, size.
 */
#include "fs/attributes.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "proc/process.h"
#include "sys/arguments.h"
#include "sys/file_calls.h"
#include "x86/clock.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define NS_PER_SECOND 1000000000l

/* --- mode ------------------------------------------------------------------- */

// Takes over the target.
static i64 chmod_target(struct target *t, u32 mode)
{
	int error;

	if (t->file && t->file->flags & O_PATH)
		error = -EBADF;
	else if (target_is_read_only(t))
		error = -EROFS;
	else if (S_ISLNK(t->inode->mode))
		error = -EOPNOTSUPP;
	else
		error = inode_set_mode(t->inode, mode);
	target_put(t);
	return error;
}

i64 sys_fchmodat(int dirfd, const char __user *path, u32 mode)
{
	struct target t;
	int error = target_get(dirfd, path, 0, &t);

	return error ? error : chmod_target(&t, mode);
}

i64 sys_chmod(const char __user *path, u32 mode)
{
	return sys_fchmodat(AT_FDCWD, path, mode);
}

i64 sys_fchmod(int fd, u32 mode)
{
	struct target t;
	int error = target_of_fd(fd, &t);

	return error ? error : chmod_target(&t, mode);
}

/* --- owner ------------------------------------------------------------------ */

static i64 chown_target(struct target *t, u32 uid, u32 gid)
{
	int error = target_is_read_only(t) ? -EROFS : inode_set_owner(t->inode, uid, gid);

	target_put(t);
	return error;
}

i64 sys_fchownat(int dirfd, const char __user *path, u32 uid, u32 gid, int flags)
{
	struct target t;
	int error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = target_get(dirfd, path, (flags & AT_EMPTY_PATH ? TARGET_EMPTY_OK : 0) |
			   (flags & AT_SYMLINK_NOFOLLOW ? TARGET_NO_FOLLOW : 0), &t);
	return error ? error : chown_target(&t, uid, gid);
}

i64 sys_chown(const char __user *path, u32 uid, u32 gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

i64 sys_lchown(const char __user *path, u32 uid, u32 gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

i64 sys_fchown(int fd, u32 uid, u32 gid)
{
	struct target t;
	int error = target_of_fd(fd, &t);

	if (!error && t.file->flags & O_PATH) {
		target_put(&t);
		error = -EBADF;
	}
	return error ? error : chown_target(&t, uid, gid);
}

/* --- times ------------------------------------------------------------------ */

static struct timespec now(void)
{
	u64 ns = clock_realtime_ns();

	return (struct timespec){ .tv_sec = (i64)ns / NS_PER_SECOND, .tv_nsec = (i64)ns % NS_PER_SECOND };
}

// Replaces UTIME_NOW by the time, and says which of the two times are set. -EINVAL.
static int resolve_times(struct timespec times[2], u32 *which)
{
	*which = 0;
	for (int i = 0; i < 2; i++) {
		if (times[i].tv_nsec == UTIME_OMIT)
			continue;
		if (times[i].tv_nsec == UTIME_NOW)
			times[i] = now();
		else if (times[i].tv_nsec < 0 || times[i].tv_nsec >= NS_PER_SECOND)
			return -EINVAL;
		*which |= i == 0 ? TIMES_ACCESS : TIMES_MODIFY;
	}
	return 0;
}

static i64 set_times(int dirfd, const char __user *path, struct timespec times[2], u32 flags)
{
	struct target t;
	u32 which;
	int error = resolve_times(times, &which);

	if (error || !which)
		return error;
	error = target_get(dirfd, path, flags, &t);
	if (error)
		return error;
	error = target_is_read_only(&t) ? -EROFS : inode_set_times(t.inode, which, &times[0], &times[1]);
	target_put(&t);
	return error;
}

i64 sys_utimensat(int dirfd, const char __user *path, const struct timespec __user *times, int flags)
{
	struct timespec copy[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (times && copy_from_user(copy, times, sizeof(copy)))
		return -EFAULT;
	return set_times(dirfd, path, copy, TARGET_NULL_OK | (flags & AT_EMPTY_PATH ? TARGET_EMPTY_OK : 0) |
			 (flags & AT_SYMLINK_NOFOLLOW ? TARGET_NO_FOLLOW : 0));
}

i64 sys_futimesat(int dirfd, const char __user *path, const struct timeval __user *times)
{
	struct timespec spec[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	struct timeval copy[2];

	if (times && copy_from_user(copy, times, sizeof(copy)))
		return -EFAULT;
	for (int i = 0; times && i < 2; i++) {
		if (copy[i].tv_usec < 0 || copy[i].tv_usec >= 1000000)
			return -EINVAL;
		spec[i] = (struct timespec){ .tv_sec = copy[i].tv_sec, .tv_nsec = copy[i].tv_usec * 1000 };
	}
	return set_times(dirfd, path, spec, TARGET_NULL_OK);
}

i64 sys_utimes(const char __user *path, const struct timeval __user *times)
{
	return path ? sys_futimesat(AT_FDCWD, path, times) : -EFAULT;
}

i64 sys_utime(const char __user *path, const struct utimbuf __user *times)
{
	struct timespec spec[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	struct utimbuf copy;

	if (times) {
		if (copy_from_user(&copy, times, sizeof(copy)))
			return -EFAULT;
		spec[0] = (struct timespec){ .tv_sec = copy.actime };
		spec[1] = (struct timespec){ .tv_sec = copy.modtime };
	}
	return set_times(AT_FDCWD, path, spec, 0);
}

/* --- size ------------------------------------------------------------------- */

i64 sys_truncate(const char __user *path, i64 size)
{
	struct target t;
	int error;

	if (size < 0)
		return -EINVAL;
	error = target_get(AT_FDCWD, path, 0, &t);
	if (error)
		return error;
	error = target_is_read_only(&t) && S_ISREG(t.inode->mode) ? -EROFS : inode_truncate(t.inode, (u64)size);
	target_put(&t);
	return error;
}

i64 sys_ftruncate(int fd, i64 size)
{
	struct file *f;
	int error;

	if (size < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	// A descriptor that cannot be written to is EINVAL here, unlike for write().
	if (f->flags & O_PATH)
		error = -EBADF;
	else if (!S_ISREG(f->inode->mode) || (f->flags & O_ACCMODE) == O_RDONLY)
		error = -EINVAL;
	else
		error = inode_truncate(f->inode, (u64)size);
	file_put(f);
	return error;
}

i64 sys_umask(u32 mask)
{
	struct process *p = current_process();
	u32 old;

	mutex_lock(&p->lock);
	old = p->umask;
	p->umask = mask & 0777;
	mutex_unlock(&p->lock);
	return old;
}
