#pragma once
/*
 * look.h - looking without a lock: readers go ahead, and who takes something away waits for them.
 *
 *      look_begin();                                   take it out of everybody's reach, under the lock;
 *      p = what the shared structure leads to;         looks_wait(ALL_CPUS);
 *      use it, or take a reference;                    free it;
 *      look_end();
 *
 * A look is a stretch of code on one CPU. It announces itself in a word of that CPU (cpu.look, odd while it lasts)
 * and nowhere else, so those who look at the same things write to no common line of memory. Who has taken something
 * out of reach waits until each look that had begun by then has ended. Whoever still sees the thing began before;
 * whoever begins later cannot find it. Both sides write, pass a full barrier, and read what the other wrote:
 * either the look finds the thing gone, or the other side finds the look begun.
 *
 * A look never sleeps and ends soon. It takes spin locks only, and tries page locks; no frame is reclaimed for it,
 * no fault of a copy is resolved in it, and interrupt handlers use none. A wait reads one word a CPU and spins
 * while that CPU looks: with interrupts open, and under no spin lock, which a look might want.
 *
 * What is looked at so: the pages of a cache and the nodes of its tree, open files and descriptor tables,
 * and the areas and page tables of an address space (mm/area_look.h).
 */
#include "types.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "x86/cpu.h"

#define ALL_CPUS U64_MAX

static inline bool look_is_on(void)             // on this CPU
{
	return this_cpu()->look & 1;
}

static inline void look_begin(void)
{
	// Atomic, so that nothing of the look happens before everybody can see that it is on.
	u32 before = __atomic_fetch_add(&this_cpu()->look, 1, __ATOMIC_SEQ_CST);

	debug_assert(!(before & 1) && this_cpu()->interrupt_depth == 0);
}

static inline void look_end(void)
{
	struct cpu *cpu = this_cpu();

	atomic_store(&cpu->look, cpu->look + 1);
}

// For code that is called inside a look and outside: begins one unless one is on. look_leave ends what this has begun.
static inline bool look_join(void)
{
	if (look_is_on())
		return false;
	look_begin();
	return true;
}

static inline void look_leave(bool has_begun)
{
	if (has_begun)
		look_end();
}

// Returns when every look on those CPUs (bit n: CPU n) that had begun before has ended. Not in a look.
void looks_wait(u64 cpu_set);
