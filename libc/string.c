// Strings: bytes up to a zero. (strlen is in memory.c.)

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// The length, but not more than max; reads no further.
size_t strnlen(const char *s, size_t max)
{
	const char *end = memchr(s, 0, max);

	return end ? (size_t)(end - s) : max;
}

char *strcpy(char *restrict to, const char *restrict from)
{
	memcpy(to, from, strlen(from) + 1);
	return to;
}

// Answers the copy's final zero.
char *stpcpy(char *restrict to, const char *restrict from)
{
	size_t n = strlen(from);

	memcpy(to, from, n + 1);
	return to + n;
}

// Fills up with zeroes to n bytes; no zero at all if from is n bytes or longer.
char *strncpy(char *restrict to, const char *restrict from, size_t n)
{
	size_t length = strnlen(from, n);

	memcpy(to, from, length);
	memset(to + length, 0, n - length);
	return to;
}

char *strcat(char *restrict to, const char *restrict from)
{
	strcpy(to + strlen(to), from);
	return to;
}

char *strncat(char *restrict to, const char *restrict from, size_t n)
{
	size_t length = strnlen(from, n);
	char *end = to + strlen(to);

	memcpy(end, from, length);
	end[length] = 0;
	return to;
}

// Copies what fits into size bytes, always with a zero. Answers the length of from.
size_t strlcpy(char *restrict to, const char *restrict from, size_t size)
{
	size_t length = strlen(from);

	if (size > 0) {
		size_t n = length < size ? length : size - 1;
		memcpy(to, from, n);
		to[n] = 0;
	}
	return length;
}

// The same behind what to already holds. Answers the length that it tried to make.
size_t strlcat(char *restrict to, const char *restrict from, size_t size)
{
	size_t length = strnlen(to, size);

	return length + strlcpy(to + length, from, size - length);
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; n--, a++, b++) {
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	}
	return 0;
}

int strcoll(const char *a, const char *b)
{
	return strcmp(a, b);
}

int strcasecmp(const char *a, const char *b)
{
	return strncasecmp(a, b, (size_t)-1);
}

int strncasecmp(const char *a, const char *b, size_t n)
{
	for (; n > 0; n--, a++, b++) {
		int difference = tolower((unsigned char)*a) - tolower((unsigned char)*b);
		if (difference || !*a)
			return difference;
	}
	return 0;
}

// The first c, or the final zero if there is none.
char *strchrnul(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return (char *)s;
}

char *strchr(const char *s, int c)
{
	char *found = strchrnul(s, c);

	return *found == (char)c ? found : NULL;
}

char *strrchr(const char *s, int c)
{
	return memrchr(s, c, strlen(s) + 1);
}

char *index(const char *s, int c)
{
	return strchr(s, c);
}

char *rindex(const char *s, int c)
{
	return strrchr(s, c);
}

// How many bytes at the beginning are of accept.
size_t strspn(const char *s, const char *accept)
{
	size_t n = 0;

	while (s[n] && strchr(accept, s[n]))
		n++;
	return n;
}

// How many bytes at the beginning are not of reject.
size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (!strchr(reject, s[n]))	// the final zero is of every set
		n++;
	return n;
}

char *strpbrk(const char *s, const char *accept)
{
	s += strcspn(s, accept);
	return *s ? (char *)s : NULL;
}

char *strstr(const char *hay, const char *needle)
{
	return memmem(hay, strlen(hay), needle, strlen(needle));
}

char *strcasestr(const char *hay, const char *needle)
{
	size_t n = strlen(needle);

	for (;; hay++) {
		if (strncasecmp(hay, needle, n) == 0)
			return (char *)hay;
		if (!*hay)
			return NULL;
	}
}

// The next word of s (NULL: go on where state says), which gets a zero behind it. NULL: no more.
char *strtok_r(char *restrict s, const char *restrict separators, char **restrict state)
{
	if (!s)
		s = *state;
	s += strspn(s, separators);
	if (!*s) {
		*state = s;
		return NULL;
	}

	char *end = s + strcspn(s, separators);
	*state = *end ? end + 1 : end;
	*end = 0;
	return s;
}

char *strtok(char *restrict s, const char *restrict separators)
{
	static char *state = "";

	return strtok_r(s, separators, &state);
}

// The next field of *s, which may be empty; *s moves on, to NULL behind the last.
char *strsep(char **restrict s, const char *restrict separators)
{
	char *field = *s;

	if (!field)
		return NULL;
	char *end = field + strcspn(field, separators);
	*s = *end ? end + 1 : NULL;
	*end = 0;
	return field;
}

char *strdup(const char *s)
{
	return strndup(s, strlen(s));
}

// A copy, of n bytes at most, that the caller frees. NULL and ENOMEM if there is no memory.
char *strndup(const char *s, size_t n)
{
	size_t length = strnlen(s, n);
	char *copy = malloc(length + 1);

	if (!copy)
		return NULL;
	memcpy(copy, s, length);
	copy[length] = 0;
	return copy;
}

// What follows the last slash; changes nothing.
char *basename(const char *path)
{
	char *slash = strrchr(path, '/');

	return slash ? slash + 1 : (char *)path;
}
