#pragma once
/*
 * elf.h - ELF64 programs: checked, then mapped. Nothing is copied: segments are private mappings of the file,
 * so all who run it share its clean pages through the cache.
 */
#include "types.h"

struct file;
struct addrspace;

struct elf_image {
	vaddr_t entry;
	vaddr_t base;                   // what was added to the file's addresses (0 for ET_EXEC)
	vaddr_t start, end;             // [start, end) of all segments in memory
	vaddr_t headers;                // address of the program headers in memory; 0: not mapped
	u32 nr_headers, header_size;
	vaddr_t code_start, code_end, data_start, data_end;
	vaddr_t bss_start, bss_end;     // to be cleared by a store: from the last file byte to the end of its page
	bool is_movable;                // ET_DYN
	char interpreter[256];          // "" when there is none
};

// Reads and checks header and program headers. 0, -ENOEXEC, -EIO, -ENOMEM. May sleep.
int elf_check(struct file *file, struct elf_image *out) MUST_CHECK;
// Maps the segments into a space that nobody else sees. bias: where an ET_DYN image goes. 0 or -errno. May sleep.
int elf_map(struct addrspace *as, struct file *file, vaddr_t bias, struct elf_image *image) MUST_CHECK;
