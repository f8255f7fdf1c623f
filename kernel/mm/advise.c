/*
 * advise.c - madvise: what a program knows about its use of a mapping. Some advice changes the area (and
 * is kept until other advice comes), some its pages, and some is about the future and may fault or read ahead.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "cache/cache.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/huge.h"
#include "mm/lazy_free.h"
#include "mm/mmap.h"
#include "mm/reclaim.h"
#include "mm/unmap.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include <abi/errno.h>
#include <abi/mman.h>

enum advice_kind { ADVICE_UNKNOWN, ADVICE_AREA, ADVICE_PAGES, ADVICE_NOTHING, ADVICE_POPULATE, ADVICE_WILL_NEED,
		   ADVICE_REMOVE, ADVICE_PAGE_OUT };

static enum advice_kind kind_of(int advice)
{
	switch (advice) {
	case MADV_NORMAL: case MADV_RANDOM: case MADV_SEQUENTIAL:
	case MADV_DONTFORK: case MADV_DOFORK: case MADV_WIPEONFORK: case MADV_KEEPONFORK:
	case MADV_HUGEPAGE: case MADV_NOHUGEPAGE:
		return ADVICE_AREA;
	case MADV_DONTNEED: case MADV_DONTNEED_LOCKED: case MADV_FREE: case MADV_COLD: case MADV_COLLAPSE:
		return ADVICE_PAGES;
	case MADV_PAGEOUT:
		return ADVICE_PAGE_OUT;
	case MADV_MERGEABLE: case MADV_UNMERGEABLE:
	case MADV_DONTDUMP: case MADV_DODUMP:
		return ADVICE_NOTHING;          // nothing here merges or dumps
	case MADV_WILLNEED:
		return ADVICE_WILL_NEED;
	case MADV_REMOVE:
		return ADVICE_REMOVE;
	case MADV_POPULATE_READ: case MADV_POPULATE_WRITE:
		return ADVICE_POPULATE;
	}
	return ADVICE_UNKNOWN;
}

// The area is cut to the range already.
static int advise_area(struct area *a, int advice)
{
	switch (advice) {
	case MADV_NORMAL:
		a->flags &= ~(u32)(AREA_RANDOM | AREA_SEQUENTIAL);
		break;
	case MADV_RANDOM:
		a->flags = (a->flags & ~(u32)AREA_SEQUENTIAL) | AREA_RANDOM;
		break;
	case MADV_SEQUENTIAL:
		a->flags = (a->flags & ~(u32)AREA_RANDOM) | AREA_SEQUENTIAL;
		break;
	case MADV_DONTFORK:
		a->flags |= AREA_DONT_FORK;
		break;
	case MADV_DOFORK:
		a->flags &= ~(u32)AREA_DONT_FORK;
		break;
	case MADV_WIPEONFORK:
		if (a->file || a->flags & AREA_SHARED)
			return -EINVAL;
		a->flags |= AREA_WIPE_ON_FORK;
		break;
	case MADV_KEEPONFORK:
		a->flags &= ~(u32)AREA_WIPE_ON_FORK;
		break;
	case MADV_HUGEPAGE:
		if (a->flags & AREA_HUGETLB)
			return -EINVAL;
		a->flags = (a->flags & ~(u32)AREA_NO_HUGE) | AREA_HUGE;
		break;
	case MADV_NOHUGEPAGE:
		a->flags = (a->flags & ~(u32)AREA_HUGE) | AREA_NO_HUGE;
		break;
	}
	return 0;
}

static int forget_access(struct pte_slot *slot, vaddr_t va, void *argument)
{
	(void)va;
	(void)argument;
	if (!pte_is_present(*slot->entry))
		return 0;
	pte_clear_accessed(slot);
	page_clear(pte_page(*slot->entry), PAGE_REFERENCED | PAGE_USED_ONCE);
	return 0;
}

// As on Linux only whole pieces can be given back, and a range ends at the last of them. What is shared stays (H6).
static int advise_hugetlb(struct addrspace *as, struct area *a, vaddr_t start, vaddr_t end, int advice)
{
	if ((advice != MADV_DONTNEED && advice != MADV_DONTNEED_LOCKED) || start & (HUGE_SIZE - 1) ||
	    (advice == MADV_DONTNEED && a->flags & AREA_LOCKED))
		return -EINVAL;
	if (!(a->flags & AREA_HUGETLB_SHARED))
		unmap_entries(as, start, end & ~(HUGE_SIZE - 1), UNMAP_ALL);
	return 0;
}

static int advise_pages(struct addrspace *as, struct area *a, vaddr_t start, vaddr_t end, int advice)
{
	if (a->flags & AREA_HUGETLB)
		return advise_hugetlb(as, a, start, end, advice);
	switch (advice) {
	case MADV_FREE:
		if (a->cache || a->flags & (AREA_SHARED | AREA_LOCKED))
			return -EINVAL;
		lazy_free_range(as, start, end);
		return 0;
	case MADV_DONTNEED:
		if (a->flags & AREA_LOCKED)
			return -EINVAL;
		break;
	case MADV_DONTNEED_LOCKED:
		break;
	case MADV_COLLAPSE:
		return huge_collapse(as, a, start, end);
	default:                                // COLD: next in line when memory is short
		if (a->flags & AREA_LOCKED)
			return -EINVAL;
		pgtable_visit(as, start, end, forget_access, NULL);
		return 0;
	}
	unmap_entries(as, start, end, UNMAP_ALL);
	return 0;
}

// as->lock held for writing. Applies f's advice to every area of the range; remembers holes.
static int advise_range(struct addrspace *as, vaddr_t start, vaddr_t end, int advice, bool *met_hole)
{
	bool changes_area = kind_of(advice) == ADVICE_AREA;
	int error = 0;

	for (vaddr_t at = start; at < end && !error;) {
		struct area *a = area_find_from(as, at);

		if (!a || a->start >= end) {
			*met_hole = true;
			break;
		}
		if (a->start > at) {
			*met_hole = true;
			at = a->start;
		}
		vaddr_t next = min(a->end, end);

		if (!changes_area) {
			error = advise_pages(as, a, at, next, advice);
		} else {
			error = area_fit(as, &a, at, next);
			if (!error)
				error = advise_area(a, advice);
			area_merge(as, a);
		}
		at = next;
	}
	return error == -ENOMEM ? -EAGAIN : error;      // Linux keeps ENOMEM for holes
}

// A hole in the file behind a shared mapping: the file system makes it, with no lock of ours held.
static int remove_range(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	bool met_hole = false;

	for (vaddr_t at = start; at < end;) {
		read_lock(&as->lock);
		struct area *a = area_find_from(as, at);

		if (!a || a->start >= end) {
			read_unlock(&as->lock);
			return -ENOMEM;
		}
		if (a->start > at) {            // a hole: remembered, the rest is done all the same
			met_hole = true;
			at = a->start;
		}
		int error = !a->file || a->flags & AREA_LOCKED ? -EINVAL :
			    (a->flags & (AREA_SHARED | AREA_MAY_WRITE)) != (AREA_SHARED | AREA_MAY_WRITE) ? -EACCES : 0;
		struct file *file = error ? NULL : file_hold(a->file);
		u64 position = error ? 0 : area_page(a, at) << PAGE_SHIFT;
		vaddr_t next = error ? 0 : min(a->end, end);

		read_unlock(&as->lock);
		if (error)
			return error;
		error = file_punch_hole(file, position, next - at);
		file_put(file);
		if (error)
			return error;
		at = next;
	}
	return met_hole ? -ENOMEM : 0;
}

// Starts to read what is absent of the files behind a range, and waits for nothing but the file system's own blocks. No
// lock is held meanwhile, only the file. It is advice: no memory, no disk are nobody's error.
static int read_ahead(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	for (vaddr_t at = start; at < end;) {
		read_lock(&as->lock);
		struct area *a = area_find(as, at);
		struct file *file = a && a->file ? file_hold(a->file) : NULL;
		struct cache *cache = a ? a->cache : NULL;
		pgoff_t index = a ? area_page(a, at) : 0;
		vaddr_t next = a ? min(a->end, end) : end;

		read_unlock(&as->lock);
		if (!a)
			return -ENOMEM;
		if (file) {
			readahead_asked(cache, index, (next - at) >> PAGE_SHIFT);
			file_put(file);
		}
		at = next;
	}
	return 0;
}

/* --- PAGEOUT ---------------------------------------------------------------- */

