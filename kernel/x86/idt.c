/*
 * idt.c - 256 interrupt gates to the stubs in entry.asm. All close interrupts; trap.c opens them again where it may.
 */
#include "x86/idt.h"
#include "x86/insn.h"
#include "x86/segs.h"

struct gate {                           // Intel SDM 3A 6.14.1
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_middle;
	u32 offset_high, reserved;
};
static_assert(sizeof(struct gate) == 16, "a gate is 16 bytes");

enum {
	GATE_INTERRUPT = 0x8e,          // present, DPL 0
	GATE_FOR_USER = 0x60,           // DPL 3: INT n may be used
};

struct PACKED idt_pointer {
	u16 limit;
	struct gate *base;
};

extern const u64 vector_table[256];     // entry.asm

static struct gate idt[256] ALIGNED(16);

static u8 ist_of(u32 vector)
{
	switch (vector) {
	case VECTOR_DOUBLE_FAULT:
		return 1;
	case VECTOR_NMI:
		return 2;
	case VECTOR_MACHINE_CHECK:
		return 3;
	}
	return 0;
}

void idt_init(void)
{
	for (u32 v = 0; v < 256; v++) {
		u64 stub = vector_table[v];

		idt[v] = (struct gate){
			.offset_low = (u16)stub,
			.offset_middle = (u16)(stub >> 16),
			.offset_high = (u32)(stub >> 32),
			.selector = SELECTOR_KERNEL_CODE,
			.ist = ist_of(v),
			.type = GATE_INTERRUPT | (v == VECTOR_BREAKPOINT ? GATE_FOR_USER : 0),
		};
	}
}

void idt_load(void)
{
	struct idt_pointer pointer = { sizeof(idt) - 1, idt };

	load_idt(&pointer);
}
