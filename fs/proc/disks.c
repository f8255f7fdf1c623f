/*
 * disks.c - what disks have done: diskstats in Linux's form, and the trace of requests.
 */
#include "dev/block.h"
#include "dev/iotrace.h"
#include "fs/proc/procfs.h"
#include "kernel.h"
#include "x86/clock.h"

#define NS_PER_MS 1000000ul
#define SECTORS_PER_BLOCK (BLOCK_SIZE / 512)

static void show_kind(struct text *t, const struct block_stats *s)
{
	text_printf(t, " %lu %lu %lu %lu", s->nr_requests, s->nr_joined, s->nr_blocks * SECTORS_PER_BLOCK,
		    s->ns / NS_PER_MS);
}

// Linux's Documentation/admin-guide/iostats.rst: reads, writes (requests, merged, sectors, ms),
// in flight, ms busy, ms of all requests; four about discards, which nobody makes here; flushes, ms.
// Read without the drivers' locks: sums of a moment.
int proc_show_diskstats(struct text *t, const struct proc_target *target)
{
	(void)target;
	for (struct block_device *d = block_device_next(NULL); d; d = block_device_next(d)) {
		const struct block_stats *reads = &d->stats[BIO_READ], *writes = &d->stats[BIO_WRITE];
		const struct block_stats *flushes = &d->stats[BIO_FLUSH];
		u64 busy = d->busy_ns, now = clock_monotonic_ns();

		if (READ_ONCE(d->nr_in_flight))
			busy += now - min(d->busy_since_ns, now);
		text_printf(t, "%4u %7u %s", DISK_MAJOR, d->number * DISK_MINORS, d->name);
		show_kind(t, reads);
		show_kind(t, writes);
		text_printf(t, " %u %lu %lu 0 0 0 0 %lu %lu\n", d->nr_in_flight, busy / NS_PER_MS,
			    (reads->ns + writes->ns + flushes->ns) / NS_PER_MS, flushes->nr_requests,
			    flushes->ns / NS_PER_MS);
	}
	return 0;
}

// A line a bio: sequence, time queued (s), thread, its name, disk, kind, first sector, sectors, us until it was
// issued (- when it went with another), us until it was done, bios of its request (- as before), error.
int proc_show_iotrace(struct text *t, const struct proc_target *target)
{
	static const char *const kinds[] = { [BIO_READ] = "read", [BIO_WRITE] = "write", [BIO_FLUSH] = "flush" };
	struct iotrace_record r;

	(void)target;
	for (u64 sequence = 0; iotrace_read(sequence, &r); sequence = r.sequence + 1) {
		text_printf(t, "%lu %lu.%06lu %d %s %s %s %lu %u ", r.sequence, r.queued_ns / 1000000000,
			    r.queued_ns % 1000000000 / 1000, r.tid, r.who, r.disk, kinds[r.op],
			    r.first_block * SECTORS_PER_BLOCK, r.nr_blocks * (u32)SECTORS_PER_BLOCK);
		if (r.nr_joined)
			text_printf(t, "%lu %lu %u", (r.issued_ns - r.queued_ns) / 1000,
				    (r.done_ns - r.queued_ns) / 1000, r.nr_joined);
		else
			text_printf(t, "- %lu -", (r.done_ns - r.queued_ns) / 1000);
		text_printf(t, " %d\n", -r.error);
	}
	return 0;
}
