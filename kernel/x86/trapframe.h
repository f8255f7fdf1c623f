#pragma once
/*
 * trapframe.h - the registers of an interrupted context, in the order in which entry.asm pushes them.
 * Traps, interrupts and system calls build the same frame, at the top of the thread's kernel stack when
 * they come from user mode. For a system call: vector = TRAP_SYSCALL, error = the call's number
 * (kept for restarting; rax becomes the result), rcx and r11 hold the user's rip and rflags. During the call
 * only rip, rsp, rflags, rbp, error and the arguments are there; the rest is stored for those who need it
 * (entry.asm, COMPLETE_FRAME).
 */
#include "types.h"

struct trapframe {
	u64 r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;              // pushed by the stub
	u64 rip, cs, rflags, rsp, ss;   // pushed by the CPU
};
static_assert(sizeof(struct trapframe) == 22 * 8, "entry.asm pushes 22 words");
static_assert(sizeof(struct trapframe) % 16 == 0, "the stack stays 16-aligned at the call");

enum { TRAP_SYSCALL = 256 };

static inline bool trapframe_is_user(const struct trapframe *tf)
{
	return (tf->cs & 3) == 3;
}
