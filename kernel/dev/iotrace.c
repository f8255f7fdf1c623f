/*
 * iotrace.c - records of requests, made as they end. The ring is allocated when the trace is first switched on,
 * and stays. ring_lock (interrupts closed: requests end in interrupts) covers the ring and the next sequence.
 */
#include "dev/iotrace.h"
#include "dev/block.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "sync/lock.h"
#include "x86/clock.h"

#define NR_RECORDS 512u

u64 iotrace_is_on;
static struct spinlock ring_lock = SPINLOCK_INIT("iotrace", RANK_DEVICE);
static struct iotrace_record *ring;     // GUARDED_BY(ring_lock) record n is at n % NR_RECORDS; never freed
static u64 next_sequence = 1;           // GUARDED_BY(ring_lock)

static void add(const struct bio *bio, int error)
{
	u64 now = clock_monotonic_ns(), flag = spin_lock_irq(&ring_lock);
	struct iotrace_record *r = &ring[next_sequence % NR_RECORDS];

	*r = (struct iotrace_record){
		.sequence = next_sequence++, .queued_ns = bio->submitted_ns, .issued_ns = bio->issued_ns,
		.done_ns = now, .first_block = bio->first_block, .nr_blocks = bio->nr_pages,
		.nr_joined = bio->nr_joined, .tid = bio->tid, .error = error, .op = (u8)bio->op,
	};
	string_copy(r->disk, bio->device->name, sizeof(r->disk));
	string_copy(r->who, bio->who, sizeof(r->who));
	spin_unlock_irq(&ring_lock, flag);
}

void iotrace_switched(void)
{
	if (READ_ONCE(iotrace_is_on) && !READ_ONCE(ring)) {
		struct iotrace_record *fresh = kmalloc_zeroed(NR_RECORDS * sizeof(*fresh));
		u64 flag = spin_lock_irq(&ring_lock);

		if (!ring) {
			ring = fresh;
			fresh = NULL;
		}
		spin_unlock_irq(&ring_lock, flag);
		kfree(fresh);
	}
	atomic_store(&bio_tracer, READ_ONCE(iotrace_is_on) && READ_ONCE(ring) ? add : NULL);
}

bool iotrace_read(u64 sequence, struct iotrace_record *out)
{
	u64 flag = spin_lock_irq(&ring_lock);
	u64 oldest = next_sequence > NR_RECORDS ? next_sequence - NR_RECORDS : 1;

	sequence = max(sequence, oldest);
	bool is_there = ring && sequence < next_sequence;

	if (is_there)
		*out = ring[sequence % NR_RECORDS];
	spin_unlock_irq(&ring_lock, flag);
	return is_there;
}
