#pragma once
/*
 * tlb.h - making every CPU forget. After a page-table entry was made smaller (cleared, read-only),
 * no frame is freed and no caller told before each CPU that may have cached the entry has acknowledged.
 */
#include "types.h"

struct addrspace;
struct page;

// Interrupts open. Returns after all CPUs in as->cpu_set have flushed. A few pages: one by one; many: everything.
void tlb_flush_range(struct addrspace *as, vaddr_t start, vaddr_t end);
void tlb_flush_tables(struct addrspace *as);    // upper levels changed: everything of as, everywhere
void tlb_flush_page_local(vaddr_t va);
void tlb_tick(void);                            // by the tick of a CPU that is at work
// The space is about to lose its tables: CPUs that still have it loaded, idle, go over to the kernel's own table.
void tlb_abandon(struct addrspace *as);

// Frames that leave a range: gathered, flushed once, then freed.
#define TLB_BATCH 80
#define TLB_BLOCKS 8
struct tlb_batch {
	struct addrspace *space;
	vaddr_t start, end;             // what was changed so far
	u32 nr_pages;
	struct page *pages[TLB_BATCH];
	u32 nr_blocks;
	struct page *blocks[TLB_BLOCKS];        // the first of 512 frames each (mm/huge.h)
};
void tlb_batch_init(struct tlb_batch *b, struct addrspace *as);
void tlb_batch_add_range(struct tlb_batch *b, vaddr_t start, vaddr_t end);
// A frame, whose address is in a range that was or will be added. True when the batch is full:
// the caller must leave its locks and call tlb_batch_flush.
static inline bool tlb_batch_add_page(struct tlb_batch *b, struct page *p)
{
	b->pages[b->nr_pages++] = p;
	return b->nr_pages == TLB_BATCH;
}
static inline bool tlb_batch_add_block(struct tlb_batch *b, struct page *head)
{
	b->blocks[b->nr_blocks++] = head;
	return b->nr_blocks == TLB_BLOCKS;
}
void tlb_batch_flush(struct tlb_batch *b);      // flushes, frees, empties

// Entries cleared in several spaces, one shootdown for all of them. The frames are held by the caller meanwhile.
struct tlb_gather {
	u64 cpu_set;                    // who may remember one of them
};
void tlb_gather_add(struct tlb_gather *g, struct addrspace *as);        // an entry of as was just cleared
void tlb_gather_flush(struct tlb_gather *g);    // returns when every CPU has forgotten; empties. Interrupts open
