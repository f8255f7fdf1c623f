/*
 * pgtable.c - page tables of user space: four levels, 4 KiB pages (Intel SDM 3A 4.5.4). The hard part is who may
 * free a table that a walker from the reverse map could be reading; the header says why that cannot happen (the
 * areas leave first). Tables above the last level only ever gain entries while addrspace.lock is not held for
 * writing, so a walk down needs no lock; entries of the last level change under their table's lock.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include <abi/errno.h>
#include "x86/kernel_map.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

#define BIT_PRESENT (1ul << 0)
#define BIT_WRITABLE (1ul << 1)
#define BIT_USER (1ul << 2)
#define BIT_ACCESSED (1ul << 5)
#define BIT_DIRTY (1ul << 6)
#define BIT_NO_EXECUTE (1ul << 63)
#define BIT_HIDDEN (1ul << 9)           // ours: PROT_NONE; the frame stays, the processor sees nothing
#define FRAME_BITS 0x000ffffffffff000ul

#define ENTRIES 512
#define LEVELS 4
#define KERNEL_HALF 256                 // first top-level entry of the kernel's half

struct page *zero_page;

// table_word of the frame's record is the lock: a struct spinlock has no room there.
static void table_lock_ranked(struct page *table, bool same_rank_allowed)
{
	if (DEBUG_BUILD)
		lockcheck_acquire(&table->table_word, "page table", RANK_PAGETABLE, same_rank_allowed,
				  __builtin_return_address(0));
	while (__atomic_exchange_n(&table->table_word, 1, __ATOMIC_ACQUIRE))
		while (READ_ONCE(table->table_word))
			__builtin_ia32_pause();
}

static void table_lock(struct page *table)
{
	table_lock_ranked(table, false);
}

static void table_unlock(struct page *table)
{
	if (DEBUG_BUILD)
		lockcheck_release(&table->table_word);
	__atomic_store_n(&table->table_word, 0, __ATOMIC_RELEASE);
}

static inline u32 index_at(vaddr_t va, u32 level)       // level 0: the last
{
	return (va >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

static inline u64 *table_at(u64 entry)
{
	return direct_map(entry & FRAME_BITS);
}

static inline u64 span_of(u32 level)            // bytes behind one entry of that level
{
	return 1ul << (PAGE_SHIFT + 9 * level);
}

// The record of the top table. Its nr_entries counts the user's half.
static inline struct page *root_record(struct addrspace *as)
{
	return pfn_to_page(as->root >> PAGE_SHIFT);
}

// Makes the table behind *link. Two CPUs may try: one wins.
static int table_add(struct addrspace *as, struct page *parent, u64 *link)
{
	struct page *table = frame_alloc(PAGE_TABLE, FRAME_ZERO);

	if (!table)
		return -ENOMEM;
	table->nr_entries = 0;
	table->table_word = 0;
	spin_lock(&as->table_lock);
	if (!*link) {
		// The count first: visit_below never meets more entries than are counted.
		atomic_add(&parent->nr_entries, 1);
		atomic_store(link, page_to_physical(table) | BIT_PRESENT | BIT_WRITABLE | BIT_USER);
		table = NULL;
		atomic_add(&as->nr_tables, 1);
	}
	spin_unlock(&as->table_lock);
	if (table)
		page_put(table);
	return 0;
}

int pgtable_slot_lock(struct addrspace *as, vaddr_t va, bool create, struct pte_slot *out)
{
	u64 *table = direct_map(as->root);
	struct page *parent = root_record(as);

	for (u32 level = LEVELS - 1; level > 0; level--) {
		u64 *link = &table[index_at(va, level)];

		if (!READ_ONCE(*link)) {
			if (!create)
				return -ENOENT;
			int error = table_add(as, parent, link);
			if (error)
				return error;
		}
		table = table_at(READ_ONCE(*link));
		parent = pfn_to_page((*link & FRAME_BITS) >> PAGE_SHIFT);
	}
	out->table = parent;
	out->entry = (pte_t *)&table[index_at(va, 0)];
	table_lock(parent);
	return 0;
}

void pgtable_slot_unlock(struct pte_slot *slot)
{
	table_unlock(slot->table);
}

static u64 protection_bits(u32 area_flags, enum pte_access access)
{
	if (!(area_flags & (FAULT_READ | FAULT_WRITE | FAULT_EXEC)))
		return BIT_HIDDEN;
	return BIT_PRESENT | (access == PTE_WRITABLE ? BIT_WRITABLE : 0) |
	       (area_flags & FAULT_EXEC ? 0 : BIT_NO_EXECUTE);
}

pte_t pte_make(const struct page *p, u32 area_flags, enum pte_access access)
{
	u64 bits = page_to_physical(p) | BIT_USER | BIT_ACCESSED | protection_bits(area_flags, access);

	return (pte_t){ bits | (access == PTE_WRITABLE ? BIT_DIRTY : 0) };
}

// "Present" is ours: the entry shows a frame, be it hidden by PROT_NONE.
bool pte_is_present(pte_t e)
{
	return e.bits & (BIT_PRESENT | BIT_HIDDEN);
}

bool pte_is_writable(pte_t e)
{
	return e.bits & BIT_WRITABLE;
}

bool pte_is_dirty(pte_t e)
{
	return e.bits & BIT_DIRTY;
}

bool pte_is_accessed(pte_t e)
{
	return e.bits & BIT_ACCESSED;
}

bool pte_allows(pte_t e, u32 access)
{
	return e.bits & BIT_PRESENT && (!(access & FAULT_WRITE) || e.bits & BIT_WRITABLE) &&
	       (!(access & FAULT_EXEC) || !(e.bits & BIT_NO_EXECUTE));
}

pte_t pte_read_only(pte_t e)
{
	return (pte_t){ e.bits & ~(BIT_WRITABLE | BIT_DIRTY) };
}

pte_t pte_write_protect(pte_t e)
{
	return (pte_t){ e.bits & ~BIT_WRITABLE };
}

pte_t pte_with_protection(pte_t e, u32 area_flags, enum pte_access access)
{
	u64 kept = e.bits & ~(BIT_PRESENT | BIT_HIDDEN | BIT_WRITABLE | BIT_NO_EXECUTE);

	return (pte_t){ kept | protection_bits(area_flags, access) };
}

struct page *pte_page(pte_t e)
{
	return pfn_to_page((e.bits & FRAME_BITS) >> PAGE_SHIFT);
}

void pte_set(struct pte_slot *slot, pte_t e)
{
	(void)pte_exchange(slot, e);
}

pte_t pte_exchange(struct pte_slot *slot, pte_t e)
{
	pte_t old = { atomic_exchange(&slot->entry->bits, e.bits) };

	slot->table->nr_entries += !pte_is_none(e);
	slot->table->nr_entries -= !pte_is_none(old);
	return old;
}

bool pte_upgrade(struct addrspace *as, vaddr_t va, pte_t expected, pte_t fresh)
{
	struct pte_slot slot;

	if (pgtable_slot_lock(as, va, false, &slot))
		return false;
	bool is_same = slot.entry->bits == expected.bits;

	if (is_same)
		pte_set(&slot, fresh);
	pgtable_slot_unlock(&slot);
	tlb_flush_page_local(va);
	return is_same;
}

void pte_clear_accessed(struct pte_slot *slot)
{
	atomic_and(&slot->entry->bits, ~BIT_ACCESSED);
}

struct visit {
	vaddr_t start, end;
	pte_visitor visit;
	void *argument;
};

// One table of the given level, which shows addresses from base on. From the table's start on, the count tells when the rest
// is empty. Above the last level it is read again and again, since other threads may add tables meanwhile; at the last level,
// which is locked, only visit itself changes it.
static int visit_below(u64 *table, struct page *record, u32 level, vaddr_t base, const struct visit *v)
{
	u32 first = v->start > base ? index_at(v->start, level) : 0, seen = 0, nr_entries = record->nr_entries;
	u64 span = span_of(level);
	int result = 0;

	for (u32 i = first; i < ENTRIES && base + i * span < v->end && !result; i++) {
		if (level > 0)
			nr_entries = READ_ONCE(record->nr_entries);
		if (!first && seen == nr_entries)
			break;
		u64 entry = READ_ONCE(table[i]);

		if (!entry)
			continue;
		seen++;
		if (level > 0) {
			struct page *child = pfn_to_page((entry & FRAME_BITS) >> PAGE_SHIFT);

			if (level == 1)
				table_lock(child);
			result = visit_below(table_at(entry), child, level - 1, base + i * span, v);
			if (level == 1)
				table_unlock(child);
		} else {
			struct pte_slot slot = { (pte_t *)&table[i], record };

			result = v->visit(&slot, base + i * span, v->argument);
		}
	}
	return result;
}

int pgtable_visit(struct addrspace *as, vaddr_t start, vaddr_t end, pte_visitor visit, void *argument)
{
	struct visit v = { start, end, visit, argument };

	return visit_below(direct_map(as->root), root_record(as), LEVELS - 1, 0, &v);
}

int pgtable_fill(struct addrspace *as, vaddr_t va, pte_t e)
{
	u64 *table = direct_map(as->root);
	struct page *record = root_record(as);

	for (u32 level = LEVELS - 1; level > 0; level--) {
		u64 *link = &table[index_at(va, level)];

		if (!*link) {
			struct page *fresh = frame_alloc(PAGE_TABLE, FRAME_ZERO | FRAME_ATOMIC);

			if (!fresh)
				return -ENOMEM;
			fresh->nr_entries = 0;
			fresh->table_word = 0;
			record->nr_entries++;           // before the entry, as in table_add
			atomic_store(link, page_to_physical(fresh) | BIT_PRESENT | BIT_WRITABLE | BIT_USER);
			as->nr_tables++;
		}
		table = table_at(*link);
		record = pfn_to_page((*link & FRAME_BITS) >> PAGE_SHIFT);
	}
	// The second of its rank, parent before child: nobody locks two tables in the other order, as nobody else locks two.
	table_lock_ranked(record, true);
	debug_assert(!table[index_at(va, 0)]);
	atomic_store(&table[index_at(va, 0)], e.bits);
	record->nr_entries++;
	table_unlock(record);
	return 0;
}

// What pgtable_collect_tables was asked for: [start, end) has lost its entries; no area lies in [floor, ceiling).
struct free_range {
	vaddr_t start, end, floor, ceiling;
};

/*
 * Frees what is empty below one table of the given level, which shows addresses from base on. Only entries that reach into
 * [start, end) can have become empty; a table may go when the whole range behind it lies in [floor, ceiling).
 */
