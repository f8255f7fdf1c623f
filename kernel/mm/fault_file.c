/*
 * fault_file.c - the verbs of pages that a file's cache holds: show one (MAP), store to one (DIRTY), copy one
 * that is not shown (COPY of a private mapping). What must be read or reserved first is named in the fault,
 * since nothing here may wait for the disk (fault.c).
 *
 * A store holds the page's lock: it can neither be truncated nor evicted meanwhile, and one that has been is not in the
 * cache any more. A copy is made without, since nobody misses the original afterwards: a look (sync/look.h) keeps its
 * frame, and the size is looked at with the table locked.
 *
 * Showing pages takes no page lock either, so that up to AROUND neighbours of the page asked for, whatever
 * of them is in memory, come with it under one lock of the page table. What keeps that right (C7, cache/cache.h):
 *   - each page shown has a reference of its own first, and is not frozen after that, so it is not evicted;
 *   - it is counted as mapped, and LEAVING is looked at after that: whoever removes a page sets LEAVING,
 *     looks at the count after that, and unmaps, which waits for our table;
 *   - the size is read with the table locked. Truncation sets the size first and visits our table then:
 *     either it finds our entries, or we see its size.
 * Neighbours are shown as not accessed, so that reclaim learns which of them were. MADV_RANDOM: none are shown.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/readahead.h"
#include "cache/writeback.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/fault_internal.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "proc/process.h"
#include "sync/look.h"
#include "x86/pgtable.h"

#define AROUND READAHEAD_AROUND         // pages, and where a window begins and ends

static inline bool is_past_end(const struct cache *cache, pgoff_t index)
{
	return index >= PAGE_ALIGN_UP(READ_ONCE(cache->size)) >> PAGE_SHIFT;
}

// What stands in the way of using the page, which is f->page, or absent; nothing is locked.
static enum fault_result needs_page(struct area *a, struct fault *f)
{
	if (f->page && page_has(f->page, PAGE_LEAVING))
		return fault_needs(f, NEED_UNLOCK);
	f->index = index_in_file(a, f->address);
	f->cache = a->cache;            // not always the inode's own: a disk's file shows the device's
	f->file = file_hold(a->file);
	f->advice = a->flags & (AREA_RANDOM | AREA_SEQUENTIAL);
	return fault_needs(f, f->page && page_has(f->page, PAGE_UPTODATE) ? NEED_READ_AHEAD : NEED_FILL);
}

static enum fault_result absent(struct area *a, struct fault *f)
{
	if (f->page)
		page_put(f->page);
	f->page = cache_find(a->cache, index_in_file(a, f->address));
	return needs_page(a, f);
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
	if (!p || !page_is_plain(p))
		return needs_page(a, f);
	if (!page_try_lock(p))
		return fault_needs(f, NEED_UNLOCK);
	// Locked now: it can neither be truncated nor evicted. It may have been just before.
	if (p->cache != a->cache || is_past_end(a->cache, index)) {
		page_unlock(p);
		return fault_needs(f, NEED_NOTHING);
	}
	return FAULT_OK;
}

// The addresses that a fault may show at once, all in one page table, as far as the area and the file reach.
struct window {
	struct cache *cache;
	pgoff_t first;                  // the page of the file at start
	u32 nr, wanted;                 // pages; which of them the fault is about
	pte_t *entries;
	u64 bits;                       // of an entry, but for the frame
};

// The table is locked. False: the page asked for lies past the end.
static bool window_open(struct window *w, struct area *a, const struct fault *f, struct pte_slot *slot)
{
	vaddr_t va = PAGE_ALIGN_DOWN(f->address), start = va, end = va + PAGE_SIZE;
	pgoff_t index = index_in_file(a, va), nr_pages = PAGE_ALIGN_UP(READ_ONCE(a->cache->size)) >> PAGE_SHIFT;

	if (index >= nr_pages)
		return false;
	if (!(a->flags & AREA_RANDOM)) {
		start = max(va & ~(AROUND * PAGE_SIZE - 1), a->start);
		end = min((va | (AROUND * PAGE_SIZE - 1)) + 1, a->end);
	}
	w->cache = a->cache;
	w->wanted = (u32)((va - start) >> PAGE_SHIFT);
	w->first = index - w->wanted;
	w->nr = (u32)min((end - start) >> PAGE_SHIFT, nr_pages - w->first);
	w->entries = slot->entry - w->wanted;
	w->bits = PTE_USER | pte_protection(a->flags, PTE_READ_ONLY);
	return true;
}

// Inside a look (sync/look.h), the table locked, the entry empty. Counts first and looks afterwards, as C7 asks;
// and so the record comes to this CPU once, to be written, not first to be read: others may be showing the same page.
static inline bool show(const struct window *w, u32 i, struct page *p, u64 accessed)
{
	page_show(p);
	if (unlikely(page_is_frozen(p) || !page_is_plain(p) || page_has(p, PAGE_LEAVING) ||
		     atomic_load(&p->cache) != w->cache)) {
		page_unshow(p);                 // not the last: who removes it waits for us
		return false;
	}
	atomic_store(&w->entries[i].bits, page_to_physical(p) | w->bits | accessed);
	return true;
}

// The table is locked, the entry that the fault is about empty.
// How many pages are shown now; 0: the one asked for is not ready.
static u32 show_window(const struct window *w)
{
	void *pages[AROUND];
	u32 nr = 0;

	bool has_begun = look_join();
	radix_find_many(&w->cache->pages, w->first, w->nr, pages);
	struct page *p = pages[w->wanted];

	if (p && show(w, w->wanted, p, PTE_ACCESSED)) {
		reclaim_used(p);
		nr = 1;
		for (u32 i = 0; i < w->nr; i++) {
			p = pages[i];
			if (p && !w->entries[i].bits)
				nr += show(w, i, p, 0);
		}
	}
	look_leave(has_begun);
	return nr;
}

enum fault_result fault_map(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	struct window w;
	u32 nr;

	if (found->slot.entry)
		pgtable_slot_relock(&found->slot);
	else if (pgtable_slot_lock(as, PAGE_ALIGN_DOWN(f->address), true, &found->slot))
		return FAULT_NO_MEMORY;
	if (found->slot.entry->bits) {          // another thread was faster
		pgtable_slot_unlock(&found->slot);
		return FAULT_RETRY;
	}
	bool is_inside = window_open(&w, a, f, &found->slot);

	nr = is_inside ? show_window(&w) : 0;
	found->slot.table->nr_entries += nr;
	if (nr)
		page_table_note_run(found->slot.table, w.entries, w.nr);
	pgtable_slot_unlock(&found->slot);
	if (!nr) {
		if (!is_inside)
			return FAULT_PAST_END;
		return absent(a, f);
	}
	resident_add(as, RESIDENT_FILE, nr);
	count(COUNTER_MAP_FAULTS);
	count_add(COUNTER_FAULT_AROUND, nr - 1);
	process_count(COUNT_MAP_FAULTS);
	return FAULT_OK;
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
	if (unlikely(!page_has(p, PAGE_DIRTY) && writeback_is_full(a->cache))) {
		page_unlock(p);
		f->error = -EIO;
		return FAULT_IO;
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

// Makes sure that there is a table for the entry; found is not locked afterwards. False: no memory.
static bool find_slot(struct addrspace *as, const struct fault *f, struct found *found)
{
	if (likely(found->slot.entry))
		return true;
	if (pgtable_slot_lock(as, PAGE_ALIGN_DOWN(f->address), true, &found->slot))
		return false;
	pgtable_slot_unlock(&found->slot);
	return true;
}

// Enters the copy of a page that is not shown, unless the file has been cut meanwhile:
// truncation sets the size first and visits our table then, to take out private copies too.
static bool enter_copy(struct addrspace *as, struct area *a, const struct fault *f, struct found *found,
		       struct page *copy)
{
	pgtable_slot_relock(&found->slot);
	bool may_enter = !found->slot.entry->bits && !is_past_end(a->cache, index_in_file(a, f->address));

	if (may_enter) {
		copy->map_count = 1;
		pte_set(&found->slot, pte_make(copy, a->flags, PTE_WRITABLE));
		resident_add(as, RESIDENT_ANON, 1);
	}
	pgtable_slot_unlock(&found->slot);
	return may_enter;
}

// The copy is made inside a look (sync/look.h), which keeps the original's frame:
// without a reference, without its lock.
static bool copy_page_at(struct cache *cache, pgoff_t index, struct page *copy)
{
	bool has_begun = look_join();
	struct page *original = cache_peek(cache, index);

	if (original) {
		page_copy(page_address(copy), page_address(original));
		if (!page_has(original, PAGE_REFERENCED))
			reclaim_used(original);
	}
	look_leave(has_begun);
	return original;
}

enum fault_result fault_copy_absent(struct addrspace *as, struct area *a, struct fault *f, struct found *found)
{
	pgoff_t index = index_in_file(a, f->address);

	if (is_past_end(a->cache, index))
		return FAULT_PAST_END;
	if (!find_slot(as, f, found))
		return FAULT_NO_MEMORY;
	struct page *copy = frame_alloc(PAGE_ANON, 0);

	if (!copy)
		return FAULT_NO_MEMORY;
	copy->family = as->family;
	copy->anon_index = f->address >> PAGE_SHIFT;
	if (!copy_page_at(a->cache, index, copy)) {
		page_put(copy);
		return absent(a, f);
	}
	area_note_private_page(a);
	if (!enter_copy(as, a, f, found, copy)) {
		page_put(copy);
		return FAULT_RETRY;
	}
	count(COUNTER_COW_COPIES);
	process_count(COUNT_COW_COPIES);
	return FAULT_OK;
}
