/*
 * exec_stack.c - what a new program finds on its stack.
 * Everything is written through the new space, which is loaded by now.
 *
 *   from the top:   file name, environment strings, argument strings, "x86_64", 16 random bytes,
 *                   (16-aligned) auxv ..., NULL, envp ..., NULL, argv ..., argc  <- rsp
 */
#include "kernel.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "proc/exec_internal.h"
#include "proc/vdso.h"
#include "x86/insn.h"
#include "x86/uaccess.h"
#include <abi/auxv.h>

struct stack_writer {
	u64 at;
	bool has_failed;
	u32 nr_words;                   // gathered, to be stored at `at`
	u64 words[32];
};

static u64 push_bytes(struct stack_writer *w, const void *bytes, size_t size)
{
	w->at -= size;
	if (copy_to_user((void *)w->at, bytes, size))
		w->has_failed = true;
	return w->at;
}

static void store_words(struct stack_writer *w)
{
	size_t size = w->nr_words * sizeof(w->words[0]);

	if (copy_to_user((void *)w->at, w->words, size))
		w->has_failed = true;
	w->at += size;
	w->nr_words = 0;
}

static void put_word(struct stack_writer *w, u64 value)
{
	w->words[w->nr_words++] = value;
	if (w->nr_words == ARRAY_SIZE(w->words))
		store_words(w);
}

static u32 fill_auxv(const struct program *p, u64 name_at, u64 platform_at, u64 random_at, u64 *auxv)
{
	const u64 entries[][2] = {
		{ AT_SYSINFO_EHDR, vdso_code(p->vdso_start) }, { AT_HWCAP, cpuid(1, 0).edx },
		{ AT_PAGESZ, PAGE_SIZE }, { AT_CLKTCK, 100 },
		{ AT_PHDR, p->image.headers }, { AT_PHENT, p->image.header_size }, { AT_PHNUM, p->image.nr_headers },
		{ AT_BASE, p->interpreter_file ? p->interpreter.base : 0 },
		{ AT_FLAGS, 0 }, { AT_ENTRY, p->image.entry },
		{ AT_UID, 0 }, { AT_EUID, 0 }, { AT_GID, 0 }, { AT_EGID, 0 }, { AT_SECURE, 0 },
		{ AT_RANDOM, random_at }, { AT_EXECFN, name_at }, { AT_PLATFORM, platform_at }, { AT_NULL, 0 },
	};

	static_assert(sizeof(entries) <= sizeof(((struct addrspace *)0)->auxv), "the auxiliary vector fits");
	memcpy(auxv, entries, sizeof(entries));
	return ARRAY_SIZE(entries);
}

static void put_pointers(struct stack_writer *w, u64 at, const struct exec_strings *s)
{
	const char *string = s->bytes;

	for (u32 i = 0; i < s->nr; i++) {
		size_t length = strlen(string) + 1;

		put_word(w, at);
		at += length;
		string += length;
	}
	put_word(w, 0);
}

u64 exec_write_stack(struct program *p, const char *name, struct exec_strings *arguments,
		     struct exec_strings *environment)
{
	struct addrspace *as = p->space;
	struct stack_writer w = { .at = p->stack_top - 8 };

	u64 name_at = push_bytes(&w, name, strlen(name) + 1);
	u64 environment_at = push_bytes(&w, environment->bytes, environment->used);
	u64 arguments_at = push_bytes(&w, arguments->bytes, arguments->used);

	as->arguments_start = arguments_at;
	as->arguments_end = arguments_at + arguments->used;
	as->environment_start = environment_at;
	as->environment_end = environment_at + environment->used;
	u64 platform_at = push_bytes(&w, "x86_64", 7);
	u64 random_at = push_bytes(&w, p->random, 2 * sizeof(u64));
	u32 nr_auxv = fill_auxv(p, name_at, platform_at, random_at, as->auxv);

	as->nr_auxv = nr_auxv;
	u64 words = 1 + arguments->nr + 1 + environment->nr + 1 + 2ul * nr_auxv;
	u64 rsp = (w.at - words * 8) & ~15ul;

	w.at = rsp;
	put_word(&w, arguments->nr);
	put_pointers(&w, arguments_at, arguments);
	put_pointers(&w, environment_at, environment);
	for (u32 i = 0; i < 2 * nr_auxv; i++)
		put_word(&w, as->auxv[i]);
	store_words(&w);
	return w.has_failed ? 0 : rsp;
}
