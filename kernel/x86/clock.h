#pragma once
/*
 * clock.h - what time it is. Monotonic time is the TSC, measured at boot against the ACPI PM timer, the
 * HPET or the PIT (or told by CPUID); real time is the RTC's at boot plus monotonic time.
 */
#include "types.h"
#include "x86/clock_page.h"

void clock_init(u64 boot_tsc);            // boot_tsc: the TSC at monotonic time 0; after apic_init
u64 clock_monotonic_ns(void);           // since boot; any context
u64 clock_monotonic_ns_at(u64 tsc);     // what it was when the time-stamp counter was there
u64 clock_realtime_ns(void);            // since 1970
// Both as they were when this CPU last had its tick: a load, where reading the counter takes long.
u64 clock_coarse_ns(void);              // monotonic
u64 clock_realtime_coarse_ns(void);
void clock_set_realtime_ns(u64 ns);
void clock_show(struct clock_page *page); // from now on what users read; stays
u64 clock_tsc_khz(void);
void clock_delay_us(u64 us);            // spins
// The next timer interrupt of this CPU, at monotonic time deadline_ns (or at once when past). The interrupt calls
// timer_interrupt() (proc/timer.h) with interrupts closed.
void clock_program(u64 deadline_ns);
