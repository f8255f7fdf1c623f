#pragma once
/*
 * kernel_map.h - the kernel's half of every address space.
 *
 *   ffff888000000000  DIRECT_MAP   all RAM, write, no execute, 1 GiB or 2 MiB pages
 *   ffffc90000000000  STACKS       kernel stacks, a guard page below each
 *   ffffd00000000000  DEVICES      device registers, uncached
 *   ffffffff80000000  KERNEL       the image: text r-x, rodata r--, data rw-
 *
 * The top-level entries of these four are filled at boot, so that every page table copies the upper half
 * once and changes below are seen by all. kernel_map_lock (RANK_KERNEL_MAP) covers the tables below.
 */
#include "types.h"

#define DIRECT_MAP 0xffff888000000000ul
#define STACKS 0xffffc90000000000ul
#define DEVICES 0xffffd00000000000ul
#define KERNEL_BASE 0xffffffff80000000ul
#define KERNEL_STACK_SIZE (4 * PAGE_SIZE)
#define LOW_MEMORY_END (64ul << 10)     // firmware data, and the page where other CPUs start: never given out

static inline void *direct_map(paddr_t p)
{
	return (void *)(DIRECT_MAP + p);
}

static inline paddr_t direct_map_physical(const void *v)
{
	return (u64)v - DIRECT_MAP;
}

extern u64 kernel_root;                         // physical address of the kernel's own top-level table

void kernel_map_init(void);                     // builds and loads the final tables; uses early_alloc_pages
void kernel_map_share(u64 *top);                // enters the kernel's half into a cleared top-level table
void kernel_map_unshare(u64 *top);              // and takes it out: no CPU has the table loaded
void *kernel_map_device(paddr_t start, size_t nr_bytes);        // uncached; NULL when out of memory
bool kernel_map_shows(paddr_t start, size_t nr_bytes);          // is it in the direct map?
bool kernel_map_is_image(paddr_t at);           // is it the kernel's own code, data or symbols?
bool kernel_map_has(vaddr_t va);                // is it mapped in the kernel's half? For back-traces
void *kernel_stack_alloc(void);                 // lowest address of KERNEL_STACK_SIZE bytes; NULL when out of memory
void kernel_stack_free(void *stack);
u64 kernel_stacks_frames(void);                 // frames of all stacks so far, in use or waiting for the next thread
bool kernel_stack_guard_hit(vaddr_t address);   // for the panic text

// Before the frame allocator runs: zeroed, page-aligned, never freed. Direct-map address. Panics when there is none.
void *early_alloc_pages(u64 nr_pages);
// What early_alloc_pages has left: calls f for each free stretch of RAM, once, when the frame allocator starts.
void early_alloc_hand_over(void (*f)(pfn_t first, u64 nr_frames));
