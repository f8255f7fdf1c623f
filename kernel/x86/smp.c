/*
 * smp.c - starting the other CPUs, and calling functions on them.
 *
 * A call: each CPU has one call of its own (calls[n], for CPU n as the caller; it waits, so one is enough) and an
 * inbox, a set of callers. A caller fills its call, puts its bit into the inbox of each target and interrupts those
 * whose inbox was empty; a target takes all bits out, runs each call and counts it down. A caller waits with
 * interrupts open, so two CPUs that call each other both get on.
 */
#include "x86/smp.h"
#include "boot/bootinfo.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "lib/format.h"
#include "lib/string.h"
#include "proc/sched.h"
#include "proc/thread.h"
#include "proc/timer.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/fpu.h"
#include "x86/idt.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"

struct call {
	void (*function)(void *argument);
	void *argument;
	u32 nr_unfinished;              // atomic
};

// ap.asm
extern const char ap_trampoline[], ap_trampoline_end[];
extern u32 ap_next_ticket;
extern u64 ap_stacks[MAX_CPUS], ap_root;

void ap_main(void);                     // called by ap.asm

static struct call calls[MAX_CPUS];
static u32 inboxes[MAX_CPUS];           // atomic: bit n: CPU n has a call for us
static u32 nr_expected = 1;             // CPUs with an entry in cpus[]
static u32 nr_started = 1;              // atomic: CPUs that have come up
static bool may_run;                    // atomic: the first CPU has counted, the others may schedule
static bool is_stopping;                // atomic: somebody has panicked

static struct thread idle_threads[MAX_CPUS];

void smp_init_idle(struct cpu *cpu)
{
	struct thread *t = &idle_threads[cpu->id];

	format_string(t->name, sizeof(t->name), "idle/%u", cpu->id);
	list_init(&t->run_link);
	list_init(&t->process_link);
	list_init(&t->tid_link);
	list_init(&t->pending);
	t->cpu = cpu->id;
	cpu->idle = t;
	cpu->running = t;
	cpu->active_root = read_cr3();
}

// --- calls ---

static void call_interrupt(void *owner)
{
	u32 callers = atomic_exchange(&inboxes[this_cpu()->id], 0);

	(void)owner;
	for (u32 i = 0; i < MAX_CPUS; i++) {
		if (!(callers >> i & 1))
			continue;
		calls[i].function(calls[i].argument);
		atomic_sub(&calls[i].nr_unfinished, 1);
	}
}

static u32 bits_count(u64 set)
{
	u32 n = 0;

	for (; set; set &= set - 1)
		n++;
	return n;
}

void smp_call(u64 cpu_set, void (*function)(void *argument), void *argument)
{
	u32 me = this_cpu()->id;
	struct call *call = &calls[me];

	if (!cpu_set)
		return;
	assert(interrupts_are_open() && !(cpu_set >> me & 1));
	call->function = function;
	call->argument = argument;
	atomic_store(&call->nr_unfinished, bits_count(cpu_set));
	for (u32 i = 0; i < nr_cpus; i++)
		if ((cpu_set >> i & 1) && atomic_fetch_or(&inboxes[i], 1u << me) == 0)
			apic_send_vector(cpus[i].apic_id, VECTOR_CALL);
	for (u32 turn = 0; atomic_load(&call->nr_unfinished); turn++)
		spin_turn(turn);
}

static void reschedule_interrupt(void *owner)
{
	(void)owner;
	atomic_or(&current->return_work, WORK_RESCHEDULE);
}

void smp_reschedule(u32 cpu)
{
	apic_send_vector(cpus[cpu].apic_id, VECTOR_RESCHEDULE);
}

// --- stopping ---

void smp_nmi(void)
{
	if (atomic_load(&is_stopping))
		cpu_halt_forever();
	printk("smp: CPU %u got an NMI that nobody sent\n", this_cpu()->id);
}

void smp_stop_others(void)
{
	u32 me = this_cpu()->id;

	if (atomic_exchange(&is_stopping, true))
		cpu_halt_forever();             // another CPU panics already: let it speak
	for (u32 i = 0; i < nr_cpus; i++)
		if (i != me)
			apic_send_nmi(cpus[i].apic_id);
}

