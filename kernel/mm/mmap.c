/*
 * mmap.c - the mapping calls: where a mapping goes, what it may do, and its end. Each takes addrspace.lock for writing,
 * changes the set of areas, and touches page tables only to take away; what is added is left to the fault.
 * Where POSIX leaves a choice this does what Linux does.
 */
#include "kernel.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/huge.h"
#include "mm/hugetlb.h"
#include "mm/look.h"
#include "mm/mmap.h"
#include "mm/unmap.h"
#include "proc/process.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mman.h>
#include <abi/mount.h>
#include <abi/resource.h>

static bool range_is_valid(vaddr_t start, u64 length)
{
	return start < USER_END && length <= USER_END - start;
}

// What MAP_SHARED_VALIDATE vouches for. MAP_SYNC is not among them: it wants memory that is a disk.
#define KNOWN_FLAGS (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | \
		     MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | \
		     MAP_FIXED_NOREPLACE | MAP_UNINITIALIZED | MAP_HUGE_2MB | MAP_HUGE_1GB)

// Which flags the new area gets from the call's, and whether the file allows them.
static int area_flags_for(struct file *file, u32 prot, u32 flags, u32 *out)
{
	u32 type = flags & MAP_TYPE;
	u32 area_flags = prot & AREA_PROTECTION;
	u32 may = AREA_MAY_READ | AREA_MAY_WRITE | AREA_MAY_EXEC;

	if (type == MAP_SHARED_VALIDATE && flags & ~KNOWN_FLAGS)
		return -EOPNOTSUPP;
	if (flags & MAP_HUGETLB)
		area_flags |= AREA_HUGETLB;
	if (type == MAP_SHARED || type == MAP_SHARED_VALIDATE)
		area_flags |= flags & MAP_HUGETLB ? AREA_HUGETLB_SHARED : AREA_SHARED;
	else if (type != MAP_PRIVATE)
		return -EINVAL;
	if (flags & MAP_LOCKED)
		area_flags |= AREA_LOCKED;
	if (flags & MAP_NORESERVE)
		area_flags |= AREA_NO_RESERVE;
	if (flags & MAP_GROWSDOWN) {
		if (file || area_flags & AREA_SHARED)
			return -EINVAL;
		area_flags |= AREA_GROWS_DOWN;
	}
	if (file) {
		u32 mode = file->flags & O_ACCMODE;

		if (mode == O_WRONLY)
			return -EACCES;
		if (area_flags & AREA_SHARED && mode == O_RDONLY) {
			if (prot & PROT_WRITE)
				return -EACCES;
			may &= ~(u32)AREA_MAY_WRITE;
		}
		if (inode_is_mounted(file->inode, MS_NOEXEC)) {
			if (prot & PROT_EXEC)
				return -EPERM;
			may &= ~(u32)AREA_MAY_EXEC;
		}
		if (!file->ops->map)
			return -ENODEV;
	}
	*out = area_flags | may;
	return 0;
}

// as->lock held. Would the new mapping be more than RLIMIT_AS allows? What MAP_FIXED replaces does not count twice.
static bool exceeds_limit(struct addrspace *as, vaddr_t hint, u64 length, u32 flags)
{
	u64 nr = length >> PAGE_SHIFT;
	struct area *a = flags & MAP_FIXED ? area_find_from(as, hint) : NULL;

	for (; a && a->start < hint + length; a = area_next(a))
		nr -= (min(a->end, hint + length) - max(a->start, hint)) >> PAGE_SHIFT;
	return exceeds_space_limit(as, nr);
}

// as->lock held. Where the mapping goes; with MAP_FIXED what is there leaves. 0 < address, or a negative errno.
static i64 choose_place(struct addrspace *as, vaddr_t hint, u64 length, u32 flags, struct list *dead)
{
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		struct area *there = area_find_from(as, hint);

		if (flags & MAP_FIXED_NOREPLACE && there && there->start < hint + length)
			return -EEXIST;
		int error = unmap_range(as, hint, hint + length, dead);

		return error ? error : (i64)hint;
	}
	if (hint) {
		hint = max(PAGE_ALIGN_DOWN(hint), MMAP_LOWEST);
		struct area *there = area_find_from(as, hint);

		if (range_is_valid(hint, length) && (!there || there->start >= hint + length) &&
		    !(flags & MAP_HUGETLB && hint & (HUGE_SIZE - 1)))
			return (i64)hint;
	}
	vaddr_t top = flags & MAP_32BIT ? 0x80000000ul : as->mmap_top;
	u64 slack = flags & MAP_HUGETLB ? HUGE_SIZE - PAGE_SIZE : 0;
	vaddr_t found = area_find_gap(as, length + slack, MMAP_LOWEST, top);

	if (!found && !(flags & MAP_32BIT))
		found = area_find_gap(as, length + slack, MMAP_LOWEST, USER_END);
	return !found ? -ENOMEM : flags & MAP_HUGETLB ? (i64)huge_align_down(found + slack) : (i64)found;
}

