/*
 * thread.c - making and unmaking threads: the record, the kernel stack, the first frame that the switch returns into.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/thread.h"
#include "x86/fpu.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"
#include "x86/switch.h"
#include "x86/trapframe.h"

static struct slab_cache thread_slab;
static u64 nr_threads;                  // atomic

void threads_init(void)
{
	slab_cache_init(&thread_slab, "thread", sizeof(struct thread), 64);
}

struct thread *thread_alloc(const char *name)
{
	struct thread *t = slab_alloc_zeroed(&thread_slab);

	if (!t)
		return NULL;
	t->stack = kernel_stack_alloc();
	if (!t->stack) {
		slab_free(&thread_slab, t);
		return NULL;
	}
	string_copy(t->name, name, sizeof(t->name));
	t->slice_ns = SLICE_NS;
	t->allowed_cpus = U64_MAX;
	list_init(&t->run_link);
	list_init(&t->process_link);
	list_init(&t->tid_link);
	list_init(&t->pending);
	// The first switch to it returns into thread_start_asm, just below the place of the user's registers.
	struct switch_frame *frame = (struct switch_frame *)thread_user_frame(t) - 1;

	*frame = (struct switch_frame){ .rip = (u64)thread_start_asm };
	t->saved_rsp = (u64)frame;
	atomic_add(&nr_threads, 1);
	return t;
}

void thread_free(struct thread *t)
{
	fpu_thread_free(t);
	kernel_stack_free(t->stack);
	slab_free(&thread_slab, t);
	atomic_sub(&nr_threads, 1);
}

u64 threads_count(void)
{
	return nr_threads;
}

struct thread *kernel_thread_create(const char *name, void (*function)(void *argument), void *argument)
{
	struct thread *t = thread_alloc(name);

	if (!t)
		return NULL;
	t->kernel_function = function;
	t->kernel_argument = argument;
	sched_start(t);
	return t;
}
