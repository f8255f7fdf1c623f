/*
 * backtrace.c - walks the chain of frame pointers. The chain may be broken, that may be why we are here: each
 * frame is read only where memory is mapped, and the walk ends after a fixed number.
 */
#include "debug/backtrace.h"
#include "kernel.h"
#include "x86/kernel_map.h"

struct ksym { u64 address; u32 name, zero; };

extern const struct ksym ksyms_start[];         // the object that tools/ksyms makes, sorted by address
extern const u64 ksyms_count;
extern const char ksyms_names[];
extern const char kernel_text_start[], kernel_text_end[];       // linker.ld

enum { MAX_FRAMES = 32 };

const char *symbol_of(u64 address, u64 *offset)
{
	u64 low = 0, high = ksyms_count;

	if (address < (u64)kernel_text_start || address >= (u64)kernel_text_end)
		return NULL;
	while (low < high) {                            // the first symbol above the address
		u64 middle = (low + high) / 2;

		if (ksyms_start[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	*offset = address - ksyms_start[low - 1].address;
	return ksyms_names + ksyms_start[low - 1].name;
}

// A return address may lie behind the last instruction of a function that does not come back: ask for the call itself.
static void print_address(u64 address, u64 back)
{
	u64 offset = 0;
	const char *name = symbol_of(address - back, &offset);

	if (name)
		printk("  %016lx %s+0x%lx\n", address, name, offset + back);
	else
		printk("  %016lx ?\n", address);
}

void backtrace_print(u64 rip, u64 rbp)
{
	printk("back-trace:\n");
	if (rip)
		print_address(rip, 0);
	for (int i = 0; i < MAX_FRAMES && rbp; i++) {
		const u64 *frame = (const u64 *)rbp;

		if (rbp % 8 || !kernel_map_has(rbp) || !kernel_map_has(rbp + 8)) {
			printk("  (the next frame would be at %lx)\n", rbp);
			return;
		}
		print_address(frame[1], 1);
		rbp = frame[0];
	}
}
