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
	return direct_map(entry & PTE_FRAME);
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
	spin_lock(&as->table_lock);
	if (!*link) {
		// The count first: visit_below never meets more entries than are counted.
		atomic_add(&parent->nr_entries, 1);
		atomic_store(link, page_to_physical(table) | PTE_PRESENT | PTE_WRITE | PTE_USER);
		table = NULL;
		atomic_add(&as->nr_tables, 1);
	}
	spin_unlock(&as->table_lock);
	if (table)
		page_put(table);
	return 0;
}

// The table behind an entry that is not of the last level.
static inline u64 *table_below(const u64 *table, vaddr_t va, u32 level)
{
	u64 entry = READ_ONCE(table[index_at(va, level)]);

	return entry ? table_at(entry) : NULL;
}

bool pgtable_slot_find(struct addrspace *as, vaddr_t va, struct pte_slot *out)
{
	u64 *table = direct_map(as->root);

	out->entry = NULL;
	if (!(table = table_below(table, va, 3)) || !(table = table_below(table, va, 2)))
		return false;
	u64 entry = READ_ONCE(table[index_at(va, 1)]);

	if (!entry)
		return false;
	out->table = pfn_to_page((entry & PTE_FRAME) >> PAGE_SHIFT);
	out->entry = (pte_t *)&table_at(entry)[index_at(va, 0)];
	return true;
}

static int make_tables(struct addrspace *as, vaddr_t va)
{
	u64 *table = direct_map(as->root);
	struct page *parent = root_record(as);

	for (u32 level = LEVELS - 1; level > 0; level--) {
		u64 *link = &table[index_at(va, level)];

		if (!READ_ONCE(*link)) {
			int error = table_add(as, parent, link);
			if (error)
				return error;
		}
		table = table_at(READ_ONCE(*link));
		parent = pfn_to_page((*link & PTE_FRAME) >> PAGE_SHIFT);
	}
	return 0;
}

int pgtable_slot_lock(struct addrspace *as, vaddr_t va, bool create, struct pte_slot *out)
{
	while (!pgtable_slot_find(as, va, out)) {
		int error = create ? make_tables(as, va) : -ENOENT;

		if (error)
			return error;
	}
	table_lock(out->table);
	return 0;
}

void pgtable_slot_relock(struct pte_slot *slot)
{
	table_lock(slot->table);
}

void pgtable_slot_unlock(struct pte_slot *slot)
{
	table_unlock(slot->table);
}

bool pte_upgrade(struct pte_slot *slot, vaddr_t va, pte_t expected, pte_t fresh)
{
	table_lock(slot->table);
	bool is_same = slot->entry->bits == expected.bits;

	if (is_same)
		pte_set(slot, fresh);
	table_unlock(slot->table);
	tlb_flush_page_local(va);
	return is_same;
}

struct visit {
	vaddr_t start, end;
	run_visitor visit;
	void *argument;
};

// A table of the last level, which shows addresses from base on: the stretch inside, locked.
static int visit_run(u64 *table, struct page *record, vaddr_t base, const struct visit *v)
{
	u32 first = v->start > base ? index_at(v->start, 0) : 0;
	u64 left = (v->end - base) >> PAGE_SHIFT;
	struct pte_run run = {
		.entries = (pte_t *)table + first,
		.nr = (u32)min(left, (u64)ENTRIES) - first,
		.start = base + ((u64)first << PAGE_SHIFT),
		.record = record,
	};

	table_lock(record);
	int result = record->nr_entries ? v->visit(&run, v->argument) : 0;

	table_unlock(record);
	return result;
}

// One table above the last level, which shows addresses from base on. From the table's start on, the count tells when the
// rest is empty; it is read again and again, since other threads may add tables meanwhile.
static int visit_below(u64 *table, struct page *record, u32 level, vaddr_t base, const struct visit *v)
{
	u32 first = v->start > base ? index_at(v->start, level) : 0, seen = 0;
	u64 span = span_of(level);
	int result = 0;

	for (u32 i = first; i < ENTRIES && base + i * span < v->end && !result; i++) {
		if (!first && seen == READ_ONCE(record->nr_entries))
			break;
		u64 entry = READ_ONCE(table[i]);

		if (!entry)
			continue;
		seen++;
		struct page *child = pfn_to_page((entry & PTE_FRAME) >> PAGE_SHIFT);

		if (level == 1)
			result = visit_run(table_at(entry), child, base + i * span, v);
		else
			result = visit_below(table_at(entry), child, level - 1, base + i * span, v);
	}
	return result;
}

int pgtable_visit_runs(struct addrspace *as, vaddr_t start, vaddr_t end, run_visitor visit, void *argument)
{
	struct visit v = { start, end, visit, argument };

	return visit_below(direct_map(as->root), root_record(as), LEVELS - 1, 0, &v);
}

struct slot_visit {
	pte_visitor visit;
	void *argument;
};

static int visit_slots(struct pte_run *run, void *argument)
{
	struct slot_visit *v = argument;
	u32 nr_left = run->record->nr_entries;          // in the whole table: when all are seen the rest is empty
	int result = 0;

	for (u32 i = 0; i < run->nr && nr_left && !result; i++) {
		if (pte_is_none(run->entries[i]))
			continue;
		struct pte_slot slot = { &run->entries[i], run->record };

		nr_left--;
		result = v->visit(&slot, run->start + ((u64)i << PAGE_SHIFT), v->argument);
	}
	return result;
}

int pgtable_visit(struct addrspace *as, vaddr_t start, vaddr_t end, pte_visitor visit, void *argument)
{
	struct slot_visit v = { visit, argument };

	return pgtable_visit_runs(as, start, end, visit_slots, &v);
}

bool pgtable_twin_lock(struct addrspace *as, const struct pte_run *run, struct pte_run *twin)
{
	vaddr_t va = run->start;
	u64 *table = direct_map(as->root);
	struct page *record = root_record(as);

	for (u32 level = LEVELS - 1; level > 0; level--) {
		u64 *link = &table[index_at(va, level)];

		if (!*link) {
			struct page *fresh = frame_alloc(PAGE_TABLE, FRAME_ZERO | FRAME_ATOMIC);

			if (!fresh)
				return false;
			record->nr_entries++;           // before the entry, as in table_add
			atomic_store(link, page_to_physical(fresh) | PTE_PRESENT | PTE_WRITE | PTE_USER);
			as->nr_tables++;
		}
		table = table_at(*link);
		record = pfn_to_page((*link & PTE_FRAME) >> PAGE_SHIFT);
	}
	*twin = (struct pte_run){ (pte_t *)&table[index_at(va, 0)], run->nr, va, record };
	table_lock_ranked(record, true);
	return true;
}

void pgtable_twin_unlock(struct pte_run *twin)
{
	table_unlock(twin->record);
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
		struct page *child = pfn_to_page((table[i] & PTE_FRAME) >> PAGE_SHIFT);

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
		record = pfn_to_page((link & PTE_FRAME) >> PAGE_SHIFT);
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
			nr_tables += audit_table(table_at(table[i]), pfn_to_page((table[i] & PTE_FRAME) >> PAGE_SHIFT),
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
