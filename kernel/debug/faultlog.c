/*
 * faultlog.c - the last page faults, in a ring for each CPU, so that CPUs which fault side by side
 * write to no common line. A CPU writes only to its own ring, and never in an interrupt: no lock.
 * A reader that is overtaken sees another number in the record and skips it. Readers put the rings together by time.
 */
#include "kernel.h"
#include "debug/faultlog.h"
#include "lib/atomic.h"
#include "mm/fault.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "x86/insn.h"

static struct ring {
	struct fault_record *records;   // record n is at n % FAULTLOG_SIZE; NULL: no memory for it
	u64 nr;                         // atomic; written by this CPU: how many there have been
} ALIGNED(64) rings[MAX_CPUS];

void faultlog_start(void)
{
	for (u32 i = 0; i < nr_cpus; i++)
		rings[i].records = kmalloc_zeroed(FAULTLOG_SIZE * sizeof(struct fault_record));
}

void faultlog_add(const struct fault *f)
{
	struct ring *ring = &rings[cpu_number()];

	if (unlikely(!ring->records))
		return;
	u64 number = ring->nr + 1;
	struct fault_record *r = &ring->records[number % FAULTLOG_SIZE];

	atomic_store(&r->number, 0);
	r->tsc = read_tsc();
	r->pid = current->process ? current->process->pid : 0;
	r->address = f->address;
	r->rip = f->rip;
	r->access = (u8)f->access;
	r->verb = (u8)f->verb;
	r->result = (u8)f->result;
	r->did_io = f->did_io;
	r->error = (i16)f->error;
	atomic_store(&r->number, number);
	atomic_store(&ring->nr, number);
}

// The record with that number or the oldest one after it.
static bool read_ring(const struct ring *ring, u64 number, struct fault_record *out)
{
	u64 nr = atomic_load(&ring->nr);

	if (nr >= FAULTLOG_SIZE)
		number = max(number, nr - FAULTLOG_SIZE + 1);
	for (number = max(number, 1ul); number <= nr; number++) {
		const struct fault_record *r = &ring->records[number % FAULTLOG_SIZE];

		if (atomic_load(&r->number) != number)
			continue;
		*out = *r;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (READ_ONCE(r->number) == number)
			return true;
	}
	return false;
}

bool faultlog_next(struct faultlog_place *place, struct fault_record *out, u32 *cpu)
{
	struct fault_record r;
	bool is_there = false;

	for (u32 i = 0; i < nr_cpus; i++) {
		if (!read_ring(&rings[i], place->next[i], &r) || (is_there && r.tsc >= out->tsc))
			continue;
		*out = r;
		*cpu = i;
		is_there = true;
	}
	if (is_there)
		place->next[*cpu] = out->number + 1;
	return is_there;
}
