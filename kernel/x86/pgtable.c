/*
 * pgtable.c - page tables of user space: four levels, 4 KiB pages (Intel SDM 3A 4.5.4; those of 2 MiB: pgtable_huge.c).
 * The hard part is who may free a table that a walker from the reverse map could be reading; the header says why that
 * cannot happen (the areas leave first). Tables above the last level lose entries only with addrspace.lock held for
 * writing, where no area is or all is closed (sync/look.h), so a walk down needs no lock;
 * entries of the last level change under their table's lock.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include <abi/errno.h>
#include "x86/kernel_map.h"
#include "x86/pgtable.h"
#include "x86/pgtable_internal.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"

struct page *zero_page;

// Makes the table behind *link. Two CPUs may try: one wins.
static int table_add(struct addrspace *as, struct page *parent, u64 *link)
{
	struct page *table = frame_alloc(PAGE_TABLE, FRAME_ZERO);

	if (!table)
		return -ENOMEM;
	spin_lock(&as->table_lock);
	if (!*link) {
		// The count and the note first: visit_below never meets an entry without.
		atomic_add(&parent->nr_entries, 1);
		page_table_note(parent, link);
		atomic_store(link, page_to_physical(table) | PTE_PRESENT | PTE_WRITE | PTE_USER);
		table = NULL;
		atomic_add(&as->nr_tables, 1);
	}
	spin_unlock(&as->table_lock);
	if (table)
		frame_free_zeroed(table);
	return 0;
}

bool pgtable_one_table(struct addrspace *as, vaddr_t start, vaddr_t end, struct page **table)
{
	struct page *parent;

	if (!is_behind_one_word(start, end))
		return false;
	u64 *word = pgtable_word(as, start, &parent);
	u64 entry = word ? *word : 0;

	*table = entry ? record_at(entry) : NULL;
	return !(entry & PTE_HUGE);
}

bool pgtable_slot_find(struct addrspace *as, vaddr_t va, struct pte_slot *out)
{
	u64 *table = direct_map(as->root);

	out->entry = NULL;
	if (!(table = table_below(table, va, 3)) || !(table = table_below(table, va, 2)))
		return false;
	u64 entry = READ_ONCE(table[index_at(va, 1)]);

	if (!entry || entry & PTE_HUGE)
		return false;
	out->table = record_at(entry);
	out->entry = (pte_t *)&table_at(entry)[index_at(va, 0)];
	return true;
}

int pgtable_make(struct addrspace *as, vaddr_t va, u32 down_to)
{
	u64 *table = direct_map(as->root);
	struct page *parent = root_record(as);

	for (u32 level = LEVELS - 1; level > down_to; level--) {
		u64 *link = &table[index_at(va, level)];

		if (!READ_ONCE(*link)) {
			int error = table_add(as, parent, link);
			if (error)
				return error;
		}
		if (READ_ONCE(*link) & PTE_HUGE)
			break;
		table = table_at(READ_ONCE(*link));
		parent = record_at(*link);
	}
	return 0;
}

int pgtable_slot_lock(struct addrspace *as, vaddr_t va, bool create, struct pte_slot *out)
{
	while (!pgtable_slot_find(as, va, out)) {
		if (pgtable_huge_split(as, va))
			continue;
		int error = create ? pgtable_make(as, va, 0) : -ENOENT;

		if (error)
			return error;
	}
	page_table_lock(out->table, false);
	return 0;
}

bool pte_upgrade(struct pte_slot *slot, vaddr_t va, pte_t expected, pte_t fresh)
{
	page_table_lock(slot->table, false);
	bool is_same = slot->entry->bits == expected.bits;

	if (is_same)
		pte_set(slot, fresh);
	page_table_unlock(slot->table);
	tlb_flush_page_local(va);
	return is_same;
}

struct visit {
	struct addrspace *as;
	vaddr_t start, end;
	run_visitor visit;
	huge_visitor huge;              // NULL: huge entries are split
	void *argument;
	bool keeps_huge;                // huge is called for those, too, that do not lie inside as a whole
};

// A table of the last level, which shows addresses from base on, locked: each stretch of used lines that lies inside.
static int visit_runs_of(u64 *table, struct page *record, vaddr_t base, const struct visit *v)
{
	u32 first = v->start > base ? index_at(v->start, 0) : 0;
	u32 end = (u32)min((v->end - base) >> PAGE_SHIFT, (u64)ENTRIES);
	int result = 0;

	page_table_lock(record, false);
	u64 lines = record->used_lines & lines_between(first, end);

	while (lines && !result) {
		u32 low = (u32)__builtin_ctzl(lines);
		u64 others = ~(lines >> low);
		u32 high = others ? low + (u32)__builtin_ctzl(others) : 64;     // the first line behind the stretch
		u32 from = max(first, low * LINE_ENTRIES);
		struct pte_run run = {
			.entries = (pte_t *)table + from,
			.nr = min(end, high * LINE_ENTRIES) - from,
			.start = base + ((u64)from << PAGE_SHIFT),
			.record = record,
		};

		lines &= high < 64 ? ~0ul << high : 0;
		result = v->visit(&run, v->argument);
	}
	if (!record->nr_entries)
		record->used_lines = 0;
	page_table_unlock(record);
	return result;
}

// An entry of the level above the last, which shows 2 MiB from base on: a table, or all of it at once.
static int visit_big(u64 *link, vaddr_t base, const struct visit *v)
{
	u64 entry = READ_ONCE(*link);
	bool is_inside = v->start <= base && base + HUGE_SIZE <= v->end;

	if (unlikely(entry & PTE_HUGE)) {
		if (v->huge && (is_inside || v->keeps_huge))
			return v->huge(v->as, base, (pte_t){ entry }, v->argument);
		pgtable_huge_split(v->as, base);
		entry = READ_ONCE(*link);
		if (!entry)
			return 0;
	}
	return visit_runs_of(table_at(entry), record_at(entry), base, v);
}

// How many entries of a table of that level it takes from base to end.
static u32 entries_to(vaddr_t base, vaddr_t end, u32 level)
{
	return (u32)min((end - base + span_of(level) - 1) >> (PAGE_SHIFT + 9 * level), (u64)ENTRIES);
}

// One table above the last level, which shows addresses from base on. Other threads may add tables meanwhile.
static int visit_below(u64 *table, struct page *record, u32 level, vaddr_t base, const struct visit *v)
{
	u32 first = v->start > base ? index_at(v->start, level) : 0, end = entries_to(base, v->end, level);
	int result = 0;

	for (u64 lines = READ_ONCE(record->used_lines) & lines_between(first, end); lines && !result;
	     lines &= lines - 1) {
		u32 line = (u32)__builtin_ctzl(lines) * LINE_ENTRIES, line_end = min(end, line + LINE_ENTRIES);

		for (u32 i = max(first, line); i < line_end && !result; i++) {
			u64 entry = READ_ONCE(table[i]);
			vaddr_t start = base + i * span_of(level);

			if (!entry)
				continue;
			result = level == 1 ? visit_big(&table[i], start, v) :
					      visit_below(table_at(entry), record_at(entry), level - 1, start, v);
		}
	}
	return result;
}

int pgtable_visit_all(struct addrspace *as, vaddr_t start, vaddr_t end, run_visitor visit, huge_visitor huge,
		      void *argument)
{
	struct visit v = { as, start, end, visit, huge, argument, false };

	if (likely(is_behind_one_word(start, end))) {   // most calls are about few pages: no search from the top
		struct page *parent;
		u64 *word = pgtable_word(as, start, &parent);

		return word && READ_ONCE(*word) ? visit_big(word, start & ~(HUGE_SIZE - 1), &v) : 0;
	}
	return visit_below(direct_map(as->root), root_record(as), LEVELS - 1, 0, &v);
}

int pgtable_visit_runs(struct addrspace *as, vaddr_t start, vaddr_t end, run_visitor visit, void *argument)
{
	return pgtable_visit_all(as, start, end, visit, NULL, argument);
}

struct slot_visit {
	vaddr_t start, end;
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
	struct slot_visit v = { start, end, visit, argument };

	return pgtable_visit_runs(as, start, end, visit_slots, &v);
}

// The part of a huge entry that lies inside, as if it were entries of 4 KiB.
static int look_at_huge(struct addrspace *as, vaddr_t base, pte_t e, void *argument)
{
	struct slot_visit *v = argument;
	int result = 0;

	(void)as;
	for (vaddr_t va = max(base, v->start); va < min(base + HUGE_SIZE, v->end) && !result; va += PAGE_SIZE) {
		pte_t part = pte_part_of_huge(e, va);
		struct pte_slot slot = { &part, NULL };

		result = v->visit(&slot, va, v->argument);
	}
	return result;
}

int pgtable_look(struct addrspace *as, vaddr_t start, vaddr_t end, pte_visitor visit, void *argument)
{
	struct slot_visit v = { start, end, visit, argument };
	struct visit all = { as, start, end, visit_slots, look_at_huge, &v, true };

	return visit_below(direct_map(as->root), root_record(as), LEVELS - 1, 0, &all);
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
			page_table_note(record, link);
			atomic_store(link, page_to_physical(fresh) | PTE_PRESENT | PTE_WRITE | PTE_USER);
			as->nr_tables++;
		}
		table = table_at(*link);
		record = record_at(*link);
	}
	*twin = (struct pte_run){ (pte_t *)&table[index_at(va, 0)], run->nr, va, record };
	page_table_lock(record, true);
	return true;
}

void pgtable_twin_unlock(struct pte_run *twin)
{
	page_table_unlock(twin->record);
}

// What pgtable_collect_tables was asked for: [start, end) has lost its entries; no area lies in [floor, ceiling).
struct free_range {
	vaddr_t start, end, floor, ceiling;
};

/*
 * Frees what is empty below one table of the given level, which shows addresses from base on. Only entries that reach
 * into [start, end) can have become empty; a table may go when the whole range behind it lies in [floor, ceiling).
 */
