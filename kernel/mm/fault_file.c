/*
 * fault_file.c - the verbs of pages that a file's cache holds: show one (MAP), store to one (DIRTY), copy one that is not
 * shown (COPY of a private mapping). The page's lock is held while it is entered: it can neither be truncated nor evicted
 * meanwhile, and one that has been is not in the cache any more. What must be read or reserved first is named in the
 * fault, since nothing here may wait for the disk (fault.c).
 */
#include "kernel.h"
#include "cache/cache.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/fault_internal.h"
#include "mm/reclaim.h"
#include "proc/process.h"
#include "x86/pgtable.h"

static inline bool is_past_end(const struct cache *cache, pgoff_t index)
{
	return index >= PAGE_ALIGN_UP(READ_ONCE(cache->size)) >> PAGE_SHIFT;
}

// The cache's page behind the address, referenced and locked, in f->page; or what is in the way.
static enum fault_result find_cache_page(struct area *a, struct fault *f)
{
	pgoff_t index = index_in_file(a, f->address);

	if (is_past_end(a->cache, index))
		return FAULT_PAST_END;
	struct page *p = cache_find(a->cache, index);

	if (f->page)
		page_put(f->page);
	f->page = p;
	if (!p || !page_has(p, PAGE_UPTODATE)) {
		f->file = file_hold(a->file);
		f->cache = a->cache;    // not always the inode's own: a disk's file shows the device's
		f->index = index;
		return fault_needs(f, NEED_FILL);
	}
	if (!page_try_lock(p))
		return fault_needs(f, NEED_UNLOCK);
	// Locked now: it can neither be truncated nor evicted. It may have been just before.
	if (p->cache != a->cache || is_past_end(a->cache, index)) {
		page_unlock(p);
		return fault_needs(f, NEED_NOTHING);
	}
	return FAULT_OK;
}

enum fault_result fault_map(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	enum fault_result result = find_cache_page(a, f);

	if (result != FAULT_OK)
		return result;
	page_get(f->page);
	if (!fault_install(as, f, f->page, found, pte_make(f->page, a->flags, PTE_READ_ONLY))) {
		page_put(f->page);
		result = fault_lost_race(f);
	}
	page_unlock(f->page);
	reclaim_used(f->page);
	count(COUNTER_MAP_FAULTS);
	process_count(COUNT_MAP_FAULTS);
	return result;
}

enum fault_result fault_dirty(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	enum fault_result result = find_cache_page(a, f);

	if (result != FAULT_OK)
		return result;
	struct page *p = f->page;

	if (a->cache->ops->reserve && !page_has(p, PAGE_BACKED)) {
		page_unlock(p);
		return fault_needs(f, NEED_RESERVE);
	}
	page_mark_dirty(p);
	if (a->cache->ops->dirtied)
		a->cache->ops->dirtied(a->cache);
	pte_t fresh = pte_make(p, a->flags, PTE_WRITABLE);

	if (pte_is_none(found->entry)) {
		page_get(p);
		if (!fault_install(as, f, p, found, fresh)) {
			page_put(p);
			result = fault_lost_race(f);
		}
	} else {
		result = pte_upgrade(&found->slot, f->address, found->entry, fresh) ? FAULT_OK : FAULT_RETRY;
	}
	page_unlock(p);
	count(COUNTER_DIRTY_FAULTS);
	process_count(COUNT_DIRTY_FAULTS);
	return result;
}

enum fault_result fault_copy_absent(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	enum fault_result result = find_cache_page(a, f);

	if (result != FAULT_OK)
		return result;
	result = fault_install_copy(as, a, f, f->page, found);
	page_unlock(f->page);
	return result;
}
