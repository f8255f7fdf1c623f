#pragma once
/*
 * internal.h - what the files of tmpfs share.
 */
#include "types.h"
#include "fs/vfs.h"
#include "lib/list.h"

#define TMPFS_FIRST_POSITION 2          // behind "." and ".."
#define TMPFS_SECTORS_PER_PAGE (PAGE_SIZE / 512)

struct tmpfs_inode {
	struct inode inode;
	struct list entries;            // GUARDED_BY(inode.lock) directories: ascending by position
	u64 next_position;              // GUARDED_BY(inode.lock)
	char *target;                   // constant; symbolic links, and the name of a memfd
	const char *unnamed;            // constant; the name to show, for files without one
};

struct tmpfs {
	u64 next_number;                // atomic
	u64 max_pages;                  // constant
	u64 nr_pages;                   // atomic: pages that hold data
};

static inline struct tmpfs_inode *tmpfs_inode(struct inode *ip)
{
	return container_of(ip, struct tmpfs_inode, inode);
}

static inline struct tmpfs *tmpfs_of(struct inode *ip)
{
	return ip->sb->private;
}

// A new inode, filled in and ready, referenced. May sleep.
int tmpfs_inode_make(struct superblock *sb, u32 mode, u64 device_number, struct inode **out) MUST_CHECK;
// Gives up every name below a directory that nobody can reach any more. May sleep.
void tmpfs_forget_entries(struct tmpfs_inode *dir);

extern const struct cache_ops tmpfs_cache_ops;                          // file.c
extern const struct inode_ops tmpfs_file_inode_ops;
extern const struct file_ops tmpfs_file_ops;
extern const struct inode_ops tmpfs_directory_ops, tmpfs_symlink_ops;   // names.c
extern const struct file_ops tmpfs_directory_file_ops;
