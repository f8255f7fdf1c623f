// Reading and writing upon the buffers of stdio: characters, lines, blocks, formatted text.

#include "internal.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stdio_file.h"

// Whether there is a byte to take. Fills the buffer if it must.
static bool has_byte(FILE *file)
{
	if (!file->is_writing && file->taken < file->filled)
		return true;
	return file_fill(file) == 0;
}

int fgetc(FILE *file)
{
	return has_byte(file) ? file->buffer[file->taken++] : EOF;
}

int getc(FILE *file)
{
	return fgetc(file);
}

int getchar(void)
{
	return fgetc(stdin);
}

// Puts a byte back; 8 of them at most, or EOF.
int ungetc(int c, FILE *file)
{
	if (c == EOF || file->is_writing || file->taken <= -UNGET_ROOM)
		return EOF;
	file->taken--;
	file->buffer[file->taken] = (unsigned char)c;
	file->has_ended = false;
	return (unsigned char)c;
}

size_t fread(void *restrict memory, size_t size, size_t nr, FILE *restrict file)
{
	size_t wanted;
	size_t done = 0;

	if (__builtin_mul_overflow(size, nr, &wanted) || wanted == 0)
		return 0;
	while (done < wanted && has_byte(file)) {
		size_t there = (size_t)(file->filled - file->taken);
		size_t part = wanted - done < there ? wanted - done : there;
		memcpy((char *)memory + done, file->buffer + file->taken, part);
		file->taken += (int)part;
		done += part;
	}
	return done / size;
}

// Takes bytes up to and with the delimiter, max at most. Answers how many; 0 at the end.
static size_t take_until(FILE *file, int delimiter, char *text, size_t max)
{
	size_t n = 0;

	while (n < max && has_byte(file)) {
		unsigned char *from = file->buffer + file->taken;
		size_t there = (size_t)(file->filled - file->taken);
		size_t part = max - n < there ? max - n : there;
		unsigned char *found = memchr(from, delimiter, part);
		if (found)
			part = (size_t)(found - from) + 1;
		memcpy(text + n, from, part);
		file->taken += (int)part;
		n += part;
		if (found)
			break;
	}
	return n;
}

// One line with its newline, size - 1 bytes at most. NULL if there was nothing left.
char *fgets(char *restrict line, int size, FILE *restrict file)
{
	if (size <= 1)
		return NULL;
	size_t n = take_until(file, '\n', line, (size_t)size - 1);
	line[n] = 0;
	return n > 0 ? line : NULL;
}

// One line of any length in memory that grows as it must. Answers its length; -1 at the end.
ssize_t getdelim(char **restrict line, size_t *restrict size, int delimiter,
		 FILE *restrict file)
{
	size_t n = 0;

	if (!*line)
		*size = 0;
	for (;;) {
		if (*size < n + 2) {
			size_t bigger = *size < 64 ? 128 : *size * 2;
			char *moved = realloc(*line, bigger);
			if (!moved)
				return -1;
			*line = moved;
			*size = bigger;
		}
		size_t part = take_until(file, delimiter, *line + n, *size - n - 1);
		n += part;
		if (part == 0 || (unsigned char)(*line)[n - 1] == (unsigned char)delimiter)
			break;
	}
	(*line)[n] = 0;
	return n > 0 ? (ssize_t)n : -1;
}

ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict file)
{
	return getdelim(line, size, '\n', file);
}

// The way of all output. Answers n, or 0 after an error.
static size_t text_write(FILE *file, const char *text, size_t n)
{
	if (file_begin_write(file))
		return 0;
	bool has_newline = file->mode == _IOLBF && memrchr(text, '\n', n);
	if (file_put(file, text, n) < n || file_end_write(file, has_newline))
		return 0;
	return n;
}

size_t fwrite(const void *restrict memory, size_t size, size_t nr, FILE *restrict file)
{
	size_t n;

	if (__builtin_mul_overflow(size, nr, &n) || n == 0)
		return 0;
	return text_write(file, memory, n) / size;
}

int fputc(int c, FILE *file)
{
	char byte = (char)c;

	// Most bytes only go into the buffer.
	if (file->is_writing && file->mode == _IOFBF && file->filled < file->size - 1) {
		file->buffer[file->filled++] = (unsigned char)c;
		return (unsigned char)c;
	}
	return text_write(file, &byte, 1) == 1 ? (unsigned char)c : EOF;
}

int putc(int c, FILE *file)
{
	return fputc(c, file);
}

int putchar(int c)
{
	return fputc(c, stdout);
}

int fputs(const char *restrict s, FILE *restrict file)
{
	size_t n = strlen(s);

	return text_write(file, s, n) == n ? 0 : EOF;
}

// The string and a newline, in one write if nothing is buffered.
int puts(const char *s)
{
	size_t n = strlen(s);

	if (file_begin_write(stdout) || file_put(stdout, s, n) < n ||
	    file_put(stdout, "\n", 1) < 1)
		return EOF;
	return file_end_write(stdout, true);
}

// A sink that is a FILE.
struct file_sink {
	struct text_sink sink;
	FILE *file;
	bool has_newline;
};

static void file_sink_put(struct text_sink *sink, const char *text, size_t n)
{
	struct file_sink *to = (struct file_sink *)sink;

	file_put(to->file, text, n);
	if (to->file->mode == _IOLBF && memrchr(text, '\n', n))
		to->has_newline = true;
}

int vfprintf(FILE *restrict file, const char *restrict format, va_list args)
{
	struct file_sink to = { .sink.put = file_sink_put, .file = file };
	bool had_failed = file->has_failed;

	if (file_begin_write(file))
		return -1;
	file->has_failed = false;
	int n = format_text(&to.sink, format, args);
	if (file_end_write(file, to.has_newline) || file->has_failed)
		return -1;
	file->has_failed = had_failed;
	return n;
}

int fprintf(FILE *restrict file, const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vfprintf(file, format, args);
	va_end(args);
	return n;
}

int vprintf(const char *restrict format, va_list args)
{
	return vfprintf(stdout, format, args);
}

int printf(const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vfprintf(stdout, format, args);
	va_end(args);
	return n;
}
