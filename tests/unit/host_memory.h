#pragma once
/*
 * host_memory.h - physical memory for tests of the frame allocator and of what stands on it: an array with a hole in it
 * and an end that is no power of two. The test may be any of MAX_CPUS processors: it sets host_cpu.id.
 */
#include "types.h"
#include "mm/page.h"
#include "x86/cpu.h"

#define HOST_FRAMES 3003ul              // has a record
#define HOST_HOLE 1000ul                // [HOST_HOLE, HOST_HOLE_END) is not RAM
#define HOST_HOLE_END 1100ul
#define HOST_FIRST 5ul                  // the first frame that is handed over

extern u64 host_reclaims;               // how often the allocator asked for memory
extern u64 host_reclaim_tries;          // so often reclaim_direct says "try again"; then "nothing left"

void host_memory_start(void);           // frames_init, slab_init not
