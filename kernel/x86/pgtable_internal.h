#pragma once
/*
 * pgtable_internal.h - what the files of the page tables share: how an address finds its way down.
 */
#include "mm/addrspace.h"
#include "x86/kernel_map.h"
#include "x86/pgtable.h"

#define ENTRIES 512
#define LINE_ENTRIES 8
#define LEVELS 4
#define KERNEL_HALF 256                 // first top-level entry of the kernel's half

static inline u32 index_at(vaddr_t va, u32 level)       // level 0: the last
{
	return (va >> (PAGE_SHIFT + 9 * level)) & (ENTRIES - 1);
}

// The lines (T4) that entries [first, end) lie in, which are not none.
static inline u64 lines_between(u32 first, u32 end)
{
	return first < end ? ~0ul << (first / LINE_ENTRIES) & ~0ul >> (63 - (end - 1) / LINE_ENTRIES) : 0;
}

static inline u64 *table_at(u64 entry)
{
	return direct_map(entry & PTE_FRAME);
}

static inline struct page *record_at(u64 entry)
{
	return pfn_to_page((entry & PTE_FRAME) >> PAGE_SHIFT);
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

// The table behind an entry of level 3 or 2, where no entry shows memory. NULL: there is none.
static inline u64 *table_below(const u64 *table, vaddr_t va, u32 level)
{
	u64 entry = READ_ONCE(table[index_at(va, level)]);

	return entry ? table_at(entry) : NULL;
}

// The word one level above the last that va belongs to: a table's, a huge entry, or empty.
// parent: the record of the table that it stands in. NULL: there is no such table.
static inline u64 *pgtable_word(struct addrspace *as, vaddr_t va, struct page **parent)
{
	u64 *table = table_below(direct_map(as->root), va, 3);
	u64 entry = table ? READ_ONCE(table[index_at(va, 2)]) : 0;

	*parent = entry ? record_at(entry) : NULL;
	return entry ? &table_at(entry)[index_at(va, 1)] : NULL;
}

// Does all of the range, which may be empty, belong to one such word?
static inline bool is_behind_one_word(vaddr_t start, vaddr_t end)
{
	return !((start ^ (end - 1)) >> (PAGE_SHIFT + 9));
}

// Makes the tables down to the given level that show va. -ENOMEM; may sleep.
int pgtable_make(struct addrspace *as, vaddr_t va, u32 down_to) MUST_CHECK;
