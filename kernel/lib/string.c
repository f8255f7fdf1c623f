/*
 * string.c - memory and strings, as C defines them.
 * Under emulation every iteration of a `rep` costs as much as an instruction, so blocks are moved by unrolled
 * 64-bit loads and stores. The empty asm statements keep the compiler from recognising a loop as the very
 * function that it stands in, and from calling it.
 */
#include "lib/string.h"

typedef u64 __attribute__((may_alias, aligned(1))) word_t;      // x86 loads and stores at any address

#define KEEP_LOOP(a, b) __asm__ volatile("" : "+r"(a), "+r"(b))

static void copy_up(u8 *to, const u8 *from, size_t nr_bytes)
{
	for (; nr_bytes >= 32; nr_bytes -= 32) {
		u64 a = ((const word_t *)from)[0], b = ((const word_t *)from)[1];
		u64 c = ((const word_t *)from)[2], d = ((const word_t *)from)[3];

		((word_t *)to)[0] = a;
		((word_t *)to)[1] = b;
		((word_t *)to)[2] = c;
		((word_t *)to)[3] = d;
		to += 32;
		from += 32;
		KEEP_LOOP(to, from);
	}
	for (; nr_bytes >= 8; nr_bytes -= 8) {
		*(word_t *)to = *(const word_t *)from;
		to += 8;
		from += 8;
		KEEP_LOOP(to, from);
	}
	for (; nr_bytes; nr_bytes--) {
		*to++ = *from++;
		KEEP_LOOP(to, from);
	}
}

// From the last byte to the first: for overlapping moves upwards. The arguments are the ends.
static void copy_down(u8 *to, const u8 *from, size_t nr_bytes)
{
	for (; nr_bytes >= 8; nr_bytes -= 8) {
		to -= 8;
		from -= 8;
		*(word_t *)to = *(const word_t *)from;
		KEEP_LOOP(to, from);
	}
	for (; nr_bytes; nr_bytes--) {
		*--to = *--from;
		KEEP_LOOP(to, from);
	}
}

void *memcpy(void *to, const void *from, size_t nr_bytes)
{
	copy_up(to, from, nr_bytes);
	return to;
}

void *memmove(void *to, const void *from, size_t nr_bytes)
{
	if ((uintptr_t)to - (uintptr_t)from >= nr_bytes)        // also true when to lies below from
		copy_up(to, from, nr_bytes);
	else
		copy_down((u8 *)to + nr_bytes, (const u8 *)from + nr_bytes, nr_bytes);
	return to;
}

void *memset(void *to, int byte, size_t nr_bytes)
{
	u64 word = (u8)byte * 0x0101010101010101ul;
	u8 *p = to;

	for (; nr_bytes >= 32; nr_bytes -= 32) {
		((word_t *)p)[0] = word;
		((word_t *)p)[1] = word;
		((word_t *)p)[2] = word;
		((word_t *)p)[3] = word;
		p += 32;
		KEEP_LOOP(p, word);
	}
	for (; nr_bytes >= 8; nr_bytes -= 8) {
		*(word_t *)p = word;
		p += 8;
		KEEP_LOOP(p, word);
	}
	for (; nr_bytes; nr_bytes--) {
		*p++ = (u8)word;
		KEEP_LOOP(p, word);
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t nr_bytes)
{
	const u8 *x = a, *y = b;

	for (; nr_bytes >= 8 && *(const word_t *)x == *(const word_t *)y; nr_bytes -= 8) {
		x += 8;
		y += 8;
	}
	for (; nr_bytes; nr_bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	const char *end = s;

	for (; *end; end++)
		KEEP_LOOP(end, s);
	return (size_t)(end - s);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max; max--, a++, b++) {
		if (*a != *b)
			return (u8)*a - (u8)*b;
		if (!*a)
			break;
	}
	return 0;
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	for (;; s++) {
		if (*s == (char)c)
			found = s;
		if (!*s)
			return (char *)found;
	}
}

char *strstr(const char *s, const char *part)
{
	size_t length = strlen(part);

	for (;; s++) {
		if (strncmp(s, part, length) == 0)
			return (char *)s;
		if (!*s)
			return NULL;
	}
}
