#pragma once
/*
 * random.h - bytes that cannot be guessed: a ChaCha20 stream whose key is mixed from the processor's generator and the
 * time stamps of many calls, and replaced after every use, so that an old output cannot be computed from the state.
 */
#include "types.h"

void random_init(void);
void random_bytes(void *to, size_t nr_bytes);           // any context but interrupts; never sleeps
void random_mix(const void *from, size_t nr_bytes);     // adds what somebody thinks is unpredictable
u64 random_u64(void);