void smp_stop_all(void)
{
	smp_stop_others();
	cpu_halt_forever();
}

// --- starting ---

static struct cpu *cpu_with_apic_id(u32 id)
{
	for (u32 i = 0; i < nr_expected; i++)
		if (cpus[i].apic_id == id)
			return &cpus[i];
	panic("a CPU with APIC id %u has started that the MADT does not list", id);
}

// A started CPU, on its own stack and the kernel's tables; interrupts closed. The local APIC tells who it is.
void ap_main(void)
{
	u32 id = features.has_x2apic ? cpuid(0xb, 0).edx : cpuid(1, 0).ebx >> 24;
	struct cpu *cpu = cpu_with_apic_id(id);

	features_init_cpu();
	segs_init_cpu(cpu);
	smp_init_idle(cpu);
	apic_init_cpu();
	fpu_init_cpu();
	sched_init_cpu();
	timers_init_cpu();
	atomic_add(&nr_started, 1);
	while (!atomic_load(&may_run))
		cpu_pause();
	smp_enter();
}

void smp_enter(void)
{
	interrupts_open();
	sched_idle();
}

// Gives each listed CPU a number (the one that runs is 0, the others follow in the MADT's order) and stacks.
static void prepare_cpus(u32 max_cpus)
{
	u32 me = apic_id();

	cpus[0].apic_id = me;
	for (u32 i = 0; i < acpi.nr_cpus && nr_expected < max_cpus; i++) {
		struct cpu *cpu = &cpus[nr_expected];
		void *stack;

		if (acpi.apic_ids[i] == me)
			continue;
		stack = kernel_stack_alloc();
		if (!stack || segs_alloc_stacks(cpu) != 0) {
			printk("smp: no memory for CPU %u\n", nr_expected);
			return;
		}
		ap_stacks[nr_expected - 1] = (u64)stack + KERNEL_STACK_SIZE;
		cpu->apic_id = acpi.apic_ids[i];
		nr_expected++;
	}
}

// INIT to all, then start-up to all, twice (Intel SDM 3A 8.4.4.1); the second only where the first was not enough.
static void wake_cpus(void)
{
	for (u32 i = 1; i < nr_expected; i++)
		apic_send_init(cpus[i].apic_id);
	clock_delay_us(features.is_virtual ? 100 : 10000);
	for (int attempt = 0; attempt < 2; attempt++) {
		for (u32 i = 1; i < nr_expected; i++)
			if (attempt == 0 || atomic_load(&ap_next_ticket) + 1 < nr_expected)
				apic_send_startup(cpus[i].apic_id, AP_TRAMPOLINE);
		for (u32 us = 0; us < 20000 && atomic_load(&ap_next_ticket) + 1 < nr_expected; us += 50)
			clock_delay_us(50);
	}
	for (u32 ms = 0; ms < 10000 && atomic_load(&nr_started) < nr_expected; ms++)
		clock_delay_us(1000);
}

static u32 max_cpus_wanted(void)
{
	char value[16];
	u64 number;

	if (command_line_has("nosmp"))
		return 1;
	if (!command_line_get("maxcpus", value, sizeof(value)) || string_to_u64(value, 0, &number) != 0 || number == 0)
		return MAX_CPUS;
	return (u32)min(number, (u64)MAX_CPUS);
}

void smp_start(void)
{
	irq_set_handler(VECTOR_CALL, call_interrupt, NULL);
	irq_set_handler(VECTOR_RESCHEDULE, reschedule_interrupt, NULL);
	prepare_cpus(max_cpus_wanted());
	memcpy(direct_map(AP_TRAMPOLINE), ap_trampoline, (size_t)(ap_trampoline_end - ap_trampoline));
	ap_root = kernel_root;
	if (nr_expected > 1)
		wake_cpus();
	// CPU numbers have no holes: a CPU that did not come up would leave one.
	if (atomic_load(&nr_started) < nr_expected)
		panic("only %u of %u CPUs have started", atomic_load(&nr_started), nr_expected);
	nr_cpus = nr_expected;
	atomic_store(&may_run, true);
	printk("smp: %u CPUs\n", nr_cpus);
}
