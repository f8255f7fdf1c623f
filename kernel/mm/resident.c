/*
 * resident.c - what of a mapping is in memory: asking (mincore), and making it so before it is touched (MAP_POPULATE,
 * mlock, MADV_POPULATE_*). Populating is faulting ahead, page by page, through the same fault_resolve.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "mm/mmap.h"
#include "mm/page.h"
#include "mm/swap.h"
#include "proc/signal.h"
#include "x86/cpu.h"
#include "x86/pgtable.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

static u8 is_in_swap_cache(swap_entry_t entry)
{
	struct page *p = swap_cache_find(entry);
	u8 is_here = p && page_has(p, PAGE_UPTODATE);

	if (p)
		page_put(p);
	return is_here;
}

// One byte a page: would touching it need the disk?
static u8 residency_of(struct addrspace *as, struct area *a, vaddr_t va)
{
	pte_t e = pgtable_at(as, va);

	if (pte_is_present(e))
		return 1;
	if (pte_is_swap(e))
		return is_in_swap_cache((swap_entry_t){ pte_swap_value(e) });
	if (!a->cache)
		return 0;
	struct page *p = cache_find(a->cache, area_page(a, va));

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
	if (!user_range_is_valid((void *)start, length))
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

// How populate touches a page of the area: a private page that may be written to is made its own at once.
static u32 natural_access(const struct area *a)
{
	if (a->flags & AREA_WRITE && !(a->flags & AREA_SHARED))
		return FAULT_WRITE;
	return a->flags & AREA_READ ? FAULT_READ : a->flags & AREA_EXEC ? FAULT_EXEC : a->flags & AREA_WRITE;
}

// Is the page there already, in a way that allows the access?
static bool is_populated(struct addrspace *as, vaddr_t va, u32 access)
{
	return pte_allows(pgtable_at(as, va), access);
}

static int error_of(const struct fault *f)
{
	switch (f->result) {
	case FAULT_OK:
	case FAULT_RETRY:
		return 0;
	case FAULT_NO_AREA:
	case FAULT_NO_MEMORY:
		return -ENOMEM;
	case FAULT_NO_PERMISSION:
	case FAULT_PAST_END:
	case FAULT_IO:
		break;
	}
	return -EFAULT;
}

int populate(struct addrspace *as, vaddr_t start, vaddr_t end, enum populate_how how)
{
	for (vaddr_t va = start; va < end; va += PAGE_SIZE) {
		read_lock(&as->lock);
		struct area *a = area_find(as, va);
		u32 access = !a ? 0 : how == POPULATE_READ ? FAULT_READ :
			     how == POPULATE_WRITE ? FAULT_WRITE : natural_access(a);
		bool is_allowed = a && a->flags & access & AREA_PROTECTION;

		read_unlock(&as->lock);
		if (!a)
			return -ENOMEM;
		if (!is_allowed)
			return how == POPULATE_NATURAL ? -ENOMEM : -EINVAL;
		if (is_populated(as, va, access))
			continue;
		if (signal_is_pending(current))
			return -EINTR;
		struct fault f = { .address = va, .access = (enum fault_access)access, .from_user = true };

		fault_resolve(as, &f);
		if (f.result != FAULT_OK)
			return error_of(&f);
	}
	return 0;
}
