#pragma once
/*
 * clock_page.h - the page by which user code tells the time without a call (vdso/), and how both sides compute.
 * The kernel writes, in kernel memory of its own and in the page that users see read-only; users read until they have
 * seen the same even sequence before and after.
 */
#include "types.h"
#include <abi/time.h>

struct clock_page {
	u32 sequence;                   // odd while the rest is being changed
	u32 tsc_is_usable;              // 0: ask the kernel
	u64 tsc_start;                  // the counter at monotonic time 0
	u64 ns_multiplier;              // ns per tick << CLOCK_SHIFT
	i64 realtime_offset_ns;         // real time - monotonic time
};

#define CLOCK_SHIFT 32
// Which clocks are which time; the others (processor time) only the kernel knows.
#define CLOCKS_REALTIME (1u << CLOCK_REALTIME | 1u << CLOCK_REALTIME_COARSE | 1u << CLOCK_TAI)
#define CLOCKS_MONOTONIC (1u << CLOCK_MONOTONIC | 1u << CLOCK_MONOTONIC_RAW | 1u << CLOCK_MONOTONIC_COARSE | \
			  1u << CLOCK_BOOTTIME)

// In 128 bits, so that it never wraps.
static inline u64 multiply_shift(u64 a, u64 b)
{
	return (u64)((unsigned __int128)a * b >> CLOCK_SHIFT);
}

static inline u64 clock_page_monotonic_ns(const struct clock_page *c, u64 tsc)
{
	return multiply_shift(tsc - c->tsc_start, c->ns_multiplier);
}

static inline struct timespec timespec_of(u64 ns)
{
	return (struct timespec){ .tv_sec = (long)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };
}

static inline struct timeval timeval_of(u64 ns)
{
	return (struct timeval){ .tv_sec = (long)(ns / 1000000000), .tv_usec = (long)(ns % 1000000000 / 1000) };
}
