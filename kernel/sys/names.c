/*
 * names.c - the calls that make, remove and move names in directories.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "sys/arguments.h"
#include "sys/file_calls.h"
#include <abi/errno.h>

struct place {                          // a path and where it begins
	struct dentry *start;
	char *path;
};

static int place_get(int dirfd, const char __user *path, struct place *out)
{
	int error = path_from_user(path, &out->path);

	if (error)
		return error;
	error = start_of_path(dirfd, out->path, &out->start);
	if (error)
		kfree(out->path);
	return error;
}

static void place_put(struct place *p)
{
	dentry_put(p->start);
	kfree(p->path);
}

i64 sys_mkdirat(int dirfd, const char __user *path, u32 mode)
{
	struct place p;
	int error = place_get(dirfd, path, &p);

	if (error)
		return error;
	error = path_mkdir(p.start, p.path, mode & 01777 & ~current_umask());
	place_put(&p);
	return error;
}

i64 sys_mkdir(const char __user *path, u32 mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

i64 sys_mknodat(int dirfd, const char __user *path, u32 mode, u64 device_number)
{
	struct place p;
	int error;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	error = place_get(dirfd, path, &p);
	if (error)
		return error;
	error = path_create(p.start, p.path, mode & (S_IFMT | (07777 & ~current_umask())), (u32)device_number);
	place_put(&p);
	return error;
}

i64 sys_mknod(const char __user *path, u32 mode, u64 device_number)
{
	return sys_mknodat(AT_FDCWD, path, mode, device_number);
}

static i64 remove_name(int dirfd, const char __user *path, bool is_directory)
{
	struct place p;
	int error = place_get(dirfd, path, &p);

	if (error)
		return error;
	error = path_unlink(p.start, p.path, is_directory);
	place_put(&p);
	return error;
}

i64 sys_unlinkat(int dirfd, const char __user *path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return remove_name(dirfd, path, flags & AT_REMOVEDIR);
}

i64 sys_unlink(const char __user *path)
{
	return remove_name(AT_FDCWD, path, false);
}

i64 sys_rmdir(const char __user *path)
{
	return remove_name(AT_FDCWD, path, true);
}

i64 sys_linkat(int from_dirfd, const char __user *from, int to_dirfd, const char __user *to, int flags)
{
	struct target existing;
	struct place p;
	int error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = target_get(from_dirfd, from, (flags & AT_SYMLINK_FOLLOW ? 0 : TARGET_NO_FOLLOW) |
			   (flags & AT_EMPTY_PATH ? TARGET_EMPTY_OK : 0), &existing);
	if (error)
		return error;
	error = place_get(to_dirfd, to, &p);
	if (!error) {
		error = existing.dentry ? path_link(existing.dentry, p.start, p.path) : -EXDEV;
		place_put(&p);
	}
	target_put(&existing);
	return error;
}

i64 sys_link(const char __user *from, const char __user *to)
{
	return sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

i64 sys_symlinkat(const char __user *target, int dirfd, const char __user *path)
{
	struct place p;
	char *copy;
	int error = path_from_user(target, &copy);

	if (error)
		return error;
	error = place_get(dirfd, path, &p);
	if (!error) {
		error = path_symlink(p.start, p.path, copy);
		place_put(&p);
	}
	kfree(copy);
	return error;
}

i64 sys_symlink(const char __user *target, const char __user *path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

i64 sys_renameat2(int from_dirfd, const char __user *from, int to_dirfd, const char __user *to, u32 flags)
{
	struct place a, b;
	int error;

	if (flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    (flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)) == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	error = place_get(from_dirfd, from, &a);
	if (error)
		return error;
	error = place_get(to_dirfd, to, &b);
	if (!error) {
		error = path_rename(a.start, a.path, b.start, b.path, flags);
		place_put(&b);
	}
	place_put(&a);
	return error;
}

i64 sys_renameat(int from_dirfd, const char __user *from, int to_dirfd, const char __user *to)
{
	return sys_renameat2(from_dirfd, from, to_dirfd, to, 0);
}

i64 sys_rename(const char __user *from, const char __user *to)
{
	return sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}
