#pragma once
/*
 * panic.h - the end of the machine, told as well as possible. kernel.h has panic() itself.
 */
#include "types.h"

struct trapframe;

// A trap that the kernel must not have: prints the registers and says what the address looks like.
void NORETURN panic_trap(const struct trapframe *tf, u64 fault_address);
