/*
 * mlock.c - memory that stays. A locked area's pages are faulted in now (or, ON_FAULT, when they are touched) and never
 * leave: reclaim asks the areas that show a page (rmap_try_unmap).
 * The flag belongs to the area, so a partly locked range is cut; locks do not nest, and fork does not inherit them.
 * Everybody is root here, for whom RLIMIT_MEMLOCK is no limit, as on Linux.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include "mm/reclaim.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mman.h>

enum lock_what { LOCK = AREA_LOCKED, LOCK_LATE = AREA_LOCKED | AREA_LOCKED_LATE, UNLOCK = 0 };

static u32 locked_flags(const struct area *a, enum lock_what what)
{
	return (a->flags & ~(u32)(AREA_LOCKED | AREA_LOCKED_LATE)) | what;
}

// as->lock held for writing. -ENOMEM at a hole: what came before keeps the change, as on Linux.
static int change_range(struct addrspace *as, vaddr_t start, vaddr_t end, enum lock_what what)
{
	for (vaddr_t at = start; at < end;) {
		struct area *a = area_find(as, at);

		if (!a)
			return -ENOMEM;
		vaddr_t next = min(a->end, end);
		u32 flags = locked_flags(a, what);

		if (flags != a->flags) {
			if (area_fit(as, &a, at, next))
				return -ENOMEM;
			a->flags = flags;
			area_merge(as, a);
		}
		at = next;
	}
	return 0;
}

static int round_out(vaddr_t *start, u64 length, vaddr_t *end)
{
	if (*start + length < *start || *start + length > U64_MAX - PAGE_SIZE)
		return -EINVAL;
	*end = PAGE_ALIGN_UP(*start + length);
	*start = PAGE_ALIGN_DOWN(*start);
	return *end > USER_END ? -ENOMEM : 0;
}

i64 mmap_lock(struct addrspace *as, vaddr_t start, u64 length, bool on_fault)
{
	vaddr_t end;
	int error = round_out(&start, length, &end);

	if (error)
		return error;
	write_lock(&as->lock);
	error = change_range(as, start, end, on_fault ? LOCK_LATE : LOCK);
	write_unlock(&as->lock);
	if (error || on_fault)
		return error;
	error = populate(as, start, end, POPULATE_NATURAL);
	return error == -EFAULT ? -ENOMEM : error;      // past the end of a file: Linux says ENOMEM here
}

i64 mmap_unlock(struct addrspace *as, vaddr_t start, u64 length)
{
	vaddr_t end;
	int error = round_out(&start, length, &end);

	if (error)
		return error;
	write_lock(&as->lock);
	error = change_range(as, start, end, UNLOCK);
	write_unlock(&as->lock);
	reclaim_unkeep_all();
	return error;
}

static void change_all(struct addrspace *as, enum lock_what what)
{
	struct area *a = area_find_from(as, 0);

	while (a) {
		a->flags = locked_flags(a, what);
		a = area_next(area_merge(as, a));
	}
}

i64 mmap_lock_all(struct addrspace *as, u32 flags)
{
	if (flags & ~(u32)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	write_lock(&as->lock);
	as->locks_future = flags & MCL_FUTURE;
	as->locks_on_fault = flags & MCL_ONFAULT;
	if (flags & MCL_CURRENT || !flags)
		change_all(as, !flags ? UNLOCK : flags & MCL_ONFAULT ? LOCK_LATE : LOCK);
	write_unlock(&as->lock);
	reclaim_unkeep_all();
	if (!(flags & MCL_CURRENT) || flags & MCL_ONFAULT)
		return 0;
	// One area after the other; what cannot be populated (PROT_NONE, past the end) is passed over, as on Linux.
	for (vaddr_t at = 0;;) {
		read_lock(&as->lock);
		struct area *a = area_find_from(as, at);
		vaddr_t start = a ? a->start : 0, end = a ? a->end : 0;

		read_unlock(&as->lock);
		if (!a)
			return 0;
		(void)!populate(as, start, end, POPULATE_NATURAL);
		at = end;
	}
}
