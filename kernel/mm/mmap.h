#pragma once
/*
 * mmap.h - the mapping calls, as system calls need them. All take as->lock themselves and may sleep.
 */
#include "types.h"
#include "proc/process.h"
#include <abi/resource.h>

struct addrspace;
struct file;

// as->lock held. Would so many pages more be too many: of any kind (RLIMIT_AS);
// of data (RLIMIT_DATA), when the flags of an area change so (before 0: they are new)?
bool exceeds_space_limit(struct addrspace *as, u64 nr_pages);
bool exceeds_set_data_limit(struct addrspace *as, u32 before, u32 after, u64 nr_pages);
static inline bool exceeds_data_limit(struct addrspace *as, u32 before, u32 after, u64 nr_pages)
{
	return unlikely(READ_ONCE(current_process()->limits[RLIMIT_DATA].rlim_cur) != RLIM_INFINITY) &&
	       exceeds_set_data_limit(as, before, after, nr_pages);
}
i64 mmap_map(struct addrspace *as, vaddr_t hint, u64 length, u32 prot, u32 flags, struct file *file, u64 offset);
i64 mmap_unmap(struct addrspace *as, vaddr_t start, u64 length);
i64 mmap_protect(struct addrspace *as, vaddr_t start, u64 length, u32 prot);
i64 mmap_sync(struct addrspace *as, vaddr_t start, u64 length, u32 flags);
i64 mmap_advise(struct addrspace *as, vaddr_t start, u64 length, int advice);
i64 mmap_resident(struct addrspace *as, vaddr_t start, u64 length, u8 __user *vector);  // mincore
i64 mmap_set_break(struct addrspace *as, vaddr_t new_end);
i64 mmap_remap(struct addrspace *as, vaddr_t old, u64 old_length, u64 new_length, u32 flags, vaddr_t target);
i64 mmap_lock(struct addrspace *as, vaddr_t start, u64 length, bool on_fault);     // mlock, mlock2
i64 mmap_unlock(struct addrspace *as, vaddr_t start, u64 length);
i64 mmap_lock_all(struct addrspace *as, u32 flags);                                // MCL_*; 0: munlockall

// Faults pages in ahead. Natural: as the area would be used (writing where it is private and may be).
// No lock held. May sleep. 0, -ENOMEM (hole, no memory, no access in a natural one), -EINVAL (access not
// allowed), -EFAULT (past the end, I/O), -EINTR.
enum populate_how { POPULATE_NATURAL, POPULATE_READ, POPULATE_WRITE };
int populate(struct addrspace *as, vaddr_t start, vaddr_t end, enum populate_how how);
// A fault below an area that grows down: makes it reach the address,
// within RLIMIT_STACK and the guard gap. 0 or -errno.
int stack_grow(struct addrspace *as, vaddr_t address) MUST_CHECK;
// exec: a fixed mapping in a space that only we know; prot and flags as AREA_*.
int mmap_map_fixed(struct addrspace *as, vaddr_t start, u64 length, u32 area_flags, struct file *file,
		   u64 offset) MUST_CHECK;
