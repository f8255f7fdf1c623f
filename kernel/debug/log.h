#pragma once
/*
 * log.h - the kernel's messages: a ring of the last 64 KiB, and where they are shown at once. Does
 * not own the serial lines or the screen; it only writes to them. printk itself is in kernel.h.
 */
#include "types.h"

#define LOG_SIZE (64u << 10)

// Finds the serial lines and shows what was logged so far where log= says (ttyS1 when it says
// nothing): ttyS0, ttyS1, or both (both lines and the screen). printk works before, and only fills
// the ring. Needs no memory.
void log_start(void);
void log_start_screen(void);            // the screen is there now: shows it what was logged so far, with log=both

// Copies what was logged from *position on (bytes since boot) and moves *position behind it. What
// has left the ring is skipped. 0: nothing new. Any context.
size_t log_read(u64 *position, char *to, size_t size);
u64 log_end(void);                      // the position behind the newest byte

// Adds a text that is not ours (a write to /dev/kmsg) as lines of the log. Any context.
void log_write(const char *text, size_t nr_bytes);

// From here on this CPU is the only one that runs: no locks any more, everything is shown at once.
void log_panic_begins(void);
void log_flush(void);                   // returns when the serial lines have sent everything (or do not move)
