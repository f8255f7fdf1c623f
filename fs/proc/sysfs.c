/*
 * sysfs.c - /sys, as far as programs look: huge pages and processors.
 * The same machinery as /proc (procfs.c), another table.
 */
#include "fs/proc/procfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/huge.h"
#include "mm/hugetlb.h"
#include "x86/cpu.h"
#include <abi/stat.h>

static int show_huge_size(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "%lu\n", HUGE_SIZE);
	return 0;
}

static int show_pool_free(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "%lu\n", hugetlb_pool_free());
	return 0;
}

// A mapping takes its pieces when it is made, from the pool only: none is promised, none is more than was set.
static int show_none(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "0\n");
	return 0;
}

static int show_processors(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, nr_cpus > 1 ? "0-%u\n" : "%u\n", nr_cpus - 1);
	return 0;
}

static struct proc_entry transparent_entries[] = {
	{ .name = "enabled", .mode = S_IFREG | 0644, .show = proc_show_huge, .store = proc_store_huge },
	{ .name = "hpage_pmd_size", .mode = S_IFREG | 0444, .show = show_huge_size },
	{ .name = NULL },
};

static struct proc_entry pool_entries[] = {
	{ .name = "free_hugepages", .mode = S_IFREG | 0444, .show = show_pool_free },
	{ .name = "nr_hugepages", .mode = S_IFREG | 0644, .show = proc_show_nr_hugepages,
	  .store = proc_store_nr_hugepages },
	{ .name = "resv_hugepages", .mode = S_IFREG | 0444, .show = show_none },
	{ .name = "surplus_hugepages", .mode = S_IFREG | 0444, .show = show_none },
	{ .name = NULL },
};

static struct proc_entry pools_entries[] = {
	{ .name = "hugepages-2048kB", .mode = S_IFDIR | 0555, .children = pool_entries },
	{ .name = NULL },
};

static struct proc_entry mm_entries[] = {
	{ .name = "hugepages", .mode = S_IFDIR | 0555, .children = pools_entries },
	{ .name = "transparent_hugepage", .mode = S_IFDIR | 0555, .children = transparent_entries },
	{ .name = NULL },
};

static struct proc_entry kernel_entries[] = {
	{ .name = "mm", .mode = S_IFDIR | 0555, .children = mm_entries },
	{ .name = NULL },
};

static struct proc_entry cpu_entries[] = {
	{ .name = "online", .mode = S_IFREG | 0444, .show = show_processors },
	{ .name = "possible", .mode = S_IFREG | 0444, .show = show_processors },
	{ .name = "present", .mode = S_IFREG | 0444, .show = show_processors },
	{ .name = NULL },
};

static struct proc_entry system_entries[] = {
	{ .name = "cpu", .mode = S_IFDIR | 0555, .children = cpu_entries },
	{ .name = NULL },
};

static struct proc_entry devices_entries[] = {
	{ .name = "system", .mode = S_IFDIR | 0555, .children = system_entries },
	{ .name = NULL },
};

struct proc_entry sysfs_root_entries[] = {
	{ .name = "devices", .mode = S_IFDIR | 0555, .children = devices_entries },
	{ .name = "kernel", .mode = S_IFDIR | 0555, .children = kernel_entries },
	{ .name = NULL },
};
