/*
 * reclaim_tables.c - page tables of ranges that show nothing any more. Evicting the pages of a big mapping leaves its
 * tables, a frame for every 2 MiB; with little memory they are a good part of it. The hard part is who may be reading a
 * table: the private pages' reverse map holds the address space's lock, which is taken for writing here;
 * faults look without it, so the addresses are closed to them (look.h); the reverse map of a file asks for neither,
 * so the file's rmap_lock is held as well, and only tables that lie wholly in one area go.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "mm/addrspace.h"
#include "mm/area_look.h"
#include "mm/reclaim.h"
#include "mm/unmap.h"
#include "proc/process.h"
#include "x86/cpu.h"
#include "x86/pgtable.h"

#define TABLE_SPAN (512 * PAGE_SIZE)
#define WORTHWHILE 16                   // fewer tables than that are let be
#define WELL_USED 64                    // and spaces whose tables show more pages than that on average

static void free_tables_in(struct addrspace *as, struct area *a)
{
	vaddr_t start = (a->start + TABLE_SPAN - 1) & ~(TABLE_SPAN - 1), end = a->end & ~(TABLE_SPAN - 1);

	if (start >= end || (a->cache && !mutex_try_lock(&a->cache->rmap_lock)))
		return;
	looks_close(as, start, end);
	pgtable_collect_tables(as, start, end, start, end);
	looks_open(as);
	pgtable_free_collected(as);
	if (a->cache)
		mutex_unlock(&a->cache->rmap_lock);
}

static u64 free_tables_of(struct addrspace *as)
{
	u64 before = as->nr_tables;
	bool is_worthwhile = before >= WORTHWHILE && addrspace_resident(as) <= before * WELL_USED;

	if ((!is_worthwhile && !READ_ONCE(as->keeps_table)) || !write_try_lock(&as->lock))
		return 0;
	unmap_free_kept_table(as);
	for (struct area *a = is_worthwhile ? area_find_from(as, 0) : NULL; a; a = area_next(a))
		free_tables_in(as, a);
	u64 nr = before - as->nr_tables;

	write_unlock(&as->lock);
	count_add(COUNTER_TABLES_FREED, nr);
	return nr;
}

u64 reclaim_tables(void)
{
	struct process *p;
	u64 nr = 0;

	for (int pid = 0; (p = process_next(pid)); process_put(p)) {
		struct addrspace *as = addrspace_of_process(pid = p->pid);

		if (!as)
			continue;
		nr += free_tables_of(as);
		addrspace_put(as);
	}
	return nr;
}
