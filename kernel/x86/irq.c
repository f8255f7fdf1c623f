/*
 * irq.c - who is called for which vector. The table is shared by all CPUs; entries are written once, before the
 * device that owns them may interrupt, and handed out under vectors_lock.
 */
#include "x86/irq.h"
#include "debug/counters.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "sync/lock.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/idt.h"
#include <abi/errno.h>

struct irq { irq_handler handler; void *owner; };

static struct spinlock vectors_lock = SPINLOCK_INIT("vectors", RANK_DEVICE);
static u32 next_vector = VECTOR_DEVICE_FIRST;           // GUARDED_BY(vectors_lock)
static struct irq irqs[256];

void irq_set_handler(u32 vector, irq_handler handler, void *owner)
{
	irqs[vector].owner = owner;
	atomic_store(&irqs[vector].handler, handler);
}

// A free device vector, or 0.
static u32 vector_alloc(void)
{
	u64 flags = spin_lock_irq(&vectors_lock);
	u32 vector = next_vector <= VECTOR_DEVICE_LAST ? next_vector++ : 0;

	spin_unlock_irq(&vectors_lock, flags);
	return vector;
}

int irq_alloc_msi(u32 cpu, irq_handler handler, void *owner, struct msi_message *out)
{
	u32 vector = vector_alloc();

	if (!vector)
		return -ENOSPC;
	irq_set_handler(vector, handler, owner);
	out->address = 0xfee00000u | cpus[cpu].apic_id << 12;   // Intel SDM 3A 10.11: fixed, physical, edge
	out->data = vector;
	return 0;
}

int irq_enable_isa(u32 line, irq_handler handler, void *owner)
{
	struct acpi_isa_line isa;
	u32 vector;

	if (line >= NR_ISA_LINES)
		return -EINVAL;
	vector = vector_alloc();
	if (!vector)
		return -ENOSPC;
	isa = acpi.isa_lines[line];
	irq_set_handler(vector, handler, owner);
	if (!io_apic_route(isa.global_line, vector, cpus[0].apic_id, isa.is_level, isa.is_active_low))
		return -ENODEV;
	return 0;
}

// What an interrupt does is work, also when it found its CPU halted.
static void end_halt(struct cpu *cpu)
{
	u64 since = cpu->halted_since_ns;

	WRITE_ONCE(cpu->halted_since_ns, 0);
	WRITE_ONCE(cpu->halted_ns, cpu->halted_ns + clock_monotonic_ns() - since);
}

void irq_dispatch(u32 vector)
{
	struct cpu *cpu = this_cpu();
	irq_handler handler = atomic_load(&irqs[vector].handler);

	if (vector == VECTOR_SPURIOUS || (vector >= VECTOR_PIC && vector < VECTOR_PIC + 16))
		return;                         // not acknowledged: nothing is in service
	cpu->interrupt_depth++;
	if (cpu->halted_since_ns)
		end_halt(cpu);
	count(COUNTER_INTERRUPTS);
	if (handler)
		handler(irqs[vector].owner);
	else
		printk("irq: nobody waits for vector %x\n", vector);
	apic_end_of_interrupt();
	cpu->interrupt_depth--;
}
