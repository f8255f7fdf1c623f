#pragma once
/*
 * irq.h - for host tests, found before the kernel's own: interrupts are a flag, so that the lock check can look at it.
 */
#include "types.h"

extern bool host_interrupts_are_open;

static inline u64 interrupts_close(void)
{
	u64 was_open = host_interrupts_are_open;

	host_interrupts_are_open = false;
	return was_open;
}

static inline void interrupts_restore(u64 was_open)
{
	host_interrupts_are_open = was_open;
}

static inline bool interrupts_are_open(void)
{
	return host_interrupts_are_open;
}
