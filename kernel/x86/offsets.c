/*
 * offsets.c - numbers that NASM shares with C. It is compiled to assembly only; the build takes the strings that
 * begin with @@ and makes offsets.inc of them. (Strings, because clang wants even this assembly to be valid.)
 */
#include "kernel.h"
#include "proc/process.h"
#include "proc/thread.h"
#include "sys/calls.h"
#include "x86/cpu.h"
#include "x86/segs.h"
#include "x86/smp.h"
#include "x86/switch.h"
#include "x86/trapframe.h"

#define VALUE(symbol, value) __asm__ volatile("\n.ascii \"@@ %%define " #symbol " %c0\"" : : "i"(value))
#define OFFSET(symbol, type, member) VALUE(symbol, offsetof(type, member))

void offsets(void);
void offsets(void)
{
	OFFSET(TF_R15, struct trapframe, r15);
	OFFSET(TF_R14, struct trapframe, r14);
	OFFSET(TF_R13, struct trapframe, r13);
	OFFSET(TF_R12, struct trapframe, r12);
	OFFSET(TF_R11, struct trapframe, r11);
	OFFSET(TF_R10, struct trapframe, r10);
	OFFSET(TF_R9, struct trapframe, r9);
	OFFSET(TF_R8, struct trapframe, r8);
	OFFSET(TF_RBP, struct trapframe, rbp);
	OFFSET(TF_RDI, struct trapframe, rdi);
	OFFSET(TF_RSI, struct trapframe, rsi);
	OFFSET(TF_RDX, struct trapframe, rdx);
	OFFSET(TF_RCX, struct trapframe, rcx);
	OFFSET(TF_RBX, struct trapframe, rbx);
	OFFSET(TF_RAX, struct trapframe, rax);
	OFFSET(TF_VECTOR, struct trapframe, vector);
	OFFSET(TF_ERROR, struct trapframe, error);
	OFFSET(TF_RIP, struct trapframe, rip);
	OFFSET(TF_CS, struct trapframe, cs);
	OFFSET(TF_RFLAGS, struct trapframe, rflags);
	OFFSET(TF_RSP, struct trapframe, rsp);
	OFFSET(TF_SS, struct trapframe, ss);
	VALUE(TF_SIZE, sizeof(struct trapframe));
	VALUE(TRAP_SYSCALL, TRAP_SYSCALL);

	OFFSET(CPU_CURRENT, struct cpu, running);
	OFFSET(CPU_USER_FRAME, struct cpu, user_frame);
	OFFSET(CPU_SCRATCH, struct cpu, user_stack_scratch);
	OFFSET(CPU_NR_SYSCALLS, struct cpu, counters[COUNTER_SYSCALLS]);
	OFFSET(THREAD_RETURN_WORK, struct thread, return_work);
	OFFSET(THREAD_PROCESS, struct thread, process);
	OFFSET(THREAD_NR_SYSCALLS, struct thread, counts[COUNT_SYSCALLS]);
	OFFSET(PROCESS_IS_TRACED, struct process, is_traced);
	VALUE(NR_SYSCALLS, NR_SYSCALLS);
	VALUE(DEBUG_BUILD, DEBUG_BUILD);
	OFFSET(THREAD_KERNEL_FUNCTION, struct thread, kernel_function);
	OFFSET(THREAD_KERNEL_ARGUMENT, struct thread, kernel_argument);
	OFFSET(SWITCH_R15, struct switch_frame, r15);
	OFFSET(SWITCH_RIP, struct switch_frame, rip);

	VALUE(SELECTOR_USER_CODE, SELECTOR_USER_CODE);
	VALUE(SELECTOR_USER_DATA, SELECTOR_USER_DATA);
	VALUE(MAX_CPUS, MAX_CPUS);
	VALUE(AP_TRAMPOLINE, AP_TRAMPOLINE);
}
