/*
 * peek.c - reading another process's memory: each page is faulted in as if the process had touched it,
 * and then copied from the frame, with a reference that keeps it.
 */
#include "fs/proc/peek.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/page.h"
#include "mm/user_page.h"

size_t peek_memory(struct addrspace *as, vaddr_t address, void *to, size_t nr_bytes)
{
	size_t done = 0;

	while (done < nr_bytes) {
		vaddr_t at = address + done;
		u64 offset = at & ~PAGE_MASK;
		size_t n = min(nr_bytes - done, PAGE_SIZE - offset);
		struct page *p = user_page_get(as, at & PAGE_MASK, FAULT_READ);

		if (!p)
			break;
		memcpy((char *)to + done, (char *)page_address(p) + offset, n);
		page_put(p);
		done += n;
	}
	return done;
}

void peek_sums(struct addrspace *as, struct area_sums *out)
{
	*out = (struct area_sums){ 0 };
	read_lock(&as->lock);
	out->size = as->nr_pages_mapped;
	for (struct area *a = area_find_from(as, 0); a; a = area_next(a)) {
		u64 nr = (a->end - a->start) >> PAGE_SHIFT;

		if (a->flags & AREA_LOCKED)
			out->locked += nr;
		if (a->flags & AREA_STACK)
			out->stack += nr;
		else if (a->flags & AREA_EXEC && !(a->flags & AREA_WRITE))
			*(a->start >= as->code_start && a->start < as->code_end ? &out->code : &out->library) += nr;
		else if (a->flags & AREA_WRITE && !(a->flags & AREA_SHARED))
			out->data += nr;
	}
	read_unlock(&as->lock);
}
