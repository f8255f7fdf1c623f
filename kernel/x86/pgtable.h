#pragma once
/*
 * pgtable.h - the only code that reads or writes a page-table entry's bits (Intel SDM 3A 4.5).
 *
 * A slot is one entry of the last level, with its table locked. Tables of the last level have a lock each
 * (in the frame's record); those above are added under addrspace.table_lock and freed only when no area reaches
 * them any more, by whoever holds addrspace.lock for writing - and areas leave their cache's list first,
 * so the reverse map never meets a freed table.
 *
 *  T1  A user entry that is present holds a reference and a map count of its frame (but for the zero page).
 *  T2  table.nr_entries = number of its non-zero entries.
 *  T3  Entries become present only with the frame's bytes in place; they are cleared, and all CPUs flushed,
 *      before the frame is freed. (At the end of a space no CPU has it loaded any more: there is nothing to flush.)
 *  T4  Where one of the eight entries of a line (8 x 8 bytes) is not zero, the line's bit of table.used_lines is set;
 *      it may be set for a line that is empty again. So tables with a few entries are walked in a few steps.
 */
#include "types.h"
#include "kernel.h"
#include "mm/fault.h"
#include "mm/page.h"

struct addrspace;

typedef struct { u64 bits; } pte_t;

enum pte_bit {
	PTE_PRESENT = 1u << 0,
	PTE_WRITE = 1u << 1,
	PTE_USER = 1u << 2,
	PTE_ACCESSED = 1u << 5,
	PTE_DIRTY = 1u << 6,
	PTE_HUGE = 1u << 7,             // one level above the last: shows 2 MiB; see pgtable_huge.c
	PTE_HIDDEN = 1u << 9,           // ours: PROT_NONE; the frame stays, the processor sees nothing
};
#define PTE_NO_EXECUTE (1ul << 63)
#define PTE_FRAME 0x000ffffffffff000ul

struct pte_slot {
	pte_t *entry;
	struct page *table;             // locked, but after pgtable_slot_find
};

enum pte_access { PTE_READ_ONLY, PTE_WRITABLE };

extern struct page *zero_page;                  // shown read-only where nothing was stored yet; not counted

// The slot of the address; a huge entry is split.
// create: missing tables are made (-ENOMEM); else -ENOENT. Returns with the table locked.
int pgtable_slot_lock(struct addrspace *as, vaddr_t va, bool create, struct pte_slot *out) MUST_CHECK;
// The same without the lock, and no table is made: the entry may be read, and stays where it is while as->lock is held.
bool pgtable_slot_find(struct addrspace *as, vaddr_t va, struct pte_slot *out) MUST_CHECK;

// A table's lock is a word of the frame's record: a struct spinlock has no room there.
static inline void page_table_lock(struct page *table, bool same_rank_allowed)
{
	if (DEBUG_BUILD)
		lockcheck_acquire(&table->table_word, "page table", RANK_PAGETABLE, same_rank_allowed,
				  __builtin_return_address(0));
	word_lock(&table->table_word);
}

static inline void page_table_unlock(struct page *table)
{
	if (DEBUG_BUILD)
		lockcheck_release(&table->table_word);
	word_unlock(&table->table_word);
}

// T4: before an entry that was zero is set, the table locked (above the last level: under addrspace.table_lock).
static inline void page_table_note(struct page *table, const void *entry)
{
	table->used_lines |= 1ul << ((u64)entry / 64 % 64);
}

// The same for entries[0 .. nr), nr > 0.
static inline void page_table_note_run(struct page *table, const void *entries, u32 nr)
{
	u64 first = (u64)entries / 64 % 64, last = ((u64)entries / 8 % 512 + nr - 1) / 8;

	table->used_lines |= ~0ul << first & ~0ul >> (63 - last);
}

// A slot that was found, or unlocked meanwhile.
static inline void pgtable_slot_relock(struct pte_slot *slot)
{
	page_table_lock(slot->table, false);
}

static inline void pgtable_slot_unlock(struct pte_slot *slot)
{
	page_table_unlock(slot->table);
}

