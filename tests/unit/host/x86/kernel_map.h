#pragma once
/*
 * kernel_map.h - for host tests, found before the kernel's own: physical memory is an array.
 */
#include "types.h"

#define KERNEL_STACK_SIZE (4 * PAGE_SIZE)

extern u8 host_memory[];

static inline void *direct_map(paddr_t p)
{
	return host_memory + p;
}

static inline paddr_t direct_map_physical(const void *v)
{
	return (u64)((const u8 *)v - host_memory);
}

void *early_alloc_pages(u64 nr_pages);
void early_alloc_hand_over(void (*f)(pfn_t first, u64 nr_frames));
