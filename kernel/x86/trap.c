/*
 * trap.c - decides what a trap means. Faults of user code become page-fault answers or signals; faults of the
 * kernel's own copies from and to user memory (uaccess.asm) are resolved in the same way or continue at their
 * fix-up; any other fault of the kernel is a bug and stops the machine.
 * This is the only reader of CR2: it is read before interrupts open, because another fault overwrites it.
 */
#include "x86/trap.h"
#include "debug/panic.h"
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/fault.h"
#include "proc/process.h"
#include "x86/cpu.h"
#include "x86/idt.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/smp.h"
#include "x86/trapframe.h"
#include "x86/uaccess.h"

enum {                                  // error code of a page fault, Intel SDM 3A 4.7
	PF_PRESENT = 1u << 0,
	PF_WRITE = 1u << 1,
	PF_USER = 1u << 2,
	PF_RESERVED = 1u << 3,
	PF_FETCH = 1u << 4,
};

struct exception_entry { u64 start, end, fixup; };      // written by uaccess.asm
extern const struct exception_entry exception_table_start[], exception_table_end[];     // linker.ld
extern const char uaccess_fpu_load_access[];            // uaccess.asm

static const char *const names[] = {
	[VECTOR_DIVIDE] = "divide error", [VECTOR_DEBUG] = "debug exception", [VECTOR_NMI] = "NMI",
	[VECTOR_BREAKPOINT] = "breakpoint", [VECTOR_OVERFLOW] = "overflow", [VECTOR_BOUND] = "bound exceeded",
	[VECTOR_UNDEFINED] = "undefined instruction", [VECTOR_NO_FPU] = "no FPU",
	[VECTOR_DOUBLE_FAULT] = "double fault", [VECTOR_TSS] = "invalid TSS",
	[VECTOR_SEGMENT] = "segment not present", [VECTOR_STACK] = "stack fault",
	[VECTOR_PROTECTION] = "general protection fault", [VECTOR_PAGE_FAULT] = "page fault",
	[VECTOR_X87] = "x87 exception", [VECTOR_ALIGNMENT] = "alignment check",
	[VECTOR_MACHINE_CHECK] = "machine check", [VECTOR_SIMD] = "SIMD exception",
	[VECTOR_CONTROL] = "control protection",
};

const char *trap_name(u64 vector)
{
	return vector < ARRAY_SIZE(names) && names[vector] ? names[vector] : "unexpected trap";
}

// Sends the interrupted copy to its fix-up; false when the instruction has none.
static bool continue_at_fixup(struct trapframe *tf)
{
	for (const struct exception_entry *e = exception_table_start; e < exception_table_end; e++) {
		if (tf->rip >= e->start && tf->rip < e->end) {
			tf->rip = e->fixup;
			return true;
		}
	}
	return false;
}

static bool has_fixup(const struct trapframe *tf)
{
	struct trapframe copy = { .rip = tf->rip };

	return continue_at_fixup(&copy);
}

// --- page faults ---

static void send_fault_signal(const struct trapframe *tf, const struct fault *f)
{
	u64 error = tf->error;

	switch (f->result) {
	case FAULT_OK:
	case FAULT_RETRY:
		break;
	case FAULT_NO_AREA:
		signal_fault(SIGSEGV, SEGV_MAPERR, f->address, VECTOR_PAGE_FAULT, error);
		break;
	case FAULT_NO_PERMISSION:
		signal_fault(SIGSEGV, SEGV_ACCERR, f->address, VECTOR_PAGE_FAULT, error);
		break;
	case FAULT_PAST_END:
	case FAULT_IO:
		signal_fault(SIGBUS, BUS_ADRERR, f->address, VECTOR_PAGE_FAULT, error);
		break;
	case FAULT_NO_MEMORY:
		signal_send_process(current_process(), SIGKILL, NULL);
		break;
	}
}

// May the fault be resolved? Otherwise it goes to the fix-up, or it is the kernel's bug.
static bool is_resolvable(const struct trapframe *tf, u64 address)
{
	struct thread *t = current;

	if (!t || !t->space || (tf->error & PF_RESERVED))
		return false;
	if (trapframe_is_user(tf))
		return true;
	// Nor in a look (sync/look.h), which must not sleep.
	return address < USER_END && t->faults_off == 0 && !(this_cpu()->look & 1) && (tf->rflags & RFLAGS_IF) &&
	       has_fixup(tf);
}

