/*
 * panic.c - the last words. The first CPU that panics stops the others and speaks; one that comes later is stopped.
 * A panic inside a panic ends at once, with what has been said so far.
 */
#include "debug/panic.h"
#include "boot/bootinfo.h"
#include "debug/backtrace.h"
#include "debug/log.h"
#include "kernel.h"
#include "lib/format.h"
#include "lib/string.h"
#include "proc/process.h"
#include "x86/cpu.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"
#include "x86/smp.h"
#include "x86/trap.h"
#include "x86/uaccess.h"

enum { DEBUG_EXIT_PORT = 0xf4, DEBUG_EXIT_PANIC = 0x10 };      // QEMU ends with status 2 * value + 1

static const struct cpu *panicking;     // written by the CPU that speaks

static void NORETURN finish(void)
{
	char how[8];

	log_flush();
	if (command_line_get("panic", how, sizeof(how)) && strcmp(how, "exit") == 0)
		port_out8(DEBUG_EXIT_PORT, DEBUG_EXIT_PANIC);
	smp_stop_all();
}

// Afterwards only this CPU runs, and the log needs no lock.
static void begin(void)
{
	interrupts_close();
	if (panicking == this_cpu()) {
		printk("PANIC: another one while the first was told\n");
		finish();
	}
	smp_stop_others();
	panicking = this_cpu();
	log_panic_begins();
}

static void print_context(void)
{
	struct thread *t = current;
	struct process *p = t ? t->process : NULL;

	printk("CPU %u of %u, thread %s", this_cpu()->id, nr_cpus, t ? t->name : "none yet");
	if (p)
		printk(", process %d", p->pid);
	printk("\n");
}

void panic_at(const char *file, int line, const char *format, ...)
{
	char text[256];
	va_list args;

	begin();
	va_start(args, format);
	format_string_v(text, sizeof(text), format, args);
	va_end(args);
	printk("PANIC: %s:%d: %s\n", file, line, text);
	print_context();
	backtrace_print(0, (u64)__builtin_frame_address(0));
	finish();
}

// What an address that should not have been touched looks like.
static const char *address_kind(u64 a)
{
	if (kernel_stack_guard_hit(a))
		return "a guard page: the kernel stack is too small";
	if (a < PAGE_SIZE)
		return "a member of a NULL pointer";
	if (a < USER_END)
		return "user memory, touched without x86/uaccess.h";
	if (a < DIRECT_MAP)
		return "not canonical: poison, or not a pointer";
	if (a < STACKS)
		return "the direct map, where there is no RAM or only constants";
	if (a < DEVICES)
		return "a kernel stack that does not exist";
	if (a < KERNEL_BASE)
		return "device registers that are not mapped";
	return "the kernel image: constants, code or a gap";
}

// Values that debug builds leave in freed memory (mm/frame.c, mm/slab.c): who uses them has used it too late.
static void print_poison(const struct trapframe *tf)
{
	const u64 *words = (const u64 *)tf;

	for (u32 i = 0; i < offsetof(struct trapframe, vector) / 8; i++) {
		if (words[i] >> 16 == 0x5aa55aa5deadul)
			printk("%016lx is what a freed frame holds\n", words[i]);
		else if (words[i] >> 16 == 0x6b6b6b6b6b6bul)
			printk("%016lx is what a freed object holds\n", words[i]);
	}
}

static void print_registers(const struct trapframe *tf)
{
	printk("rip %016lx  rflags %08lx  cs %lx  vector %lu  error %lx\n", tf->rip, tf->rflags, tf->cs,
		tf->vector, tf->error);
	printk("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", tf->rax, tf->rbx, tf->rcx, tf->rdx);
	printk("rsi %016lx  rdi %016lx  rbp %016lx  rsp %016lx\n", tf->rsi, tf->rdi, tf->rbp, tf->rsp);
	printk("r8  %016lx  r9  %016lx  r10 %016lx  r11 %016lx\n", tf->r8, tf->r9, tf->r10, tf->r11);
	printk("r12 %016lx  r13 %016lx  r14 %016lx  r15 %016lx\n", tf->r12, tf->r13, tf->r14, tf->r15);
	printk("cr2 %016lx  cr3 %016lx  cr4 %016lx\n", read_cr2(), read_cr3(), read_cr4());
}

void panic_trap(const struct trapframe *tf, u64 fault_address)
{
	u64 offset = 0;
	const char *name = symbol_of(tf->rip, &offset);

	begin();
	printk("PANIC: %s+0x%lx: %s\n", name ? name : "?", offset, trap_name(tf->vector));
	if (tf->vector == 14 || tf->vector == 8)
		printk("address %016lx: %s\n", fault_address, address_kind(fault_address));
	print_context();
	print_registers(tf);
	print_poison(tf);
	backtrace_print(tf->rip, trapframe_is_user(tf) ? 0 : tf->rbp);
	finish();
}
