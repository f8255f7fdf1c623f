#pragma once
/*
 * teardown.h - the end of an address space: its pages and areas.
 */
struct addrspace;
struct list;

// Takes out all entries and all areas, which are linked to dead (areas_bury); the tables stay for pgtable_destroy.
// as->lock held for writing. No user is left, and no CPU has the space loaded (tlb_abandon).
void teardown_unmap(struct addrspace *as, struct list *dead);
