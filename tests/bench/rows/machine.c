/*
 * machine.c - what the machine costs without a kernel: the yardstick for the other rows. thousand_instructions must
 * read 1000 where instructions are counted; clearing and copying a page is a part of many rows that no kernel avoids.
 */
#include "bench.h"

// In machine.asm, with what each counts.
void thousand_instructions(uint64_t times);
void clear_stosb(void *page);
void clear_stosq(void *page);
void clear_mov(void *page);
void clear_sse(void *page);
void copy_movsb(void *to, const void *from);
void copy_movsq(void *to, const void *from);
void copy_mov(void *to, const void *from);
void copy_sse(void *to, const void *from);

static char to[PAGE] __attribute__((aligned(4096)));
static char from[PAGE] __attribute__((aligned(4096)));

// Op: 998 times nothing, a decrement, a jump.
static void run_instructions(uint64_t n)
{
	begin();
	thousand_instructions(n);
	end(n);
}

static void clear_by(void (*clear)(void *page), uint64_t n)
{
	begin();
	for (uint64_t i = 0; i < n; i++)
		clear(to);
	end(n);
}

static void copy_by(void (*copy)(void *to, const void *from), uint64_t n)
{
	begin();
	for (uint64_t i = 0; i < n; i++)
		copy(to, from);
	end(n);
}

// Op: one page of 4 KiB, each in another way.
static void run_clear_stosb(uint64_t n) { clear_by(clear_stosb, n); }
static void run_clear_stosq(uint64_t n) { clear_by(clear_stosq, n); }
static void run_clear_mov(uint64_t n) { clear_by(clear_mov, n); }
static void run_clear_sse(uint64_t n) { clear_by(clear_sse, n); }
static void run_copy_movsb(uint64_t n) { copy_by(copy_movsb, n); }
static void run_copy_movsq(uint64_t n) { copy_by(copy_movsq, n); }
static void run_copy_mov(uint64_t n) { copy_by(copy_mov, n); }
static void run_copy_sse(uint64_t n) { copy_by(copy_sse, n); }

const struct row machine_rows[] = {
	{ "insn1000", "machine", run_instructions, 0, false },
	{ "clear4k_stosb", "machine", run_clear_stosb, 0, false },
	{ "clear4k_stosq", "machine", run_clear_stosq, 0, false },
	{ "clear4k_mov", "machine", run_clear_mov, 0, false },
	{ "clear4k_sse", "machine", run_clear_sse, 0, false },
	{ "copy4k_movsb", "machine", run_copy_movsb, 0, false },
	{ "copy4k_movsq", "machine", run_copy_movsq, 0, false },
	{ "copy4k_mov", "machine", run_copy_mov, 0, false },
	{ "copy4k_sse", "machine", run_copy_sse, 0, false },
	{ NULL, NULL, NULL, 0, false },
};
