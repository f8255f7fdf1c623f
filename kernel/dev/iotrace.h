#pragma once
/*
 * iotrace.h - what became of each request to a disk, while /proc/sys/kernel/iotrace is 1: a ring of records
 * that /proc/iotrace shows and `iotrace PROGRAM` follows.
 */
#include "types.h"

struct iotrace_record {
	u64 sequence;
	u64 queued_ns, issued_ns, done_ns;      // issued_ns: 0 when it went with another, which stands before it
	u64 first_block;
	u32 nr_blocks;
	u32 nr_joined;                          // bios of the same request; 0 when it went with another
	int tid, error;
	u8 op;                                  // enum bio_op
	char disk[8], who[16];
};

extern u64 iotrace_is_on;               // a knob; iotrace_switched is called when it was set
void iotrace_switched(void);            // may sleep
// The oldest record with that or a later sequence. False: none.
bool iotrace_read(u64 sequence, struct iotrace_record *out);
