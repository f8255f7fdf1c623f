/*
 * look.c - waiting for those who look without a lock (look.h). cpu.look grows at both ends of a look:
 * a word that has changed belongs to one that began after the wait, which cannot find what was taken away.
 */
#include "sync/look.h"
#include "kernel.h"
#include "sync/lock.h"

void looks_wait(u64 cpu_set)
{
	struct cpu *self = this_cpu();

	if (DEBUG_BUILD && nr_cpus > 1)
		lockcheck_may_sleep();                  // a look may want the spin lock that we hold, or our answer
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        // out of reach first, then the look at who is inside
	for (u32 i = 0; i < nr_cpus; i++) {
		u32 seen = cpu_set >> i & 1 && &cpus[i] != self ? atomic_load(&cpus[i].look) : 0;

		for (u32 turn = 0; seen & 1 && atomic_load(&cpus[i].look) == seen; turn++)
			spin_turn(turn);
	}
}
