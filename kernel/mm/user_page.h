#pragma once
/*
 * user_page.h - the page behind an address of a program, for who looks at it or passes it on from inside the kernel.
 */
#include "types.h"
#include "mm/fault.h"

struct addrspace;
struct page;

// Faults the page at the address in, as if the process had read or written there. Referenced; NULL: it may not.
// What is stored to a private page later goes to this frame as long as the process has no other; the frame outlives
// the process. FAULT_WRITE, for who will store there himself: the page is the process's own to write to. May sleep.
struct page *user_page_get(struct addrspace *as, vaddr_t address, enum fault_access access) MUST_CHECK;
// The same for pages of the current process from `at` on; how many could be had.
u32 user_pages_get(char __user *at, struct page **pages, u32 nr, enum fault_access access) MUST_CHECK;
// The caller has stored to them past the page tables. Pages of files may have been written back meanwhile:
// dirty again, they are written with all that was stored.
void user_pages_stored(char __user *at, u32 nr);
