#pragma once
/*
 * kernel.h - saying something, and stopping when an invariant is broken.
 * Owns nothing. printk and panic live in debug/log.c and debug/panic.c.
 */
#include "types.h"

// Appends a line (or part of one) to the kernel log, which is copied to the log's serial port.
// Lines start with the room's name: printk("ext2: ...\n"). Never sleeps; any context.
void printk(const char *format, ...) PRINTF_LIKE(1, 2);

// Stops the machine: prints file, line, text and a symbolised back-trace, and, with
// panic=exit on the command line, ends QEMU with status 33. For the kernel's own bugs only.
void NORETURN panic_at(const char *file, int line, const char *format, ...) PRINTF_LIKE(3, 4);
#define panic(...) panic_at(__FILE__, __LINE__, __VA_ARGS__)

// A programmer's mistake, in every build.
#define assert(condition) \
	do { if (unlikely(!(condition))) panic("assertion failed: %s", #condition); } while (0)

// The same where the check costs: only in debug builds, but always compiled.
#ifdef DEBUG
#define DEBUG_BUILD 1
#else
#define DEBUG_BUILD 0
#endif
#define debug_assert(condition) \
	do { if (DEBUG_BUILD && unlikely(!(condition))) panic("assertion failed: %s", #condition); } while (0)
