/*
 * stat.c - the calls that ask about files and change nothing.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "sys/arguments.h"
#include "sys/file_calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mount.h>

static i64 stat_target(int dirfd, const char __user *path, u32 flags, struct stat __user *out)
{
	struct target t;
	struct stat st;
	int error = target_get(dirfd, path, flags, &t);

	if (error)
		return error;
	inode_fill_stat(t.inode, &st);
	target_put(&t);
	return copy_to_user(out, &st, sizeof(st));
}

i64 sys_stat(const char __user *path, struct stat __user *out)
{
	return stat_target(AT_FDCWD, path, 0, out);
}

i64 sys_lstat(const char __user *path, struct stat __user *out)
{
	return stat_target(AT_FDCWD, path, TARGET_NO_FOLLOW, out);
}

i64 sys_fstat(int fd, struct stat __user *out)
{
	struct target t;
	struct stat st;
	int error = target_of_fd(fd, &t);

	if (error)
		return error;
	inode_fill_stat(t.inode, &st);
	target_put(&t);
	return copy_to_user(out, &st, sizeof(st));
}

static u32 target_flags(int flags)
{
	return (flags & AT_EMPTY_PATH ? TARGET_EMPTY_OK : 0) | (flags & AT_SYMLINK_NOFOLLOW ? TARGET_NO_FOLLOW : 0);
}

i64 sys_newfstatat(int dirfd, const char __user *path, struct stat __user *out, int flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	return stat_target(dirfd, path, target_flags(flags), out);
}

static struct statx_timestamp statx_time(struct timespec t)
{
	return (struct statx_timestamp){ .tv_sec = t.tv_sec, .tv_nsec = (u32)t.tv_nsec };
}

static void statx_of_stat(const struct stat *st, struct statx *out)
{
	*out = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (u32)st->st_blksize,
		.stx_nlink = (u32)st->st_nlink,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mode = (u16)st->st_mode,
		.stx_ino = st->st_ino,
		.stx_size = (u64)st->st_size,
		.stx_blocks = (u64)st->st_blocks,
		.stx_atime = statx_time(st->st_atim),
		.stx_ctime = statx_time(st->st_ctim),
		.stx_mtime = statx_time(st->st_mtim),
		.stx_rdev_major = ABI_MAJOR(st->st_rdev),
		.stx_rdev_minor = ABI_MINOR(st->st_rdev),
		.stx_dev_major = ABI_MAJOR(st->st_dev),
		.stx_dev_minor = ABI_MINOR(st->st_dev),
	};
}

i64 sys_statx(int dirfd, const char __user *path, int flags, u32 mask, struct statx __user *out)
{
	const int sync_flags = 0x6000;          // AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC: the same for us
	struct target t;
	struct stat st;
	struct statx stx;
	int error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | sync_flags) ||
	    (flags & sync_flags) == sync_flags)
		return -EINVAL;
	if (mask & 0x80000000u)                 // reserved for the future
		return -EINVAL;
	error = target_get(dirfd, path, target_flags(flags), &t);
	if (error)
		return error;
	inode_fill_stat(t.inode, &st);
	target_put(&t);
	statx_of_stat(&st, &stx);
	return copy_to_user(out, &stx, sizeof(stx));
}

/* --- file systems ----------------------------------------------------------- */

static long st_flags_of(u32 mount_flags)
{
	static const struct { u32 mount_flag; long st_flag; } pairs[] = {
		{ MS_RDONLY, ST_RDONLY }, { MS_NOSUID, ST_NOSUID }, { MS_NODEV, ST_NODEV }, { MS_NOEXEC, ST_NOEXEC },
		{ MS_SYNCHRONOUS, ST_SYNCHRONOUS }, { MS_NOATIME, ST_NOATIME }, { MS_NODIRATIME, ST_NODIRATIME },
	};
	long flags = mount_flags & (MS_NOATIME | MS_STRICTATIME) ? 0 : ST_RELATIME;

	for (u32 i = 0; i < ARRAY_SIZE(pairs); i++)
		flags |= mount_flags & pairs[i].mount_flag ? pairs[i].st_flag : 0;
	return flags;
}

static i64 statfs_of_inode(struct inode *ip, struct statfs __user *out)
{
	struct superblock *sb = ip->sb;
	struct statfs st = { .f_type = PIPEFS_MAGIC, .f_bsize = PAGE_SIZE, .f_namelen = NAME_LENGTH_MAX };

	if (!sb)
		return -ENOSYS;
	if (sb->ops->statfs)
		sb->ops->statfs(sb, &st);
	st.f_flags |= ST_VALID | st_flags_of(sb->flags);
	if (!st.f_frsize)
		st.f_frsize = st.f_bsize;
	return copy_to_user(out, &st, sizeof(st));
}

i64 sys_statfs(const char __user *path, struct statfs __user *out)
{
	struct target t;
	i64 result = target_get(AT_FDCWD, path, 0, &t);

	if (result)
		return result;
	result = statfs_of_inode(t.inode, out);
	target_put(&t);
	return result;
}

i64 sys_fstatfs(int fd, struct statfs __user *out)
{
	struct target t;
	i64 result = target_of_fd(fd, &t);

	if (result)
		return result;
	result = statfs_of_inode(t.inode, out);
	target_put(&t);
	return result;
}

/* --- access ----------------------------------------------------------------- */

// Everybody is root here: all may be read and written, and a file is executable when somebody may execute it.
static int access_of(const struct target *t, int mode)
{
	u32 m = t->inode->mode;

	if (mode & W_OK && target_is_read_only(t) && (S_ISREG(m) || S_ISDIR(m) || S_ISLNK(m)))
		return -EROFS;
	if (mode & X_OK && S_ISREG(m) && inode_is_mounted(t->inode, MS_NOEXEC))
		return -EACCES;
	if (mode & X_OK && !S_ISDIR(m) && !(m & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return -EACCES;
	return 0;
}

i64 sys_faccessat2(int dirfd, const char __user *path, int mode, int flags)
{
	struct target t;
	int error;

	if (mode & ~(R_OK | W_OK | X_OK) || flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = target_get(dirfd, path, target_flags(flags), &t);
	if (error)
		return error;
	error = access_of(&t, mode);
	target_put(&t);
	return error;
}

i64 sys_faccessat(int dirfd, const char __user *path, int mode)
{
	return sys_faccessat2(dirfd, path, mode, 0);
}

i64 sys_access(const char __user *path, int mode)
{
	return sys_faccessat2(AT_FDCWD, path, mode, 0);
}
