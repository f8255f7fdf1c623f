/*
 * user_page.c - the page behind an address: looked up under its table's lock, where it cannot leave;
 * faulted in when it is absent, and looked up again, since it may leave between the two.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "mm/user_page.h"
#include "proc/process.h"
#include "x86/pgtable.h"
#include "x86/uaccess.h"

#define TRIES 8

static int take_writable(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct page **out = argument;

	(void)va;
	if (pte_is_present(*slot->entry) && pte_is_writable(*slot->entry)) {
		*out = pte_page(*slot->entry);
		page_get(*out);
	}
	return 0;
}

// The frame that is shown at address, referenced; NULL when there is none that may be accessed so.
static struct page *frame_at(struct addrspace *as, vaddr_t address, enum fault_access access)
{
	struct page *p = NULL;

	read_lock(&as->lock);
	struct area *a = area_find(as, address);

	if (a && access == FAULT_WRITE && !(a->flags & AREA_HUGETLB))   // whose entries cannot be looked at one by one
		pgtable_visit(as, address, address + PAGE_SIZE, take_writable, &p);
	else if (a && access == FAULT_READ && a->flags & AREA_READ)
		p = pgtable_page_get(as, address);
	read_unlock(&as->lock);
	return p;
}

struct page *user_page_get(struct addrspace *as, vaddr_t address, enum fault_access access)
{
	struct page *p = frame_at(as, address, access);

	for (u32 i = 0; !p && i < TRIES; i++) {
		struct fault f = { .address = address, .access = access, .from_user = true };

		if (fault_resolve(as, &f) != FAULT_OK)
			break;
		p = frame_at(as, address, access);
	}
	return p;
}

u32 user_pages_get(char __user *at, struct page **pages, u32 nr, enum fault_access access)
{
	u32 n = 0;

	for (; n < nr && user_range_is_valid(at, PAGE_SIZE); at += PAGE_SIZE, n++) {
		pages[n] = user_page_get(current->space, (vaddr_t)at, access);
		if (!pages[n])
			break;
	}
	return n;
}

void user_pages_stored(char __user *at, u32 nr)
{
	for (u32 i = 0; i < nr; i++)
		(void)!user_touch_to_write((u32 __user *)(at + i * PAGE_SIZE));
}
