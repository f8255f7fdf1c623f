/*
 * swap.c - a file's pages on the disk, when memory is short. A file of tmpfs has no blocks;
 * what it has is slots of swap areas. They stand in a tree of its own, beside the cache's: index -> swap entry.
 * To the cache a page that is there is what a page with a block is to it in other file systems: clean,
 * so that it may be evicted, and read again when somebody wants it.
 *
 *      dirty, no slot --swap_place--> dirty, slot --written--> clean --evicted--> in its slot only
 *            ^                            ^                      |                     |
 *            |                            +-------- store -------+                  tmpfs_fill
 *            +--- swap_give (swap is half full, swapoff) --------+<--------------------+
 *
 *  T1  A file's tree names a slot at an index iff that slot is kept for the page at that index; no other tree and no
 *      page-table entry names it, and it is never in the swap cache (its count is SWAP_SLOT_FILE).
 *  T2  A page in the cache that counts as data is BACKED, and its private is the entry at its index, 0 where there is
 *      none. The page at an index that has an entry but no BACKED page is read from the slot before anybody sees it.
 *  T3  A BACKED page that is not DIRTY has its bytes in its slot. The slot of a dirty one holds old bytes.
 *  T4  A slot is given back only with the page at its index locked, or, under slots_lock, when there is no such page.
 *      Who fills a page enters it into the cache, locked, before he looks for a slot: so nobody reads a slot
 *      that has been given back, and no bytes of a file that was cut come to light when it grows again.
 *
 * slots_lock (spin) covers the tree. A file that has ever had a slot is in the list of swapped files until it is
 * freed; swapped_lock covers that list, and keeps the inode's memory for who looks at the list without a reference.
 */
#include "fs/tmpfs.h"
#include "fs/tmpfs/internal.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/swap.h"
#include "proc/process.h"
#include <abi/errno.h>

static struct spinlock swapped_lock = SPINLOCK_INIT("swapped files", RANK_SWAP_TREE);
static struct list swapped_files = LIST_INIT(swapped_files);            // GUARDED_BY(swapped_lock)

void tmpfs_swap_init(struct tmpfs_inode *t)
{
	spin_init(&t->slots_lock, "tmpfs slots", RANK_SWAP_TREE);
	list_init(&t->swapped_link);
}

static void list_as_swapped(struct tmpfs_inode *t)
{
	spin_lock(&swapped_lock);
	if (list_is_empty(&t->swapped_link))
		list_push_back(&swapped_files, &t->swapped_link);
	spin_unlock(&swapped_lock);
}

// slots_lock held. value 0: none.
static swap_entry_t entry_at(struct tmpfs_inode *t, pgoff_t index)
{
	return (swap_entry_t){ (u64)radix_find(&t->slots, index) };
}

// As radix_remove, under the lock; the slot is free then.
// False: there was none, or a page is at the index and may_have_page is not set.
static bool slot_remove(struct tmpfs_inode *t, pgoff_t index, bool may_have_page)
{
	struct radix_spare emptied = { .nodes = NULL };
	swap_entry_t entry = { 0 };

	spin_lock(&t->slots_lock);
	if (may_have_page || cache_next_index(&t->inode.cache, index, index + 1) != index)      // T4
		entry.value = (u64)radix_remove(&t->slots, index, &emptied);
	spin_unlock(&t->slots_lock);
	radix_preload_end(&emptied);
	if (entry.value)
		swap_free_of_file(entry);
	return entry.value;
}

/* --- out and in ------------------------------------------------------------- */

// slots_lock not held. 0; -ENOMEM: the tree wants nodes, and there are none.
static int slot_insert(struct tmpfs_inode *t, pgoff_t index, swap_entry_t entry)
{
	struct radix_spare none = { .nodes = NULL }, spare;

	spin_lock(&t->slots_lock);
	int error = radix_insert(&t->slots, index, (void *)entry.value, &none);
	spin_unlock(&t->slots_lock);
	// Its neighbours have brought the nodes, mostly: reclaim must not need memory where it can do without.
	if (error != -ENOMEM || radix_preload(&spare))
		return error;
	spin_lock(&t->slots_lock);
	error = radix_insert(&t->slots, index, (void *)entry.value, &spare);
	spin_unlock(&t->slots_lock);
	radix_preload_end(&spare);
	return error;
}

bool tmpfs_swap_place(struct cache *cache, struct page *p)
{
	struct tmpfs_inode *t = tmpfs_inode(cache->inode);
	swap_entry_t entry;

	if (!page_has(p, PAGE_BACKED) || !swap_take_for_file(&entry))
		return false;
	int error = slot_insert(t, p->index, entry);

	assert(error != -EEXIST);               // T2: private is 0, so there was none
	if (error) {
		swap_free_of_file(entry);
		return false;
	}
	p->private = entry.value;
	list_as_swapped(t);
	return true;
}

void tmpfs_swap_give(struct cache *cache, struct page *p)
{
	page_mark_dirty(p);                     // before the slot goes: see tmpfs_find_data
	p->private = 0;
	slot_remove(tmpfs_inode(cache->inode), p->index, true);
}

