#pragma once
/*
 * host_fiber.h - stacks to switch between; apart from everything else because the host's <ucontext.h> and the kernel's
 * signal.h define the same names.
 */
struct fiber;

struct fiber *fiber_of_caller(void);                            // what runs now
struct fiber *fiber_create(void (*f)(void *argument), void *argument);  // f never returns
void fiber_switch(struct fiber *from, struct fiber *to);
void fiber_free(struct fiber *f);                               // not running
