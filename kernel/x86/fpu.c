/*
 * fpu.c - saving and restoring what the kernel itself never uses.
 *
 * A thread's registers are saved whenever it leaves the CPU, so that any CPU may run it next; they are restored only
 * when they are not still there: cpu->fpu_owner is the thread whose registers this CPU holds, thread.fpu_cpu the CPU
 * that held them last. Both must agree, because the thread may have run elsewhere since. While a thread runs, its
 * registers are in the CPU and the area is scratch: any context switch overwrites it. So whoever fills an area from
 * user memory, which may sleep, fills a fresh one and swaps it in with interrupts closed.
 */
#include "x86/fpu.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/thread.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

enum {                                  // XCR0, Intel SDM 1 13.1
	STATE_X87_SSE = 3u << 0,
	STATE_AVX = 1u << 2,
	STATE_AVX512 = 7u << 5,
	CONTROL_WORD_START = 0x37f,
	MXCSR_START = 0x1f80,
	MAGIC1 = 0x46505853,            // FP_XSTATE_MAGIC1, 2: Linux's mark for "the area is an XSAVE area"
	MAGIC2 = 0x46505845,
	NO_CPU = U32_MAX,
};

// The words of FXSAVE's 512 bytes that the processor leaves to software; Linux's struct _fpx_sw_bytes.
struct software_words {
	u32 magic1, extended_size;
	u64 features;
	u32 state_size, padding1;
	u32 padding[6];
};
#define SAID_BY_SOFTWARE offsetof(struct software_words, padding)        // so many bytes of it

struct fpu_area {
	u16 control_word, status_word;
	u8 tags, reserved;
	u16 opcode;
	u64 instruction, data;
	u32 mxcsr, mxcsr_mask;
	u8 registers[432];
	struct software_words software;
	/* the XSAVE header; with FXSAVE the area ends here */
	u64 present, compaction, header_reserved[6];
};
static_assert(offsetof(struct fpu_area, software) == 464, "Intel SDM 1 10.5.1");
static_assert(offsetof(struct fpu_area, present) == 512, "Intel SDM 1 13.4");

static u64 state_mask;                  // parts of the state that we keep; 0: FXSAVE
static u32 area_size = 512;
static u32 mxcsr_mask = 0xffbf;
static struct fpu_area user_template;    // constant: what a signal frame's area has where XSAVE writes nothing
static struct slab_cache areas;
static bool has_areas;

static void area_save(struct fpu_area *area)
{
	if (state_mask)
		fpu_xsave(area, state_mask);
	else
		fpu_fxsave(area);
}

static void area_load(const struct fpu_area *area)
{
	if (state_mask)
		fpu_xrstor(area, state_mask);
	else
		fpu_fxrstor(area);
}

static struct software_words software_words(void)
{
	return (struct software_words){
		.magic1 = state_mask ? MAGIC1 : 0,
		.extended_size = area_size + 4,
		.features = state_mask,
		.state_size = area_size,
	};
}

static void area_reset(struct fpu_area *area)
{
	memset(area, 0, area_size);
	area->control_word = CONTROL_WORD_START;
	area->mxcsr = MXCSR_START;
	area->mxcsr_mask = mxcsr_mask;
	area->software = software_words();
}

// Once, on the first CPU: which parts there are.
static void choose_state(void)
{
	static struct fpu_area probe ALIGNED(64);

	fpu_fxsave(&probe);
	if (probe.mxcsr_mask)
		mxcsr_mask = probe.mxcsr_mask;
	if (!features.has_xsave)
		return;
	u64 possible = cpuid(0xd, 0).eax;

	state_mask = STATE_X87_SSE | (possible & STATE_AVX);
	if ((possible & STATE_AVX512) == STATE_AVX512 && (possible & STATE_AVX))
		state_mask |= STATE_AVX512;
}

void fpu_init_cpu(void)
{
	bool is_first = !has_areas;

	if (is_first)
		choose_state();
	if (state_mask) {
		write_xcr0(state_mask);
		area_size = cpuid(0xd, 0).ebx;          // for what XCR0 now has
	}
	if (is_first) {
		slab_cache_init(&areas, "fpu", area_size, 64);
		user_template.software = software_words();
		has_areas = true;
	}
	this_cpu()->fpu_owner = NULL;
}

size_t fpu_area_size(void)
{
	return area_size;
}

static int area_alloc(struct thread *t)
{
	t->fpu = slab_alloc(&areas);
	t->fpu_cpu = NO_CPU;
	return t->fpu ? 0 : -ENOMEM;
}

int fpu_thread_init(struct thread *t)
{
	int error = area_alloc(t);

	if (!error)
		area_reset(t->fpu);
	return error;
}

void fpu_thread_free(struct thread *t)
{
	if (t->fpu)
		slab_free(&areas, t->fpu);
	t->fpu = NULL;
}

