/*
 * mmap.c - the mapping calls: where a mapping goes, what it may do, and its end. Each takes addrspace.lock for writing,
 * changes the set of areas, and touches page tables only to take away; what is added is left to the fault.
 * Where POSIX leaves a choice this does what Linux does.
 */
#include "kernel.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/commit.h"
#include "mm/huge.h"
#include "mm/hugetlb.h"
#include "mm/area_look.h"
#include "mm/mmap.h"
#include "mm/unmap.h"
#include "proc/process.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mman.h>
#include <abi/mount.h>
#include <abi/resource.h>

// What MAP_SHARED_VALIDATE vouches for. MAP_SYNC is not among them: it wants memory that is a disk. Nor is, on Linux,
// MAP_FIXED_NOREPLACE.
#define KNOWN_FLAGS (MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_ABOVE4G | MAP_GROWSDOWN | \
		     MAP_DENYWRITE | MAP_EXECUTABLE | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | \
		     MAP_STACK | MAP_HUGETLB | MAP_UNINITIALIZED | MAP_HUGE_2MB | MAP_HUGE_1GB)

// Which flags the new area gets from the call's, and whether the file allows them.
static int area_flags_for(struct file *file, u32 prot, u32 flags, u32 *out)
{
	u32 type = flags & MAP_TYPE;
	u32 area_flags = prot & AREA_PROTECTION;
	u32 may = AREA_MAY_READ | AREA_MAY_WRITE | AREA_MAY_EXEC;

	// Only a file can vouch for flags; explicit huge pages are one to Linux.
	if (type == MAP_SHARED_VALIDATE && !file && !(flags & MAP_HUGETLB))
		return -EINVAL;
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
	if (flags & MAP_NORESERVE && commit_settings.mode != COMMIT_STRICT)
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
	*out = area_flags | may | area_committed_flag(area_flags);
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

struct map_request {
	u64 length;
	u32 flags, area_flags;          // the call's; and what follows from them
	struct file *file;              // NULL: private memory
	u64 offset;
	struct hugetlb_blocks blocks;
	bool is_populated;
};

struct place {                          // of a new mapping, free
	vaddr_t start;
	struct area *above;             // the next area; NULL: none
};

// as->lock held for writing. The hint is the place; with MAP_FIXED what is there leaves.
// -EEXIST, or unmap_range's errors.
static int take_fixed_place(struct addrspace *as, struct place *place, u64 length, u32 flags, struct list *dead)
{
	vaddr_t start = place->start, end = start + length;
	struct area *there = area_find_from(as, start);

	if (flags & MAP_FIXED_NOREPLACE && there && there->start < end)
		return -EEXIST;
	int error = unmap_range(as, start, end, dead);

	if (!error)
		place->above = area_find_from(as, start);
	return error;
}

// as->lock held. A free place of that length, place->start if it can be had (0: anywhere). -ENOMEM.
static int find_place(struct addrspace *as, struct place *place, u64 length, u32 flags)
{
	bool is_huge = flags & MAP_HUGETLB;

	if (place->start) {
		vaddr_t hint = max(PAGE_ALIGN_DOWN(place->start), MMAP_LOWEST);
		struct area *above = area_find_from(as, hint);

		*place = (struct place){ hint, above };
		if (user_range_is_valid((void *)hint, length) && (!above || above->start >= hint + length) &&
		    !(is_huge && hint & (HUGE_SIZE - 1)))
			return 0;
	}
	vaddr_t top = flags & MAP_32BIT ? 0x80000000ul : as->mmap_top;
	u64 slack = is_huge ? HUGE_SIZE - PAGE_SIZE : 0;

	place->start = area_find_gap(as, length + slack, MMAP_LOWEST, top, &place->above);
	if (unlikely(!place->start) && !(flags & MAP_32BIT))
		place->start = area_find_gap(as, length + slack, MMAP_LOWEST, USER_END, &place->above);
	if (is_huge)
		place->start = huge_align_down(place->start + slack);
	return place->start ? 0 : -ENOMEM;
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
	// A seal may have come since ->map looked.
	// Whoever adds one looks at the areas of the file; from now on at this one, too.
	if (a->flags & AREA_SHARED && a->flags & AREA_MAY_WRITE && READ_ONCE(a->file->inode->seals) & F_SEAL_WRITE) {
		area_leave_cache(a);
		area_free(a);
		return -EPERM;
	}
	area_insert(as, a, above);
	area_merge(as, a);
	return 0;
}

// as->lock held for writing.
static int insert_new(struct addrspace *as, const struct place *place, u64 length, u32 area_flags,
		      struct file *file, u64 offset)
{
	vaddr_t start = place->start, end = start + length;

	if (unlikely(length >= HUGE_SIZE))      // where a table is, no huge entry can be
		unmap_free_kept_table(as);
	if (!file && area_extend(as, start, end, area_flags, place->above))
		return 0;
	struct area *a = area_alloc(as, start, end, area_flags, file, (file ? offset : start) >> PAGE_SHIFT);

	if (!a)
		return -ENOMEM;
	if (file)
		return insert_file(as, a, place->above);
	area_insert(as, a, place->above);
	return 0;
}

// As insert_new, with memory of the pool, all of which is there before anybody can look.
static int insert_pieces(struct addrspace *as, const struct place *place, u64 length, u32 area_flags,
			 struct hugetlb_blocks *blocks, struct list *dead)
{
	vaddr_t start = place->start, end = start + length;

	looks_close(as, start, end);
	int error = insert_new(as, place, length, area_flags, NULL, 0);

	if (!error && hugetlb_show(as, area_find(as, start), start, blocks)) {
		(void)!unmap_range(as, start, end, dead);
		error = -ENOMEM;
	}
	looks_open(as);
	return error;
}

static int check_place(vaddr_t hint, u64 *length, u32 flags, struct file *file, u64 offset)
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
		if (!user_range_is_valid((void *)hint, *length))
			return -ENOMEM;
		if (hint < MMAP_LOWEST)
			return -EPERM;
	}
	return 0;
}

