// BUILD: kernel/lib/format.c
/*
 * format_test.c - the kernel's printf against the host's, for every flag, width, precision and length.
 */
#include "lib/format.h"

static const char *const flag_sets[] = { "", "-", "0", "+", " ", "#", "-+", "0+", "0 ", "0#", "-#", "-0" };
static const char *const widths[] = { "", "1", "3", "8", "20" };
static const char *const precisions[] = { "", ".", ".0", ".1", ".5", ".12" };
static const char *const lengths[] = { "hh", "h", "", "l", "ll", "z" };
static const u64 values[] = { 0, 1, 7, 8, 42, 127, 128, 255, 256, 32767, 32768, 65535, 65536, 0x7fffffff, 0x80000000,
			      0xffffffff, 0x100000000, 0x7fffffffffffffff, 0x8000000000000000, U64_MAX };

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"

static int same(const char *format, u64 value)
{
	char ours[128], theirs[128];
	int a = format_string(ours, sizeof(ours), format, value);
	int b = snprintf(theirs, sizeof(theirs), format, value);

	if (a == b && strcmp(ours, theirs) == 0)
		return 1;
	printf("# format \"%s\" of %lx: \"%s\" (%d), the host says \"%s\" (%d)\n", format, value, ours, a, theirs, b);
	return 0;
}

static void numbers(const char *conversion)
{
	bool good = true;
	char format[32], name[64];

	for (size_t f = 0; f < ARRAY_SIZE(flag_sets); f++)
		for (size_t w = 0; w < ARRAY_SIZE(widths); w++)
			for (size_t p = 0; p < ARRAY_SIZE(precisions); p++)
				for (size_t l = 0; l < ARRAY_SIZE(lengths); l++)
					for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
						snprintf(format, sizeof(format), "%%%s%s%s%s%s", flag_sets[f],
							 widths[w], precisions[p], lengths[l], conversion);
						good &= same(format, values[v]);
					}
	snprintf(name, sizeof(name), "%%%s with every flag, width, precision and length", conversion);
	ok(good, name);
}

static void strings(void)
{
	const char *volatile missing = NULL;
	char to[64];

	format_string(to, sizeof(to), "[%s|%5s|%-5s|%.2s|%c|%%]", "a", "bc", "de", "fgh", 'i');
	ok(strcmp(to, "[a|   bc|de   |fg|i|%]") == 0, "strings and characters");
	format_string(to, sizeof(to), "%*d|%-*d|%.*s", 5, 42, 4, 7, 3, "abcdef");
	ok(strcmp(to, "   42|7   |abc") == 0, "* for width and precision");
	format_string(to, sizeof(to), "%*d|", -4, 7);
	ok(strcmp(to, "7   |") == 0, "a negative * width means left");
	format_string(to, sizeof(to), "%s", missing);
	ok(strcmp(to, "(null)") == 0, "a string that is not there");
	format_string(to, sizeof(to), "%p", (void *)0x1234);
	ok(strcmp(to, "0x1234") == 0, "a pointer");
}

static void truncation(void)
{
	char to[16];
	bool good = true;

	for (size_t size = 0; size <= 12; size++) {
		memset(to, '#', sizeof(to));
		good &= format_string(to, size, "%d-%s", 12345, "abc") == 9;
		for (size_t i = size; i < sizeof(to); i++)
			good &= to[i] == '#';
		if (size)
			good &= strncmp(to, "12345-abc", size - 1) == 0 && strlen(to) == min(size - 1, 9ul);
	}
	ok(good, "writes no more than size, returns the whole length");
}

int main(void)
{
	numbers("d");
	numbers("i");
	numbers("u");
	numbers("x");
	numbers("X");
	numbers("o");
	strings();
	truncation();
	return tap_end();
}
