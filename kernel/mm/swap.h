#pragma once
/*
 * swap.h - private memory, and what tmpfs holds, on a disk.
 * A swap area is a disk or a file, cut into slots of a page. A swap entry names a slot;
 * it stands where the page was: in a page-table entry, or in the tree of a file of tmpfs.
 *
 *  W1  slot.count = number of page-table entries that name it; of a slot that a file of tmpfs has, SWAP_SLOT_FILE.
 *      A slot is free iff its count is 0 and no page in the swap cache belongs to it.
 *  W2  The swap cache: a page with PAGE_SWAPCACHE belongs to the slot page.private, which holds a reference on it.
 *      So whoever meets the entry while the page is still or already in memory finds that page.
 *      Put in and taken out with the page locked.
 *  W3  A page in the swap cache is never changed: no page table shows it writable.
 *      DIRTY: its slot does not hold its bytes yet.
 *  W4  A page leaves memory only when its bytes are in its slot: unmap, write, then free.
 */
#include "types.h"

struct file;
struct page;
struct addrspace;

typedef struct { u64 value; } swap_entry_t;     // number of the area | slot << SWAP_TYPE_BITS; slot 0 is never in use
#define SWAP_TYPE_BITS 5
#define SWAP_AREAS_MAX 8
#define SWAP_SLOTS_MAX (1u << 20)               // 4 GiB an area: what is more of it is not used

/* swap.c */
// Opened for reading, a disk or a regular file with a swap header.
// The file is kept. Flags as in swapon(2). -EINVAL, -EBUSY, ...
int swap_on(struct file *f, u32 flags) MUST_CHECK;
// Brings everything back into memory, then gives the disk or file up.
// -EINVAL: it is no swap area. -ENOMEM, -EINTR: it stays one.
int swap_off(struct file *f) MUST_CHECK;
struct swap_info { char path[64]; bool is_file; u64 nr_pages, nr_used; int priority; };
bool swap_info(u32 number, struct swap_info *out);      // false: no such area
u64 swap_total_pages(void);
u64 swap_free_pages(void);
u64 swap_cached_pages(void);

/* swap_slots.c: counts and the swap cache. Never sleep. */
// A slot for the page, which enters the swap cache with it, DIRTY. Page locked. False: swap is full, or there is none.
bool swap_cache_add(struct page *p) MUST_CHECK;
// A fresh page for an entry that is in use and has none, locked by the caller;
// its reference becomes the cache's. False: too late.
bool swap_cache_fill(struct page *p, swap_entry_t entry) MUST_CHECK;
struct page *swap_cache_find(swap_entry_t entry);       // referenced, in whatever state; NULL
// Page locked, its bytes in the slot or wanted by nobody.
// Takes it out when nobody but the caller and the swap cache has it.
bool swap_cache_try_evict(struct page *p) MUST_CHECK;
// Page locked: takes it out if no entry names its slot any more (the slot is free then).
// True: it is not in the cache now.
bool swap_cache_forget(struct page *p);
void swap_hold(swap_entry_t entry);     // one more entry names it
void swap_put(swap_entry_t entry);      // one fewer; the last frees the slot
// One fewer, by who has its page, p, locked. True: it was the last.
// Then the page leaves the swap cache, unless it keeps its slot: clean, it may go again without being written.
bool swap_entry_taken(swap_entry_t entry, struct page *p, bool keeps_slot);
// The table of the only entry that shows it is locked: a page that kept its slot gives it up,
// so that it may be stored to. Never waits. False: not now, or entries name the slot.
bool swap_cache_give_up(struct page *p) MUST_CHECK;
// An entry less shows the page, of which the caller has no reference any more:
// if none does, and none names its slot, it goes.
void swap_cache_unshown(struct page *p);        // declared in mm/page.h, too
// Does some page table name it? For an entry that was seen a moment ago:
// its slot may be a file's by now, or no slot at all.
bool swap_is_named(swap_entry_t entry);
u32 swap_count(swap_entry_t entry);     // the area is in use, and stays so
// A slot for a page of a file of tmpfs: named once, by that file's tree,
// and never in the swap cache. False: swap is full.
bool swap_take_for_file(swap_entry_t *out) MUST_CHECK;
void swap_free_of_file(swap_entry_t entry);
bool swap_is_half_full(void);           // then slots whose pages are in memory as well are better given back
static inline u32 swap_area_number(swap_entry_t entry)
{
	return entry.value % (1u << SWAP_TYPE_BITS);
}

/* swap_io.c: may sleep. */
// Locked DIRTY pages of the swap cache, or of tmpfs with a slot: writes them, neighbours in one request, and waits.
// Who could not be written stays DIRTY.
void swap_write(struct page **pages, u32 nr);
// Locked pages of a file's cache, each with its slot in private:
// starts to read them, and calls page_fill_done for each.
void swap_fill(struct page **pages, u32 nr);
// The entry's page, read when it must be (with neighbours), referenced.
// *out NULL: the entry is not in use any more. -EIO, -ENOMEM
int swap_read(swap_entry_t entry, struct page **out) MUST_CHECK;

/* swap_in.c */
// as->lock held. The slot at va holds the entry: shows its page there instead. Page locked, up to date,
// of that entry. Whether it is the only one that shows it and nobody else wants the slot: then it may be writable
// (wants_write). False: the page-table entry has changed.
bool swap_show(struct addrspace *as, vaddr_t va, swap_entry_t entry, struct page *p, u32 area_flags,
	       bool wants_write) MUST_CHECK;

/* swap_off.c */
int swap_bring_back(u32 number) MUST_CHECK;     // every entry of the area, wherever it is. -ENOMEM, -EINTR, -EIO

/* for the audit */
#define SWAP_SLOT_BAD 0xffffu                   // what swap_count says of a slot that is never given out
#define SWAP_SLOT_FILE 0xfffeu                  // and of one that a file of tmpfs has
u32 swap_area_slots(u32 number);                // 0: no such area