// A file that is being executed is not mapped for shared writing, nor the other way round (ETXTBSY is at open).
static int insert_file(struct addrspace *as, struct area *a, struct area *above)
{
	int error = a->file->ops->map(a->file, a);

	if (error) {
		area_free(a);
		return error;
	}
	area_enter_cache(a);
	// A seal may have come since ->map looked. Whoever adds one looks at the areas of the file; from now on at this one, too.
	if (a->flags & AREA_SHARED && a->flags & AREA_MAY_WRITE && READ_ONCE(a->file->inode->seals) & F_SEAL_WRITE) {
		area_leave_cache(a);
		area_free(a);
		return -EPERM;
	}
	area_insert(as, a, above);
	area_merge(as, a);
	return 0;
}

// as->lock held for writing; the range is free. start, or a negative errno.
static i64 insert_new(struct addrspace *as, vaddr_t start, u64 length, u32 area_flags, struct file *file, u64 offset)
{
	struct area *above = area_find_from(as, start);
	int error = 0;

	if (!file && area_extend(as, start, start + length, area_flags, above))
		return (i64)start;
	struct area *a = area_alloc(as, start, start + length, area_flags, file, (file ? offset : start) >> PAGE_SHIFT);

	if (!a)
		return -ENOMEM;
	if (file)
		error = insert_file(as, a, above);
	else
		area_insert(as, a, above);
	return error ? error : (i64)start;
}

// As insert_new, with memory of the pool, all of which is there before anybody can look.
static i64 insert_pieces(struct addrspace *as, vaddr_t start, u64 length, u32 area_flags, struct hugetlb_blocks *blocks,
			 struct list *dead)
{
	looks_close(as, start, start + length);
	i64 result = insert_new(as, start, length, area_flags, NULL, 0);

	if (result > 0 && hugetlb_show(as, area_find(as, start), start, blocks)) {
		(void)!unmap_range(as, start, start + length, dead);
		result = -ENOMEM;
	}
	looks_open(as);
	return result;
}

static int check_request(vaddr_t hint, u64 *length, u32 flags, struct file *file, u64 offset)
{
	if (*length == 0 || offset & ~PAGE_MASK)
		return -EINVAL;
	*length = PAGE_ALIGN_UP(*length);
	if (*length == 0 || *length > USER_END)
		return -ENOMEM;
	if (file && (offset + *length < offset || (offset + *length) >> PAGE_SHIFT > (u64)I64_MAX >> PAGE_SHIFT))
		return -EOVERFLOW;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (hint & ~PAGE_MASK)
			return -EINVAL;
		if (!range_is_valid(hint, *length))
			return -ENOMEM;
		if (hint < MMAP_LOWEST)
			return -EPERM;
	}
	return 0;
}

// Only for the order of errors, which is Linux's; choose_place looks again.
static bool is_taken(struct addrspace *as, vaddr_t start, u64 length)
{
	read_lock(&as->lock);
	struct area *a = area_find_from(as, start);
	bool is_there = a && a->start < start + length;

	read_unlock(&as->lock);
	return is_there;
}

i64 mmap_map(struct addrspace *as, vaddr_t hint, u64 length, u32 prot, u32 flags, struct file *file, u64 offset)
{
	struct file *shared_memory = NULL;
	struct list dead = LIST_INIT(dead);
	u32 area_flags;
	struct hugetlb_blocks blocks = { 0 };
	i64 result = flags & MAP_HUGETLB ? hugetlb_check_map(hint, &length, flags, file) : 0;

	if (!result)
		result = check_request(hint, &length, flags, file, offset);

	if (!result && flags & MAP_FIXED_NOREPLACE && is_taken(as, hint, length))
		result = -EEXIST;
	if (result)
		return result;
	result = area_flags_for(file, prot, flags, &area_flags);
	if (result)
		return result;
	if (!file && area_flags & AREA_SHARED) {
		result = tmpfs_create_unnamed("/dev/zero", length, &shared_memory);
		if (result)
			return result;
		file = shared_memory;
		offset = 0;
	}
	if (area_flags & AREA_HUGETLB_SHARED || (area_flags & AREA_HUGETLB && !(flags & MAP_NORESERVE))) {
		result = hugetlb_take(length, &blocks);
		if (result)
			return result;
	}
	write_lock(&as->lock);
	if (as->locks_future)
		area_flags |= AREA_LOCKED | (as->locks_on_fault ? AREA_LOCKED_LATE : 0u);
	bool is_populated = flags & MAP_LOCKED || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE ||
			    (as->locks_future && !as->locks_on_fault);

	if (as->nr_areas >= AREAS_MAX || exceeds_limit(as, hint, length, flags) ||
	    exceeds_data_limit(as, 0, area_flags, length >> PAGE_SHIFT))
		result = -ENOMEM;               // before anything is unmapped
	else
		result = choose_place(as, hint, length, flags, &dead);
	if (result > 0)
		result = blocks.nr ? insert_pieces(as, (vaddr_t)result, length, area_flags, &blocks, &dead) :
				     insert_new(as, (vaddr_t)result, length, area_flags, file, offset);
	write_unlock(&as->lock);
	hugetlb_give_back(&blocks);
	areas_bury(&dead);
	if (shared_memory)
		file_put(shared_memory);
	if (result > 0 && is_populated)         // the mapping stands whatever becomes of this
		(void)!populate(as, (vaddr_t)result, (vaddr_t)result + length, POPULATE_NATURAL);
	return result;
}