static void free_below(struct addrspace *as, u64 *table, struct page *record, u32 level, vaddr_t base,
		       const struct free_range *r)
{
	u32 first = r->start > base ? index_at(r->start, level) : 0, end = entries_to(base, r->end, level);

	for (u64 lines = record->used_lines & lines_between(first, end); lines; lines &= lines - 1) {
		u32 line = (u32)__builtin_ctzl(lines) * LINE_ENTRIES, line_end = min(end, line + LINE_ENTRIES);

		for (u32 i = max(first, line); i < line_end; i++) {
			vaddr_t start = base + i * span_of(level);

			if (!table[i] || table[i] & PTE_HUGE)
				continue;
			struct page *child = record_at(table[i]);

			if (level > 1)
				free_below(as, table_at(table[i]), child, level - 1, start, r);
			if (child->nr_entries || start < r->floor || start + span_of(level) > r->ceiling)
				continue;
			atomic_store(&table[i], 0);
			record->nr_entries--;
			atomic_sub(&as->nr_tables, 1);
			list_push_back(&as->dead_tables, &child->link);
		}
	}
	if (!record->nr_entries)
		record->used_lines = 0;
}

// The range lies behind one table of the last level, or one that is missing,
// and the deepest table on the way there is not empty: then none of those above it is.
static bool has_nothing_to_free(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	u64 *table = direct_map(as->root);
	struct page *record = NULL;

	if (!is_behind_one_word(start, end))
		return false;
	for (u32 level = LEVELS - 1; level > 0; level--) {
		u64 link = READ_ONCE(table[index_at(start, level)]);

		if (!link)
			break;
		if (link & PTE_HUGE)
			return true;
		table = table_at(link);
		record = record_at(link);
	}
	return !record || READ_ONCE(record->nr_entries);        // the top table stays, empty or not
}

