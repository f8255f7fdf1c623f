#pragma once
/*
 * acpi.h - what the firmware's tables say: the CPUs, the interrupt controllers, the PM timer, how to power off.
 * No AML is run; \_S5, the only thing in AML that is needed, is found by its bytes.
 */
#include "types.h"
#include "x86/cpu.h"

#define MAX_IO_APICS 8
#define NR_ISA_LINES 16

struct acpi_io_apic { paddr_t address; u32 first_line; };
struct acpi_isa_line { u32 global_line; bool is_level, is_active_low; };

struct acpi {
	paddr_t local_apic;
	u32 nr_cpus;                    // usable ones, up to MAX_CPUS; the one that boots is not always the first
	u32 apic_ids[MAX_CPUS];
	u32 nr_io_apics;
	struct acpi_io_apic io_apics[MAX_IO_APICS];
	struct acpi_isa_line isa_lines[NR_ISA_LINES];
	paddr_t hpet;                   // 0: none
	u16 pm_timer_port;              // 0: none
	bool pm_timer_is_32_bit;
	u8 century_register;            // in the RTC; 0: none
};

extern struct acpi acpi;                // constant after acpi_init

void acpi_init(void);                   // after kernel_map_init. Without tables: one CPU, standard addresses
void NORETURN acpi_power_off(void);     // halts when the machine cannot
void NORETURN machine_reset(void);
