#pragma once
/*
 * segs.h - the segments, the TSS and the interrupt descriptor table of each CPU.
 * The selectors' order is what SYSCALL and SYSRET ask for (Intel SDM 2B SYSRET): user data, then user code.
 */
#include "types.h"

enum {
	SELECTOR_KERNEL_CODE = 0x08,
	SELECTOR_KERNEL_DATA = 0x10,
	SELECTOR_USER_DATA = 0x18 | 3,
	SELECTOR_USER_CODE = 0x20 | 3,
	SELECTOR_TSS = 0x28,            // two entries
	SELECTOR_CPU_NUMBER = 0x38 | 3, // nobody's segment: its limit is the CPU's number, for the vdso's getcpu
};

struct task_state {                     // Intel SDM 3A 8.7
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];                     // ist[0] is IST 1: double fault; ist[1]: NMI; ist[2]: machine check
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
} PACKED;

struct segments {
	u64 gdt[8];
	struct task_state tss;
};

struct cpu;
// Loads GDT, TSS, IDT and the syscall registers of the CPU that runs it; sets GS to cpu.
void segs_init_cpu(struct cpu *cpu);
// Gives the CPU stacks of its own, with guard pages, for double fault, NMI and machine check. 0, or -1: no memory.
int segs_alloc_stacks(struct cpu *cpu) MUST_CHECK;
// Loads all segment registers; CS by a far return (switch.asm).
void segs_load(u64 code_selector, u64 data_selector);
// Where the next trap from user mode puts its frame.
void segs_set_kernel_stack(struct cpu *cpu, u64 top);
