#pragma once
/*
 * faultlog.h - the last page faults of the machine, for /proc/faults and for panics.
 */
#include "types.h"

struct fault;

struct fault_record {
	u64 sequence, time_ns;
	int pid;
	u64 address, rip;
	u8 access, verb, result, did_io;
	i16 error;
};

#define FAULTLOG_SIZE 1024
void faultlog_add(const struct fault *f);
// The record with that sequence number or the oldest one after it; false when there is none yet.
bool faultlog_read(u64 sequence, struct fault_record *out);
