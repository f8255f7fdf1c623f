/*
 * cpuinfo.c - the processors, as CPUID describes the one that reads; all are alike.
 */
#include "fs/proc/procfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/insn.h"

struct feature {
	u32 leaf;
	u8 reg, bit;                    // eax 0, ebx 1, ecx 2, edx 3
	const char *name;
};

// In the order in which Linux lists them.
static const struct feature features[] = {
	{ 1, 3, 0, "fpu" }, { 1, 3, 1, "vme" }, { 1, 3, 2, "de" }, { 1, 3, 3, "pse" },
	{ 1, 3, 4, "tsc" }, { 1, 3, 5, "msr" }, { 1, 3, 6, "pae" }, { 1, 3, 7, "mce" },
	{ 1, 3, 8, "cx8" }, { 1, 3, 9, "apic" }, { 1, 3, 11, "sep" }, { 1, 3, 12, "mtrr" },
	{ 1, 3, 13, "pge" }, { 1, 3, 14, "mca" }, { 1, 3, 15, "cmov" }, { 1, 3, 16, "pat" },
	{ 1, 3, 17, "pse36" }, { 1, 3, 19, "clflush" }, { 1, 3, 23, "mmx" },
	{ 1, 3, 24, "fxsr" }, { 1, 3, 25, "sse" }, { 1, 3, 26, "sse2" }, { 1, 3, 28, "ht" },
	{ 0x80000001, 3, 11, "syscall" }, { 0x80000001, 3, 20, "nx" }, { 0x80000001, 3, 26, "pdpe1gb" },
	{ 0x80000001, 3, 27, "rdtscp" }, { 0x80000001, 3, 29, "lm" },
	{ 1, 2, 0, "pni" }, { 1, 2, 1, "pclmulqdq" }, { 1, 2, 9, "ssse3" }, { 1, 2, 12, "fma" },
	{ 1, 2, 13, "cx16" }, { 1, 2, 17, "pcid" }, { 1, 2, 19, "sse4_1" }, { 1, 2, 20, "sse4_2" },
	{ 1, 2, 21, "x2apic" }, { 1, 2, 22, "movbe" }, { 1, 2, 23, "popcnt" },
	{ 1, 2, 24, "tsc_deadline_timer" }, { 1, 2, 25, "aes" }, { 1, 2, 26, "xsave" },
	{ 1, 2, 28, "avx" }, { 1, 2, 29, "f16c" }, { 1, 2, 30, "rdrand" }, { 1, 2, 31, "hypervisor" },
	{ 0x80000001, 2, 0, "lahf_lm" }, { 0x80000001, 2, 5, "abm" },
	{ 7, 1, 0, "fsgsbase" }, { 7, 1, 3, "bmi1" }, { 7, 1, 5, "avx2" }, { 7, 1, 7, "smep" },
	{ 7, 1, 8, "bmi2" }, { 7, 1, 9, "erms" }, { 7, 1, 16, "avx512f" }, { 7, 1, 18, "rdseed" },
	{ 7, 1, 19, "adx" }, { 7, 1, 20, "smap" }, { 7, 1, 23, "clflushopt" }, { 7, 1, 24, "clwb" },
	{ 7, 1, 29, "sha_ni" }, { 7, 2, 2, "umip" }, { 7, 2, 3, "pku" }, { 7, 2, 22, "rdpid" },
};

static u32 register_of(struct cpuid_result r, u8 reg)
{
	return reg == 0 ? r.eax : reg == 1 ? r.ebx : reg == 2 ? r.ecx : r.edx;
}

static bool leaf_exists(u32 leaf)
{
	return leaf <= cpuid(leaf & 0x80000000, 0).eax;
}

static void show_flags(struct text *t)
{
	text_printf(t, "flags\t\t:");
	for (u32 i = 0; i < ARRAY_SIZE(features); i++) {
		const struct feature *f = &features[i];

		if (leaf_exists(f->leaf) && register_of(cpuid(f->leaf, 0), f->reg) >> f->bit & 1)
			text_printf(t, " %s", f->name);
	}
	text_printf(t, "\n");
}

static void read_names(char vendor[13], char model[49])
{
	struct cpuid_result r = cpuid(0, 0);

	memcpy(vendor, &r.ebx, 4);
	memcpy(vendor + 4, &r.edx, 4);
	memcpy(vendor + 8, &r.ecx, 4);
	vendor[12] = 0;
	memset(model, 0, 49);
	for (u32 i = 0; i < 3 && leaf_exists(0x80000004); i++) {
		r = cpuid(0x80000002 + i, 0);
		memcpy(model + 16 * i, &r, 16);
	}
}

static void show_cpu(struct text *t, u32 n)
{
	char vendor[13], model[49];
	struct cpuid_result one = cpuid(1, 0);
	u32 family = one.eax >> 8 & 15, model_number = one.eax >> 4 & 15;
	u64 khz = clock_tsc_khz();

	if (family == 15)
		family += one.eax >> 20 & 255;
	if (family >= 6)
		model_number |= (one.eax >> 16 & 15) << 4;
	read_names(vendor, model);
	text_printf(t, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\n"
		    "stepping\t: %u\n",
		    n, vendor, family, model_number, model, one.eax & 15);
	text_printf(t, "cpu MHz\t\t: %lu.%03lu\nphysical id\t: %u\nsiblings\t: 1\ncore id\t\t: 0\ncpu cores\t: 1\n"
		    "apicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\nfpu_exception\t: yes\n"
		    "cpuid level\t: %u\nwp\t\t: yes\n",
		    khz / 1000, khz % 1000, n, cpus[n].apic_id, cpus[n].apic_id, cpuid(0, 0).eax);
	show_flags(t);
	text_printf(t, "bogomips\t: %lu.%02lu\nclflush size\t: %u\ncache_alignment\t: 64\n",
		    khz * 2 / 1000, khz * 2 % 1000 / 10, (one.ebx >> 8 & 255) * 8);
	if (leaf_exists(0x80000008)) {
		u32 sizes = cpuid(0x80000008, 0).eax;

		text_printf(t, "address sizes\t: %u bits physical, %u bits virtual\n", sizes & 255, sizes >> 8 & 255);
	}
	text_printf(t, "power management:\n\n");
}

int proc_show_cpuinfo(struct text *t, const struct proc_target *target)
{
	(void)target;
	for (u32 i = 0; i < nr_cpus; i++)
		show_cpu(t, i);
	return 0;
}
