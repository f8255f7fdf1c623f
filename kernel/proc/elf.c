/*
 * elf.c - ELF64 programs. Every number of the file is checked before it is used: sizes against the file, addresses
 * against user space, sums against overflow. The headers are read again for mapping; a file that is being executed
 * cannot be written to (ETXTBSY), so they are the same.
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include "mm/slab.h"
#include "proc/elf.h"
#include "x86/uaccess.h"
#include <abi/elf.h>
#include <abi/errno.h>

#define HEADERS_MAX 128

static int read_exactly(struct file *file, void *to, size_t size, u64 at)
{
	ssize_t n = inode_read_kernel(file->inode, to, size, at);

	return n < 0 ? (int)n : (size_t)n == size ? 0 : -ENOEXEC;
}

static bool header_is_good(const Elf64_Ehdr *h)
{
	return memcmp(h->e_ident, "\177ELF", 4) == 0 && h->e_ident[EI_CLASS] == ELFCLASS64 &&
	       h->e_ident[EI_DATA] == ELFDATA2LSB && (h->e_type == ET_EXEC || h->e_type == ET_DYN) &&
	       h->e_machine == EM_X86_64 &&
	       h->e_phentsize == sizeof(Elf64_Phdr) && h->e_phnum > 0 && h->e_phnum <= HEADERS_MAX;
}

// One loadable segment: its numbers make sense, in the file's own addresses.
static bool segment_is_good(const Elf64_Phdr *p)
{
	if (p->p_filesz > p->p_memsz || p->p_memsz == 0 || p->p_memsz > USER_END || p->p_vaddr > USER_END - p->p_memsz)
		return false;
	if (p->p_offset + p->p_filesz < p->p_offset || p->p_offset >> 62)
		return false;
	return (p->p_vaddr & ~PAGE_MASK) == (p->p_offset & ~PAGE_MASK);
}

static int read_headers(struct file *file, Elf64_Ehdr *header, Elf64_Phdr **out)
{
	int error = read_exactly(file, header, sizeof(*header), 0);

	if (error)
		return error;
	if (!header_is_good(header))
		return -ENOEXEC;
	size_t size = header->e_phnum * sizeof(Elf64_Phdr);

	*out = kmalloc(size);
	if (!*out)
		return -ENOMEM;
	error = read_exactly(file, *out, size, header->e_phoff);
	if (error)
		kfree(*out);
	return error;
}

static int read_interpreter(struct file *file, const Elf64_Phdr *p, struct elf_image *out)
{
	if (p->p_filesz < 2 || p->p_filesz > sizeof(out->interpreter))
		return -ENOEXEC;
	int error = read_exactly(file, out->interpreter, p->p_filesz, p->p_offset);

	return error ? error : out->interpreter[p->p_filesz - 1] ? -ENOEXEC : 0;
}

static void note_segment(const Elf64_Ehdr *header, const Elf64_Phdr *p, struct elf_image *out)
{
	vaddr_t end = p->p_vaddr + p->p_memsz;

	out->start = min(out->start, PAGE_ALIGN_DOWN(p->p_vaddr));
	out->end = max(out->end, PAGE_ALIGN_UP(end));
	if (p->p_flags & PF_X) {
		out->code_start = p->p_vaddr;
		out->code_end = p->p_vaddr + p->p_filesz;
	} else if (p->p_flags & PF_W) {
		out->data_start = p->p_vaddr;
		out->data_end = p->p_vaddr + p->p_filesz;
	}
	if (header->e_phoff >= p->p_offset && header->e_phoff - p->p_offset < p->p_filesz)
		out->headers = p->p_vaddr + (header->e_phoff - p->p_offset);
}

int elf_check(struct file *file, struct elf_image *out)
{
	Elf64_Ehdr header;
	Elf64_Phdr *p;
	int error = read_headers(file, &header, &p);

	if (error)
		return error;
	*out = (struct elf_image){ .start = U64_MAX, .entry = header.e_entry, .nr_headers = header.e_phnum,
				   .header_size = sizeof(Elf64_Phdr), .is_movable = header.e_type == ET_DYN };
	for (u32 i = 0; i < header.e_phnum && !error; i++) {
		if (p[i].p_type == PT_INTERP)
			error = read_interpreter(file, &p[i], out);
		if (p[i].p_type != PT_LOAD || p[i].p_memsz == 0)
			continue;
		if (!segment_is_good(&p[i]))
			error = -ENOEXEC;
		else
			note_segment(&header, &p[i], out);
	}
	kfree(p);
	if (!error && (out->start == U64_MAX || (header.e_type == ET_EXEC && out->start < MMAP_LOWEST)))
		error = -ENOEXEC;
	return error;
}

// The part of a segment that comes from the file; then whole pages of zeros behind it.
static int map_segment(struct addrspace *as, struct file *file, const Elf64_Phdr *p, vaddr_t bias,
		       struct elf_image *image)
{
	u32 flags = (p->p_flags & PF_R ? AREA_READ : 0) | (p->p_flags & PF_W ? AREA_WRITE : 0) |
		    (p->p_flags & PF_X ? AREA_EXEC : 0);
	vaddr_t start = PAGE_ALIGN_DOWN(p->p_vaddr) + bias, file_end = p->p_vaddr + p->p_filesz + bias;
	vaddr_t memory_end = p->p_vaddr + p->p_memsz + bias;
	int error = 0;

	if (p->p_filesz)
		error = mmap_map_fixed(as, start, file_end - start, flags, file, PAGE_ALIGN_DOWN(p->p_offset));
	vaddr_t zeros = p->p_filesz ? PAGE_ALIGN_UP(file_end) : start;

	if (!error && PAGE_ALIGN_UP(memory_end) > zeros)
		error = mmap_map_fixed(as, zeros, PAGE_ALIGN_UP(memory_end) - zeros, flags, NULL, 0);
	// Up to the end of the page, not of .bss: glibc's loader takes its first memory from there and expects zeros.
	if (!error && p->p_filesz && p->p_memsz > p->p_filesz && flags & AREA_WRITE && file_end & ~PAGE_MASK) {
		image->bss_start = file_end;
		image->bss_end = zeros;
	}
	return error;
}

int elf_map(struct addrspace *as, struct file *file, vaddr_t bias, struct elf_image *image)
{
	Elf64_Ehdr header;
	Elf64_Phdr *p;
	int error = read_headers(file, &header, &p);

	if (error)
		return error;
	image->base = bias;
	image->entry += bias;
	for (u32 i = 0; i < header.e_phnum && !error; i++) {
		if (p[i].p_type != PT_LOAD || p[i].p_memsz == 0)
			continue;
		error = segment_is_good(&p[i]) ? map_segment(as, file, &p[i], bias, image) : -ENOEXEC;
	}
	kfree(p);
	if (image->headers)
		image->headers += bias;
	image->start += bias;
	image->end += bias;
	image->code_start += bias;
	image->code_end += bias;
	image->data_start += bias;
	image->data_end += bias;
	return error;
}