static void free_below(struct addrspace *as, u64 *table, struct page *record, u32 level, vaddr_t base,
		       const struct free_range *r)
{
	u64 span = span_of(level);
	u32 first = r->start > base ? (u32)((r->start - base) / span) : 0;
	u32 to_see = first ? ENTRIES : record->nr_entries;   // then the rest of the table is empty

	for (u32 i = first; i < ENTRIES && base + i * span < r->end && to_see; i++) {
		vaddr_t start = base + i * span;

		if (!table[i])
			continue;
		to_see--;
		struct page *child = pfn_to_page((table[i] & FRAME_BITS) >> PAGE_SHIFT);

		if (level > 1)
			free_below(as, table_at(table[i]), child, level - 1, start, r);
		if (child->nr_entries || start < r->floor || start + span > r->ceiling)
			continue;
		atomic_store(&table[i], 0);
		record->nr_entries--;
		atomic_sub(&as->nr_tables, 1);
		list_push_back(&as->dead_tables, &child->link);
	}
}

// The range lies behind one table of the last level, or one that is missing, and the deepest table on the way there is not empty:
// then none of those above it is.
static bool has_nothing_to_free(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	u64 *table = direct_map(as->root);
	struct page *record = NULL;

	if ((start ^ (end - 1)) >> (PAGE_SHIFT + 9))
		return false;
	for (u32 level = LEVELS - 1; level > 0; level--) {
		u64 link = READ_ONCE(table[index_at(start, level)]);

		if (!link)
			break;
		table = table_at(link);
		record = pfn_to_page((link & FRAME_BITS) >> PAGE_SHIFT);
	}
	return !record || READ_ONCE(record->nr_entries);        // the top table stays, empty or not
}

