/*
 * grace.c - waiting for those who look without a lock (grace.h). cpu.grace is odd while its CPU is inside a section, and
 * grows at both ends of each: one that has changed belongs to a section that began after the wait.
 */
#include "sync/grace.h"
#include "kernel.h"

void grace_wait(void)
{
	struct cpu *self = this_cpu();

	debug_assert(!(self->grace & 1));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        // out of reach first, then the look at who is inside
	for (u32 i = 0; i < nr_cpus; i++) {
		u32 seen = atomic_load(&cpus[i].grace);

		while (seen & 1 && &cpus[i] != self && atomic_load(&cpus[i].grace) == seen)
			__builtin_ia32_pause();
	}
}
