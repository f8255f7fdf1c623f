/*
 * parse.c - the two string functions that C does not have: a copy that cannot overrun, a number that is only a number.
 * They stand apart from string.c so that host tests can link them beside the host's own strings.
 */
#include "lib/string.h"
#include <abi/errno.h>

size_t string_copy(char *to, const char *from, size_t to_size)
{
	size_t length = strlen(from);

	if (to_size) {
		size_t fits = min(length, to_size - 1);

		memcpy(to, from, fits);
		to[fits] = 0;
	}
	return length;
}

static u32 digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (u32)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (u32)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (u32)(c - 'A') + 10;
	return U32_MAX;
}

int string_to_u64(const char *s, u32 base, u64 *out)
{
	bool has_hex_mark = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	u64 value = 0;

	if (base == 0)
		base = has_hex_mark ? 16 : s[0] == '0' ? 8 : 10;
	if (base == 16 && has_hex_mark)
		s += 2;
	if (!*s)
		return -EINVAL;
	for (; *s; s++) {
		u32 digit = digit_value(*s);

		if (digit >= base)
			return -EINVAL;
		if (value > (U64_MAX - digit) / base)
			return -EINVAL;
		value = value * base + digit;
	}
	*out = value;
	return 0;
}
