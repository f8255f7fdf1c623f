#pragma once
/*
 * calllog.h - the system calls of traced processes (/proc/PID/traced), for /proc/calls and the program `trace`.
 */
#include "types.h"

struct trapframe;

#define CALL_TEXT_SIZE 48

struct call_record {
	u64 sequence, time_ns;
	int pid;
	u32 number;
	i64 result;
	bool has_result;                // false: the call never returns (exit), or is still under way
	u64 arguments[6];
	char texts[2][CALL_TEXT_SIZE];  // the string arguments as they were at the call, cut; "" where there is none
};

#define CALLLOG_SIZE 2048
// Before the first process is traced: the log's memory, once. 0 or -ENOMEM; may sleep.
int calllog_start(void) MUST_CHECK;
// The start of a call of a traced process, by itself: fills the record from the number (tf->error) and the arguments.
// May sleep (it reads user memory).
void calllog_begin(struct call_record *r, const struct trapframe *tf);
// Its end: the record enters the log. A call that does not return enters it without a result.
void calllog_end(struct call_record *r, i64 result, bool has_result);
// The record with that sequence number or the oldest one after it; false when there is none yet.
bool calllog_read(u64 sequence, struct call_record *out);
