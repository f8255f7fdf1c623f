/*
 * text.c - a text that grows while it is written.
 */
#include "fs/proc/text.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/slab.h"

#define FIRST_CAPACITY 1024ul

void text_init(struct text *t)
{
	*t = (struct text){ .data = NULL };
}

void text_free(struct text *t)
{
	kfree(t->data);
	text_init(t);
}

// Makes room for nr_bytes more and a final 0.
static bool text_reserve(struct text *t, size_t nr_bytes)
{
	size_t needed = t->length + nr_bytes + 1, capacity = max(t->capacity * 2, FIRST_CAPACITY);
	char *data;

	if (needed <= t->capacity)
		return true;
	data = t->has_failed ? NULL : kmalloc(max(capacity, needed));
	if (!data) {
		t->has_failed = true;
		return false;
	}
	if (t->length)
		memcpy(data, t->data, t->length);
	kfree(t->data);
	t->data = data;
	t->capacity = max(capacity, needed);
	return true;
}

void text_append(struct text *t, const char *bytes, size_t nr_bytes)
{
	if (!text_reserve(t, nr_bytes))
		return;
	memcpy(t->data + t->length, bytes, nr_bytes);
	t->length += nr_bytes;
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args;
	int length;

	if (!text_reserve(t, 64))
		return;
	va_start(args, format);
	length = format_string_v(t->data + t->length, t->capacity - t->length, format, args);
	va_end(args);
	if ((size_t)length >= t->capacity - t->length) {
		if (!text_reserve(t, (size_t)length))
			return;
		va_start(args, format);
		length = format_string_v(t->data + t->length, t->capacity - t->length, format, args);
		va_end(args);
	}
	t->length += (size_t)length;
}

void text_pad(struct text *t, size_t line_start, size_t width)
{
	while (t->length < line_start + width && !t->has_failed)
		text_append(t, " ", 1);
}