void pgtable_collect_tables(struct addrspace *as, vaddr_t start, vaddr_t end, vaddr_t floor, vaddr_t ceiling)
{
	// User space ends a page below the half: the last table counts as inside.
	struct free_range range = { start, end, floor, ceiling >= USER_END ? 1ul << 47 : ceiling };

	if (has_nothing_to_free(as, start, end))
		return;
	spin_lock(&as->table_lock);             // beside faults elsewhere, which add tables
	free_below(as, direct_map(as->root), root_record(as), LEVELS - 1, 0, &range);
	spin_unlock(&as->table_lock);
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
		assert(!table->nr_entries);     // T2: so it is all zero
		frame_free_zeroed(table);
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
	return pgtable_look(as, start, end, found_one, NULL);
}

// Tables at and below this one; entries are counted where the record says how many there should be.
static u64 audit_table(u64 *table, struct page *record, u32 level,
		       void (*report)(const char *what, u64 seen, u64 expected))
{
	u64 nr_tables = 1;
	u32 nr_entries = 0;

	for (u32 i = 0; i < (level == LEVELS - 1 ? KERNEL_HALF : ENTRIES); i++) {
		if (!table[i])
			continue;
		nr_entries++;
		if (!(record->used_lines & lines_between(i, i + 1)))
			report("page-table lines noted for an entry", 0, 1);
		if (level == 1 && table[i] & PTE_HUGE)
			nr_tables++;            // H2: the table that it will need when it is split
		else if (level > 0)
			nr_tables += audit_table(table_at(table[i]), record_at(table[i]),
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
	kernel_map_share(page_address(top));
	return 0;
}

// The tables behind one table. Returns how many.
static u64 destroy_below(u64 *table, struct page *record, u32 level)
{
	u64 nr = 0;

	for (u64 lines = record->used_lines; lines; lines &= lines - 1) {
		u64 *line = table + (u32)__builtin_ctzl(lines) * LINE_ENTRIES;

		for (u64 *link = line; link < line + LINE_ENTRIES; link++) {
			if (!*link)
				continue;
			assert(!(*link & PTE_HUGE));
			struct page *child = record_at(*link);

			if (level > 1)
				nr += destroy_below(table_at(*link), child, level - 1);
			assert(!child->nr_entries);     // T2: so it is all zero
			*link = 0;
			record->nr_entries--;
			frame_free_zeroed(child);
			nr++;
		}
	}
	return nr;
}

void pgtable_destroy(struct addrspace *as)
{
	struct page *top = root_record(as);

	as->nr_tables -= destroy_below(direct_map(as->root), top, LEVELS - 1);
	assert(as->nr_tables == 1 && !top->nr_entries);
	kernel_map_unshare(page_address(top));
	frame_free_zeroed(top);
	as->root = 0;
}

void pgtable_init(void)
{
	zero_page = frame_alloc(PAGE_KERNEL, FRAME_ZERO);
	assert(zero_page);
}
