#pragma once
/*
 * cpu.h - what each CPU has for itself. GS points at it in kernel mode.
 * A thread in the kernel stays on its CPU until it sleeps, so this_cpu() is stable between sleeps.
 * Fields are used only by their own CPU unless they say otherwise.
 */
#include "types.h"
#include "debug/counters.h"
#include "sync/lock.h"
#include "x86/segs.h"

#define MAX_CPUS 16

struct thread;
struct runqueue;
struct trapframe;
struct frame_cache;
struct timer_queue;

struct cpu {
	struct cpu *self;               // gs:0
	struct thread *running;         // gs:8
	struct trapframe *user_frame;   // for syscall_entry: where the running thread's user registers go
	u64 user_stack_scratch;         // the same: the user's rsp, for a moment
	u32 id;                         // gs:32: 0 .. nr_cpus - 1, constant
	u32 apic_id;                    // constant
	struct thread *idle;            // constant
	struct thread *fpu_owner;       // whose registers the FPU holds; see x86/fpu.h
	u64 active_root;                // physical address in CR3
	struct addrspace *active_space; // read by other CPUs (TLB shootdown)
	bool is_idle;                   // also read by other CPUs
	bool interrupted_user;          // did the last interrupt come in user mode? For the tick, whose time it is
	u64 last_tick_ns;               // monotonic
	u32 nr_ticks;                   // that found it at work: see tlb_tick
	u64 halted_since_ns;            // 0: it is not halted; also read by other CPUs
	u64 halted_ns;                  // all it was halted so far; also read by other CPUs
	u32 interrupt_depth;            // > 0: in an interrupt handler
	u32 look;                       // read by other CPUs; odd: inside a look (sync/look.h)
	u32 nr_spinlocks_held;          // debug
	// debug; depth: interrupt_depth when it was taken.
	struct { const void *lock; const char *name; u8 rank, depth; void *site; } held[LOCKS_HELD_MAX];
	struct runqueue *runqueue;      // constant
	struct frame_cache *frame_cache;// constant
	struct timer_queue *timer_queue;// constant
	u64 counters[NR_COUNTERS];      // summed over CPUs by counter_read
	i64 committed;                  // pages; also read by other CPUs: see mm/commit.h
	struct segments segments;       // GDT, TSS and their stacks
} ALIGNED(64);                          // no line of memory is two CPUs'

extern struct cpu cpus[MAX_CPUS];
extern u32 nr_cpus;                     // running; constant after smp_start

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__ volatile("movq %%gs:0, %0" : "=r"(c));
	return c;
}

// this_cpu()->id in one step.
static inline u32 cpu_number(void)
{
	u32 id;

	_Static_assert(offsetof(struct cpu, id) == 32, "gs:32");
	__asm__ volatile("movl %%gs:32, %0" : "=r"(id));
	return id;
}

// The same for as long as a thread runs, wherever it runs: not volatile, so that the compiler may keep it.
static inline struct thread *current_thread(void)
{
	struct thread *t;

	__asm__("movq %%gs:8, %0" : "=r"(t));
	return t;
}
#define current current_thread()
