/*
 * faultlog.c - a ring of the last page faults. Writers take a sequence number with one atomic addition and fill the
 * record; a reader that is overtaken sees another sequence number in the record and skips it. No lock.
 */
#include "kernel.h"
#include "debug/faultlog.h"
#include "lib/atomic.h"
#include "mm/fault.h"
#include "proc/process.h"
#include "x86/clock.h"

static struct fault_record ring[FAULTLOG_SIZE];
static u64 next_sequence = 1;           // atomic

void faultlog_add(const struct fault *f)
{
	u64 sequence = atomic_add_return(&next_sequence, 1) - 1;
	struct fault_record *r = &ring[sequence % FAULTLOG_SIZE];

	atomic_store(&r->sequence, 0);
	r->time_ns = clock_monotonic_ns();
	r->pid = current->process ? current->process->pid : 0;
	r->address = f->address;
	r->rip = f->rip;
	r->access = (u8)f->access;
	r->verb = (u8)f->verb;
	r->result = (u8)f->result;
	r->did_io = f->did_io;
	r->error = (i16)f->error;
	atomic_store(&r->sequence, sequence);
}

bool faultlog_read(u64 sequence, struct fault_record *out)
{
	u64 next = atomic_load(&next_sequence);

	sequence = max(sequence, 1ul);          // 0: empty, or being filled
	if (next > FAULTLOG_SIZE && sequence < next - FAULTLOG_SIZE)
		sequence = next - FAULTLOG_SIZE;
	for (; sequence < next; sequence++) {
		struct fault_record *r = &ring[sequence % FAULTLOG_SIZE];

		if (atomic_load(&r->sequence) != sequence)
			continue;
		*out = *r;
		if (atomic_load(&r->sequence) == sequence)
			return true;
	}
	return false;
}
