#pragma once
/*
 * user_page.h - the page behind an address of a program, for who looks at it or passes it on from inside the kernel.
 */
#include "types.h"

struct addrspace;
struct page;

// Faults the page at the address in, as if the process had read there. Referenced; NULL: it may not be read. What is stored to a
// private page later goes to this frame as long as the process has no other; the frame outlives the process. May sleep.
struct page *user_page_get(struct addrspace *as, vaddr_t address) MUST_CHECK;
