/*
 * remap.c - mremap: a mapping that grows, shrinks or moves with its pages. Moving takes the frames along: entries are
 * taken from the old place and put into the new one, nothing is copied, no count changes.
 * A huge entry goes over whole where both places are aligned, and is split where they are not.
 * addrspace.lock (for writing) and closed addresses (look.h) keep faults out. The reverse map could
 * still come by for a page of a file between the two places: the cache's rmap_lock is held over the move.
 * A private page's number (anon_index) moves along when it is shown here only; the area at the new place goes
 * on counting from the old `first`.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/area_look.h"
#include "mm/commit.h"
#include "mm/huge.h"
#include "mm/mmap.h"
#include "mm/unmap.h"
#include "proc/process.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mman.h>

#define MOVE_BATCH 48

struct move {
	u32 nr;
	vaddr_t at[MOVE_BATCH];
	pte_t entries[MOVE_BATCH];
};

// Table locked: takes the entry out. The new place has another table, whose lock is of the same rank: later.
static int take_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct move *m = argument;

	m->at[m->nr] = va;
	m->entries[m->nr++] = pte_exchange(slot, (pte_t){ 0 });
	return m->nr == MOVE_BATCH;
}

// The tables of the new place are made before anything moves, so that nothing can fail half-way.
static int make_tables(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	for (vaddr_t va = start; va < end; va = (va & ~((1ul << 21) - 1)) + (1ul << 21)) {
		struct pte_slot slot;
		int error = pgtable_slot_lock(as, va, true, &slot);

		if (error)
			return error;
		pgtable_slot_unlock(&slot);
	}
	return 0;
}

// A private page remembers where it is shown. One that others of the family show too, elsewhere,
// keeps its old number, and swap cannot find all its places (it stays in memory) until it is alone.
static void note_move(pte_t e, vaddr_t to)
{
	struct page *p = pte_is_present(e) ? pte_page(e) : NULL;

	if (p && p->owner == PAGE_ANON && atomic_load(&p->map_count) == 1)
		p->anon_index = to >> PAGE_SHIFT;
}

// A huge entry goes over whole, to where make_tables has left an empty table. False: there is none.
static bool move_huge(struct addrspace *as, vaddr_t from, vaddr_t to)
{
	pte_t e = pgtable_huge_at(as, from);

	while (!pte_is_none(e) && !pgtable_huge_change(as, from, e, (pte_t){ 0 }))
		e = pgtable_huge_at(as, from);  // the processor has set a bit of it
	if (pte_is_none(e))
		return false;
	for (vaddr_t at = 0; at < HUGE_SIZE; at += PAGE_SIZE)
		note_move(pte_part_of_huge(e, at), to + at);
	pgtable_huge_take_over(as, to, e);
	return true;
}

// [from, end), which lies in one table.
static void move_small(struct addrspace *as, vaddr_t from, vaddr_t end, vaddr_t to)
{
	struct move m = { 0 };

	for (vaddr_t at = from; at < end; m.nr = 0) {
		bool is_more = pgtable_visit(as, at, end, take_entry, &m);

		for (u32 i = 0; i < m.nr; i++) {
			struct pte_slot slot;
			int error = pgtable_slot_lock(as, m.at[i] - from + to, true, &slot);

			assert(!error);         // make_tables
			note_move(m.entries[i], m.at[i] - from + to);
			pte_set(&slot, m.entries[i]);
			pgtable_slot_unlock(&slot);
		}
		if (!is_more)
			break;
		at = m.at[m.nr - 1] + PAGE_SIZE;
	}
}

static void move_entries(struct addrspace *as, vaddr_t from, vaddr_t end, vaddr_t to)
{
	vaddr_t next;

	for (vaddr_t at = from; at < end; at = next) {
		vaddr_t there = at - from + to;

		next = min(end, huge_align_down(at) + HUGE_SIZE);
		bool may_be_whole = next - at == HUGE_SIZE && huge_align_down(there) == there;

		if (!may_be_whole || !move_huge(as, at, there))
			move_small(as, at, next, there);
	}
	tlb_flush_range(as, from, end);
}

static vaddr_t place_for(struct addrspace *as, u64 length, vaddr_t hint)
{
	struct area *there = hint >= MMAP_LOWEST ? area_find_from(as, hint) : NULL;

	if (hint >= MMAP_LOWEST && (!there || there->start >= hint + length))
		return hint;
	vaddr_t found = area_find_gap(as, length, MMAP_LOWEST, as->mmap_top, NULL);

	return found ? found : area_find_gap(as, length, MMAP_LOWEST, USER_END, NULL);
}

// Only now may areas leave or come. Both places are closed.
// The new area shows the same source; the entries of [old, old + moved) go over.
static i64 move_area(struct addrspace *as, struct area *a, vaddr_t old, u64 moved, u64 length, vaddr_t to,
		     bool keep_old, struct list *dead)
{
	// Anonymous memory that was never stored to is counted from its new place,
	// as on Linux: so it joins its neighbours.
	bool is_untouched = !a->cache && !a->has_private_pages;
	pgoff_t first = is_untouched ? to >> PAGE_SHIFT : area_page(a, old);
	struct cache *cache = a->cache;
	struct area *fresh = area_alloc(as, to, to + length, a->flags, a->file, first);

	if (!fresh)
		return -ENOMEM;
	fresh->cache = cache;
	fresh->has_private_pages = a->has_private_pages;
	int error = make_tables(as, to, to + moved);

	if (error) {
		area_free(fresh);
		return error;
	}
	area_enter_cache(fresh);
	area_insert(as, fresh, area_find_from(as, to));
	if (cache)
		mutex_lock(&cache->rmap_lock);
	move_entries(as, old, old + moved, to);
	if (cache)
		mutex_unlock(&cache->rmap_lock);
	if (keep_old) {
		a->flags &= ~(u32)(AREA_LOCKED | AREA_LOCKED_LATE);
	} else if (moved) {
		error = unmap_range(as, old, old + moved, dead);
		assert(!error || as->nr_areas >= AREAS_MAX - 1);        // checked before: there is room for the splits
	}
	area_merge(as, fresh);
	return (i64)to;
}

static bool has_room_above(struct addrspace *as, struct area *a, vaddr_t new_end)
{
	struct area *above = area_next(a);

	(void)as;
	return new_end <= USER_END && (!above || new_end <= above->start);
}

static bool exceeds_limit(struct addrspace *as, const struct area *a, u64 more_pages)
{
	return exceeds_space_limit(as, more_pages) || exceeds_data_limit(as, 0, a->flags, more_pages) ||
	       (a->flags & AREA_COMMITTED && commit_exceeds(as, more_pages));
}

struct remap {
	vaddr_t old, target;
	u64 old_length, new_length;     // page-aligned
	u32 flags;
};

static int check_request(struct remap *r)
{
	const u32 known = MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP;

	if (r->flags & ~known || r->old & ~PAGE_MASK)
		return -EINVAL;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(r->flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (r->new_length > USER_END || r->old_length > USER_END)
		return -EINVAL;
	r->old_length = PAGE_ALIGN_UP(r->old_length);
	r->new_length = PAGE_ALIGN_UP(r->new_length);
	if (!r->new_length || (r->flags & MREMAP_DONTUNMAP && r->old_length != r->new_length))
		return -EINVAL;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {     // for DONTUNMAP alone it is a hint
		if (r->flags & MREMAP_FIXED && r->target < MMAP_LOWEST)
			return -EPERM;
		if (r->target & ~PAGE_MASK || !user_range_is_valid((void *)r->target, r->new_length))
			return -EINVAL;
		if (r->target + r->new_length > r->old && r->old + r->old_length > r->target)
			return -EINVAL;
	}
	return 0;
}

// The one area that shows all of the old range. What is only made shorter may go over several, as on Linux.
static int find_area(struct addrspace *as, const struct remap *r, struct area **out)
{
	struct area *a = area_find(as, r->old);

	if (!a)
		return -EFAULT;
	// Old length 0: a second view of the same pages, which only a shared mapping can have.
	if (!r->old_length && !(a->flags & AREA_SHARED))
		return -EINVAL;
	if (r->old_length > a->end - r->old && r->old_length <= r->new_length)
		return -EFAULT;
	*out = a;
	return 0;
}

static i64 move_to_new_place(struct addrspace *as, const struct remap *r, struct list *dead)
{
	bool keep_old = r->flags & MREMAP_DONTUNMAP;
	u64 moved = min(r->old_length, r->new_length);
	u64 more = keep_old || !r->old_length ? r->new_length : r->new_length - moved;
	vaddr_t to = r->target;
	struct area *a;
	int error = 0;

	if (as->nr_areas >= AREAS_MAX - 3)
		return -ENOMEM;
	if (r->flags & MREMAP_FIXED)
		error = unmap_range(as, to, to + r->new_length, dead);
	// What is too long of the old range goes first: only what moves is left.
	if (!error && r->old_length > r->new_length)
		error = unmap_range(as, r->old + r->new_length, r->old + r->old_length, dead);
	if (error)
		return error;
	struct remap rest = *r;

	rest.old_length = moved;
	error = find_area(as, &rest, &a);       // looked for anew: the unmapping may have split or merged
	if (error)
		return error;
	if (exceeds_limit(as, a, more >> PAGE_SHIFT))
		return -ENOMEM;
	if (!(r->flags & MREMAP_FIXED))
		to = place_for(as, r->new_length, keep_old ? r->target : 0);
	if (!to)
		return -ENOMEM;
	looks_close(as, min(r->old, to), max(r->old + moved, to + r->new_length));
	i64 result = move_area(as, a, r->old, moved, r->new_length, to, keep_old, dead);

	looks_open(as);
	return result;
}

// Pieces of the pool stay whole: lengths are rounded up, places are aligned,
// and none are added (as in Linux 6.1). -EINVAL.
static int check_pieces(struct remap *r)
{
	bool has_place = r->flags & MREMAP_FIXED;

	r->old_length = huge_align_down(r->old_length + HUGE_SIZE - 1);
	r->new_length = huge_align_down(r->new_length + HUGE_SIZE - 1);
	if (r->flags & MREMAP_DONTUNMAP || r->new_length > r->old_length)
		return -EINVAL;
	return (r->old | (has_place ? r->target : 0)) & (HUGE_SIZE - 1) ? -EINVAL : 0;
}

static i64 resize_or_move(struct addrspace *as, struct remap *r, struct list *dead)
{
	struct area *a = area_find(as, r->old);
	int error = a && a->flags & AREA_HUGETLB ? check_pieces(r) : 0;

	if (!error)
		error = find_area(as, r, &a);
	if (error)
		return error;
	if (!r->old_length && !(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (r->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) || !r->old_length)
		return move_to_new_place(as, r, dead);
	if (r->new_length <= r->old_length) {
		if (r->new_length < r->old_length)
			error = unmap_range(as, r->old + r->new_length, r->old + r->old_length, dead);
		return error ? error : (i64)r->old;
	}
	u64 more = r->new_length - r->old_length;

	if (exceeds_limit(as, a, more >> PAGE_SHIFT))
		return -ENOMEM;
	if (r->old + r->old_length == a->end && has_room_above(as, a, a->end + more)) {
		area_set_end(as, a, a->end + more);
		area_merge(as, a);
		return (i64)r->old;
	}
	return r->flags & MREMAP_MAYMOVE ? move_to_new_place(as, r, dead) : -ENOMEM;
}

i64 mmap_remap(struct addrspace *as, vaddr_t old, u64 old_length, u64 new_length, u32 flags, vaddr_t target)
{
	struct remap r = { old, target, old_length, new_length, flags };
	struct list dead = LIST_INIT(dead);
	i64 result = check_request(&r);

	if (result)
		return result;
	write_lock(&as->lock);
	result = resize_or_move(as, &r, &dead);
	struct area *a = result > 0 ? area_find(as, (vaddr_t)result) : NULL;
	bool is_locked = a && (a->flags & (AREA_LOCKED | AREA_LOCKED_LATE)) == AREA_LOCKED;

	write_unlock(&as->lock);
	areas_bury(&dead);
	if (is_locked && r.new_length > r.old_length)   // what is new of it
		(void)!populate(as, (vaddr_t)result + r.old_length, (vaddr_t)result + r.new_length, POPULATE_NATURAL);
	return result;
}
