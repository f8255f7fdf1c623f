#pragma once
/*
 * spin.h - waiting awake for another CPU, and the simplest lock, a word.
 *
 * PAUSE tells a processor with two threads, and a hypervisor, that this one only waits. QEMU's emulation leaves
 * the guest for it and takes its own big lock, which lasts longer than most words are held (a microsecond and more,
 * against a tenth of it). So a wait begins with turns that only read.
 */
#include "types.h"
#include "kernel.h"
#include "x86/insn.h"

#define TURNS_WITHOUT_PAUSE 256u

// One turn of a loop that waits, the how many-th.
static inline void spin_turn(u32 turn)
{
	if (turn >= TURNS_WITHOUT_PAUSE)
		cpu_pause();
}

// 0: free. A waiter reads until the word is free and only then tries to write it, so that waiting causes no traffic.
static inline bool word_try_lock(u32 *word)
{
	return !__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE);
}

static inline void word_lock(u32 *word)
{
	while (unlikely(!word_try_lock(word)))
		for (u32 turn = 0; READ_ONCE(*word); turn++)
			spin_turn(turn);
}

static inline void word_unlock(u32 *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}