struct page_out {
	struct page *pages[RECLAIM_BATCH];
	u32 nr;
	vaddr_t next;
};

// What others show too is not ours to send away.
static int collect_page(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct page_out *out = argument;
	pte_t e = *slot->entry;
	struct page *p = pte_is_present(e) ? pte_page(e) : zero_page;

	out->next = va + PAGE_SIZE;
	if (p == zero_page || atomic_load(&p->map_count) != 1)
		return 0;
	page_get(p);
	out->pages[out->nr++] = p;
	return out->nr == RECLAIM_BATCH;
}

// Pages of the range leave now, as far as they can;
// no lock is held while they are written. -EINVAL: locked into memory.
static int page_out_range(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	struct page_out out = { .next = start };
	bool is_more = true;

	while (is_more) {
		out.nr = 0;
		read_lock(&as->lock);
		struct area *a = area_find_from(as, out.next);

		if (!a || a->start >= end || a->flags & (AREA_LOCKED | AREA_HUGETLB)) {
			read_unlock(&as->lock);
			return !a || a->start >= end ? 0 : -EINVAL;
		}
		is_more = pgtable_visit(as, max(out.next, a->start), min(a->end, end), collect_page, &out);
		if (!is_more) {
			out.next = a->end;
			is_more = a->end < end;
		}
		read_unlock(&as->lock);
		reclaim_pages(out.pages, out.nr, RECLAIM_ANYHOW);
	}
	return 0;
}

// Does the range have a hole?
static bool has_hole(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	struct area *a;

	read_lock(&as->lock);
	while (start < end && (a = area_find(as, start)))
		start = a->end;
	read_unlock(&as->lock);
	return start < end;
}

i64 mmap_advise(struct addrspace *as, vaddr_t start, u64 length, int advice)
{
	enum advice_kind kind = kind_of(advice);
	bool met_hole = false;

	if (start & ~PAGE_MASK || kind == ADVICE_UNKNOWN || length > U64_MAX - PAGE_SIZE)
		return -EINVAL;
	vaddr_t end = start + PAGE_ALIGN_UP(length);

	if (end < start)
		return -EINVAL;
	if (start == end)
		return 0;
	if (kind == ADVICE_POPULATE)
		return populate(as, start, end, advice == MADV_POPULATE_READ ? POPULATE_READ : POPULATE_WRITE);
	if (kind == ADVICE_REMOVE)
		return remove_range(as, start, end);
	if (kind == ADVICE_WILL_NEED)
		return read_ahead(as, start, end);
	if (kind == ADVICE_PAGE_OUT) {
		int result = page_out_range(as, start, end);

		return result ? result : has_hole(as, start, end) ? -ENOMEM : 0;
	}
	write_lock(&as->lock);
	int error = advise_range(as, start, end, advice, &met_hole);
	write_unlock(&as->lock);
	return error ? error : met_hole ? -ENOMEM : 0;
}
