/*
 * features.c - reads CPUID once, sets the protection bits of CR0 and CR4 on each CPU, and puts STAC and CLAC
 * in place of the no-ops that entry.asm and uaccess.asm keep for them, while the code is still writable.
 */
#include "x86/features.h"
#include "kernel.h"
#include "lib/string.h"
#include "x86/insn.h"

struct smap_site { u8 *place; u64 bytes; };
extern const struct smap_site smap_sites_start[], smap_sites_end[];     // linker.ld

struct cpu_features features;

static void read_names(void)
{
	struct cpuid_result r = cpuid(0, 0);
	u32 version = cpuid(1, 0).eax;
	u32 *brand = (u32 *)features.brand;

	memcpy(features.vendor, &r.ebx, 4);
	memcpy(features.vendor + 4, &r.edx, 4);
	memcpy(features.vendor + 8, &r.ecx, 4);
	features.stepping = version & 15;
	features.model = (version >> 4 & 15) | (version >> 12 & 0xf0);
	features.family = (version >> 8 & 15) + ((version >> 8 & 15) == 15 ? version >> 20 & 255 : 0);
	for (u32 leaf = 0x80000002; leaf <= 0x80000004; leaf++) {
		r = cpuid(leaf, 0);
		memcpy(brand, &r, sizeof(r));
		brand += 4;
	}
}

void features_init(void)
{
	struct cpuid_result one = cpuid(1, 0);
	u32 highest = cpuid(0, 0).eax;
	u32 highest_extended = cpuid(0x80000000, 0).eax;
	struct cpuid_result seven = highest >= 7 ? cpuid(7, 0) : (struct cpuid_result){ 0 };

	features.has_pge = one.edx >> 13 & 1;
	features.has_xsave = one.ecx >> 26 & 1;
	features.has_x2apic = one.ecx >> 21 & 1;
	features.is_virtual = one.ecx >> 31;
	features.has_smep = seven.ebx >> 7 & 1;
	features.has_smap = seven.ebx >> 20 & 1;
	features.has_umip = seven.ecx >> 2 & 1;
	features.has_1g_pages = cpuid(0x80000001, 0).edx >> 26 & 1;
	features.has_invariant_tsc = highest_extended >= 0x80000007 && (cpuid(0x80000007, 0).edx >> 8 & 1);
	features.physical_bits = highest_extended >= 0x80000008 ? cpuid(0x80000008, 0).eax & 255 : 36;
	if (highest_extended >= 0x80000004)
		read_names();
	if (features.has_smap)
		for (const struct smap_site *s = smap_sites_start; s < smap_sites_end; s++)
			memcpy(s->place, &s->bytes, 3);
	features_init_cpu();
}

void features_init_cpu(void)
{
	u64 cr4 = read_cr4() | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (features.has_pge)
		cr4 |= CR4_PGE;
	if (features.has_smep)
		cr4 |= CR4_SMEP;
	if (features.has_smap)
		cr4 |= CR4_SMAP;
	if (features.has_umip)
		cr4 |= CR4_UMIP;
	if (features.has_xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	write_cr0((read_cr0() | CR0_WP | CR0_MP | CR0_NE) & ~(u64)(CR0_EM | CR0_TS));
}
