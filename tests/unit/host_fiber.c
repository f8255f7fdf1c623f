/*
 * host_fiber.c - see host_fiber.h.
 */
#include "host_fiber.h"
#include <ucontext.h>

#define STACK_BYTES (256ul * 1024)

struct fiber {
	ucontext_t context;
	void *stack;
};

struct fiber *fiber_of_caller(void)
{
	return calloc(1, sizeof(struct fiber));
}

// makecontext passes ints: a pointer goes in two halves.
static void start(unsigned f_high, unsigned f_low, unsigned a_high, unsigned a_low)
{
	void (*f)(void *) = (void (*)(void *))((unsigned long)f_high << 32 | f_low);

	f((void *)((unsigned long)a_high << 32 | a_low));
	abort();
}

struct fiber *fiber_create(void (*f)(void *argument), void *argument)
{
	struct fiber *fiber = calloc(1, sizeof(*fiber));
	unsigned long function = (unsigned long)f, a = (unsigned long)argument;

	fiber->stack = malloc(STACK_BYTES);
	getcontext(&fiber->context);
	fiber->context.uc_stack.ss_sp = fiber->stack;
	fiber->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&fiber->context, (void (*)(void))start, 4, (unsigned)(function >> 32), (unsigned)function,
		    (unsigned)(a >> 32), (unsigned)a);
	return fiber;
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
	swapcontext(&from->context, &to->context);
}

void fiber_free(struct fiber *f)
{
	free(f->stack);
	free(f);
}
