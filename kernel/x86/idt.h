#pragma once
/*
 * idt.h - the interrupt descriptor table, one for all CPUs, and the numbers in it.
 */
#include "types.h"

enum vector {
	VECTOR_DIVIDE = 0, VECTOR_DEBUG = 1, VECTOR_NMI = 2, VECTOR_BREAKPOINT = 3, VECTOR_OVERFLOW = 4,
	VECTOR_BOUND = 5, VECTOR_UNDEFINED = 6, VECTOR_NO_FPU = 7, VECTOR_DOUBLE_FAULT = 8, VECTOR_TSS = 10,
	VECTOR_SEGMENT = 11, VECTOR_STACK = 12, VECTOR_PROTECTION = 13, VECTOR_PAGE_FAULT = 14, VECTOR_X87 = 16,
	VECTOR_ALIGNMENT = 17, VECTOR_MACHINE_CHECK = 18, VECTOR_SIMD = 19, VECTOR_CONTROL = 21,
	VECTOR_PIC = 0x20,              // 16 that the old controllers may still raise by mistake
	VECTOR_DEVICE_FIRST = 0x30,     // given out by irq.c
	VECTOR_DEVICE_LAST = 0xdf,
	VECTOR_TIMER = 0xe0,
	VECTOR_RESCHEDULE = 0xe1,       // smp_reschedule
	VECTOR_CALL = 0xe2,             // smp_call
	VECTOR_APIC_ERROR = 0xfe,
	VECTOR_SPURIOUS = 0xff,
};

void idt_init(void);                    // fills it; once
void idt_load(void);                    // each CPU
