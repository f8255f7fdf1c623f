#pragma once
/*
 * smp.h - the other CPUs: starting them, and interrupting them.
 */
#include "types.h"

#define AP_TRAMPOLINE 0x8000            // where other CPUs start: a page below 1 MiB that nobody else uses

void smp_nmi(void);                             // trap.c: an NMI; never returns when another CPU has panicked
void smp_start(void);                           // starts every CPU that the MADT lists (up to MAX_CPUS); sets nr_cpus
void smp_reschedule(u32 cpu);                   // makes that CPU look at its run queue; any context
// Runs function(argument) on each CPU in the set (bit n: CPU n, never the caller's own) and returns when all have
// finished. Interrupts must be open; spin locks may be held only if no holder elsewhere closes interrupts to take them.
void smp_call(u64 cpu_set, void (*function)(void *argument), void *argument);
void smp_stop_others(void);                     // panic: the first CPU to call it goes on, any other halts here
void NORETURN smp_stop_all(void);               // panic: halts every other CPU, then this one
struct cpu;
void smp_init_idle(struct cpu *cpu);            // who runs becomes the CPU's idle thread; after segs_init_cpu
void NORETURN smp_enter(void);                  // a started CPU, after its own set-up: proc/sched.h's idle loop
