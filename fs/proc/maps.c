/*
 * maps.c - the areas of an address space: maps (a line each), smaps (with what is in memory)
 * and smaps_rollup (the sum). The space's lock is held for reading while the text grows.
 */
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/slab.h"
#include "proc/vdso.h"
#include "x86/pgtable.h"
#include <abi/errno.h>

#define NAME_COLUMN 72                  // names begin one behind it

static void show_area_name(struct text *t, size_t line_start, const struct area *a, char *path)
{
	const char *name = a->flags & AREA_HEAP ? "[heap]" : a->flags & AREA_STACK ? "[stack]" : NULL;

	if (a->flags & AREA_HUGETLB) {
		name = "/anon_hugepage (deleted)";
	} else if (vdso_area_name(a)) {
		name = vdso_area_name(a);
	} else if (a->file) {
		int length = proc_file_path(a->file, path, PATH_LENGTH_MAX - 1);

		path[max(length, 0)] = 0;
		name = path;
	}
	if (!name)
		return;
	text_pad(t, line_start, NAME_COLUMN);
	text_printf(t, " %s", name);
}

static void show_area(struct text *t, const struct area *a, char *path)
{
	const struct inode *ip = a->file && !vdso_area_name(a) ? a->file->inode : NULL;
	u64 device = ip && ip->sb ? ip->sb->device_id : 0;
	size_t start = t->length;

	text_printf(t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", a->start, a->end, a->flags & AREA_READ ? 'r' : '-',
		    a->flags & AREA_WRITE ? 'w' : '-', a->flags & AREA_EXEC ? 'x' : '-',
		    a->flags & (AREA_SHARED | AREA_HUGETLB_SHARED) ? 's' : 'p',
		    ip ? area_first(a) << PAGE_SHIFT : 0, ABI_MAJOR(device), ABI_MINOR(device), ip ? ip->number : 0);
	show_area_name(t, start, a, path);
	text_append(t, "\n", 1);
}

typedef void (*show_function)(struct text *t, struct area *a, char *path);

static int show_areas(struct text *t, const struct proc_target *target, show_function show)
{
	struct addrspace *as = addrspace_of_process(target->pid);
	char *path = kmalloc(PATH_LENGTH_MAX);

	if (as && path) {
		read_lock(&as->lock);
		for (struct area *a = area_find_from(as, 0); a; a = area_next(a))
			show(t, a, path);
		read_unlock(&as->lock);
	}
	if (as)
		addrspace_put(as);
	kfree(path);
	return path ? 0 : -ENOMEM;
}

static void show_line(struct text *t, struct area *a, char *path)
{
	show_area(t, a, path);
}

int proc_show_pid_maps(struct text *t, const struct proc_target *target)
{
	return show_areas(t, target, show_line);
}

/* --- smaps ------------------------------------------------------------------ */

struct weights {                        // in pages; of pss in 4096ths of a page
	u64 resident, pss, shared_clean, shared_dirty, private_clean, private_dirty, referenced, anonymous;
	u64 huge;                       // part of an entry of 2 MiB
	u64 shared_pool, private_pool;  // of MAP_HUGETLB, which nothing else counts
	u64 locked;                     // as pss
	u64 swapped;
	u64 lazy_free;
};

static int weigh(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct weights *w = argument;
	pte_t e = *slot->entry;
	struct page *p;
	i32 nr_maps;
	bool is_dirty;

	(void)va;
	w->swapped += pte_is_swap(e);
	if (!pte_is_present(e))
		return 0;
	p = pte_page(e);
	if (p == zero_page)
		return 0;
	nr_maps = max(READ_ONCE(p->map_count), 1);
	if (page_has(p, PAGE_POOL)) {
		*(nr_maps > 1 ? &w->shared_pool : &w->private_pool) += 1;
		return 0;
	}
	bool is_lazy_free = page_has(p, PAGE_LAZY_FREE) && !pte_is_dirty(e);

	is_dirty = pte_is_dirty(e) || (p->owner == PAGE_ANON && !is_lazy_free) || page_has(p, PAGE_DIRTY);
	w->lazy_free += is_lazy_free;
	w->resident++;
	w->pss += PAGE_SIZE / (u32)nr_maps;
	if (nr_maps > 1)
		*(is_dirty ? &w->shared_dirty : &w->shared_clean) += 1;
	else
		*(is_dirty ? &w->private_dirty : &w->private_clean) += 1;
	w->referenced += pte_is_accessed(e);
	w->anonymous += p->owner == PAGE_ANON;
	w->huge += pte_is_part_of_huge(e);
	return 0;
}

static void show_kib(struct text *t, const char *name, u64 kib)
{
	size_t start = t->length;

	text_printf(t, "%s:", name);
	text_pad(t, start, 16);
	text_printf(t, "%8lu kB\n", kib);
}

static void add_weights(struct area *a, struct weights *w)
{
	u64 before = w->pss;

	pgtable_look(a->space, a->start, a->end, weigh, w);
	if (a->flags & AREA_LOCKED)
		w->locked += w->pss - before;
}

static void show_weights(struct text *t, const struct weights *w)
{
	const u64 kib = PAGE_SIZE / 1024;

	show_kib(t, "Rss", w->resident * kib);
	show_kib(t, "Pss", w->pss / 1024);
	show_kib(t, "Shared_Clean", w->shared_clean * kib);
	show_kib(t, "Shared_Dirty", w->shared_dirty * kib);
	show_kib(t, "Private_Clean", w->private_clean * kib);
	show_kib(t, "Private_Dirty", w->private_dirty * kib);
	show_kib(t, "Referenced", w->referenced * kib);
	show_kib(t, "Anonymous", w->anonymous * kib);
	show_kib(t, "LazyFree", w->lazy_free * kib);
	show_kib(t, "AnonHugePages", w->huge * kib);
	show_kib(t, "Shared_Hugetlb", w->shared_pool * kib);
	show_kib(t, "Private_Hugetlb", w->private_pool * kib);
	show_kib(t, "Swap", w->swapped * kib);
	show_kib(t, "Locked", w->locked / 1024);
}

static void show_weighed(struct text *t, struct area *a, char *path)
{
	const u64 kib = (a->flags & AREA_HUGETLB ? HUGE_SIZE : PAGE_SIZE) / 1024;
	struct weights w = { 0 };

	add_weights(a, &w);
	show_area(t, a, path);
	show_kib(t, "Size", (a->end - a->start) / 1024);
	show_kib(t, "KernelPageSize", kib);
	show_kib(t, "MMUPageSize", kib);
	show_weights(t, &w);
}

int proc_show_pid_smaps(struct text *t, const struct proc_target *target)
{
	return show_areas(t, target, show_weighed);
}

// The sums of smaps' numbers, under one line that spans all areas.
int proc_show_pid_smaps_rollup(struct text *t, const struct proc_target *target)
{
	struct addrspace *as = addrspace_of_process(target->pid);
	struct weights w = { 0 };
	vaddr_t first = 0, end = 0;
	size_t start = t->length;

	if (!as)
		return 0;
	read_lock(&as->lock);
	for (struct area *a = area_find_from(as, 0); a; a = area_next(a)) {
		first = first ? first : a->start;
		end = a->end;
		add_weights(a, &w);
	}
	read_unlock(&as->lock);
	addrspace_put(as);
	text_printf(t, "%08lx-%08lx ---p 00000000 00:00 0 ", first, end);
	text_pad(t, start, NAME_COLUMN);
	text_printf(t, " [rollup]\n");
	show_weights(t, &w);
	return 0;
}
