#pragma once
/*
 * bootinfo.h - what the boot loader told us, in one form for multiboot2 (GRUB) and PVH (QEMU -kernel).
 * Everything is copied here before the loader's memory is reused.
 */
#include "types.h"

#define MAX_MEMORY_REGIONS 128
#define COMMAND_LINE_SIZE 4096

struct memory_region {
	paddr_t start, end;             // [start, end)
	bool is_ram;                    // usable; otherwise reserved, ACPI, bad
};

struct framebuffer {
	paddr_t address;                // 0: none, use VGA text at b8000
	u32 width, height, pitch, bits_per_pixel;
	bool is_text;
};

struct bootinfo {
	const char *loader;             // "multiboot2" or "pvh"
	char command_line[COMMAND_LINE_SIZE];
	struct memory_region regions[MAX_MEMORY_REGIONS];       // sorted, not overlapping
	u32 nr_regions;
	paddr_t rsdp;                   // 0: look for it in the BIOS area
	struct framebuffer framebuffer;
};

extern struct bootinfo bootinfo;        // constant after boot

// Parses the loader's structure at physical address info (identity or boot mapping)
// by magic; panics on an unknown magic.
void bootinfo_init(u32 magic, paddr_t info);
// The value of the last "name=value" on the command line before " -- ", or NULL; value_size bounds the copy.
const char *command_line_get(const char *name, char *value, size_t value_size);
bool command_line_has(const char *word);
// Splits what stands behind " -- " into words ("..." and \ quote); returns their number, at most max.
int command_line_job(char *buffer, size_t size, char **words, int max);
