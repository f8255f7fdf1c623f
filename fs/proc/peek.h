#pragma once
/*
 * peek.h - reading another process's memory, and what its areas add up to.
 */
#include "types.h"

struct addrspace;

// Copies up to nr_bytes at address; how much could be read. Faults absent pages in. May sleep.
size_t peek_memory(struct addrspace *as, vaddr_t address, void *to, size_t nr_bytes);

struct area_sums {                      // in pages
	u64 size, data, stack, code, library, locked;
};
void peek_sums(struct addrspace *as, struct area_sums *out);
