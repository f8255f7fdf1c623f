// BUILD: kernel/lib/parse.c
/*
 * string_test.c - the kernel's memory and string functions against the host's.
 * They are included under other names, since the host needs its own.
 */
#define memcpy kernel_memcpy
#define memmove kernel_memmove
#define memset kernel_memset
#define memcmp kernel_memcmp
#define strlen kernel_strlen
#define strnlen kernel_strnlen
#define strcmp kernel_strcmp
#define strncmp kernel_strncmp
#define strchr kernel_strchr
#define strrchr kernel_strrchr
#define strstr kernel_strstr
#include "kernel/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr
#include <abi/errno.h>

#define SIZE 600
static unsigned char ours[SIZE], theirs[SIZE], source[SIZE];

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void refill(void)
{
	for (int i = 0; i < SIZE; i++) {
		ours[i] = theirs[i] = (unsigned char)host_random();
		source[i] = (unsigned char)host_random();
	}
}

static void memory(void)
{
	for (int step = 0; step < 20000; step++) {
		size_t n = host_random() % (step & 1 ? 40 : SIZE / 2);
		size_t to = host_random() % (SIZE - n), from = host_random() % (SIZE - n);

		if (step % 100 == 0)
			refill();
		switch (host_random() % 3) {
		case 0:
			require(kernel_memcpy(ours + to, source + from, n) == ours + to);
			memcpy(theirs + to, source + from, n);
			break;
		case 1:
			require(kernel_memmove(ours + to, ours + from, n) == ours + to);
			memmove(theirs + to, theirs + from, n);
			break;
		default:
			require(kernel_memset(ours + to, (int)from, n) == ours + to);
			memset(theirs + to, (int)from, n);
		}
		require(memcmp(ours, theirs, SIZE) == 0);
		require(kernel_memcmp(ours, theirs, SIZE) == 0);
		require(sign(kernel_memcmp(ours + to, source + from, n)) == sign(memcmp(ours + to, source + from, n)));
	}
	ok(true, "memcpy, memmove, memset, memcmp: 20000 random calls");
}

static void strings(void)
{
	char a[24], b[24];

	for (int step = 0; step < 50000; step++) {
		size_t n = host_random() % 24;

		for (int i = 0; i < 23; i++) {
			a[i] = "\0abcd\377"[host_random() % 6];
			b[i] = "\0abcd\377"[host_random() % 6];
		}
		a[23] = b[23] = 0;
		if (step & 1)
			memcpy(b, a, n);
		require(kernel_strlen(a) == strlen(a));
		require(kernel_strnlen(a, n) == strnlen(a, n));
		require(sign(kernel_strcmp(a, b)) == sign(strcmp(a, b)));
		require(sign(kernel_strncmp(a, b, n)) == sign(strncmp(a, b, n)));
		for (const char *c = "ab\377z"; ; c++) {
			require(kernel_strchr(a, *c) == strchr(a, *c));
			require(kernel_strrchr(a, *c) == strrchr(a, *c));
			if (!*c)
				break;
		}
		b[host_random() % 4] = 0;
		require(kernel_strstr(a, b) == strstr(a, b));
	}
	ok(true, "string functions: 50000 random calls");
}

static void copies(void)
{
	char to[8] = "#######";

	ok(string_copy(to, "abcdefghij", 4) == 10 && strcmp(to, "abc") == 0 && to[4] == '#',
	   "string_copy cuts and ends");
	ok(string_copy(to, "xy", sizeof(to)) == 2 && strcmp(to, "xy") == 0, "string_copy where it fits");
	ok(string_copy(to, "abc", 0) == 3 && strcmp(to, "xy") == 0, "string_copy into nothing");
}

static void numbers(void)
{
	u64 n = 99;

	ok(string_to_u64("18446744073709551615", 10, &n) == 0 && n == U64_MAX, "the largest number");
	ok(string_to_u64("18446744073709551616", 10, &n) == -EINVAL, "one more is too much");
	ok(string_to_u64("0x1fF", 0, &n) == 0 && n == 0x1ff, "base 0: hexadecimal");
	ok(string_to_u64("0755", 0, &n) == 0 && n == 0755, "base 0: octal");
	ok(string_to_u64("0", 0, &n) == 0 && n == 0, "base 0: zero");
	ok(string_to_u64("0x10", 16, &n) == 0 && n == 16 && string_to_u64("ff", 16, &n) == 0 && n == 255, "base 16");
	n = 5;
	ok(string_to_u64("", 10, &n) && string_to_u64("12x", 10, &n) && string_to_u64("-1", 10, &n) &&
	   string_to_u64(" 1", 10, &n) && string_to_u64("0x", 0, &n) && string_to_u64("8", 8, &n) && n == 5,
	   "what is not a number leaves the result alone");
}

int main(void)
{
	memory();
	strings();
	copies();
	numbers();
	return tap_end();
}
