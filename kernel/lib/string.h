#pragma once
/*
 * string.h - memory and strings, as C defines them, and bounded copies.
 */
#include "types.h"

void *memcpy(void *to, const void *from, size_t nr_bytes);
void *memmove(void *to, const void *from, size_t nr_bytes);
void *memset(void *to, int byte, size_t nr_bytes);
int memcmp(const void *a, const void *b, size_t nr_bytes);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *s, const char *part);

// Copies as much as fits and always ends the string; returns strlen(from).
size_t string_copy(char *to, const char *from, size_t to_size);

// Parses a number (base 0: 0x and leading 0 as in C). 0 or -EINVAL; nothing but digits may follow.
int string_to_u64(const char *s, u32 base, u64 *out) MUST_CHECK;