// "Present" is ours: the entry shows a frame, be it hidden by PROT_NONE.
static inline bool pte_is_none(pte_t e) { return e.bits == 0; }
static inline bool pte_is_present(pte_t e) { return e.bits & (PTE_PRESENT | PTE_HIDDEN); }
// Neither empty nor present: the page is swapped out, and the entry holds the swap entry (mm/swap.h),
// which is never 0, above the bits that have a meaning. Counts for T2.
static inline bool pte_is_swap(pte_t e) { return e.bits && !(e.bits & (PTE_PRESENT | PTE_HIDDEN)); }
static inline pte_t pte_of_swap(u64 value) { return (pte_t){ value << PAGE_SHIFT }; }
static inline u64 pte_swap_value(pte_t e) { return e.bits >> PAGE_SHIFT; }
static inline bool pte_is_writable(pte_t e) { return e.bits & PTE_WRITE; }
static inline bool pte_is_dirty(pte_t e) { return e.bits & PTE_DIRTY; }
static inline bool pte_is_accessed(pte_t e) { return e.bits & PTE_ACCESSED; }
static inline struct page *pte_page(pte_t e) { return pfn_to_page((e.bits & PTE_FRAME) >> PAGE_SHIFT); }

// The protection part of an entry. area_flags: enum fault_access.
static inline u64 pte_protection(u32 area_flags, enum pte_access access)
{
	if (!(area_flags & (FAULT_READ | FAULT_WRITE | FAULT_EXEC)))
		return PTE_HIDDEN;
	return PTE_PRESENT | (access == PTE_WRITABLE ? PTE_WRITE : 0) | (area_flags & FAULT_EXEC ? 0 : PTE_NO_EXECUTE);
}

// Present, user, accessed; what is writable is dirty.
static inline pte_t pte_make(const struct page *p, u32 area_flags, enum pte_access access)
{
	u64 bits = page_to_physical(p) | PTE_USER | PTE_ACCESSED | pte_protection(area_flags, access);

	return (pte_t){ bits | (access == PTE_WRITABLE ? PTE_DIRTY : 0) };
}

static inline bool pte_allows(pte_t e, u32 access)              // enum fault_access
{
	return e.bits & PTE_PRESENT && (!(access & FAULT_WRITE) || e.bits & PTE_WRITE) &&
	       (!(access & FAULT_EXEC) || !(e.bits & PTE_NO_EXECUTE));
}

static inline pte_t pte_read_only(pte_t e)                      // not writable, clean
{
	return (pte_t){ e.bits & ~(u64)(PTE_WRITE | PTE_DIRTY) };
}

static inline pte_t pte_write_protect(pte_t e)                  // not writable; dirty as it was
{
	return (pte_t){ e.bits & ~(u64)PTE_WRITE };
}

static inline pte_t pte_with_protection(pte_t e, u32 area_flags, enum pte_access access)
{
	u64 kept = e.bits & ~(PTE_PRESENT | PTE_HIDDEN | PTE_WRITE | PTE_NO_EXECUTE);

	return (pte_t){ kept | pte_protection(area_flags, access) };
}

// Puts e into the slot and returns what was there; atomic against the processor's own A and D bits. Keeps T2.
static inline pte_t pte_exchange(struct pte_slot *slot, pte_t e)
{
	pte_t old = { atomic_exchange(&slot->entry->bits, e.bits) };

	if (pte_is_none(old))
		page_table_note(slot->table, slot->entry);
	slot->table->nr_entries += (u32)!pte_is_none(e) - (u32)!pte_is_none(old);
	return old;
}

static inline void pte_set(struct pte_slot *slot, pte_t e)
{
	(void)pte_exchange(slot, e);
}

static inline void pte_clear_accessed(struct pte_slot *slot)
{
	atomic_and(&slot->entry->bits, ~(u64)PTE_ACCESSED);
}

// Replaces the entry of a slot (unlocked) by one that allows more, when it still is what the caller saw.
// This CPU forgets the old one; others may fault once more on it. False: it has changed.
bool pte_upgrade(struct pte_slot *slot, vaddr_t va, pte_t expected, pte_t fresh) MUST_CHECK;

// A stretch of one table of the last level, locked: entries[0 .. nr) show addresses from start on.
// Who changes whether an entry is empty keeps T2 (record->nr_entries) and T4.
struct pte_run {
	pte_t *entries;
	u32 nr;
	vaddr_t start;
	struct page *record;
};

