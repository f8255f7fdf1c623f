/*
 * counters.c - what the kernel counts, read. Each CPU adds to words of its own with no lock,
 * so a sum is as exact as the moment allows: exact when nobody counts meanwhile.
 */
#include "debug/counters.h"
#include "kernel.h"
#include "x86/cpu.h"

u64 counter_read(enum counter which)
{
	u64 sum = 0;

	for (u32 i = 0; i < nr_cpus; i++)
		sum += READ_ONCE(cpus[i].counters[which]);
	return sum;
}

const char *counter_name(enum counter which)
{
	static const char *const names[NR_COUNTERS] = {
#define X(symbol, name) [COUNTER_##symbol] = name,
		COUNTERS(X)
#undef X
	};

	return names[which];
}
