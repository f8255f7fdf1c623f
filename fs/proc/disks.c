/*
 * disks.c - what the disks have done: diskstats in Linux's text (Documentation/admin-guide/iostats.rst). Requests are
 * counted as the kernel submits them; times are not measured here, and stand as 0.
 */
#include "dev/block.h"
#include "fs/proc/procfs.h"
#include "lib/atomic.h"

#define SECTORS_PER_BLOCK (BLOCK_SIZE / 512)

int proc_show_diskstats(struct text *t, const struct proc_target *target)
{
	(void)target;
	for (struct block_device *d = block_device_next(NULL); d; d = block_device_next(d))
		text_printf(t, "%4u %7u %s %lu 0 %lu 0 %lu 0 %lu 0 0 0 0 0 0 0 0 %lu 0\n", DISK_MAJOR,
			    d->number * DISK_MINORS, d->name, atomic_load(&d->nr_reads),
			    atomic_load(&d->blocks_read) * SECTORS_PER_BLOCK, atomic_load(&d->nr_writes),
			    atomic_load(&d->blocks_written) * SECTORS_PER_BLOCK, atomic_load(&d->nr_flushes));
	return 0;
}
