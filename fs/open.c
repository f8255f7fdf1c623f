/*
 * open.c - from an inode to an open description: whether it may be opened in this way, whose operations answer its
 * calls, and what O_TRUNC does first. How its path is found is path.c's; who may write while who runs is executing.c's.
 */
#include "kernel.h"
#include "fs/pipe.h"
#include "fs/vfs.h"
#include <abi/errno.h>
#include <abi/mount.h>

static bool wants_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY;
}

static int may_open(struct inode *ip, int flags, bool is_new)
{
	u32 mode = ip->mode;

	if (S_ISLNK(mode))
		return flags & O_PATH ? 0 : -ELOOP;
	if (flags & O_DIRECTORY && !S_ISDIR(mode))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (S_ISDIR(mode) && (wants_writing(flags) || flags & (O_CREAT | O_TRUNC)))
		return -EISDIR;
	if (S_ISSOCK(mode))
		return -ENXIO;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && inode_is_mounted(ip, MS_NODEV))
		return -EACCES;
	if (ip->sb->flags & MS_RDONLY && !is_new && (S_ISREG(mode) || S_ISDIR(mode)) &&
	    (wants_writing(flags) || flags & O_TRUNC))
		return -EROFS;
	if (flags & O_NOATIME && S_ISLNK(mode))
		return -EPERM;
	return 0;
}

// O_TRUNC is a write, whatever the description may do afterwards: a running program is refused.
static int truncate_to_nothing(struct inode *ip)
{
	int error = inode_begin_write(ip);

	if (error)
		return error;
	write_lock(&ip->lock);
	if (ip->ops->resize)
		error = ip->ops->resize(ip, 0);
	if (!error)
		inode_touch(ip, false, true, true);
	write_unlock(&ip->lock);
	inode_end_write(ip);
	return error ? error : superblock_changed(ip->sb);
}

static const struct file_ops path_only_ops = { .open = NULL };  // O_PATH: a place, not its bytes
static const struct file_ops no_device_ops = { .open = NULL };

const struct file_ops *(*device_ops_find)(u32 mode, u64 device_number);

static const struct file_ops *ops_for(struct inode *ip, int flags)
{
	if (flags & O_PATH)
		return &path_only_ops;
	if (ip->file_ops)
		return ip->file_ops;
	if (S_ISFIFO(ip->mode))
		return &fifo_file_ops;
	if ((S_ISCHR(ip->mode) || S_ISBLK(ip->mode)) && device_ops_find)
		return device_ops_find(ip->mode, ip->device_number);
	return &no_device_ops;
}

int open_dentry(struct dentry *d, int flags, bool is_new, struct file **out)
{
	struct inode *ip = d->inode;
	int error = may_open(ip, flags, is_new);

	if (error)
		return error;
	const struct file_ops *ops = ops_for(ip, flags);
	bool is_writer = S_ISREG(ip->mode) && wants_writing(flags) && !(flags & O_PATH);

	if (!ops || ops == &no_device_ops)
		return -ENXIO;
	if (flags & O_DIRECT && !(flags & O_PATH) && !file_may_be_direct(ip, ops))
		return -EINVAL;
	if (is_writer && (error = inode_begin_write(ip)))
		return error;
	if (is_writer && inode_is_mounted(ip, MS_RDONLY)) {     // remounted meanwhile; it looks for writers
		inode_end_write(ip);
		return -EROFS;
	}
	if (flags & O_TRUNC && S_ISREG(ip->mode) && !is_new && !(flags & O_PATH))
		error = truncate_to_nothing(ip);
	struct file *f = error ? NULL : file_alloc(ip, d, ops,
						   (u32)flags & ~(u32)(O_CREAT | O_EXCL | O_NOCTTY |
							O_TRUNC | O_CLOEXEC));

	if (!f) {
		if (is_writer)
			inode_end_write(ip);
		return error ? error : -ENOMEM;
	}
	f->is_writer = is_writer;
	if (ops->open && (error = ops->open(ip, f))) {
		f->ops = &path_only_ops;        // it was never opened: nothing to release
		file_put(f);
		return error;
	}
	*out = f;
	return 0;
}
