#pragma once
/*
 * sched.h - which thread runs. Each CPU has a queue of runnable threads, taken round robin with a slice of
 * SLICE_NS; an idle CPU steals from the longest queue. The kernel is not preempted: schedule() is called by
 * a thread that sleeps, and on the way back to user mode when the slice is over.
 */
#include "types.h"
#include "lib/list.h"
#include "proc/thread.h"

#define SLICE_NS 10000000ul

void sched_init_cpu(void);                      // each CPU: makes the running context its idle thread
void sched_start(struct thread *t);             // first time: puts it on a queue
void schedule(void);                            // gives up the CPU; returns when this thread runs again. May sleep
void sched_yield(void);
// Makes t runnable when its state is one of the mask (bits 1 << enum thread_state). Any context. True when it was.
bool sched_wake(struct thread *t, u32 state_mask);
#define WAKE_NORMAL (1u << THREAD_SLEEPING | 1u << THREAD_INTERRUPTIBLE)
// process_table_lock held. On which CPUs t may run (at least one of those that are there);
// it leaves another at its next chance: the current thread at the next sched_point.
void sched_set_allowed(struct thread *t, u64 allowed);
void sched_set_nice(struct thread *t, int nice);        // -20 .. 19: its slice from now on
void sched_tick(void);                          // from the timer interrupt
void NORETURN sched_idle(void);                 // the idle loop of a CPU, after sched_init_cpu
void thread_started(void);                      // the first thing a new thread runs (finishes the switch to it)
void thread_load_user_bases(void);              // FS and GS of the current thread, after they were changed
void sched_load(u64 *running, u64 *total);      // for /proc/loadavg

#include "lib/atomic.h"
#include "x86/cpu.h"
// In long loops of the kernel, which is not preempted: lets others run when the time slice is over. May sleep.
static inline void sched_point(void)
{
	if (unlikely(atomic_load(&current->return_work) & WORK_RESCHEDULE))
		sched_yield();
}
