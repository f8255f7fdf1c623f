// The system calls on names: opening, making, removing and describing files.

#include "internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

int openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;

	if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return (int)CALL(SYS_openat, dir, path, flags, mode);
}

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if (flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return (int)CALL(SYS_open, path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
	return open(path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

int access(const char *path, int mode)
{
	return (int)CALL(SYS_access, path, mode);
}

// The kernel's older call knows no flags; they need the newer one.
int faccessat(int dir, const char *path, int mode, int flags)
{
	if (flags == 0)
		return (int)CALL(SYS_faccessat, dir, path, mode);
	return (int)CALL(SYS_faccessat2, dir, path, mode, flags);
}

int link(const char *from, const char *to)
{
	return (int)CALL(SYS_link, from, to);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
	return (int)CALL(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int symlink(const char *target, const char *path)
{
	return (int)CALL(SYS_symlink, target, path);
}

int symlinkat(const char *target, int dir, const char *path)
{
	return (int)CALL(SYS_symlinkat, target, dir, path);
}

ssize_t readlink(const char *restrict path, char *restrict target, size_t size)
{
	return CALL(SYS_readlink, path, target, size);
}

ssize_t readlinkat(int dir, const char *restrict path, char *restrict target, size_t size)
{
	return CALL(SYS_readlinkat, dir, path, target, size);
}

int unlink(const char *path)
{
	return (int)CALL(SYS_unlink, path);
}

int unlinkat(int dir, const char *path, int flags)
{
	return (int)CALL(SYS_unlinkat, dir, path, flags);
}

int rmdir(const char *path)
{
	return (int)CALL(SYS_rmdir, path);
}

// Removes a file or an empty directory.
int remove(const char *path)
{
	if (unlink(path) == 0)
		return 0;
	return errno == EISDIR ? rmdir(path) : -1;
}

int rename(const char *from, const char *to)
{
	return (int)CALL(SYS_rename, from, to);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return (int)CALL(SYS_renameat, from_dir, from, to_dir, to);
}

int mkdir(const char *path, mode_t mode)
{
	return (int)CALL(SYS_mkdir, path, mode);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	return (int)CALL(SYS_mkdirat, dir, path, mode);
}

int mknod(const char *path, mode_t mode, dev_t device)
{
	return (int)CALL(SYS_mknod, path, mode, device);
}

int mknodat(int dir, const char *path, mode_t mode, dev_t device)
{
	return (int)CALL(SYS_mknodat, dir, path, mode, device);
}

int mkfifo(const char *path, mode_t mode)
{
	return mknod(path, S_IFIFO | mode, 0);
}

int chdir(const char *path)
{
	return (int)CALL(SYS_chdir, path);
}

int fchdir(int fd)
{
	return (int)CALL(SYS_fchdir, fd);
}

int chroot(const char *path)
{
	return (int)CALL(SYS_chroot, path);
}

// The working directory in path, or, for NULL, in memory that the caller frees.
char *getcwd(char *path, size_t size)
{
	char *target = path;

	if (!path) {
		if (size == 0)
			size = PATH_MAX;
		target = malloc(size);
		if (!target)
			return NULL;
	}
	if (CALL(SYS_getcwd, target, size) < 0) {
		if (!path)
			free(target);
		return NULL;
	}
	return target;
}

int truncate(const char *path, off_t length)
{
	return (int)CALL(SYS_truncate, path, length);
}

int stat(const char *restrict path, struct stat *restrict st)
{
	return (int)CALL(SYS_stat, path, st);
}

int lstat(const char *restrict path, struct stat *restrict st)
{
	return (int)CALL(SYS_lstat, path, st);
}

int fstat(int fd, struct stat *st)
{
	return (int)CALL(SYS_fstat, fd, st);
}

int fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
	return (int)CALL(SYS_newfstatat, dir, path, st, flags);
}

int statx(int dir, const char *restrict path, int flags, unsigned int mask,
	  struct statx *restrict st)
{
	return (int)CALL(SYS_statx, dir, path, flags, mask, st);
}

int statfs(const char *path, struct statfs *fs)
{
	return (int)CALL(SYS_statfs, path, fs);
}

int fstatfs(int fd, struct statfs *fs)
{
	return (int)CALL(SYS_fstatfs, fd, fs);
}

int chmod(const char *path, mode_t mode)
{
	return (int)CALL(SYS_chmod, path, mode);
}

int fchmod(int fd, mode_t mode)
{
	return (int)CALL(SYS_fchmod, fd, mode);
}

int fchmodat(int dir, const char *path, mode_t mode, int flags)
{
	if (flags) {
		errno = EOPNOTSUPP;	// links have no mode of their own
		return -1;
	}
	return (int)CALL(SYS_fchmodat, dir, path, mode);
}

mode_t umask(mode_t mask)
{
	return (mode_t)CALL(SYS_umask, mask);
}

int chown(const char *path, uid_t uid, gid_t gid)
{
	return (int)CALL(SYS_chown, path, uid, gid);
}

int lchown(const char *path, uid_t uid, gid_t gid)
{
	return (int)CALL(SYS_lchown, path, uid, gid);
}

int fchown(int fd, uid_t uid, gid_t gid)
{
	return (int)CALL(SYS_fchown, fd, uid, gid);
}

int fchownat(int dir, const char *path, uid_t uid, gid_t gid, int flags)
{
	return (int)CALL(SYS_fchownat, dir, path, uid, gid, flags);
}

int utimensat(int dir, const char *path, const struct timespec times[2], int flags)
{
	return (int)CALL(SYS_utimensat, dir, path, times, flags);
}

int futimens(int fd, const struct timespec times[2])
{
	return utimensat(fd, NULL, times, 0);
}

// Microseconds to nanoseconds. NULL, for the present time, stays NULL.
static struct timespec *times_convert(const struct timeval from[2], struct timespec to[2])
{
	if (!from)
		return NULL;
	for (int i = 0; i < 2; i++)
		to[i] = (struct timespec){ from[i].tv_sec, from[i].tv_usec * 1000 };
	return to;
}

int utimes(const char *path, const struct timeval times[2])
{
	struct timespec converted[2];

	return utimensat(AT_FDCWD, path, times_convert(times, converted), 0);
}

int futimes(int fd, const struct timeval times[2])
{
	struct timespec converted[2];

	return futimens(fd, times_convert(times, converted));
}

int utime(const char *path, const struct utimbuf *times)
{
	if (!times)
		return utimensat(AT_FDCWD, path, NULL, 0);
	struct timespec both[2] = { { times->actime, 0 }, { times->modtime, 0 } };
	return utimensat(AT_FDCWD, path, both, 0);
}

// Shared memory objects are files of one directory.
static int shm_path(const char *name, char *path)
{
	while (*name == '/')
		name++;
	if (!*name || strchr(name, '/') || strlen(name) > NAME_MAX) {
		errno = EINVAL;
		return -1;
	}
	snprintf(path, PATH_MAX, "/dev/shm/%s", name);
	return 0;
}

int shm_open(const char *name, int flags, mode_t mode)
{
	char path[PATH_MAX];

	if (shm_path(name, path))
		return -1;
	return open(path, flags | O_NOFOLLOW | O_CLOEXEC, mode);
}

int shm_unlink(const char *name)
{
	char path[PATH_MAX];

	return shm_path(name, path) ? -1 : unlink(path);
}