int mmap_map_fixed(struct addrspace *as, vaddr_t start, u64 length, u32 area_flags, struct file *file, u64 offset)
{
	struct list dead = LIST_INIT(dead);
	i64 result = -ENOMEM;

	length = PAGE_ALIGN_UP(length);
	if (!length || start & ~PAGE_MASK || start < MMAP_LOWEST || !range_is_valid(start, length))
		return -ENOMEM;
	write_lock(&as->lock);
	if (as->nr_areas < AREAS_MAX) {
		result = unmap_range(as, start, start + length, &dead);
		if (!result)
			result = insert_new(as, start, length,
					    area_flags | AREA_MAY_READ | AREA_MAY_WRITE | AREA_MAY_EXEC, file, offset);
	}
	write_unlock(&as->lock);
	areas_bury(&dead);
	return result < 0 ? (int)result : 0;
}

i64 mmap_unmap(struct addrspace *as, vaddr_t start, u64 length)
{
	struct list dead = LIST_INIT(dead);

	if (start & ~PAGE_MASK || !length || !range_is_valid(start, length))
		return -EINVAL;
	write_lock(&as->lock);
	int error = unmap_range(as, start, PAGE_ALIGN_UP(start + length), &dead);
	write_unlock(&as->lock);
	areas_bury(&dead);
	return error;
}

i64 mmap_set_break(struct addrspace *as, vaddr_t new_end)
{
	struct list dead = LIST_INIT(dead);
	vaddr_t result;

	write_lock(&as->lock);
	result = as->heap_end;
	vaddr_t old_top = PAGE_ALIGN_UP(as->heap_end), new_top = PAGE_ALIGN_UP(new_end);

	if (new_end < as->heap_start || !range_is_valid(new_end, 0))
		goto out;
	if (new_end - as->heap_start > current_process()->limits[RLIMIT_DATA].rlim_cur)
		goto out;
	if (new_top < old_top) {
		if (unmap_range(as, new_top, old_top, &dead))
			goto out;
	} else if (new_top > old_top) {
		struct area *above = area_find_from(as, old_top);

		if ((above && above->start < new_top) || as->nr_areas >= AREAS_MAX ||
		    exceeds_space_limit(as, (new_top - old_top) >> PAGE_SHIFT) ||
		    exceeds_data_limit(as, 0, AREA_WRITE, (new_top - old_top) >> PAGE_SHIFT))
			goto out;
		if (insert_new(as, old_top, new_top - old_top,
			       AREA_READ | AREA_WRITE | AREA_MAY_READ | AREA_MAY_WRITE | AREA_MAY_EXEC | AREA_HEAP,
			       NULL, 0) < 0)
			goto out;
	}
	as->heap_end = result = new_end;
out:
	write_unlock(&as->lock);
	areas_bury(&dead);
	return (i64)result;
}

int stack_grow(struct addrspace *as, vaddr_t address)
{
	int error = -ENOMEM;

	write_lock(&as->lock);
	struct area *a = area_find_from(as, address);
	vaddr_t start = PAGE_ALIGN_DOWN(address);

	if (a && a->start <= address) {
		error = 0;              // another thread was faster
	} else if (a && a->flags & AREA_GROWS_DOWN && start >= MMAP_LOWEST &&
		   a->end - start <= current_process()->limits[RLIMIT_STACK].rlim_cur &&
		   !exceeds_space_limit(as, (a->start - start) >> PAGE_SHIFT)) {
		struct area *below = area_previous(a);
		u64 gap = below && !(below->flags & AREA_GROWS_DOWN) ? STACK_GUARD_GAP : 0;

		if (!below || (below->end <= start && start - below->end >= gap)) {
			area_set_start(as, a, start);
			error = 0;
		}
	}
	write_unlock(&as->lock);
	return error;
}
