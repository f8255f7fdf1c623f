/*
 * frames.c - /proc/frames: whose each frame of physical memory is, as sums that add up to all of it. Every record is
 * looked at, so the sums cannot be wrong; what changes meanwhile may be counted as what it was or as what it became.
 */
#include "boot/bootinfo.h"
#include "fs/proc/procfs.h"
#include "kernel.h"
#include "mm/frame.h"
#include "mm/page.h"
#include "x86/kernel_map.h"

// The owners of page.h, of which two are told apart further.
enum part { PART_IMAGE, PART_RECORDS, PART_EARLY, PART_FIRMWARE, PART_STACKS, PART_KERNEL, PART_SLAB,
	    PART_TABLES, PART_ANON, PART_CACHE, PART_FREE, NR_PARTS };

static const char *const part_names[NR_PARTS] = {
	[PART_IMAGE] = "image           the kernel's code, data and symbols",
	[PART_RECORDS] = "records         struct page, one a frame",
	[PART_EARLY] = "early           the kernel's own page tables, made before there were frames to take",
	[PART_FIRMWARE] = "firmware        not RAM, or left to the firmware",
	[PART_STACKS] = "stacks          of threads in the kernel, and of traps",
	[PART_KERNEL] = "kernel          other blocks of the kernel's",
	[PART_SLAB] = "slab            objects of slab caches",
	[PART_TABLES] = "tables          page tables of processes",
	[PART_ANON] = "anonymous       private memory of processes",
	[PART_CACHE] = "cache           pages of files and disks",
	[PART_FREE] = "free            nobody's",
};

static bool is_ram(paddr_t at)
{
	for (u32 i = 0; i < bootinfo.nr_regions; i++) {
		const struct memory_region *r = &bootinfo.regions[i];

		if (at >= r->start && at < r->end)
			return r->is_ram;
	}
	return false;
}

// Of a frame that the allocator was never given.
static enum part reserved_part(pfn_t n)
{
	paddr_t at = n << PAGE_SHIFT;
	const char *shown = direct_map(at);

	if (kernel_map_is_image(at))
		return PART_IMAGE;
	if (shown >= (const char *)page_array && shown < (const char *)(page_array + nr_page_records))
		return PART_RECORDS;
	return is_ram(at) && at >= LOW_MEMORY_END ? PART_EARLY : PART_FIRMWARE;
}

static enum part part_of(pfn_t n)
{
	switch (READ_ONCE(pfn_to_page(n)->owner)) {
	case PAGE_FREE:
		return PART_FREE;
	case PAGE_CACHE:
		return PART_CACHE;
	case PAGE_ANON:
		return PART_ANON;
	case PAGE_TABLE:
		return PART_TABLES;
	case PAGE_SLAB:
		return PART_SLAB;
	case PAGE_RESERVED:
		return reserved_part(n);
	default:
		return PART_KERNEL;
	}
}

int proc_show_frames(struct text *t, const struct proc_target *target)
{
	u64 nr[NR_PARTS] = { 0 };

	(void)target;
	for (pfn_t n = 0; n < nr_page_records; n++)
		nr[part_of(n)]++;
	nr[PART_STACKS] = min(kernel_stacks_frames(), nr[PART_KERNEL]);
	nr[PART_KERNEL] -= nr[PART_STACKS];
	for (u32 i = 0; i < NR_PARTS; i++)
		text_printf(t, "%8lu kB  %s\n", nr[i] * (PAGE_SIZE / 1024), part_names[i]);
	text_printf(t, "%8lu kB  all\n", nr_page_records * (PAGE_SIZE / 1024));
	return 0;
}
