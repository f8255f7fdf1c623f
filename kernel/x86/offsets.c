/*
 * offsets.c - numbers that NASM shares with C. It is compiled to assembly only; the build takes the strings that
 * begin with @@ and makes offsets.inc of them. (Strings, because clang wants even this assembly to be valid.)
 */
#include "proc/thread.h"
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
	OFFSET(TF_R11, struct trapframe, r11);
	OFFSET(TF_RCX, struct trapframe, rcx);
	OFFSET(TF_RAX, struct trapframe, rax);
	OFFSET(TF_VECTOR, struct trapframe, vector);
	OFFSET(TF_RIP, struct trapframe, rip);
	OFFSET(TF_CS, struct trapframe, cs);
	OFFSET(TF_RFLAGS, struct trapframe, rflags);
	OFFSET(TF_RSP, struct trapframe, rsp);
	OFFSET(TF_SS, struct trapframe, ss);
	VALUE(TF_SIZE, sizeof(struct trapframe));
	VALUE(TRAP_SYSCALL, TRAP_SYSCALL);

	OFFSET(CPU_CURRENT, struct cpu, running);
	OFFSET(CPU_STACK_TOP, struct cpu, kernel_stack_top);
	OFFSET(CPU_SCRATCH, struct cpu, user_stack_scratch);
	OFFSET(THREAD_RETURN_WORK, struct thread, return_work);
	OFFSET(THREAD_KERNEL_FUNCTION, struct thread, kernel_function);
	OFFSET(THREAD_KERNEL_ARGUMENT, struct thread, kernel_argument);
	OFFSET(SWITCH_R15, struct switch_frame, r15);
	OFFSET(SWITCH_RIP, struct switch_frame, rip);

	VALUE(SELECTOR_USER_CODE, SELECTOR_USER_CODE);
	VALUE(SELECTOR_USER_DATA, SELECTOR_USER_DATA);
	VALUE(MAX_CPUS, MAX_CPUS);
	VALUE(AP_TRAMPOLINE, AP_TRAMPOLINE);
}
