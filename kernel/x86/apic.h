#pragma once
/*
 * apic.h - the local interrupt controller of each CPU and the I/O controllers (Intel SDM 3A 10, 82093AA).
 */
#include "types.h"

void apic_init(void);                   // maps them, silences the old PICs; then as apic_init_cpu. After acpi_init
void apic_init_cpu(void);               // each CPU
u32 apic_id(void);                      // of the CPU that asks
void apic_end_of_interrupt(void);

void apic_send_vector(u32 apic_id, u32 vector);
void apic_send_nmi(u32 apic_id);
void apic_send_init(u32 apic_id);
void apic_send_startup(u32 apic_id, paddr_t page);      // page below 1 MiB

// The timer: one interrupt (VECTOR_TIMER) after so many ticks; 0 stops it. What a tick is: see clock.c.
void apic_timer_start(u32 ticks);
u32 apic_timer_left(void);

// Lets a line of the I/O controllers interrupt the CPU. False when no controller has that line.
bool io_apic_route(u32 global_line, u32 vector, u32 apic_id, bool is_level, bool is_active_low);
