#pragma once
/*
 * exec_internal.h - what the files of exec share: the program on its way into the process.
 */
#include "proc/elf.h"
#include "proc/exec.h"

struct addrspace;
struct dentry;

struct program {
	struct file *file;
	struct elf_image image;
	struct file *interpreter_file;
	struct elf_image interpreter;
	struct addrspace *space;
	vaddr_t stack_top;
	vaddr_t vdso_start;
	u64 random[4];                  // two words for AT_RANDOM, two that random_pages uses up
};

/* exec_find.c */
// Opens for execution: a regular file with an execute bit;
// from now on it cannot be written to. -EACCES, -ETXTBSY, of the path.
int exec_open(struct dentry *start, const char *path, struct file **out) MUST_CHECK;
// The ELF file behind path, through scripts, which change the arguments. Leaves program->file open, also when it fails.
int exec_find(struct dentry *start, const char *path, struct exec_strings *arguments,
	      struct program *program) MUST_CHECK;

/* exec_stack.c */
// Returns the new rsp, or 0 when the stack could not be written.
u64 exec_write_stack(struct program *p, const char *name, struct exec_strings *arguments,
		     struct exec_strings *environment);
