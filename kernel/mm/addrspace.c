/*
 * addrspace.c - the life of an address space: created by exec, copied by fork, loaded by the scheduler, gone with its
 * last user. The hard part is the copy: shared file pages are left to be faulted in again, private pages are shown in
 * both spaces read-only, so that the first store on either side copies.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/commit.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/inherit.h"
#include "mm/area_look.h"
#include "mm/slab.h"
#include "mm/teardown.h"
#include "mm/unmap.h"
#include "proc/process.h"
#include "x86/cpu.h"
#include "x86/insn.h"
#include "x86/kernel_map.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

static struct slab_cache addrspace_slab, family_slab;
static struct spinlock families_lock = SPINLOCK_INIT("families", RANK_FRAMES);  // the last reference of any family goes

void addrspaces_init(void)
{
	slab_cache_init(&addrspace_slab, "addrspace",
			sizeof(struct addrspace) + nr_cpus * sizeof(struct resident_counts), 64);
	slab_cache_init(&family_slab, "family", sizeof(struct family), 16);
	areas_init();
	hugetlb_init();
}

static struct family *family_create(void)
{
	struct family *f = slab_alloc_zeroed(&family_slab);

	if (!f)
		return NULL;
	f->refs = 1;
	mutex_init(&f->lock, "family.lock", RANK_RMAP);
	list_init(&f->spaces);
	return f;
}

void family_put(struct family *f)
{
	spin_lock(&families_lock);
	bool is_last = atomic_sub_return(&f->refs, 1) == 0;

	spin_unlock(&families_lock);
	if (is_last)
		slab_free(&family_slab, f);
}

struct family *family_of_page(struct page *p)
{
	struct family *f = NULL;

	// An address space that shows the page has its reference still, and cannot give it up while we look.
	spin_lock(&families_lock);
	if (atomic_load(&p->map_count) > 0) {
		f = p->family;
		atomic_add(&f->refs, 1);
	}
	spin_unlock(&families_lock);
	return f;
}

struct addrspace *addrspace_create(struct family *family)
{
	struct addrspace *as = slab_alloc_zeroed(&addrspace_slab);

	if (!as)
		return NULL;
	as->users = as->refs = 1;
	rwlock_init(&as->lock, "addrspace.lock", RANK_ADDRSPACE);
	spin_init(&as->table_lock, "addrspace.table_lock", RANK_PAGETABLE);
	list_init(&as->dead_tables);
	list_init(&as->spare_tables);
	if (family)
		atomic_add(&family->refs, 1);
	else
		family = family_create();
	if (!family)
		goto out_space;
	if (pgtable_create(as))
		goto out_family;
	as->family = family;
	mutex_lock(&family->lock);
	list_push_back(&family->spaces, &as->family_link);
	mutex_unlock(&family->lock);
	return as;

out_family:
	family_put(family);
out_space:
	slab_free(&addrspace_slab, as);
	return NULL;
}

void addrspace_hold(struct addrspace *as)
{
	atomic_add(&as->users, 1);
}

void addrspace_ref_put(struct addrspace *as)
{
	if (atomic_sub_return(&as->refs, 1) == 0)
		slab_free(&addrspace_slab, as);
}

// The last user has gone: nobody can fault here any more, and no CPU comes back to it once all have left.
// Areas leave first (unmap, then free), then the tables.
static void tear_down(struct addrspace *as)
{
	struct list dead = LIST_INIT(dead);

	tlb_abandon(as);
	write_lock(&as->lock);
	teardown_unmap(as, &dead);
	write_unlock(&as->lock);
	areas_bury(&dead);
	mutex_lock(&as->family->lock);
	list_remove(&as->family_link);
	mutex_unlock(&as->family->lock);
	pgtable_destroy(as);
	family_put(as->family);
	addrspace_ref_put(as);
}

void addrspace_put(struct addrspace *as)
{
	if (atomic_sub_return(&as->users, 1) == 0)
		tear_down(as);
}

void addrspace_activate(struct addrspace *as)
{
	struct cpu *cpu = this_cpu();
	struct addrspace *old = cpu->active_space;

	if (old == as)
		return;
	atomic_add(&as->refs, 1);
	atomic_or(&as->cpu_set, 1ul << cpu->id);        // before the load: see x86/tlb.c
	cpu->active_space = as;
	cpu->active_root = as->root;
	write_cr3(as->root);
	if (old) {
		atomic_and(&old->cpu_set, ~(1ul << cpu->id));
		addrspace_ref_put(old);
	}
}

struct addrspace *addrspace_of_process(int pid)
{
	struct process *p = process_find(pid);
	struct addrspace *as = NULL;

	if (!p)
		return NULL;
	spin_lock(&process_table_lock);
	if (p->space && p->state == PROCESS_ALIVE) {
		as = p->space;
		addrspace_hold(as);
	}
	spin_unlock(&process_table_lock);
	process_put(p);
	return as;
}

u64 resident_read(const struct addrspace *as, enum resident which)
{
	i64 sum = 0;

	for (u32 i = 0; i < nr_cpus; i++)
		sum += READ_ONCE(as->resident[i].nr[which]);
	return sum > 0 ? (u64)sum : 0;
}

u64 addrspace_resident(const struct addrspace *as)
{
	return resident_read(as, RESIDENT_ANON) + resident_read(as, RESIDENT_FILE);
}

u64 addrspace_peak(const struct addrspace *as)
{
	return max(READ_ONCE(as->peak_resident), addrspace_resident(as));
}

void addrspace_note_peak(struct addrspace *as)
{
	u64 now = addrspace_resident(as);

	if (now > READ_ONCE(as->peak_resident))
		WRITE_ONCE(as->peak_resident, now);
}

// What a child would be promised. Only mode 2 asks: each area has passed the others' question in the parent.
static u64 inherited_promises(struct addrspace *from)
{
	u64 nr = 0;

	for (struct area *a = area_find_from(from, 0); a; a = area_next(a))
		if (a->flags & AREA_COMMITTED && !(a->flags & AREA_DONT_FORK))
			nr += (a->end - a->start) >> PAGE_SHIFT;
	return nr;
}

int addrspace_copy(struct addrspace *from, struct addrspace **out)
{
	struct addrspace *to = addrspace_create(from->family);
	int error;

	if (!to)
		return -ENOMEM;
	write_lock(&from->lock);
	looks_close(from, 0, USER_END);         // the child is one moment of the parent
	error = commit_is_strict() && commit_exceeds(from, inherited_promises(from)) ? -ENOMEM : areas_copy(from, to);
	if (!error)
		error = inherit_pages(from, to);
	to->never_huge = from->never_huge;
	to->mmap_top = from->mmap_top;
	to->code_start = from->code_start;
	to->code_end = from->code_end;
	to->data_start = from->data_start;
	to->data_end = from->data_end;
	to->heap_start = from->heap_start;
	to->heap_end = from->heap_end;
	to->stack_start = from->stack_start;
	to->arguments_start = from->arguments_start;
	to->arguments_end = from->arguments_end;
	to->environment_start = from->environment_start;
	to->environment_end = from->environment_end;
	memcpy(to->auxv, from->auxv, sizeof(to->auxv));
	to->nr_auxv = from->nr_auxv;
	// Stores that found the entry writable must not go on in the parent alone.
	tlb_flush_range(from, 0, USER_END);
	looks_open(from);
	write_unlock(&from->lock);
	if (error) {
		addrspace_put(to);
		return error;
	}
	*out = to;
	return 0;
}