// Calls visit for each stretch of a table, inside [start, end), that has entries.
// Stops when visit returns non-zero, and returns that.
typedef int (*run_visitor)(struct pte_run *run, void *argument);
int pgtable_visit_runs(struct addrspace *as, vaddr_t start, vaddr_t end, run_visitor visit, void *argument);
// fork: the same stretch of a space that no thread runs in yet; only the reverse map looks inside. Its table
// is made where it is missing, without sleeping: run's own table is locked, and the twin is the second of its rank
// (parent before child: nobody locks two in the other order, as nobody else locks two). False: no memory for a table.
bool pgtable_twin_lock(struct addrspace *as, const struct pte_run *run, struct pte_run *twin) MUST_CHECK;
void pgtable_twin_unlock(struct pte_run *twin);

// Calls visit for every non-empty slot of [start, end), tables locked; visit may set the slot.
// Stops when visit returns non-zero. Huge entries are split first.
typedef int (*pte_visitor)(struct pte_slot *slot, vaddr_t va, void *argument);
int pgtable_visit(struct addrspace *as, vaddr_t start, vaddr_t end, pte_visitor visit, void *argument);
// The same for who only looks: nothing is split, and what a huge entry shows inside the range comes as entries
// of 4 KiB (with PTE_HUGE set), which stand nowhere.
int pgtable_look(struct addrspace *as, vaddr_t start, vaddr_t end, pte_visitor visit, void *argument);
// pgtable_visit_runs for who knows huge entries, too: huge is called, with nothing locked, for those that lie wholly in
// [start, end); the others are split.
typedef int (*huge_visitor)(struct addrspace *as, vaddr_t va, pte_t e, void *argument);
int pgtable_visit_all(struct addrspace *as, vaddr_t start, vaddr_t end, run_visitor visit, huge_visitor huge,
		      void *argument);

/* pgtable_huge.c. as->lock is held. */
static inline pte_t pte_part_of_huge(pte_t huge, vaddr_t va)
{
	return (pte_t){ huge.bits + (va & (HUGE_SIZE - 1) & PAGE_MASK) };
}
static inline bool pte_is_part_of_huge(pte_t e) { return e.bits & PTE_HUGE; }
pte_t pgtable_huge_at(struct addrspace *as, vaddr_t va);        // the huge entry that shows va; none
// What shows va as an entry of 4 KiB, be it a part of a huge one. A snapshot.
pte_t pgtable_at(struct addrspace *as, vaddr_t va);
struct page *pgtable_page_get(struct addrspace *as, vaddr_t va);        // the frame shown at va, referenced; NULL
// va is aligned. Shows 2 MiB, counted by the caller beforehand. -ENOMEM; -EEXIST: there is a table. May sleep.
int pgtable_huge_enter(struct addrspace *as, vaddr_t va, pte_t e) MUST_CHECK;
// Replaces the entry, or (fresh none) takes it out, when it still is what the caller saw. The caller flushes.
bool pgtable_huge_change(struct addrspace *as, vaddr_t va, pte_t expected, pte_t fresh) MUST_CHECK;
// Puts a huge entry in the place of a table that has no entries left. as->lock held for writing; flushes.
void pgtable_huge_take_over(struct addrspace *as, vaddr_t va, pte_t e);
bool pgtable_has_table(struct addrspace *as, vaddr_t va);       // of the last level
// What was one entry is 512, which show the same. False: there is no huge entry.
bool pgtable_huge_split(struct addrspace *as, vaddr_t va);

// Does all of the range belong to one table of the last level? *table: its record, or NULL,
// where there is none and nothing is shown. Not where a huge entry is. as->lock held for writing.
bool pgtable_one_table(struct addrspace *as, vaddr_t start, vaddr_t end, struct page **table);

// Takes out the tables that hold nothing any more, after [start, end) has lost its entries; pgtable_free_collected
// frees them, once every CPU has forgotten them. No area lies in [floor, ceiling), which contains the range:
// a table that shows more than that stays. as->lock held for writing.
void pgtable_collect_tables(struct addrspace *as, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling);
void pgtable_free_collected(struct addrspace *as);

// Is there a non-empty entry in [start, end)?
bool pgtable_has_entries(struct addrspace *as, vaddr_t start, vaddr_t end);
// For the audit: checks T2 and the number of tables; calls report for each disagreement. as->lock held.
void pgtable_audit(struct addrspace *as, void (*report)(const char *what, u64 seen, u64 expected));

int pgtable_create(struct addrspace *as) MUST_CHECK;    // the top table, with the kernel's half. -ENOMEM
// All tables. None has an entry, nobody looks at them any more, and no CPU has them loaded.
void pgtable_destroy(struct addrspace *as);
void pgtable_init(void);                        // the zero page
