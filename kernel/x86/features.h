#pragma once
/*
 * features.h - what this processor can do, and switching it on. All CPUs are taken to be alike.
 */
#include "types.h"

struct cpu_features {
	bool has_pge, has_smep, has_smap, has_umip;
	bool has_1g_pages, has_xsave, has_x2apic, has_invariant_tsc, is_virtual;
	u32 physical_bits;
	u32 family, model, stepping;
	char vendor[13], brand[49];
};

extern struct cpu_features features;            // constant after features_init

void features_init(void);                       // reads CPUID, patches the SMAP sites; before kernel_map_init
void features_init_cpu(void);                   // each CPU: control registers
