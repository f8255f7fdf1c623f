#pragma once
/*
 * line.h - the line discipline: what a terminal makes of typed bytes (editing, signals, lines) and
 * of written ones (newlines, tabs), after POSIX 11 and with Linux's settings. It knows no device,
 * no process and no lock: dev/terminal.c does.
 *
 * Typed bytes wait in `input`; the three counters run freely and are taken modulo the size:
 *
 *      first <= committed <= next      [first, committed) may be read; [committed, next) is the line being edited
 */
#include "types.h"
#include <abi/termios.h>

#define LINE_INPUT_SIZE 4096u

struct line {
	struct kernel_termios settings;
	u8 input[LINE_INPUT_SIZE];
	u64 is_end[LINE_INPUT_SIZE / 64];       // a bit a byte: it ends a line; a 0 so marked is end of file
	u32 first, committed, next;
	bool takes_literally;                   // VLNEXT was typed
	bool is_stopped;                        // VSTOP was typed
	u32 column;                             // of the output
	u32 edit_column;                        // where the line being edited begins
	void (*echo)(struct line *l, const char *text, size_t nr_bytes);        // raw bytes to the screen; constant
};

void line_init(struct line *l, void (*echo)(struct line *l, const char *text, size_t nr_bytes));
void line_set(struct line *l, const struct kernel_termios *settings);
// A typed byte. The signal that it means, or 0.
int line_input(struct line *l, u8 byte);
int line_signal_of(const struct line *l, u8 byte);      // what line_input would return
bool line_has_room(const struct line *l);       // a reader cannot go on without more input, or there is place for it
void line_flush_input(struct line *l);
u32 line_nr_readable(const struct line *l);     // 0 also for a line that is not finished
// Takes bytes, at most max and at most one line; *is_over: the line (or file) ended here, the read
// is done.
size_t line_take(struct line *l, u8 *to, size_t max, bool *is_over);
// Turns written bytes into what goes to the device: returns how many of `to` were used, *taken how
// many of `from`.
size_t line_output(struct line *l, const u8 *from, size_t nr_bytes, size_t *taken, char *to, size_t size);
