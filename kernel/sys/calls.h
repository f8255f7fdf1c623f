#pragma once
/*
 * calls.h - the system calls, a family a section. Each checks its arguments and calls one room.
 * Results are Linux's: 0 or a value, or a negative errno. All may sleep.
 */
#include "types.h"

struct trapframe;
void syscall_dispatch(struct trapframe *tf);    // entry.asm, interrupts open
extern u64 nr_unknown_calls;
