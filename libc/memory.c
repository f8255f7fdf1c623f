// Copying, filling, comparing and searching memory.
//
// Copies and fills are the processor's own string instructions: fast with large blocks, and the
// compiler cannot turn them back into calls of the functions that they are the body of.

#include <string.h>

typedef unsigned long __attribute__((aligned(1), may_alias)) word_t;

// rep movsb, upwards.
static inline void copy_bytes(void *to, const void *from, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

// rep stosb.
static inline void fill_bytes(void *to, int c, size_t n)
{
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	// The string instruction needs some thirty cycles to get going; short copies do not wait for it.
	if (n >= 8 && n <= 32) {
		const unsigned char *source = from;
		unsigned char *target = to;
		word_t last = *(const word_t *)(source + n - 8);
		for (size_t i = 0; i + 8 < n; i += 8)
			*(word_t *)(target + i) = *(const word_t *)(source + i);
		*(word_t *)(target + n - 8) = last;
		return to;
	}
	copy_bytes(to, from, n);
	return to;
}

// Answers the end of the copy.
void *mempcpy(void *restrict to, const void *restrict from, size_t n)
{
	return (char *)memcpy(to, from, n) + n;
}

void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *target = to;
	const unsigned char *source = from;

	// Upwards is right unless the target begins inside the source.
	if ((size_t)(target - source) >= n) {
		copy_bytes(to, from, n);
		return to;
	}
	while (n >= 8) {
		n -= 8;
		*(word_t *)(target + n) = *(const word_t *)(source + n);
	}
	while (n > 0) {
		n--;
		*(volatile unsigned char *)(target + n) = source[n];
	}
	return to;
}

void *memset(void *to, int c, size_t n)
{
	fill_bytes(to, c, n);
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *p = a;
	const unsigned char *q = b;

	while (n >= 8 && *(const word_t *)p == *(const word_t *)q) {
		p += 8;
		q += 8;
		n -= 8;
	}
	for (; n > 0; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

void *memchr(const void *memory, int c, size_t n)
{
	const unsigned char *p = memory;

	for (; n > 0; n--, p++) {
		if (*p == (unsigned char)c)
			return (void *)p;
	}
	return NULL;
}

// The last one.
void *memrchr(const void *memory, int c, size_t n)
{
	const unsigned char *p = memory;

	while (n-- > 0) {
		if (p[n] == (unsigned char)c)
			return (void *)(p + n);
	}
	return NULL;
}

// The first place where needle stands in hay.
void *memmem(const void *hay, size_t hay_size, const void *needle, size_t needle_size)
{
	const char *p = hay;
	const char *end = p + hay_size;

	if (needle_size == 0)
		return (void *)hay;
	while ((size_t)(end - p) >= needle_size) {
		p = memchr(p, *(const unsigned char *)needle, (size_t)(end - p) - needle_size + 1);
		if (!p)
			return NULL;
		if (memcmp(p, needle, needle_size) == 0)
			return (void *)p;
		p++;
	}
	return NULL;
}

// Copies up to and with the first stop. Answers the byte behind its copy; NULL if there is none.
void *memccpy(void *restrict to, const void *restrict from, int stop, size_t n)
{
	const void *found = memchr(from, stop, n);

	if (!found) {
		memcpy(to, from, n);
		return NULL;
	}
	return mempcpy(to, from, (size_t)((const char *)found - (const char *)from) + 1);
}

// Zeroes memory also if nobody reads it afterwards.
void explicit_bzero(void *memory, size_t n)
{
	fill_bytes(memory, 0, n);
}

int bcmp(const void *a, const void *b, size_t n)
{
	return memcmp(a, b, n);
}

void bcopy(const void *from, void *to, size_t n)
{
	memmove(to, from, n);
}

void bzero(void *memory, size_t n)
{
	memset(memory, 0, n);
}

// The number of the lowest bit that is set, from 1; 0 if none is.
int ffs(int bits)
{
	return bits ? __builtin_ctz((unsigned int)bits) + 1 : 0;
}