static void page_fault(struct trapframe *tf)
{
	u64 address = read_cr2();
	struct fault f;                 // the question only: the answer's fields begin in fault_resolve

	f.address = address;
	f.rip = tf->rip;
	f.access = tf->error & PF_FETCH ? FAULT_EXEC : tf->error & PF_WRITE ? FAULT_WRITE : FAULT_READ;
	f.from_user = trapframe_is_user(tf);
	f.was_present = tf->error & PF_PRESENT;
	if (!is_resolvable(tf, address)) {
		if (trapframe_is_user(tf) || (tf->error & PF_RESERVED) || !continue_at_fixup(tf))
			panic_trap(tf, address);
		return;
	}
	interrupts_open();
	fault_resolve(current->space, &f);
	if (f.result != FAULT_OK) {
		if (f.from_user)
			send_fault_signal(tf, &f);
		else
			continue_at_fixup(tf);
	}
	interrupts_close();
}

// --- other faults of user code ---

// The reason for SIGFPE from the exception bits, after those that are masked are taken out.
static int fpe_code(u32 raised)
{
	if (raised & 0x01)
		return FPE_FLTINV;
	if (raised & 0x04)
		return FPE_FLTDIV;
	if (raised & 0x08)
		return FPE_FLTOVF;
	if (raised & 0x12)
		return FPE_FLTUND;
	return FPE_FLTRES;
}

static void user_fault(struct trapframe *tf)
{
	u64 v = tf->vector;

	switch (v) {
	case VECTOR_DIVIDE:
		signal_fault(SIGFPE, FPE_INTDIV, tf->rip, (int)v, tf->error);
		break;
	case VECTOR_DEBUG:
		signal_fault(SIGTRAP, TRAP_TRACE, tf->rip, (int)v, tf->error);
		break;
	case VECTOR_BREAKPOINT:
		signal_fault(SIGTRAP, SI_KERNEL, 0, (int)v, tf->error);
		break;
	case VECTOR_UNDEFINED:
		signal_fault(SIGILL, ILL_ILLOPN, tf->rip, (int)v, tf->error);
		break;
	case VECTOR_X87:
		signal_fault(SIGFPE, fpe_code(fpu_status_word() & ~fpu_control_word()), tf->rip, (int)v, tf->error);
		break;
	case VECTOR_SIMD:
		signal_fault(SIGFPE, fpe_code(fpu_mxcsr() & ~(fpu_mxcsr() >> 7)), tf->rip, (int)v, tf->error);
		break;
	case VECTOR_STACK:
		signal_fault(SIGBUS, SI_KERNEL, 0, (int)v, tf->error);
		break;
	case VECTOR_ALIGNMENT:
		signal_fault(SIGBUS, BUS_ADRALN, 0, (int)v, tf->error);
		break;
	default:
		signal_fault(SIGSEGV, SI_KERNEL, 0, (int)v, tf->error);
	}
}

void trap_dispatch(struct trapframe *tf)
{
	switch (tf->vector) {
	case VECTOR_PAGE_FAULT:
		page_fault(tf);
		return;
	case VECTOR_NMI:
		smp_nmi();                      // returns when it was not for us
		return;
	case VECTOR_DOUBLE_FAULT:
	case VECTOR_MACHINE_CHECK:
		panic_trap(tf, read_cr2());
	}
	if (tf->vector >= VECTOR_PIC) {
		this_cpu()->interrupted_user = trapframe_is_user(tf);
		irq_dispatch((u32)tf->vector);
	} else if (trapframe_is_user(tf)) {
		interrupts_open();
		user_fault(tf);
	} else if (tf->vector == VECTOR_PROTECTION && tf->rip == (u64)uaccess_fpu_load_access) {
		continue_at_fixup(tf);          // XRSTOR refuses what a program has written into its signal frame
	} else {
		panic_trap(tf, 0);
	}
}
