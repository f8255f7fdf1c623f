#pragma once
/*
 * area_look.h - looking at an address space without its lock (sync/look.h): how a fault finds its area and
 * enters its page while other threads fault, map and unmap beside it. Only those wait for such a look who
 * change this very space, and only for CPUs that have it loaded. Who takes something away from the space,
 * under addrspace.lock for writing, first makes sure that no look begun from now on finds it, then waits for
 * those under way (looks_wait_in), and only then goes on.
 *
 *  L1  An area or page table that a look has found stays in memory until the look ends:
 *      who takes one out calls looks_wait_in before he frees it.
 *  L2  What is true of the area (flags, source, which page where) stays true for each of its addresses while
 *      a look at it lasts: who changes that closes the addresses (looks_close) first. A look at an area of which
 *      anything is closed gives up, and asks again under addrspace.lock.
 *  L3  A look finds nothing out that is not so:
 *      "there is no area" and "not allowed" are only said under addrspace.lock.
 *
 * CPUs that have not loaded the space do not count: they enter addrspace.cpu_set,
 * by a locked instruction, before they load it.
 */
#include "types.h"
#include "sync/look.h"

struct addrspace;
struct area;

// In a look: the area that contains the address, if all of it is open. NULL: ask again under addrspace.lock.
struct area *look_find(struct addrspace *as, vaddr_t address);

// as->lock held for writing. Returns when every look at as that had begun before has ended.
// Spins, with interrupts open.
void looks_wait_in(struct addrspace *as);
// The same, for looks at [start, end) that see it closed from now on; until looks_open. One range at a time.
void looks_close(struct addrspace *as, vaddr_t start, vaddr_t end);
void looks_open(struct addrspace *as);