void pgtable_collect_tables(struct addrspace *as, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling)
{
	// User space ends a page below the half: the last table counts as inside.
	struct free_range range = { start, end, floor, ceiling >= USER_END ? 1ul << 47 : ceiling };

	if (!has_nothing_to_free(as, start, end))
		free_below(as, direct_map(as->root), root_record(as), LEVELS - 1, 0, &range);
}

void pgtable_free_collected(struct addrspace *as)
{
	struct page *table, *following;

	if (list_is_empty(&as->dead_tables))
		return;
	// The processor caches upper entries too (SDM 3A 4.10.3): everybody forgets before the frames go.
	tlb_flush_tables(as);
	list_for_each_safe(table, following, &as->dead_tables, link) {
		list_remove(&table->link);
		page_put(table);
	}
}

static int found_one(struct pte_slot *slot, vaddr_t va, void *argument)
{
	(void)slot;
	(void)va;
	(void)argument;
	return 1;
}

bool pgtable_has_entries(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	return pgtable_visit(as, start, end, found_one, NULL);
}

// Tables at and below this one; entries are counted where the record says how many there should be.
static u64 audit_table(u64 *table, struct page *record, u32 level, void (*report)(const char *what, u64 seen, u64 expected))
{
	u64 nr_tables = 1;
	u32 nr_entries = 0;

	for (u32 i = 0; i < (level == LEVELS - 1 ? KERNEL_HALF : ENTRIES); i++) {
		if (!table[i])
			continue;
		nr_entries++;
		if (level > 0)
			nr_tables += audit_table(table_at(table[i]), pfn_to_page((table[i] & FRAME_BITS) >> PAGE_SHIFT),
						 level - 1, report);
	}
	if (record->nr_entries != nr_entries)
		report("entries of a page table", nr_entries, record->nr_entries);
	return nr_tables;
}

void pgtable_audit(struct addrspace *as, void (*report)(const char *what, u64 seen, u64 expected))
{
	u64 nr = audit_table(direct_map(as->root), root_record(as), LEVELS - 1, report);

	if (nr != as->nr_tables)
		report("page tables of an address space", nr, as->nr_tables);
}

int pgtable_create(struct addrspace *as)
{
	struct page *top = frame_alloc(PAGE_TABLE, FRAME_ZERO);

	if (!top)
		return -ENOMEM;
	as->root = page_to_physical(top);
	as->nr_tables = 1;
	u64 *to = page_address(top);
	u64 *from = direct_map(kernel_root);

	for (u32 i = KERNEL_HALF; i < ENTRIES; i++)
		to[i] = from[i];
	return 0;
}

void pgtable_destroy(struct addrspace *as)
{
	assert(as->nr_tables == 1);
	page_put(pfn_to_page(as->root >> PAGE_SHIFT));
	as->root = 0;
}

void pgtable_init(void)
{
	zero_page = frame_alloc(PAGE_KERNEL, FRAME_ZERO);
	assert(zero_page);
}
