#pragma once
/*
 * hugetlb.h - MAP_HUGETLB: memory in pieces of 2 MiB from a pool that the administrator sets aside
 * (/proc/sys/vm/nr_hugepages). A mapping takes its blocks when it is made, so no store to it can fail for want
 * of one; only with MAP_NORESERVE they are taken at the fault, where an empty pool is SIGBUS.
 *
 *  H5  The pool holds a reference on each frame of its blocks (PAGE_POOL),
 *      so they never go back to the frame allocator. A block is free when nobody else holds any of its frames:
 *      nothing need be told when the last user leaves.
 *  H6  An entry of a shared mapping (AREA_HUGETLB_SHARED) is never split, and never empty: that the pages are shared is
 *      nowhere else written down. Such an area is cut at multiples of 2 MiB only (area_cut),
 *      and moves by such only (mremap).
 */
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "mm/page.h"

struct hugetlb_blocks {                 // taken from the pool, for one mapping
	u64 nr;
	struct page *first;             // linked by page.private
};

void hugetlb_init(void);
// The mmap request: checks flags and file, rounds the length up. -EINVAL, -ENOMEM.
int hugetlb_check_map(vaddr_t hint, u64 *length, u32 flags, bool has_file) MUST_CHECK;
// Blocks for a mapping of that many bytes, cleared. -ENOMEM: the pool has not as many.
int hugetlb_take(u64 length, struct hugetlb_blocks *out) MUST_CHECK;
void hugetlb_give_back(struct hugetlb_blocks *blocks);          // those that were not shown
// Shows the blocks from start on. as->lock held for writing. -ENOMEM: some are shown, the others remain in blocks.
int hugetlb_show(struct addrspace *as, struct area *a, vaddr_t start, struct hugetlb_blocks *blocks) MUST_CHECK;
// A fault where nothing is shown: FAULT_OK; FAULT_IO: the pool is empty; FAULT_RETRY.
enum fault_result hugetlb_fault(struct addrspace *as, struct area *a, struct fault *f);

u64 hugetlb_pool_size(void);            // blocks
u64 hugetlb_pool_free(void);
void hugetlb_set_pool_size(u64 nr);     // as near to it as memory, and those in use, allow. May sleep
