#pragma once
/*
 * trap.h - what traps mean. entry.asm calls trap_dispatch with interrupts closed; it returns through entry.asm.
 */
#include "types.h"

struct trapframe;

void trap_dispatch(struct trapframe *tf);
const char *trap_name(u64 vector);
