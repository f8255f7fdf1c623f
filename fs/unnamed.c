/*
 * unnamed.c - files that are in no directory. Their inodes belong to a file system that is nowhere mounted,
 * has no disk, and knows nothing but how to make and free them.
 */
#include "fs/unnamed.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/slab.h"
#include <abi/errno.h>

static struct slab_cache inodes;
static struct superblock sb;
static u64 last_number;                 // atomic

static struct inode *unnamed_inode_alloc(struct superblock *own)
{
	(void)own;
	return slab_alloc_zeroed(&inodes);
}

static void unnamed_inode_free(struct inode *ip)
{
	slab_free(&inodes, ip);
}

static const struct superblock_ops sb_ops = {
	.inode_alloc = unnamed_inode_alloc,
	.inode_free = unnamed_inode_free,
};
static const struct inode_ops inode_ops = { .lookup = NULL };

struct inode *unnamed_inode_create(u32 mode, const struct file_ops *ops)
{
	struct inode *ip = unnamed_inode_alloc(&sb);

	if (!ip)
		return NULL;
	inode_init_unhashed(ip, &sb);
	ip->ops = &inode_ops;
	ip->file_ops = ops;
	ip->number = atomic_add_return(&last_number, 1);
	ip->mode = mode;
	return ip;
}

void unnamed_files_init(void)
{
	slab_cache_init(&inodes, "unnamed_inode", sizeof(struct inode), 16);
	sb.ops = &sb_ops;
	sb.device_id = (u32)ABI_MKDEV(0, 12);
	mutex_init(&sb.rename_lock, "unnamed rename_lock", RANK_RENAME);
	list_init(&sb.inodes);
	list_init(&sb.dirty_inodes);
	list_init(&sb.link);
}

int unnamed_file_create(const struct file_ops *ops, void *private, u32 flags, struct file **out)
{
	struct inode *ip = private ? unnamed_inode_create(0600, ops) : NULL;

	*out = ip ? file_alloc(ip, NULL, ops, flags & (O_ACCMODE | O_NONBLOCK)) : NULL;
	if (ip)
		inode_put(ip);                  // the file holds it
	if (!*out)
		return -ENOMEM;
	(*out)->private = private;
	return 0;
}

int unnamed_file_open(struct inode *ip, struct file *f)
{
	(void)ip;
	(void)f;
	return -ENXIO;
}

i64 unnamed_file_seek(struct file *f, i64 offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return 0;
}