bool tmpfs_slot_adopt(struct inode *ip, struct page *p)
{
	struct tmpfs_inode *t = tmpfs_inode(ip);

	// Who gives the slots up holds the page's lock, or has looked for our page after it came.
	if (!READ_ONCE(t->slots.root))
		return false;
	spin_lock(&t->slots_lock);
	p->private = entry_at(t, p->index).value;
	spin_unlock(&t->slots_lock);
	if (p->private && !page_has(p, PAGE_BACKED)) {
		page_set(p, PAGE_BACKED);
		atomic_add(&tmpfs_nr_resident, 1);
	}
	return p->private;
}

u32 tmpfs_slots_behind(struct inode *ip, const struct page *p, u32 max)
{
	struct tmpfs_inode *t = tmpfs_inode(ip);
	u32 nr = 0;

	spin_lock(&t->slots_lock);
	while (nr < max && entry_at(t, p->index + 1 + nr).value == p->private + ((nr + 1ul) << SWAP_TYPE_BITS))
		nr++;
	spin_unlock(&t->slots_lock);
	return nr;
}

/* --- what is in swap is data, too ------------------------------------------- */

pgoff_t tmpfs_next_slot(struct inode *ip, pgoff_t first, pgoff_t behind)
{
	struct tmpfs_inode *t = tmpfs_inode(ip);
	pgoff_t index;

	if (first >= behind || !READ_ONCE(t->slots.root))
		return behind;
	spin_lock(&t->slots_lock);
	if (!radix_next(&t->slots, first, behind - 1, &index))
		index = behind;
	spin_unlock(&t->slots_lock);
	return index;
}

void tmpfs_slot_drop(struct inode *ip, struct page *p)
{
	p->private = 0;
	slot_remove(tmpfs_inode(ip), p->index, true);
}

void tmpfs_slots_drop(struct inode *ip, pgoff_t first)
{
	pgoff_t index;

	while ((index = tmpfs_next_slot(ip, first, U64_MAX)) != U64_MAX) {
		if (slot_remove(tmpfs_inode(ip), index, false))
			tmpfs_uncount_page(ip);
		else
			cache_discard(&ip->cache, index);       // somebody is just reading it
	}
}

void tmpfs_swap_forget(struct tmpfs_inode *t)
{
	spin_lock(&swapped_lock);
	list_remove(&t->swapped_link);
	spin_unlock(&swapped_lock);
	tmpfs_slots_drop(&t->inode, 0);
}

/* --- swapoff, and the audit ------------------------------------------------- */

// Not one that is being freed: its slots go by themselves.
static bool try_hold(struct inode *ip)
{
	i32 refs = atomic_load(&ip->refs);

	while (refs > 0) {
		if (atomic_compare_exchange(&ip->refs, refs, refs + 1))
			return true;
		refs = atomic_load(&ip->refs);
	}
	return false;
}

// The next swapped file, referenced, in the place of the one before, whose reference goes. NULL: that was the last.
static struct tmpfs_inode *next_swapped(struct tmpfs_inode *before)
{
	struct tmpfs_inode *found = NULL;

	spin_lock(&swapped_lock);
	struct list *at = before ? before->swapped_link.next : swapped_files.next;

	for (; at != &swapped_files && !found; at = at->next) {
		struct tmpfs_inode *t = list_entry(at, struct tmpfs_inode, swapped_link);

		if (try_hold(&t->inode))
			found = t;
	}
	spin_unlock(&swapped_lock);
	if (before)
		inode_put(&before->inode);
	return found;
}

// The page comes into memory, and its slot is given up if it is one of that area still.
static int bring_back_page(struct inode *ip, pgoff_t index, u32 number)
{
	struct page *p;
	int error = cache_get(&ip->cache, index, &p);

	if (error)
		return error;
	page_lock(p);
	if (p->cache == &ip->cache && page_has(p, PAGE_UPTODATE) && p->private &&
	    swap_area_number((swap_entry_t){ p->private }) == number)
		tmpfs_swap_give(&ip->cache, p);
	page_unlock(p);
	page_put(p);
	return 0;
}

static int bring_back_file(struct tmpfs_inode *t, u32 number)
{
	pgoff_t index = 0;
	int error = 0;

	for (; !error && (index = tmpfs_next_slot(&t->inode, index, U64_MAX)) != U64_MAX; index++) {
		spin_lock(&t->slots_lock);
		swap_entry_t entry = entry_at(t, index);
		spin_unlock(&t->slots_lock);
		if (entry.value && swap_area_number(entry) == number)
			error = current_must_die() ? -EINTR : bring_back_page(&t->inode, index, number);
	}
	return error;
}

int tmpfs_bring_back(u32 number)
{
	struct tmpfs_inode *t = NULL;

	while ((t = next_swapped(t))) {
		int error = bring_back_file(t, number);

		if (error) {
			inode_put(&t->inode);
			return error;
		}
	}
	return 0;
}

void tmpfs_visit_slots(void (*visit)(swap_entry_t entry))
{
	struct tmpfs_inode *t = NULL;
	pgoff_t index;

	while ((t = next_swapped(t))) {
		spin_lock(&t->slots_lock);
		for (void *value, *next = radix_next(&t->slots, 0, U64_MAX, &index); (value = next);
		     next = radix_next(&t->slots, index + 1, U64_MAX, &index))
			visit((swap_entry_t){ (u64)value });
		spin_unlock(&t->slots_lock);
	}
}
