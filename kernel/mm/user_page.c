/*
 * user_page.c - the page behind an address: looked up under its table's lock, where it cannot leave; faulted in when it is absent,
 * and looked up again, since it may leave between the two.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "mm/user_page.h"
#include "x86/pgtable.h"

#define TRIES 8

// The frame that is shown at address, referenced; NULL when there is none that may be read.
static struct page *frame_at(struct addrspace *as, vaddr_t address)
{
	struct page *p = NULL;

	read_lock(&as->lock);
	struct area *a = area_find(as, address);

	if (a && a->flags & AREA_READ)
		p = pgtable_page_get(as, address);
	read_unlock(&as->lock);
	return p;
}

struct page *user_page_get(struct addrspace *as, vaddr_t address)
{
	struct page *p = frame_at(as, address);

	for (u32 i = 0; !p && i < TRIES; i++) {
		struct fault f = { .address = address, .access = FAULT_READ, .from_user = true };

		if (fault_resolve(as, &f) != FAULT_OK)
			break;
		p = frame_at(as, address);
	}
	return p;
}
