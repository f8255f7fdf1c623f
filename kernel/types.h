#pragma once
/*
 * types.h - the words that every file of the kernel uses.
 * The kernel includes no header of the host or of the compiler: what C needs
 * (fixed-width integers, bool, NULL, offsetof, va_list) is defined here.
 */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long i64;

typedef unsigned long size_t;
typedef long ssize_t;
typedef unsigned long uintptr_t;

typedef u64 vaddr_t;            // a virtual address, user or kernel, in bytes
typedef u64 paddr_t;            // a physical address in bytes
typedef u64 pfn_t;              // a physical frame number
typedef u64 pgoff_t;            // an offset in a file, in pages
typedef u64 blk_t;              // a file-system block number on a device

#ifndef LECTERN_HOST            // host unit tests bring their own
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)
#define offsetof(type, member) __builtin_offsetof(type, member)
typedef __builtin_va_list va_list;
#define va_start(ap, last) __builtin_va_start(ap, last)
#define va_arg(ap, type) __builtin_va_arg(ap, type)
#define va_end(ap) __builtin_va_end(ap)
#define va_copy(to, from) __builtin_va_copy(to, from)
#endif

#define U64_MAX (~0ul)
#define I64_MAX ((i64)(~0ul >> 1))
#define U32_MAX (~0u)

#define PAGE_SHIFT 12
#define PAGE_SIZE (1ul << PAGE_SHIFT)
#define HUGE_SIZE (1ul << 21)   // what an entry one level above the last shows
#define HUGE_PAGES 512
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN_DOWN(x) ((u64)(x) & PAGE_MASK)
#define PAGE_ALIGN_UP(x) (((u64)(x) + PAGE_SIZE - 1) & PAGE_MASK)

#define MUST_CHECK __attribute__((warn_unused_result))
#define NORETURN __attribute__((noreturn))
#define PACKED __attribute__((packed))
#define ALIGNED(n) __attribute__((aligned(n)))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define static_assert _Static_assert

// The long way of a function whose usual one is short: kept out of it.
#define NOINLINE __attribute__((noinline))

// A pointer into user memory: never dereferenced, only given to x86/uaccess.h.
#define __user

// Each argument is evaluated once; the names of the copies are new each time, so that one may stand in another.
#define PASTE_NOW(a, b) a##b
#define PASTE(a, b) PASTE_NOW(a, b)
#define COMPARED(a, operator, b, x, y) ({ __typeof__(a) x = (a); __typeof__(b) y = (b); x operator y ? x : y; })
#define min(a, b) COMPARED(a, <, b, PASTE(min_a_, __COUNTER__), PASTE(min_b_, __COUNTER__))
#define max(a, b) COMPARED(a, >, b, PASTE(max_a_, __COUNTER__), PASTE(max_b_, __COUNTER__))

// One load or one store, which the compiler neither splits nor repeats.
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, value) (*(volatile __typeof__(x) *)&(x) = (value))
