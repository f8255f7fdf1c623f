#pragma once
/*
 * faultlog.h - the last page faults of each CPU, for /proc/faults.
 */
#include "types.h"
#include "x86/cpu.h"

struct fault;

struct fault_record {
	u64 number;                     // on its CPU, from 1; 0: empty, or being filled
	u64 tsc;                        // when: clock_monotonic_ns_at()
	int pid;
	u64 address, rip;
	u8 access, verb, result, did_io;
	i16 error;
};

#define FAULTLOG_SIZE 1024              // for each CPU

void faultlog_start(void);              // once all CPUs run
void faultlog_add(const struct fault *f);       // not from interrupts
// What has been read so far; all 0: nothing.
struct faultlog_place { u64 next[MAX_CPUS]; };
// The earliest record behind the place, and on which CPU; the place moves behind it. False: there is none.
bool faultlog_next(struct faultlog_place *place, struct fault_record *out, u32 *cpu);
