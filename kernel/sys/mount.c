/*
 * mount.c - file systems come and go, and what must be on the disk gets there.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sys/arguments.h"
#include "sys/file_calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mount.h>

#define TYPE_NAME_MAX 32

// What a mount call names; every string is for kfree.
struct mount_request {
	char *source, *target, *options;
	char type[TYPE_NAME_MAX];
};

static void request_free(struct mount_request *r)
{
	kfree(r->source);
	kfree(r->target);
	kfree(r->options);
}

static int request_copy(struct mount_request *r, const char __user *source, const char __user *target,
			const char __user *type, const void __user *data)
{
	int error;

	*r = (struct mount_request){ .source = NULL };
	error = type ? (int)copy_string_from_user(r->type, type, sizeof(r->type)) : 0;
	if (error < 0)
		return error == -ENAMETOOLONG ? -ENODEV : error;
	error = path_from_user(target, &r->target);
	if (!error && source)
		error = path_from_user_or_empty(source, &r->source);
	if (!error && data)
		error = path_from_user_or_empty(data, &r->options);
	return error;
}

static int mount_request_run(const struct mount_request *r, u32 flags)
{
	struct dentry *start, *where;
	int error = start_of_path(AT_FDCWD, r->target, &start);

	if (error)
		return error;
	error = path_lookup(start, r->target, PATH_FOLLOW | PATH_DIRECTORY, &where);
	dentry_put(start);
	if (error)
		return error;
	error = mount_at(r->type, r->source ? r->source : "none", where, flags, r->options ? r->options : "");
	dentry_put(where);
	return error;
}

i64 sys_mount(const char __user *source, const char __user *target, const char __user *type, u64 flags,
	      const void __user *data)
{
	const u64 ignored = MS_SILENT | MS_RELATIME | MS_LAZYTIME;
	const u64 known = MS_STRICTATIME | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME |
			  MS_NODIRATIME | MS_REMOUNT | MS_SYNCHRONOUS;
	struct mount_request r;
	int error;

	if ((flags & 0xffff0000) == 0xc0ed0000)         // the old magic number, which says nothing
		flags &= 0xffff;
	if (flags & ~(ignored | known))
		return -EINVAL;
	error = request_copy(&r, source, target, type, data);
	if (!error)
		error = mount_request_run(&r, (u32)(flags & known));
	request_free(&r);
	return error;
}

i64 sys_umount2(const char __user *target, int flags)
{
	struct target t;
	int error;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	error = target_get(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? TARGET_NO_FOLLOW : 0, &t);
	if (error)
		return error;
	error = unmount(t.dentry, (u32)flags);
	if (error)
		target_put(&t);         // else the reference has gone with the tree
	return error;
}

/* --- to the disk ------------------------------------------------------------ */

i64 sys_sync(void)
{
	sync_all();
	return 0;
}

i64 sys_syncfs(int fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	sync_all();
	file_put(f);
	return 0;
}

static i64 sync_fd(int fd, bool data_only)
{
	struct file *f = fd_get(fd);
	u32 mode;
	int error;

	if (!f)
		return -EBADF;
	mode = f->inode->mode;
	if (f->flags & O_PATH)
		error = -EBADF;
	else if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISBLK(mode))
		error = -EINVAL;
	else
		error = file_sync(f, 0, I64_MAX, data_only);
	file_put(f);
	return error;
}

i64 sys_fsync(int fd)
{
	return sync_fd(fd, false);
}

i64 sys_fdatasync(int fd)
{
	return sync_fd(fd, true);
}

// Pages only: neither the inode nor the disk's own cache.
// What WAIT_BEFORE, WRITE and WAIT_AFTER ask for, in that order.
i64 sys_sync_file_range(int fd, i64 offset, i64 length, u32 flags)
{
	struct file *f;
	i64 end, error = 0;

	if (flags & ~(u32)(SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))
		return -EINVAL;
	if (offset < 0 || length < 0 || __builtin_add_overflow(offset, length, &end))
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	struct cache *cache = &f->inode->cache;
	u32 mode = f->inode->mode;
	pgoff_t first = (u64)offset >> PAGE_SHIFT, last = length ? (u64)(end - 1) >> PAGE_SHIFT : U64_MAX - 1;

	if (f->flags & O_PATH)
		error = -EBADF;
	else if (!S_ISREG(mode) && !S_ISDIR(mode) && !S_ISBLK(mode) && !S_ISLNK(mode))
		error = -ESPIPE;
	if (!error && cache->ops && cache->ops->store) {
		if (flags & SYNC_FILE_RANGE_WAIT_BEFORE)
			cache_wait_written(cache, first, last);
		if (flags & SYNC_FILE_RANGE_WRITE)
			error = cache_write_back(cache, first, last, SYNC_START);
		if (flags & SYNC_FILE_RANGE_WAIT_AFTER)
			cache_wait_written(cache, first, last);
		if (!error && flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER))
			error = cache_error_check(cache, &f->error_seen);
	}
	file_put(f);
	return error;
}
