#pragma once
/*
 * grace.h - looking without a lock.
 *
 *      grace_enter();                                  take it out of everybody's reach, under the lock;
 *      p = what the shared structure leads to;         grace_wait();
 *      use it, or take a reference;                    free it;
 *      grace_leave();
 *
 * Between enter and leave a thread stands in a section of its CPU: it does not sleep, takes no lock, and enters no second
 * one; interrupt handlers use none. Who has taken something out of reach waits until each section that was open then is
 * closed. Whoever still looks at the thing entered before, whoever enters later cannot find it.
 *
 * A section costs one atomic operation on a word of its own CPU, so readers share no written cache line. A wait reads
 * one word a CPU, and spins while that CPU is inside: with interrupts open, and not under a lock.
 */
#include "types.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "x86/cpu.h"

static inline void grace_enter(void)
{
	// Atomic, so that nothing of the look happens before everybody can see that we are inside.
	u32 before = __atomic_fetch_add(&this_cpu()->grace, 1, __ATOMIC_SEQ_CST);

	debug_assert(!(before & 1) && this_cpu()->interrupt_depth == 0);
}

static inline void grace_leave(void)
{
	struct cpu *cpu = this_cpu();

	atomic_store(&cpu->grace, cpu->grace + 1);
}

void grace_wait(void);
