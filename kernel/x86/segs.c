/*
 * segs.c - the global descriptor table, the TSS and the system-call registers of each CPU.
 * In long mode segments are mostly ceremony. What matters here: rsp[0], where traps from user mode put their
 * frame, and the stacks of the interrupt stack table, on which a double fault can still be told although the
 * thread's own stack has run into its guard page.
 */
#include "x86/segs.h"
#include "kernel.h"
#include "x86/cpu.h"
#include "x86/idt.h"
#include "x86/insn.h"
#include "x86/kernel_map.h"
#include "x86/trapframe.h"

enum {                                  // Intel SDM 3A 3.4.5
	DESCRIPTOR_CODE64 = 0x9b,       // present, code, readable, accessed
	DESCRIPTOR_DATA = 0x93,
	DESCRIPTOR_TSS = 0x89,
	DESCRIPTOR_USER = 0x60,
	NR_IST_USED = 3,
};

struct PACKED table_pointer {
	u16 limit;
	void *base;
};

void syscall_entry(void);               // entry.asm

struct cpu cpus[MAX_CPUS];
u32 nr_cpus = 1;

static u8 boot_trap_stack[PAGE_SIZE] ALIGNED(16);       // of the first CPU, until there are frames

static u64 segment(u64 kind, bool is_code)
{
	return kind << 40 | (is_code ? 0x00af00000000fffful : 0x00cf00000000fffful);
}

static void fill_tables(struct segments *s, u32 cpu_number)
{
	u64 tss = (u64)&s->tss;

	s->gdt[0] = 0;
	s->gdt[SELECTOR_KERNEL_CODE / 8] = segment(DESCRIPTOR_CODE64, true);
	s->gdt[SELECTOR_KERNEL_DATA / 8] = segment(DESCRIPTOR_DATA, false);
	s->gdt[SELECTOR_USER_DATA / 8] = segment(DESCRIPTOR_DATA | DESCRIPTOR_USER, false);
	s->gdt[SELECTOR_USER_CODE / 8] = segment(DESCRIPTOR_CODE64 | DESCRIPTOR_USER, true);
	s->gdt[SELECTOR_TSS / 8] = (sizeof(struct task_state) - 1) | (tss & 0xffffff) << 16 |
		(u64)DESCRIPTOR_TSS << 40 | (tss >> 24 & 0xff) << 56;
	s->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
	s->gdt[SELECTOR_CPU_NUMBER / 8] = (u64)(DESCRIPTOR_DATA | DESCRIPTOR_USER) << 40 | cpu_number;
	s->tss.io_map_base = sizeof(struct task_state);         // no I/O permission map: all ports refused
	for (int i = 0; i < NR_IST_USED; i++)
		if (!s->tss.ist[i])
			s->tss.ist[i] = (u64)boot_trap_stack + sizeof(boot_trap_stack);
}

int segs_alloc_stacks(struct cpu *cpu)
{
	for (int i = 0; i < NR_IST_USED; i++) {
		void *stack = kernel_stack_alloc();

		if (!stack)
			return -1;
		cpu->segments.tss.ist[i] = (u64)stack + KERNEL_STACK_SIZE;
	}
	return 0;
}

void segs_set_kernel_stack(struct cpu *cpu, u64 top)
{
	cpu->segments.tss.rsp[0] = top;
	cpu->user_frame = (struct trapframe *)top - 1;
}

void segs_init_cpu(struct cpu *cpu)
{
	struct table_pointer gdt = { sizeof(cpu->segments.gdt) - 1, cpu->segments.gdt };

	cpu->self = cpu;
	cpu->id = (u32)(cpu - cpus);
	fill_tables(&cpu->segments, cpu->id);
	load_gdt(&gdt);
	segs_load(SELECTOR_KERNEL_CODE, SELECTOR_KERNEL_DATA);
	load_task_register(SELECTOR_TSS);
	write_msr(MSR_GS_BASE, (u64)cpu);
	write_msr(MSR_KERNEL_GS_BASE, 0);
	write_msr(MSR_FS_BASE, 0);
	idt_load();

	// SYSCALL loads CS from STAR[47:32] and SS from the next; SYSRET CS from STAR[63:48] + 16, SS from + 8.
	write_msr(MSR_STAR, (u64)SELECTOR_KERNEL_CODE << 32 | (u64)(SELECTOR_USER_DATA - 8) << 48);
	write_msr(MSR_LSTAR, (u64)syscall_entry);
	write_msr(MSR_CSTAR, 0);
	write_msr(MSR_SFMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC);
	write_msr(MSR_EFER, read_msr(MSR_EFER) | 1);            // SCE: SYSCALL exists
}
