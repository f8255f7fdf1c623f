// printf into memory, and straight to a descriptor.

#include "internal.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// A sink that is a piece of memory. What does not fit is counted and dropped.
struct memory_sink {
	struct text_sink sink;
	char *text;
	size_t room;		// without the final zero
};

static void memory_put(struct text_sink *sink, const char *text, size_t n)
{
	struct memory_sink *memory = (struct memory_sink *)sink;

	if (n > memory->room)
		n = memory->room;
	memcpy(memory->text, text, n);
	memory->text += n;
	memory->room -= n;
}

// Writes size bytes at most, the final zero among them. Answers the length that it wanted to write.
int vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list args)
{
	struct memory_sink memory = {
		.sink.put = memory_put,
		.text = text,
		.room = size > 0 ? size - 1 : 0,
	};
	int n = format_text(&memory.sink, format, args);

	if (size > 0)
		*memory.text = 0;
	return n;
}

int snprintf(char *restrict text, size_t size, const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, size, format, args);
	va_end(args);
	return n;
}

int vsprintf(char *restrict text, const char *restrict format, va_list args)
{
	return vsnprintf(text, PTRDIFF_MAX, format, args);
}

int sprintf(char *restrict text, const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsprintf(text, format, args);
	va_end(args);
	return n;
}

// Into memory that the caller frees. -1 if there is none.
int vasprintf(char **restrict text, const char *restrict format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	*text = n < 0 ? NULL : malloc((size_t)n + 1);
	if (*text)
		vsnprintf(*text, (size_t)n + 1, format, again);
	va_end(again);
	return *text ? n : -1;
}

int asprintf(char **restrict text, const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vasprintf(text, format, args);
	va_end(args);
	return n;
}

// A sink that is a descriptor, with a small buffer, so that a line is one write.
struct descriptor_sink {
	struct text_sink sink;
	int fd;
	bool has_failed;
	size_t n;
	char buffer[512];
};

static void descriptor_flush(struct descriptor_sink *to)
{
	for (size_t done = 0; done < to->n && !to->has_failed; ) {
		ssize_t n = write(to->fd, to->buffer + done, to->n - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			to->has_failed = true;
	}
	to->n = 0;
}

static void descriptor_put(struct text_sink *sink, const char *text, size_t n)
{
	struct descriptor_sink *to = (struct descriptor_sink *)sink;

	while (n > 0) {
		size_t part = sizeof(to->buffer) - to->n;
		if (part > n)
			part = n;
		memcpy(to->buffer + to->n, text, part);
		to->n += part;
		text += part;
		n -= part;
		if (to->n == sizeof(to->buffer))
			descriptor_flush(to);
	}
}

int vdprintf(int fd, const char *restrict format, va_list args)
{
	struct descriptor_sink to = { .sink.put = descriptor_put, .fd = fd };
	int n = format_text(&to.sink, format, args);

	descriptor_flush(&to);
	return to.has_failed ? -1 : n;
}

int dprintf(int fd, const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vdprintf(fd, format, args);
	va_end(args);
	return n;
}
