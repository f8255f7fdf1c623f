/*
 * area.c - the sorted set of areas of an address space: a red-black tree by start, in which every node knows the
 * largest gap of its subtree, so that finding a free range is O(log n) however many areas there are. The gap of an
 * area lies below it, up to its predecessor; the one above the last area needs no record.
 * Everything here runs under addrspace.lock; the two fields that the reverse map reads (start and end) change
 * under the cache's rmap_lock as well.
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/area.h"
#include "mm/area_look.h"
#include "mm/slab.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

static struct slab_cache area_slab;

static inline struct area *of_node(const struct rb_node *n)
{
	return n ? rb_entry(n, struct area, node) : NULL;
}

static u64 largest_gap_below(const struct rb_node *n)
{
	u64 largest = of_node(n)->gap;

	if (n->left)
		largest = max(largest, of_node(n->left)->largest_gap);
	if (n->right)
		largest = max(largest, of_node(n->right)->largest_gap);
	return largest;
}

static inline bool update_gap(struct rb_node *n)
{
	struct area *a = of_node(n);
	u64 largest = largest_gap_below(n);
	bool has_changed = largest != a->largest_gap;

	a->largest_gap = largest;
	return has_changed;
}

void areas_init(void)
{
	slab_cache_init(&area_slab, "area", sizeof(struct area), 64);
}

struct area *area_find_from(struct addrspace *as, vaddr_t address)
{
	struct rb_node *n = as->areas.root;
	struct area *found = NULL;

	while (n) {
		struct area *a = of_node(n);

		if (address < a->end) {
			found = a;
			if (address >= a->start)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return found;
}

struct area *area_find(struct addrspace *as, vaddr_t address)
{
	struct area *a = area_find_from(as, address);

	return a && a->start <= address ? a : NULL;
}

struct area *area_next(struct area *a)
{
	return of_node(rb_next(&a->node));
}

struct area *area_previous(struct area *a)
{
	return of_node(rb_previous(&a->node));
}

struct gap_search {
	u64 size;
	vaddr_t low, high;
	struct area *above;             // the answer's
};

// The highest place for s->size bytes in the part of a's gap that lies in [low, high); 0: they do not fit.
static inline vaddr_t fit_in_gap(struct area *a, struct gap_search *s)
{
	vaddr_t top = a->start, bottom = a->start - a->gap;

	if (a->flags & AREA_GROWS_DOWN)
		top = top - min(STACK_GUARD_GAP, a->gap);
	top = min(top, s->high);
	bottom = max(bottom, s->low);
	if (top <= bottom || top - bottom < s->size)
		return 0;
	s->above = a;
	return top - s->size;
}

static vaddr_t highest_fit(struct rb_node *n, struct gap_search *s)
{
	while (n && of_node(n)->largest_gap >= s->size) {
		struct area *a = of_node(n);
		vaddr_t found = 0;

		if (a->end < s->high && n->right && of_node(n->right)->largest_gap >= s->size)
			found = highest_fit(n->right, s);
		if (!found && a->gap >= s->size)
			found = fit_in_gap(a, s);
		if (found || a->start - a->gap <= s->low)
			return found;
		n = n->left;
	}
	return 0;
}

vaddr_t area_find_gap(struct addrspace *as, u64 size, vaddr_t low, vaddr_t high, struct area **above)
{
	vaddr_t bottom = max(low, as->areas_end), found;
	struct gap_search s = { .size = size, .low = low, .high = high };

	if (high > bottom && high - bottom >= size)
		found = high - size;
	else
		found = highest_fit(as->areas.root, &s);
	if (above)
		*above = s.above;
	return found;
}

struct area *area_alloc(struct addrspace *as, vaddr_t start, vaddr_t end, u32 flags, struct file *file, pgoff_t first)
{
	struct area *a = slab_alloc(&area_slab);

	if (!a)
		return NULL;
	// The rest is written when it enters the tree, and the reverse map.
	a->start = start;
	a->end = end;
	a->space = as;
	a->flags = flags;
	a->has_private_pages = false;
	a->file = file ? file_hold(file) : NULL;
	a->cache = file ? &file->inode->cache : NULL;
	a->bias = first - (start >> PAGE_SHIFT);
	return a;
}

void area_free(struct area *a)
{
	if (a->file)
		file_put(a->file);
	slab_free(&area_slab, a);
}

vaddr_t area_floor(struct addrspace *as, const struct area *above)
{
	return above ? above->start - above->gap : as->areas_end;
}

// a's gap has changed: so do the summaries above it, as far as they do (rb_update_path, without the calls).
static void gap_has_changed(struct area *a)
{
	for (struct rb_node *n = &a->node; n && update_gap(n);)
		n = n->parent;
}

// What lies below `above` now ends at end. The last area of all has no gap above it.
static void set_gap_above(struct addrspace *as, struct area *above, vaddr_t end)
{
	if (above) {
		above->gap = above->start - end;
		gap_has_changed(above);
	} else {
		as->areas_end = end;
	}
}

// A new leaf between two neighbours hangs below one of them: as the left child of the upper, or the right one
// of the lower. Between the two the tree is not in order: what a look finds in it counts for nothing.
static void change_begin(struct addrspace *as)
{
	WRITE_ONCE(as->areas_version, as->areas_version + 1);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void change_end(struct addrspace *as)
{
	atomic_store(&as->areas_version, as->areas_version + 1);
}

// a has so many pages more (or fewer) in the tree now: nr_pages_mapped, and K1.
static inline void count_pages(struct addrspace *as, const struct area *a, i64 nr)
{
	as->nr_pages_mapped += (u64)nr;
	if (a->flags & AREA_COMMITTED)
		addrspace_promise(as, nr);
}

// floor: the end of the lower one.
static void tree_insert(struct addrspace *as, struct area *a, vaddr_t floor, struct area *above)
{
	struct rb_node *parent, **link;

	assert(a->start < a->end && floor <= a->start && a->end <= (above ? above->start : USER_END));  // A1
	if (above && !above->node.left) {
		parent = &above->node;
		link = &above->node.left;
	} else {
		parent = above ? rb_previous(&above->node) : rb_last(&as->areas);
		link = parent ? &parent->right : &as->areas.root;
	}
	a->gap = a->largest_gap = a->start - floor;
	change_begin(as);
	rb_insert(&as->areas, &a->node, parent, link);
	change_end(as);
	set_gap_above(as, above, a->end);       // after: the summaries that the insertion meets are right, few change
	as->nr_areas++;
	count_pages(as, a, (i64)((a->end - a->start) >> PAGE_SHIFT));
}

void area_insert(struct addrspace *as, struct area *a, struct area *above)
{
	as->areas.update = update_gap;
	tree_insert(as, a, area_floor(as, above), above);
}

struct area *area_take_out(struct addrspace *as, struct area *a, vaddr_t end, struct list *dead)
{
	vaddr_t floor = a->start - a->gap;

	while (a && a->start < end) {
		struct area *above = area_next(a);

		// Once, however many leave; and before the last does, so that hardly a summary changes with it.
		if (!above || above->start >= end)
			set_gap_above(as, above, floor);
		change_begin(as);
		rb_remove(&as->areas, &a->node);
		change_end(as);
		as->nr_areas--;
		count_pages(as, a, -(i64)((a->end - a->start) >> PAGE_SHIFT));
		list_push_back(dead, &a->dead_link);
		a = above;
	}
	return a;
}

struct area *area_remove(struct addrspace *as, struct area *a, vaddr_t end, struct list *dead)
{
	a = area_take_out(as, a, end, dead);
	looks_wait_in(as);
	return a;
}

// rmap_lock held. Enters the pages that a shows by now into the reverse map.
static void show_pages(struct area *a)
{
	a->pages.first = area_first(a);
	a->pages.last = area_page(a, a->end - 1);
	interval_insert(&a->cache->areas, &a->pages);
}

// Moves the ends of an area, for the reverse map at once with the area's own.
static void set_ends(struct area *a, vaddr_t start, vaddr_t end)
{
	if (a->cache) {
		mutex_lock(&a->cache->rmap_lock);
		interval_remove(&a->cache->areas, &a->pages);
	}
	WRITE_ONCE(a->start, start);
	WRITE_ONCE(a->end, end);
	if (a->cache) {
		show_pages(a);
		mutex_unlock(&a->cache->rmap_lock);
	}
}

void area_enter_cache(struct area *a)
{
	if (!a->cache)
		return;
	mutex_lock(&a->cache->rmap_lock);
	show_pages(a);
	mutex_unlock(&a->cache->rmap_lock);
}

void area_leave_cache(struct area *a)
{
	if (!a->cache)
		return;
	mutex_lock(&a->cache->rmap_lock);
	interval_remove(&a->cache->areas, &a->pages);
	mutex_unlock(&a->cache->rmap_lock);
}

void area_set_end(struct addrspace *as, struct area *a, vaddr_t end)
{
	struct area *above = area_next(a);

	assert(end > a->start && end <= (above ? above->start : USER_END));
	count_pages(as, a, (i64)(end >> PAGE_SHIFT) - (i64)(a->end >> PAGE_SHIFT));
	set_ends(a, a->start, end);
	set_gap_above(as, above, end);
}

void area_set_start(struct addrspace *as, struct area *a, vaddr_t start)
{
	assert(start < a->end && start >= a->start - a->gap);
	count_pages(as, a, (i64)(a->start >> PAGE_SHIFT) - (i64)(start >> PAGE_SHIFT));
	a->gap += start - a->start;
	set_ends(a, start, a->end);
	gap_has_changed(a);
}

int area_cut(struct addrspace *as, struct area *a, vaddr_t at)
{
	assert(at > a->start && at < a->end && !(at & ~PAGE_MASK));
	if (a->flags & AREA_HUGETLB && at & (HUGE_SIZE - 1))
		return -EINVAL;
	struct area *above = area_next(a), *upper = area_alloc(as, at, a->end, a->flags, a->file, area_page(a, at));

	if (!upper)
		return -ENOMEM;
	upper->cache = a->cache;
	upper->has_private_pages = a->has_private_pages;
	area_enter_cache(upper);        // for a moment the reverse map knows both; it never misses the upper part
	count_pages(as, a, -(i64)((a->end - at) >> PAGE_SHIFT));
	set_ends(a, a->start, at);
	tree_insert(as, upper, at, above);
	// A look that found the whole may still store to the upper part, and note it in a.
	if (!upper->has_private_pages && !(a->flags & AREA_SHARED)) {
		looks_wait_in(as);
		upper->has_private_pages = a->has_private_pages;
	}
	return 0;
}

int area_split(struct addrspace *as, struct area *a, vaddr_t at)
{
	return as->nr_areas >= AREAS_MAX ? -ENOMEM : area_cut(as, a, at);
}

int area_fit(struct addrspace *as, struct area **a, vaddr_t start, vaddr_t end)
{
	int error = 0;

	if ((*a)->start < start) {
		error = area_split(as, *a, start);
		if (error)
			return error;
		*a = area_next(*a);
	}
	if ((*a)->end > end)
		error = area_split(as, *a, end);
	return error;
}

// Would the two be one area (A2), were they not cut at the border?
static bool are_alike(const struct area *lower, const struct area *upper)
{
	return lower->end == upper->start && lower->flags == upper->flags && lower->bias == upper->bias &&
	       lower->file == upper->file && lower->cache == upper->cache;
}

static void absorb_upper(struct addrspace *as, struct area *lower, struct area *upper)
{
	struct list dead = LIST_INIT(dead);
	vaddr_t end = upper->end;

	// Grow first: for a moment both show the range. The reverse map looks at the same entries twice then;
	// and a look takes either, since they say the same.
	set_ends(lower, lower->start, end);
	count_pages(as, lower, (i64)((end - upper->start) >> PAGE_SHIFT));
	set_gap_above(as, area_remove(as, upper, end, &dead), end);
	lower->has_private_pages |= upper->has_private_pages;   // now that no look adds any
	area_leave_cache(upper);
	area_free(upper);
}

struct area *area_merge(struct addrspace *as, struct area *a)
{
	struct area *above = area_next(a), *below = a->gap ? NULL : area_previous(a);

	if (above && are_alike(a, above))
		absorb_upper(as, a, above);
	if (below && are_alike(below, a)) {
		absorb_upper(as, below, a);
		a = below;
	}
	return a;
}

// Can [start, end), private memory that nothing was stored to yet, be a part of a?
static bool can_extend(const struct area *a, u32 flags)
{
	return a->flags == flags && !a->cache && !a->bias;
}

bool area_extend(struct addrspace *as, vaddr_t start, vaddr_t end, u32 flags, struct area *above)
{
	struct area *below = NULL;

	if (start == area_floor(as, above))
		below = above ? area_previous(above) : of_node(rb_last(&as->areas));
	if (below && can_extend(below, flags)) {
		area_set_end(as, below, end);
		if (above && are_alike(below, above))
			absorb_upper(as, below, above);
		return true;
	}
	if (above && above->start == end && can_extend(above, flags)) {
		area_set_start(as, above, start);
		return true;
	}
	return false;
}

void areas_remove_all(struct addrspace *as, struct list *dead)
{
	for (struct rb_node *n = rb_first(&as->areas); n; n = rb_next(n))
		list_push_back(dead, &of_node(n)->dead_link);
	as->areas.root = NULL;
	as->nr_areas = 0;
	as->nr_pages_mapped = 0;
	addrspace_promise(as, -(i64)as->nr_pages_committed);
	as->areas_end = 0;
}

bool areas_are_valid(struct addrspace *as)
{
	vaddr_t previous_end = 0;
	u32 nr = 0;
	u64 nr_pages = 0, nr_committed = 0;

	for (struct rb_node *n = rb_first(&as->areas); n; n = rb_next(n), nr++) {
		struct area *a = of_node(n), *next = of_node(rb_next(n));

		if (a->start < previous_end || a->start >= a->end || a->end > USER_END ||
		    (a->start | a->end) & ~PAGE_MASK || a->gap != a->start - previous_end ||
		    a->largest_gap != largest_gap_below(n))
			return false;
		if (next && are_alike(a, next) && a->cache)
			return false;
		previous_end = a->end;
		nr_pages += (a->end - a->start) >> PAGE_SHIFT;
		nr_committed += a->flags & AREA_COMMITTED ? (a->end - a->start) >> PAGE_SHIFT : 0;
	}
	return nr == as->nr_areas && nr_committed == as->nr_pages_committed && nr_pages == as->nr_pages_mapped &&
	       previous_end == as->areas_end && rb_is_valid(&as->areas);
}