// XSAVE writes neither the header's reserved words nor the software's: they come from the parent's area.
int fpu_thread_copy(struct thread *to, struct thread *from)
{
	int error = area_alloc(to);

	if (error)
		return error;
	u64 flags = interrupts_close();

	area_save(from->fpu);
	memcpy(to->fpu, from->fpu, area_size);
	interrupts_restore(flags);
	return 0;
}

// Makes area the current thread's and its content the registers. Interrupts closed.
static void area_become_current(struct thread *t, struct fpu_area *area)
{
	struct cpu *cpu = this_cpu();

	t->fpu = area;
	area_load(area);
	cpu->fpu_owner = t;
	t->fpu_cpu = cpu->id;
}

void fpu_thread_reset(struct thread *t)
{
	u64 flags = interrupts_close();

	area_reset(t->fpu);
	area_become_current(t, t->fpu);
	interrupts_restore(flags);
}

void fpu_switch(struct thread *from, struct thread *to)
{
	struct cpu *cpu = this_cpu();

	if (from->fpu && cpu->fpu_owner == from)
		area_save(from->fpu);
	if (to->fpu && (cpu->fpu_owner != to || to->fpu_cpu != cpu->id))
		area_become_current(to, to->fpu);
}

// --- signal frames ---

// Straight from the registers. What XSAVE does not write comes first: the software's words, and zeros in the header,
// of which XSAVE changes one word and XRSTOR will want the others to be 0.
static int save_extended(void __user *area)
{
	u32 magic2 = MAGIC2;

	if (copy_to_user((char *)area + offsetof(struct fpu_area, software), &user_template.software,
			 sizeof(struct fpu_area) - offsetof(struct fpu_area, software)) ||
	    user_fpu_save(area, area_size, state_mask))
		return -EFAULT;
	return copy_to_user((char *)area + area_size, &magic2, sizeof(magic2));
}

int fpu_save_to_user(void __user *area)
{
	struct thread *t = current;
	u64 flags;

	if (state_mask)
		return save_extended(area);
	flags = interrupts_close();
	// A switch during the copy saves the very same registers again: user code does not run meanwhile.
	area_save(t->fpu);
	interrupts_restore(flags);
	return copy_to_user(area, t->fpu, area_size);
}

// What user memory says must not make XRSTOR fault.
static int area_check(struct fpu_area *area, bool is_extended)
{
	area->mxcsr &= mxcsr_mask;
	if (!state_mask)
		return 0;
	if (!is_extended) {
		memset(&area->present, 0, area_size - 512);
		area->present = STATE_X87_SSE;
		return 0;
	}
	if (area->compaction)
		return -EINVAL;
	area->present &= state_mask;
	memset(area->header_reserved, 0, sizeof(area->header_reserved));
	return 0;
}

// Reads the user's area: all of it when both marks are there, else the 512 bytes of FXSAVE.
static int area_read(struct fpu_area *area, const void __user *from)
{
	u32 magic2 = 0;
	bool is_extended;

	if (copy_from_user(area, from, 512))
		return -EFAULT;
	is_extended = state_mask && area->software.magic1 == MAGIC1 && area->software.state_size == area_size;
	if (is_extended) {
		if (copy_from_user(area, from, area_size) ||
		    copy_from_user(&magic2, (const char *)from + area_size, sizeof(magic2)))
			return -EFAULT;
		is_extended = magic2 == MAGIC2;
	}
	return area_check(area, is_extended);
}

// As this kernel has written it, all parts: the registers can be loaded from where it lies.
static bool is_whole(const void __user *from)
{
	struct software_words words;
	u32 magic2;

	return state_mask && (u64)from % 64 == 0 &&
	       !copy_from_user(&words, (const char *)from + offsetof(struct fpu_area, software), SAID_BY_SOFTWARE) &&
	       words.magic1 == MAGIC1 && words.state_size == area_size && words.features == state_mask &&
	       !copy_from_user(&magic2, (const char *)from + area_size, sizeof(magic2)) && magic2 == MAGIC2;
}

int fpu_restore_from_user(const void __user *from)
{
	struct thread *t = current;
	struct fpu_area *area, *old;
	int error = 0;
	u64 flags;

	if (!from) {
		fpu_thread_reset(t);
		return 0;
	}
	if (is_whole(from)) {
		error = user_fpu_load(from, area_size, state_mask);
		if (error)
			fpu_thread_reset(t);    // half of it may be there
		return error;
	}
	area = slab_alloc(&areas);
	if (!area)
		return -EFAULT;
	area_reset(area);
	error = area_read(area, from);
	if (error) {
		slab_free(&areas, area);
		return error;
	}
	flags = interrupts_close();
	old = t->fpu;
	area_become_current(t, area);
	interrupts_restore(flags);
	slab_free(&areas, old);
	return 0;
}
