#pragma once
/*
 * pgtable.h - the only code that reads or writes a page-table entry's bits (Intel SDM 3A 4.5).
 *
 * A slot is one entry of the last level, with its table locked. Tables of the last level have a lock each (in the frame's
 * record); those above are added under addrspace.table_lock and freed only when no area reaches them any more, by whoever
 * holds addrspace.lock for writing - and areas leave their cache's list first, so the reverse map never meets a freed table.
 *
 *  T1  A user entry that is present holds a reference and a map count of its frame (but for the zero page).
 *  T2  table.nr_entries = number of its non-zero entries.
 *  T3  Entries become present only with the frame's bytes in place; they are cleared, and all CPUs flushed, before the frame is freed.
 */
#include "types.h"
#include "mm/page.h"

struct addrspace;

typedef struct { u64 bits; } pte_t;

struct pte_slot {
	pte_t *entry;
	struct page *table;             // locked
};

enum pte_access { PTE_READ_ONLY, PTE_WRITABLE };

// The slot of the address. create: missing tables are made (-ENOMEM); else -ENOENT. Returns with the table locked.
int pgtable_slot_lock(struct addrspace *as, vaddr_t va, bool create, struct pte_slot *out) MUST_CHECK;
void pgtable_slot_unlock(struct pte_slot *slot);

pte_t pte_make(const struct page *p, u32 area_flags, enum pte_access access);   // present, user, accessed
static inline bool pte_is_none(pte_t e) { return e.bits == 0; }
bool pte_is_present(pte_t e);
bool pte_is_writable(pte_t e);
bool pte_is_dirty(pte_t e);
bool pte_is_accessed(pte_t e);
bool pte_allows(pte_t e, u32 access);           // enum fault_access
pte_t pte_read_only(pte_t e);                   // not writable, clean
pte_t pte_write_protect(pte_t e);               // not writable; dirty as it was
pte_t pte_with_protection(pte_t e, u32 area_flags, enum pte_access access);
struct page *pte_page(pte_t e);
void pte_set(struct pte_slot *slot, pte_t e);   // keeps T2
void pte_clear_accessed(struct pte_slot *slot);
pte_t pte_exchange(struct pte_slot *slot, pte_t e);     // atomic against the processor's own A and D bits

// Replaces an entry by one that allows more, when it still is what the caller saw. This CPU forgets the old one; others may fault
// once more on it. False: it has changed.
bool pte_upgrade(struct addrspace *as, vaddr_t va, pte_t expected, pte_t fresh) MUST_CHECK;

// Calls visit for every non-empty slot of [start, end), tables locked; visit may set the slot. Stops when visit returns non-zero.
typedef int (*pte_visitor)(struct pte_slot *slot, vaddr_t va, void *argument);
int pgtable_visit(struct addrspace *as, vaddr_t start, vaddr_t end, pte_visitor visit, void *argument);
// fork: enters e into a space that no thread runs in yet; only the reverse map looks inside. The slot must be empty. -ENOMEM.
// Does not sleep (it is called under another space's table lock).
int pgtable_fill(struct addrspace *as, vaddr_t va, pte_t e) MUST_CHECK;
// Takes out the tables that hold nothing any more, after [start, end) has lost its entries; pgtable_free_collected frees them,
// once every CPU has forgotten them. No area lies in [floor, ceiling), which contains the range: a table that shows more than
// that stays. as->lock held for writing.
void pgtable_collect_tables(struct addrspace *as, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling);
void pgtable_free_collected(struct addrspace *as);

// Is there a non-empty entry in [start, end)?
bool pgtable_has_entries(struct addrspace *as, vaddr_t start, vaddr_t end);
// For the audit: checks T2 and the number of tables; calls report for each disagreement. as->lock held.
void pgtable_audit(struct addrspace *as, void (*report)(const char *what, u64 seen, u64 expected));

int pgtable_create(struct addrspace *as) MUST_CHECK;    // the top table, with the kernel's half. -ENOMEM
void pgtable_destroy(struct addrspace *as);     // everything below is free already
void pgtable_init(void);                        // the zero page
extern struct page *zero_page;                  // shown read-only where nothing was stored yet; not counted
