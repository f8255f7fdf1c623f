// C11's atomic types and operations, upon the compiler's builtins.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
	memory_order_relaxed = __ATOMIC_RELAXED,
	memory_order_consume = __ATOMIC_CONSUME,
	memory_order_acquire = __ATOMIC_ACQUIRE,
	memory_order_release = __ATOMIC_RELEASE,
	memory_order_acq_rel = __ATOMIC_ACQ_REL,
	memory_order_seq_cst = __ATOMIC_SEQ_CST,
} memory_order;

typedef _Atomic(bool) atomic_bool;
typedef _Atomic(char) atomic_char;
typedef _Atomic(unsigned char) atomic_uchar;
typedef _Atomic(int) atomic_int;
typedef _Atomic(unsigned int) atomic_uint;
typedef _Atomic(long) atomic_long;
typedef _Atomic(unsigned long) atomic_ulong;
typedef _Atomic(long long) atomic_llong;
typedef _Atomic(unsigned long long) atomic_ullong;
typedef _Atomic(size_t) atomic_size_t;
typedef _Atomic(intptr_t) atomic_intptr_t;
typedef _Atomic(uintptr_t) atomic_uintptr_t;

typedef struct {
	unsigned char is_set;
} atomic_flag;

#define ATOMIC_VAR_INIT(value)	(value)
#define ATOMIC_FLAG_INIT	{ 0 }
#define atomic_init(object, value) \
	atomic_store_explicit(object, value, memory_order_relaxed)

#define atomic_thread_fence(order)	__atomic_thread_fence(order)
#define atomic_signal_fence(order)	__atomic_signal_fence(order)

#ifdef __clang__
#define atomic_load_explicit(object, order)		__c11_atomic_load(object, order)
#define atomic_store_explicit(object, value, order)	__c11_atomic_store(object, value, order)
#define atomic_exchange_explicit(object, value, order) \
	__c11_atomic_exchange(object, value, order)
#define atomic_fetch_add_explicit(object, value, order) \
	__c11_atomic_fetch_add(object, value, order)
#define atomic_fetch_sub_explicit(object, value, order) \
	__c11_atomic_fetch_sub(object, value, order)
#define atomic_fetch_or_explicit(object, value, order) \
	__c11_atomic_fetch_or(object, value, order)
#define atomic_fetch_and_explicit(object, value, order) \
	__c11_atomic_fetch_and(object, value, order)
#define atomic_fetch_xor_explicit(object, value, order) \
	__c11_atomic_fetch_xor(object, value, order)
#define atomic_compare_exchange_strong_explicit(object, expected, desired, success, failure) \
	__c11_atomic_compare_exchange_strong(object, expected, desired, success, failure)
#else
#define atomic_load_explicit(object, order)		__atomic_load_n(object, order)
#define atomic_store_explicit(object, value, order)	__atomic_store_n(object, value, order)
#define atomic_exchange_explicit(object, value, order)	__atomic_exchange_n(object, value, order)
#define atomic_fetch_add_explicit(object, value, order)	__atomic_fetch_add(object, value, order)
#define atomic_fetch_sub_explicit(object, value, order)	__atomic_fetch_sub(object, value, order)
#define atomic_fetch_or_explicit(object, value, order)	__atomic_fetch_or(object, value, order)
#define atomic_fetch_and_explicit(object, value, order)	__atomic_fetch_and(object, value, order)
#define atomic_fetch_xor_explicit(object, value, order)	__atomic_fetch_xor(object, value, order)
#define atomic_compare_exchange_strong_explicit(object, expected, desired, success, failure) \
	__atomic_compare_exchange_n(object, expected, desired, 0, success, failure)
#endif

#define atomic_load(object)		atomic_load_explicit(object, memory_order_seq_cst)
#define atomic_store(object, value)	atomic_store_explicit(object, value, memory_order_seq_cst)
#define atomic_exchange(object, value) \
	atomic_exchange_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_add(object, value) \
	atomic_fetch_add_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_sub(object, value) \
	atomic_fetch_sub_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_or(object, value) \
	atomic_fetch_or_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_and(object, value) \
	atomic_fetch_and_explicit(object, value, memory_order_seq_cst)
#define atomic_fetch_xor(object, value) \
	atomic_fetch_xor_explicit(object, value, memory_order_seq_cst)
#define atomic_compare_exchange_strong(object, expected, desired) \
	atomic_compare_exchange_strong_explicit(object, expected, desired, \
						memory_order_seq_cst, memory_order_seq_cst)
#define atomic_compare_exchange_weak(object, expected, desired) \
	atomic_compare_exchange_strong(object, expected, desired)
#define atomic_flag_test_and_set(flag) \
	__atomic_test_and_set(&(flag)->is_set, __ATOMIC_SEQ_CST)
#define atomic_flag_clear(flag)		__atomic_clear(&(flag)->is_set, __ATOMIC_SEQ_CST)
