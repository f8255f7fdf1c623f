#pragma once
/*
 * text.h - a text that grows while it is written: what a file of /proc shows.
 */
#include "types.h"

struct text {
	char *data;                     // kmalloc'ed; NULL: empty
	size_t length, capacity;
	bool has_failed;                // no memory: the rest is missing
};

void text_init(struct text *t);
void text_free(struct text *t);
void text_printf(struct text *t, const char *format, ...) PRINTF_LIKE(2, 3);
void text_append(struct text *t, const char *bytes, size_t nr_bytes);
// Spaces until the line that began at line_start is width columns long.
void text_pad(struct text *t, size_t line_start, size_t width);
