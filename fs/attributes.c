/*
 * attributes.c - mode, owner, times and size, as chmod, chown, utimensat and truncate change them.
 */
#include "fs/attributes.h"
#include "fs/size_limit.h"
#include "fs/vfs.h"
#include "kernel.h"
#include <abi/errno.h>

// inode->lock held for writing.
static int attributes_changed(struct inode *ip)
{
	inode_touch(ip, false, false, true);
	inode_mark_dirty(ip, INODE_DIRTY_META);
	return ip->ops && ip->ops->changed ? ip->ops->changed(ip) : 0;
}

int inode_set_mode(struct inode *ip, u32 permissions)
{
	int error;

	write_lock(&ip->lock);
	ip->mode = (ip->mode & S_IFMT) | (permissions & 07777);
	error = attributes_changed(ip);
	write_unlock(&ip->lock);
	return error;
}

int inode_set_owner(struct inode *ip, u32 uid, u32 gid)
{
	int error;

	write_lock(&ip->lock);
	if (uid != OWNER_KEEP)
		ip->uid = uid;
	if (gid != OWNER_KEEP)
		ip->gid = gid;
	// A program that runs as its owner must not become one that runs as somebody else.
	if (S_ISREG(ip->mode) && (uid != OWNER_KEEP || gid != OWNER_KEEP)) {
		ip->mode &= ~S_ISUID;
		if (ip->mode & S_IXGRP)
			ip->mode &= ~S_ISGID;
	}
	error = attributes_changed(ip);
	write_unlock(&ip->lock);
	return error;
}

int inode_set_times(struct inode *ip, u32 which, const struct timespec *access, const struct timespec *modify)
{
	int error;

	write_lock(&ip->lock);
	spin_lock(&ip->times_lock);
	if (which & TIMES_ACCESS)
		ip->atime = *access;
	if (which & TIMES_MODIFY)
		ip->mtime = *modify;
	ip->access_known_until_ns = 0;
	ip->touched = 0;
	spin_unlock(&ip->times_lock);
	error = attributes_changed(ip);
	write_unlock(&ip->lock);
	return error;
}

int inode_truncate(struct inode *ip, u64 size)
{
	int error;

	if (S_ISDIR(ip->mode))
		return -EISDIR;
	if (!S_ISREG(ip->mode) || !ip->ops->resize)
		return -EINVAL;
	if (size > I64_MAX)
		return -EFBIG;
	if (atomic_load(&ip->nr_writers) < 0)
		return -ETXTBSY;
	write_lock(&ip->lock);
	error = size_limit_resize(inode_size(ip), size);
	if (!error)
		error = inode_seal_refuses(ip, size) ? -EPERM : ip->ops->resize(ip, size);
	if (!error)
		inode_touch(ip, false, true, true);
	write_unlock(&ip->lock);
	return error ? error : superblock_changed(ip->sb);
}
