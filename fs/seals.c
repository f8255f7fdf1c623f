/*
 * seals.c - promises about a memory file that nobody can take back (fcntl F_ADD_SEALS). They stand in the inode,
 * are changed under inode->lock, and asked by write(), truncation, fallocate and mmap. Against writing there
 * is one more thing to look at: a file that some process has mapped so that it could be stored to cannot be sealed.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/area.h"
#include "mm/rmap.h"
#include <abi/errno.h>

int inode_add_seals(struct inode *ip, u32 seals)
{
	int error = 0;

	write_lock(&ip->lock);
	// A new mapping enters the list under rmap_lock and looks at the seals then: it sees this one, or is seen here.
	mutex_lock(&ip->cache.rmap_lock);
	if (ip->seals & F_SEAL_SEAL)
		error = -EPERM;
	else if (seals & F_SEAL_WRITE & ~ip->seals && rmap_may_be_stored_to(&ip->cache))
		error = -EBUSY;
	else
		WRITE_ONCE(ip->seals, ip->seals | seals);
	mutex_unlock(&ip->cache.rmap_lock);
	write_unlock(&ip->lock);
	return error;
}

bool inode_seal_refuses(const struct inode *ip, u64 new_size)
{
	u64 size = inode_size(ip);

	return (new_size < size && ip->seals & F_SEAL_SHRINK) || (new_size > size && ip->seals & F_SEAL_GROW);
}

// A write that would make the file longer goes as far as whole pages within it, as on Linux.
size_t inode_sealed_room(const struct inode *ip, u64 position, size_t nr_bytes)
{
	u64 size = inode_size(ip), whole = PAGE_ALIGN_DOWN(size);

	if (ip->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		return 0;
	if (!(ip->seals & F_SEAL_GROW) || (position <= size && nr_bytes <= size - position))
		return nr_bytes;
	return position < whole ? whole - position : 0;
}

int file_map_cache(struct file *f, struct area *area)
{
	area->cache = &f->inode->cache;
	if (f->inode->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE) && area->flags & AREA_SHARED) {
		if (area->flags & AREA_WRITE)
			return -EPERM;
		area->flags &= ~(u32)AREA_MAY_WRITE;
	}
	return 0;
}
