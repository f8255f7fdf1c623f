// Comparison without case, and BSD's names.
#pragma once

#include <stddef.h>

int strcasecmp(const char *a, const char *b);
int strncasecmp(const char *a, const char *b, size_t n);
int ffs(int bits);
int bcmp(const void *a, const void *b, size_t n);
void bcopy(const void *from, void *to, size_t n);
void bzero(void *memory, size_t n);
char *index(const char *s, int c);
char *rindex(const char *s, int c);
