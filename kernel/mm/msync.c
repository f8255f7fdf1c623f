/*
 * msync.c - what of a mapping is on disk.
 * The areas are looked at under addrspace.lock, the disk is waited for without it: the file is held instead, and the
 * walk goes on at the address behind the part just synced, whatever is mapped there by then.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include <abi/errno.h>
#include <abi/mman.h>

// Syncs what one shared area shows of [at, end); as->lock held for reading, and released.
static int sync_area(struct addrspace *as, struct area *a, vaddr_t at, vaddr_t end)
{
	struct file *file = file_hold(a->file);
	u64 first_byte = area_page(a, at) << PAGE_SHIFT;
	u64 last_byte = first_byte + (min(a->end, end) - at) - 1;

	read_unlock(&as->lock);
	int error = file_sync(file, first_byte, last_byte, true);

	file_put(file);
	return error;
}

i64 mmap_sync(struct addrspace *as, vaddr_t start, u64 length, u32 flags)
{
	bool met_hole = false;
	int error = 0;

	if (flags & ~(u32)(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || start & ~PAGE_MASK ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	length = PAGE_ALIGN_UP(length);
	if (start + length < start)
		return -ENOMEM;
	vaddr_t end = start + length;

	for (vaddr_t at = start; at < end && !error;) {
		read_lock(&as->lock);
		struct area *a = area_find_from(as, at);

		if (!a || a->start >= end) {
			read_unlock(&as->lock);
			met_hole = true;
			break;
		}
		if (a->start > at) {            // a hole: remembered, the rest is done all the same
			met_hole = true;
			at = a->start;
		}
		vaddr_t next = min(a->end, end);

		if (flags & MS_INVALIDATE && a->flags & AREA_LOCKED) {
			read_unlock(&as->lock);
			return -EBUSY;
		}
		if (flags & MS_SYNC && a->file && a->flags & AREA_SHARED)
			error = sync_area(as, a, at, end);
		else
			read_unlock(&as->lock);
		at = next;
	}
	if (error)
		return error;
	return met_hole ? -ENOMEM : 0;
}
