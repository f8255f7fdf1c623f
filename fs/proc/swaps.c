/*
 * swaps.c - /proc/swaps: the areas that private memory goes to, a line each, in Linux's columns (KiB).
 */
#include "fs/proc/procfs.h"
#include "kernel.h"
#include "mm/swap.h"

#define KIB_PER_PAGE (PAGE_SIZE / 1024)

int proc_show_swaps(struct text *t, const struct proc_target *target)
{
	struct swap_info info;

	(void)target;
	text_printf(t, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (swap_info(i, &info))
			text_printf(t, "%-39s %s\t%lu\t\t%lu\t\t%d\n", info.path, info.is_file ? "file\t" : "partition",
				    info.nr_pages * KIB_PER_PAGE, info.nr_used * KIB_PER_PAGE, info.priority);
	return 0;
}
