/*
 * msync.c - what of a mapping is on disk, and what is in memory: msync, mincore, madvise.
 * The areas are looked at under addrspace.lock, the disk is waited for without it: the file is held instead, and the
 * walk goes on at the address behind the part just synced, whatever is mapped there by then.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/unmap.h"
#include "x86/pgtable.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mman.h>

// Syncs what one shared area shows of [at, end); as->lock held for reading, and released.
static int sync_area(struct addrspace *as, struct area *a, vaddr_t at, vaddr_t end)
{
	struct file *file = file_hold(a->file);
	u64 first_byte = (a->first << PAGE_SHIFT) + (at - a->start);
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

// One byte a page: would touching it need the disk?
static u8 residency_of(struct addrspace *as, struct area *a, vaddr_t va)
{
	struct pte_slot slot;

	if (pgtable_slot_lock(as, va, false, &slot) == 0) {
		bool is_shown = pte_is_present(*slot.entry);

		pgtable_slot_unlock(&slot);
		if (is_shown)
			return 1;
	}
	if (!a->cache)
		return 0;
	struct page *p = cache_find(a->cache, a->first + ((va - a->start) >> PAGE_SHIFT));

	if (!p)
		return 0;
	u8 is_here = page_has(p, PAGE_UPTODATE) ? 1 : 0;

	page_put(p);
	return is_here;
}

i64 mmap_resident(struct addrspace *as, vaddr_t start, u64 length, u8 __user *vector)
{
	u8 part[256];

	if (start & ~PAGE_MASK)
		return -EINVAL;
	if (start >= USER_END || length > USER_END - start)
		return -ENOMEM;
	u64 nr_pages = PAGE_ALIGN_UP(length) >> PAGE_SHIFT;

	if (!user_range_is_valid(vector, nr_pages))
		return -EFAULT;
	for (u64 done = 0; done < nr_pages;) {
		u64 n = min(nr_pages - done, sizeof(part));

		read_lock(&as->lock);
		for (u64 i = 0; i < n; i++) {
			vaddr_t va = start + ((done + i) << PAGE_SHIFT);
			struct area *a = area_find(as, va);

			if (!a) {
				read_unlock(&as->lock);
				return -ENOMEM;
			}
			part[i] = residency_of(as, a, va);
		}
		read_unlock(&as->lock);
		if (copy_to_user(vector + done, part, n))
			return -EFAULT;
		done += n;
	}
	return 0;
}

static int advise_area(struct addrspace *as, struct area *a, vaddr_t at, vaddr_t end, int advice)
{
	(void)as;
	switch (advice) {
	case MADV_NORMAL:
		a->flags &= ~(u32)(AREA_RANDOM | AREA_SEQUENTIAL);
		return 0;
	case MADV_RANDOM:
		a->flags = (a->flags & ~(u32)AREA_SEQUENTIAL) | AREA_RANDOM;
		return 0;
	case MADV_SEQUENTIAL:
		a->flags = (a->flags & ~(u32)AREA_RANDOM) | AREA_SEQUENTIAL;
		return 0;
	case MADV_DONTNEED:
		if (a->flags & AREA_LOCKED)
			return -EINVAL;
		unmap_entries(as, at, min(a->end, end), UNMAP_ALL);
		return 0;
	case MADV_DONTFORK:
		a->flags |= AREA_DONT_FORK;
		return 0;
	case MADV_DOFORK:
		a->flags &= ~(u32)AREA_DONT_FORK;
		return 0;
	case MADV_WIPEONFORK:
		if (a->file || a->flags & AREA_SHARED)
			return -EINVAL;
		a->flags |= AREA_WIPE_ON_FORK;
		return 0;
	case MADV_KEEPONFORK:
		a->flags &= ~(u32)AREA_WIPE_ON_FORK;
		return 0;
	}
	return 0;                       // WILLNEED, HUGEPAGE, NOHUGEPAGE, COLD, FREE, ...: advice, nothing to obey yet
}

// Does the advice concern flags of the area (then it is cut to the range) or only its pages?
static bool advice_changes_area(int advice)
{
	return advice == MADV_NORMAL || advice == MADV_RANDOM || advice == MADV_SEQUENTIAL ||
	       advice == MADV_DONTFORK || advice == MADV_DOFORK || advice == MADV_WIPEONFORK || advice == MADV_KEEPONFORK;
}

static bool advice_is_known(int advice)
{
	switch (advice) {
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL: case MADV_WILLNEED: case MADV_DONTNEED:
	case MADV_DONTFORK: case MADV_DOFORK: case MADV_HUGEPAGE: case MADV_NOHUGEPAGE:
	case MADV_WIPEONFORK: case MADV_KEEPONFORK: case MADV_COLD: case MADV_PAGEOUT:
		return true;
	}
	return false;
}

i64 mmap_advise(struct addrspace *as, vaddr_t start, u64 length, int advice)
{
	bool met_hole = false;
	int error = 0;

	if (start & ~PAGE_MASK || !advice_is_known(advice))
		return -EINVAL;
	if (length > U64_MAX - PAGE_SIZE)
		return -EINVAL;
	length = PAGE_ALIGN_UP(length);
	if (start + length < start)
		return -EINVAL;
	vaddr_t end = start + length;

	write_lock(&as->lock);
	for (vaddr_t at = start; at < end && !error;) {
		struct area *a = area_find_from(as, at);

		if (!a || a->start >= end) {
			met_hole = true;
			break;
		}
		if (a->start > at) {
			met_hole = true;
			at = a->start;
		}
		vaddr_t next = min(a->end, end);

		if (advice_changes_area(advice)) {
			if (a->start < at && !(error = area_split(as, a, at)))
				a = area_next(a);
			if (!error && a->end > end)
				error = area_split(as, a, end);
		}
		if (!error)
			error = advise_area(as, a, at, end, advice);
		if (!error && advice_changes_area(advice))
			area_merge(as, a);
		at = next;
	}
	write_unlock(&as->lock);
	if (error == -ENOMEM)
		return -EAGAIN;         // Linux keeps ENOMEM for holes
	return error ? error : met_hole ? -ENOMEM : 0;
}
