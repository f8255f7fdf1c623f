#pragma once
/*
 * switch.h - from one kernel stack to another (switch.asm, entry.asm).
 */
#include "types.h"

struct trapframe;

// What stands at a sleeping thread's saved_rsp.
struct switch_frame {
	u64 r15, r14, r13, r12, rbx, rbp;
	u64 rip;
};

// Pushes the caller's registers, stores the stack pointer at save_rsp, goes over to load_rsp. Interrupts closed.
// Returns when somebody loads what was stored.
void switch_context(u64 *save_rsp, u64 load_rsp);
// Where a new thread begins (switch_frame.rip), its stack pointer just below the stack's top by one struct trapframe:
// calls thread_started(), then kernel_function(kernel_argument) and thread_exit(0), or, when there is no
// kernel_function, goes to user mode with that trapframe.
void thread_start_asm(void);
// Leaves the kernel for user mode with the registers in tf, which lies at the top of the current thread's stack.
void NORETURN trap_return_to_user(struct trapframe *tf);
