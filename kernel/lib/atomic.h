#pragma once
/*
 * atomic.h - the few read-modify-write operations that the kernel uses, all sequentially consistent.
 */
#include "types.h"

#define atomic_load(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define atomic_store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define atomic_add(p, n) ((void)__atomic_fetch_add((p), (n), __ATOMIC_SEQ_CST))
#define atomic_sub(p, n) ((void)__atomic_fetch_sub((p), (n), __ATOMIC_SEQ_CST))
#define atomic_add_return(p, n) __atomic_add_fetch((p), (n), __ATOMIC_SEQ_CST)
#define atomic_sub_return(p, n) __atomic_sub_fetch((p), (n), __ATOMIC_SEQ_CST)
#define atomic_or(p, bits) ((void)__atomic_fetch_or((p), (bits), __ATOMIC_SEQ_CST))
#define atomic_and(p, bits) ((void)__atomic_fetch_and((p), (bits), __ATOMIC_SEQ_CST))
#define atomic_xor(p, bits) ((void)__atomic_fetch_xor((p), (bits), __ATOMIC_SEQ_CST))
#define atomic_fetch_or(p, bits) __atomic_fetch_or((p), (bits), __ATOMIC_SEQ_CST)
#define atomic_fetch_and(p, bits) __atomic_fetch_and((p), (bits), __ATOMIC_SEQ_CST)
#define atomic_exchange(p, v) __atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST)

// Stores to *p when it equals expected; true when it did.
#define atomic_compare_exchange(p, expected, desired) ({ \
	__typeof__(*(p)) atomic_expected_ = (expected); \
	__atomic_compare_exchange_n((p), &atomic_expected_, (desired), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); })
