#pragma once
/*
 * internal.h - what the files of tmpfs share.
 */
#include "types.h"
#include "fs/vfs.h"
#include "lib/list.h"
#include "lib/radix.h"
#include "mm/swap.h"

#define TMPFS_FIRST_POSITION 2          // behind "." and ".."
#define TMPFS_SECTORS_PER_PAGE (PAGE_SIZE / 512)

struct tmpfs_inode {
	struct inode inode;
	struct list entries;            // GUARDED_BY(inode.lock) directories: ascending by position
	u64 next_position;              // GUARDED_BY(inode.lock)
	char *target;                   // constant; symbolic links, and the name of a memfd
	const char *unnamed;            // constant; the name to show, for files without one
	u64 nr_promised;                // constant; pages promised since it was made; 0: each from its first store
	struct spinlock slots_lock;     // RANK_SWAP_TREE
	struct radix slots;             // GUARDED_BY(slots_lock) index -> swap entry; see swap.c
	struct list swapped_link;       // in the list of files that have had a slot
};

struct tmpfs {
	u64 next_number;                // atomic
	u64 max_pages;                  // constant
	u64 nr_pages;                   // atomic: pages that hold data, in memory or in swap
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
void tmpfs_promise(i64 nr_pages);                // so many pages more (fewer) count as promised memory (mm/commit.h)
void tmpfs_uncount_page(struct inode *ip);      // one page of data fewer: what the limit and st_blocks say
extern const struct inode_ops tmpfs_file_inode_ops;
extern const struct file_ops tmpfs_file_ops;
extern const struct inode_ops tmpfs_directory_ops, tmpfs_symlink_ops;   // names.c
extern const struct file_ops tmpfs_directory_file_ops;

/* swap.c; T1 to T4 stand there. None sleeps where nothing is said. */
extern u64 tmpfs_nr_resident;           // atomic: pages of data in memory, of all files (file.c)
void tmpfs_swap_init(struct tmpfs_inode *t);
void tmpfs_swap_forget(struct tmpfs_inode *t);  // it is about to be freed, its cache is empty: gives its slots up
bool tmpfs_swap_place(struct cache *cache, struct page *p);     // cache_ops
void tmpfs_swap_give(struct cache *cache, struct page *p);
// Page locked, in the cache: if there is a slot for its index it is BACKED now,
// private names it, and its bytes must be read.
bool tmpfs_slot_adopt(struct inode *ip, struct page *p);
// How many pages behind p have the slots behind p's.
u32 tmpfs_slots_behind(struct inode *ip, const struct page *p, u32 max);
// The first index of [first, behind) with a slot; behind.
pgoff_t tmpfs_next_slot(struct inode *ip, pgoff_t first, pgoff_t behind);
void tmpfs_slot_drop(struct inode *ip, struct page *p);         // page locked: its slot, if it has one, is given up
// inode.lock held for writing: gives up the slots of all pages from first on,
// which are not the file's any more. May sleep.
void tmpfs_slots_drop(struct inode *ip, pgoff_t first);
