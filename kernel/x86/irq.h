#pragma once
/*
 * irq.h - interrupt vectors: who is called when a device speaks.
 * Handlers run with interrupts closed, on the interrupted thread's kernel stack, and must not sleep.
 */
#include "types.h"

typedef void (*irq_handler)(void *owner);

struct msi_message { u64 address; u32 data; };

// A vector of its own for a message-signalled interrupt; the device writes data to address.
// cpu: which CPU is to be interrupted. 0 or -ENOSPC.
int irq_alloc_msi(u32 cpu, irq_handler handler, void *owner, struct msi_message *out) MUST_CHECK;
// An ISA line (1 keyboard, 3 and 4 serial, 8 clock) through the I/O APIC, honouring the MADT's overrides. 0 or -errno.
int irq_enable_isa(u32 line, irq_handler handler, void *owner) MUST_CHECK;

// For this folder: the fixed vectors of idt.h, and trap.c's call for every interrupt.
void irq_set_handler(u32 vector, irq_handler handler, void *owner);
void irq_dispatch(u32 vector);

static inline u64 interrupts_close(void)        // returns rflags as they were
{
	u64 flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

static inline void interrupts_restore(u64 flags)
{
	if (flags & 0x200)
		__asm__ volatile("sti" : : : "memory");
}

static inline void interrupts_open(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline bool interrupts_are_open(void)
{
	u64 flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	return flags & 0x200;
}