// Only for the order of errors, which is Linux's; take_fixed_place looks again.
static bool is_taken(struct addrspace *as, vaddr_t start, u64 length)
{
	read_lock(&as->lock);
	struct area *a = area_find_from(as, start);
	bool is_there = a && a->start < start + length;

	read_unlock(&as->lock);
	return is_there;
}

// Rounds the length, fills in area_flags.
static int check_request(struct addrspace *as, struct map_request *m, vaddr_t hint, u32 prot)
{
	int error = m->flags & MAP_HUGETLB ? hugetlb_check_map(hint, &m->length, m->flags, m->file) : 0;

	if (!error)
		error = check_place(hint, &m->length, m->flags, m->file, m->offset);
	if (!error && m->flags & MAP_FIXED_NOREPLACE && is_taken(as, hint, m->length))
		error = -EEXIST;
	return error ? error : area_flags_for(m->file, prot, m->flags, &m->area_flags);
}

// The part under as->lock, which is held for writing. Where the mapping is: place.
static int map_locked(struct addrspace *as, struct map_request *m, struct place *place, struct list *dead)
{
	u64 length = m->length;
	int error;

	if (unlikely(as->locks_future)) {
		m->area_flags |= AREA_LOCKED | (as->locks_on_fault ? AREA_LOCKED_LATE : 0u);
		m->is_populated |= !as->locks_on_fault;
	}
	if (as->nr_areas >= AREAS_MAX || exceeds_limit(as, place->start, length, m->flags) ||
	    exceeds_data_limit(as, 0, m->area_flags, length >> PAGE_SHIFT))
		return -ENOMEM;                 // before anything is unmapped
	if (m->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		error = take_fixed_place(as, place, length, m->flags, dead);
	else
		error = find_place(as, place, length, m->flags);
	if (error)
		return error;
	if (m->area_flags & AREA_COMMITTED && commit_exceeds(as, length >> PAGE_SHIFT))
		return -ENOMEM;                 // what MAP_FIXED replaces has gone, as on Linux
	if (unlikely(m->blocks.nr))
		return insert_pieces(as, place, length, m->area_flags, &m->blocks, dead);
	return insert_new(as, place, length, m->area_flags, m->file, m->offset);
}

// Shared memory without a name is a file of tmpfs; memory of the pool is taken before it is mapped.
static int get_source(struct map_request *m, struct file **shared_memory)
{
	if (!m->file && m->area_flags & AREA_SHARED) {
		int error = tmpfs_create_unnamed("/dev/zero", m->length, !(m->area_flags & AREA_NO_RESERVE),
						 shared_memory);

		m->file = *shared_memory;
		m->offset = 0;
		return error;
	}
	if (m->area_flags & AREA_HUGETLB_SHARED || (m->area_flags & AREA_HUGETLB && !(m->flags & MAP_NORESERVE)))
		return hugetlb_take(m->length, &m->blocks);
	return 0;
}

i64 mmap_map(struct addrspace *as, vaddr_t hint, u64 length, u32 prot, u32 flags, struct file *file, u64 offset)
{
	struct map_request m = { .length = length, .flags = flags, .file = file, .offset = offset };
	struct place place = { .start = hint };
	struct file *shared_memory = NULL;
	struct list dead = LIST_INIT(dead);
	int error = check_request(as, &m, hint, prot);

	if (!error)
		error = get_source(&m, &shared_memory);
	if (error)
		return error;
	m.is_populated = flags & MAP_LOCKED || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE;
	write_lock(&as->lock);
	error = map_locked(as, &m, &place, &dead);
	write_unlock(&as->lock);
	if (unlikely(m.blocks.nr))
		hugetlb_give_back(&m.blocks);
	areas_bury(&dead);
	if (shared_memory)
		file_put(shared_memory);
	if (error)
		return error;
	if (m.is_populated)                     // the mapping stands whatever becomes of this
		(void)!populate(as, place.start, place.start + m.length, POPULATE_NATURAL);
	return (i64)place.start;
}

int mmap_map_fixed(struct addrspace *as, vaddr_t start, u64 length, u32 area_flags, struct file *file, u64 offset)
{
	struct place place = { .start = start };
	struct list dead = LIST_INIT(dead);
	int error = -ENOMEM;

	length = PAGE_ALIGN_UP(length);
	if (!length || start & ~PAGE_MASK || start < MMAP_LOWEST || !user_range_is_valid((void *)start, length))
		return -ENOMEM;
	write_lock(&as->lock);
	area_flags |= area_committed_flag(area_flags);
	if (as->nr_areas < AREAS_MAX && !(area_flags & AREA_COMMITTED && commit_exceeds(as, length >> PAGE_SHIFT))) {
		error = take_fixed_place(as, &place, length, MAP_FIXED, &dead);
		if (!error)
			error = insert_new(as, &place, length,
					   area_flags | AREA_MAY_READ | AREA_MAY_WRITE | AREA_MAY_EXEC, file, offset);
	}
	write_unlock(&as->lock);
	areas_bury(&dead);
	return error;
}

i64 mmap_unmap(struct addrspace *as, vaddr_t start, u64 length)
{
	struct list dead = LIST_INIT(dead);

	if (start & ~PAGE_MASK || !length || !user_range_is_valid((void *)start, length))
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

	if (new_end < as->heap_start || new_end >= USER_END)
		goto out;
	if (new_end - as->heap_start > current_process()->limits[RLIMIT_DATA].rlim_cur)
		goto out;
	if (new_top < old_top) {
		if (unmap_range(as, new_top, old_top, &dead))
			goto out;
	} else if (new_top > old_top) {
		struct place place = { old_top, area_find_from(as, old_top) };

		if ((place.above && place.above->start < new_top) || as->nr_areas >= AREAS_MAX ||
		    exceeds_space_limit(as, (new_top - old_top) >> PAGE_SHIFT) ||
		    exceeds_data_limit(as, 0, AREA_WRITE, (new_top - old_top) >> PAGE_SHIFT) ||
		    commit_exceeds(as, (new_top - old_top) >> PAGE_SHIFT))
			goto out;
		if (insert_new(as, &place, new_top - old_top,
			       AREA_READ | AREA_WRITE | AREA_MAY_READ | AREA_MAY_WRITE | AREA_MAY_EXEC | AREA_HEAP |
			       AREA_COMMITTED,
			       NULL, 0))
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
		   !exceeds_space_limit(as, (a->start - start) >> PAGE_SHIFT) &&
		   !(a->flags & AREA_COMMITTED && commit_exceeds(as, (a->start - start) >> PAGE_SHIFT))) {
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
