#pragma once
/*
 * cpu.h - for host tests, found before the kernel's own: one processor that is an ordinary variable.
 */
#include "types.h"
#include "debug/counters.h"

#define MAX_CPUS 4

struct thread;

struct cpu {
	struct thread *running;
	bool is_idle;
	u32 id, interrupt_depth, look, nr_spinlocks_held;
	struct { const void *lock; const char *name; u8 rank, depth; void *site; } held[16];
	u64 counters[NR_COUNTERS];
	i64 committed;
};

extern struct cpu host_cpu;
extern u32 nr_cpus;

static inline struct cpu *this_cpu(void)
{
	return &host_cpu;
}

static inline u32 cpu_number(void)
{
	return this_cpu()->id;
}
static struct cpu *const cpus __attribute__((unused)) = &host_cpu;        // an array of one
#define current (host_cpu.running)
