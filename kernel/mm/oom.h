#pragma once
/*
 * oom.h - out of memory: nothing can be evicted, swapped or shrunk any more.
 */
#include "types.h"

struct process;

// Reclaim has found nothing. Kills the process that has most and waits for its memory.
// True: try again; false: the allocation fails (the caller's own process is the one, or it took too long:
// perhaps it waits for what the caller holds). May sleep.
bool oom_relieve(void);
// A fault that found no memory, and holds no lock: is there hope when it is tried again?
bool oom_fault_may_retry(void);
u64 oom_badness(struct process *p);             // in pages; 0: not to be killed. For /proc/PID/oom_score
