// Copying, filling, comparing and searching memory.
//
// All go by words of eight bytes, four at a time where it pays. (The string instructions of the
// processor would be shorter and, on real processors, as fast; emulators take them byte by byte.)
// Each loop has a barrier, or the compiler would see what it does and call the function that it
// is in.
//
// Unaligned words are taken only where all of their bytes belong to the caller. Searches, which
// may stop before the end that they were given, take aligned words: those never reach into the
// next page.

#include <stdint.h>
#include <string.h>

typedef unsigned long __attribute__((aligned(1), may_alias)) word_t;
typedef unsigned long __attribute__((may_alias)) aligned_word_t;

enum { WORD = sizeof(word_t) };

#define ONES	0x0101010101010101ul

// Reads bytes beyond an object's end, in the same aligned word: right for the processor, not for a
// sanitizer.
#define READS_WHOLE_WORDS	__attribute__((no_sanitize("address")))

static inline void barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

// Copies upwards. The target may begin inside the source's first bytes only if it lies below them.
static inline void copy_up(unsigned char *to, const unsigned char *from, size_t n)
{
	if (n >= WORD) {
		// Read before the first store, for the two may overlap.
		word_t last = *(const word_t *)(from + n - WORD);
		unsigned char *last_place = to + n - WORD;
		for (; n >= 4 * WORD; n -= 4 * WORD, to += 4 * WORD, from += 4 * WORD) {
			const word_t *source = (const word_t *)from;
			word_t *target = (word_t *)to;
			word_t a = source[0], b = source[1], c = source[2], d = source[3];
			target[0] = a;
			target[1] = b;
			target[2] = c;
			target[3] = d;
			barrier();
		}
		for (; n >= WORD; n -= WORD, to += WORD, from += WORD) {
			*(word_t *)to = *(const word_t *)from;
			barrier();
		}
		*(word_t *)last_place = last;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		to[i] = from[i];
		barrier();
	}
}

// Copies downwards, for a target that begins inside the source.
static inline void copy_down(unsigned char *to, const unsigned char *from, size_t n)
{
	if (n >= WORD) {
		word_t first = *(const word_t *)from;
		size_t left = n;
		for (; left >= WORD; left -= WORD) {
			*(word_t *)(to + left - WORD) = *(const word_t *)(from + left - WORD);
			barrier();
		}
		*(word_t *)to = first;
		return;
	}
	while (n > 0) {
		n--;
		to[n] = from[n];
		barrier();
	}
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	copy_up(to, from, n);
	return to;
}

// Answers the end of the copy.
void *mempcpy(void *restrict to, const void *restrict from, size_t n)
{
	return (char *)memcpy(to, from, n) + n;
}

void *memmove(void *to, const void *from, size_t n)
{
	// Upwards is right unless the target begins inside the source.
	if ((size_t)((uintptr_t)to - (uintptr_t)from) >= n)
		copy_up(to, from, n);
	else
		copy_down(to, from, n);
	return to;
}

void *memset(void *memory, int c, size_t n)
{
	unsigned char *to = memory;
	word_t word = (unsigned char)c * ONES;

	if (n >= WORD) {
		*(word_t *)(to + n - WORD) = word;
		for (; n >= 4 * WORD; n -= 4 * WORD, to += 4 * WORD) {
			word_t *target = (word_t *)to;
			target[0] = word;
			target[1] = word;
			target[2] = word;
			target[3] = word;
			barrier();
		}
		for (; n >= WORD; n -= WORD, to += WORD) {
			*(word_t *)to = word;
			barrier();
		}
		return memory;
	}
	for (size_t i = 0; i < n; i++) {
		to[i] = (unsigned char)c;
		barrier();
	}
	return memory;
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

// Marks, with its highest bit, the lowest byte of a word that is zero (and perhaps others above
// it).
static inline unsigned long zero_bytes(unsigned long word)
{
	return (word - ONES) & ~word & (ONES << 7);
}

READS_WHOLE_WORDS
void *memchr(const void *memory, int c, size_t n)
{
	const unsigned char *p = memory;
	unsigned long pattern = (unsigned char)c * ONES;

	for (; n > 0 && (uintptr_t)p % WORD != 0; n--, p++) {
		if (*p == (unsigned char)c)
			return (void *)p;
	}
	while (n > 0) {
		unsigned long found = zero_bytes(*(const aligned_word_t *)p ^ pattern);
		if (found) {
			size_t offset = (size_t)__builtin_ctzl(found) / 8;
			return offset < n ? (void *)(p + offset) : NULL;
		}
		if (n <= WORD)
			break;
		n -= WORD;
		p += WORD;
	}
	return NULL;
}

// Here since it searches as memchr does.
READS_WHOLE_WORDS
size_t strlen(const char *s)
{
	const char *p = s;

	for (; (uintptr_t)p % WORD != 0; p++) {
		if (!*p)
			return (size_t)(p - s);
	}
	for (;; p += WORD) {
		unsigned long found = zero_bytes(*(const aligned_word_t *)p);
		if (found)
			return (size_t)(p - s) + (size_t)__builtin_ctzl(found) / 8;
	}
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
	memset(memory, 0, n);
	barrier();
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
