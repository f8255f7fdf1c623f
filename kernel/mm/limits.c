/*
 * limits.c - how much a process may map. RLIMIT_AS counts everything and is kept as a sum;
 * RLIMIT_DATA counts private writable memory but stacks, is seldom set, and is added up when it is.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include "proc/process.h"
#include <abi/resource.h>

static bool is_data(u32 area_flags)
{
	return (area_flags & (AREA_WRITE | AREA_SHARED | AREA_GROWS_DOWN)) == AREA_WRITE;
}

static u64 limit_pages(u32 which)
{
	u64 limit = READ_ONCE(current_process()->limits[which].rlim_cur);

	return limit == RLIM_INFINITY ? U64_MAX : limit >> PAGE_SHIFT;
}

static u64 data_pages(struct addrspace *as)
{
	u64 nr = 0;

	for (struct area *a = area_find_from(as, 0); a; a = area_next(a))
		nr += is_data(a->flags) ? (a->end - a->start) >> PAGE_SHIFT : 0;
	return nr;
}

bool exceeds_space_limit(struct addrspace *as, u64 nr_pages)
{
	return as->nr_pages_mapped + nr_pages > limit_pages(RLIMIT_AS);
}

bool exceeds_set_data_limit(struct addrspace *as, u32 before, u32 after, u64 nr_pages)
{
	if (!is_data(after) || is_data(before))
		return false;
	return data_pages(as) + nr_pages > limit_pages(RLIMIT_DATA);
}
