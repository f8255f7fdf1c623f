#pragma once
/*
 * look.h - looking at an address space without its lock: how a fault finds its area and enters its page while other threads
 * fault, map and unmap beside it, and no two CPUs write to the same line of memory.
 *
 * A look is a stretch of code between look_begin and look_end, on the CPU that has the space loaded. It announces itself in a
 * word of that CPU (cpu.look, odd while it lasts) and nowhere else: a section as those of sync/grace.h, but a longer one that
 * may take spin locks and has such sections inside; only those wait for it who change this very space. Who takes something away from the space, under
 * addrspace.lock for writing, first makes sure that no look begun from now on finds it, then waits for those under way
 * (looks_wait), and only then goes on.
 *
 *  L1  A look never sleeps: it ends soon. It takes spin locks only, tries page locks, and no frame is reclaimed for it.
 *  L2  An area or page table that a look has found stays in memory until the look ends: who takes one out calls looks_wait
 *      before he frees it.
 *  L3  What is true of the area (flags, source, which page where) stays true for each of its addresses while a look at it
 *      lasts: who changes that closes the addresses (looks_close) first. A look at an area of which anything is closed gives
 *      up, and asks again under addrspace.lock.
 *  L4  A look finds nothing out that is not so: "there is no area" and "not allowed" are only said under addrspace.lock.
 *
 * Why no look slips through: both sides write, pass a full barrier, and read what the other wrote. Either the look sees that
 * the address is closed (or the area gone), or the other side sees that the look has begun, and waits for its end. CPUs that
 * have not loaded the space do not count: they enter addrspace.cpu_set, by a locked instruction, before they load it.
 */
#include "types.h"
#include "lib/atomic.h"
#include "x86/cpu.h"

struct addrspace;
struct area;

static inline bool look_is_on(void)             // on this CPU
{
	return this_cpu()->look & 1;
}

static inline void look_begin(void)
{
	(void)atomic_exchange(&this_cpu()->look, this_cpu()->look + 1);         // a full barrier
}

static inline void look_end(void)
{
	atomic_store(&this_cpu()->look, this_cpu()->look + 1);
}

// In a look: the area that contains the address, if all of it is open. NULL: ask again under addrspace.lock.
struct area *look_find(struct addrspace *as, vaddr_t address);

// as->lock held for writing. Returns when every look at as that had begun before has ended. Spins, with interrupts open.
void looks_wait(struct addrspace *as);
// The same, for looks at [start, end) that see it closed from now on; until looks_open. One range at a time.
void looks_close(struct addrspace *as, vaddr_t start, vaddr_t end);
void looks_open(struct addrspace *as);
