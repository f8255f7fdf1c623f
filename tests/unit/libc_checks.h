// Checks of those parts of libc that need no kernel but for memory: included by libc_test.c,
// which is linked with libc.a, and by libc_sanitized_test.c, which compiles libc's sources with
// sanitizers. Expected texts are literal, so that nothing is compared with itself.
//
// A test is a function; it prints one line of TAP, and a comment line for each check that failed.
#pragma once

static int nr_tests;
static int nr_failed_tests;
static bool has_failed_check;

#define CHECK(claim) do { \
	if (!(claim)) { \
		has_failed_check = true; \
		dprintf(1, "# %s:%d: %s\n", __FILE__, __LINE__, #claim); \
	} \
} while (0)

#define CHECK_TEXT(seen, expected) do { \
	const char *seen_text = (seen); \
	if (!seen_text || strcmp(seen_text, (expected)) != 0) { \
		has_failed_check = true; \
		dprintf(1, "# %s:%d: expected \"%s\", saw \"%s\"\n", __FILE__, __LINE__, \
			(expected), seen_text ? seen_text : "NULL"); \
	} \
} while (0)

#define RUN(test)	test_run(#test, test)

static void test_run(const char *name, void (*test)(void))
{
	has_failed_check = false;
	test();
	nr_tests++;
	nr_failed_tests += has_failed_check;
	dprintf(1, "%sok %d - %s\n", has_failed_check ? "not " : "", nr_tests, name);
}

static int tests_finish(void)
{
	dprintf(1, "1..%d\n", nr_tests);
	return nr_failed_tests > 0;
}

// What printf makes of its arguments, until the next call.
static const char *formatted(const char *format, ...)
{
	static char text[4096];
	va_list args;

	va_start(args, format);
	memset(text, '#', sizeof(text));
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n != strlen(text))
		return "the length is wrong";
	return text;
}

// A format that the compiler cannot check, for conversions that it would warn of.
static const char *unchecked(const char *format)
{
	const char *volatile hidden = format;

	return hidden;
}

static void memory_is_copied_at_every_length_and_offset(void)
{
	unsigned char from[160], to[160];

	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)(i * 7 + 1);
	for (size_t n = 0; n <= 100; n++) {
		for (size_t offset = 0; offset < 9; offset++) {
			memset(to, 0xee, sizeof(to));
			CHECK(memcpy(to + offset, from + 3, n) == to + offset);
			for (size_t i = 0; i < sizeof(to); i++) {
				bool is_inside = i >= offset && i < offset + n;
				if (to[i] != (is_inside ? from[3 + i - offset] : 0xee))
					CHECK(!"a byte is wrong");
			}
		}
	}
}

static void overlapping_memory_is_moved_both_ways(void)
{
	unsigned char seen[120];

	for (size_t n = 0; n <= 60; n++) {
		for (size_t from = 0; from < 40; from += 3) {
			for (size_t to = 0; to < 40; to++) {
				for (size_t i = 0; i < sizeof(seen); i++)
					seen[i] = (unsigned char)i;
				memmove(seen + to, seen + from, n);
				for (size_t i = 0; i < sizeof(seen); i++) {
					size_t expected = i >= to && i < to + n ? i - to + from : i;
					if (seen[i] != expected)
						CHECK(!"a byte is wrong");
				}
			}
		}
	}
}

static void memory_is_filled_compared_and_searched(void)
{
	char text[32] = "abcdefgh-abcdefgh-abcdefgh";

	CHECK(memcmp("abcdefghi", "abcdefghj", 9) < 0);
	CHECK(memcmp("abcdefghi", "abcdefghj", 8) == 0);
	CHECK(memcmp("\x80", "\x7f", 1) > 0);
	CHECK(memcmp("zzzzzzzza", "zzzzzzzzb", 9) < 0);
	CHECK(memcmp("x", "y", 0) == 0);
	CHECK(memchr(text, '-', 8) == NULL);
	CHECK(memchr(text, '-', 9) == text + 8);
	CHECK(memrchr(text, '-', 26) == text + 17);
	CHECK(memrchr(text, '!', 26) == NULL);
	CHECK(memmem(text, 26, "h-a", 3) == text + 7);
	CHECK(memmem(text, 26, "hh", 2) == NULL);
	CHECK(memmem(text, 26, "", 0) == text);
	CHECK(memmem(text, 2, "abc", 3) == NULL);
	CHECK(memmem("aaab", 4, "aab", 3) != NULL);
	CHECK(memccpy(text + 20, "xyz", 'y', 3) == text + 22);
	CHECK_TEXT(text, "abcdefgh-abcdefgh-abxyefgh");
	memset(text, 0x141, 3);
	CHECK(strncmp(text, "AAAdef", 6) == 0);
	CHECK(ffs(0) == 0 && ffs(1) == 1 && ffs(0x50) == 5);
}

static void strings_are_measured_copied_and_joined(void)
{
	char text[16];

	CHECK(strlen("") == 0 && strlen("abc") == 3);
	CHECK(strnlen("abcdef", 4) == 4 && strnlen("ab", 4) == 2);
	CHECK_TEXT(strcpy(text, "one"), "one");
	CHECK(stpcpy(text, "three") == text + 5);
	CHECK_TEXT(strcat(text, "-four"), "three-four");
	CHECK_TEXT(strncat(text, "56789", 2), "three-four56");
	memset(text, 'x', sizeof(text));
	strncpy(text, "ab", 5);
	CHECK(memcmp(text, "ab\0\0\0x", 6) == 0);
	memset(text, 'x', sizeof(text));
	strncpy(text, "abcdef", 3);
	CHECK(memcmp(text, "abcxxx", 6) == 0);
}

static void bounded_copies_always_end_with_zero(void)
{
	char text[6];

	CHECK(strlcpy(text, "abcdefgh", sizeof(text)) == 8);
	CHECK_TEXT(text, "abcde");
	CHECK(strlcpy(text, "ab", sizeof(text)) == 2);
	CHECK(strlcat(text, "cdefg", sizeof(text)) == 7);
	CHECK_TEXT(text, "abcde");
	CHECK(strlcpy(NULL, "abc", 0) == 3);
}

static void strings_compare_by_unsigned_bytes(void)
{
	CHECK(strcmp("", "") == 0 && strcmp("a", "b") < 0 && strcmp("ab", "a") > 0);
	CHECK(strcmp("\xff", "a") > 0);
	CHECK(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0);
	CHECK(strncmp("ab", "ab", 100) == 0);
	CHECK(strcasecmp("HeLLo", "hEllO") == 0 && strcasecmp("a", "B") < 0);
	CHECK(strncasecmp("ABCx", "abcy", 3) == 0);
}

static void strings_are_searched(void)
{
	const char *text = "one two three";

	CHECK(strchr(text, 't') == text + 4);
	CHECK(strchr(text, 0) == text + 13);
	CHECK(strchr(text, 'z') == NULL);
	CHECK(strrchr(text, 't') == text + 8);
	CHECK(strrchr(text, 0) == text + 13);
	CHECK(strrchr(text, 'z') == NULL);
	CHECK(strchrnul(text, 'z') == text + 13);
	CHECK(strstr(text, "two") == text + 4);
	CHECK(strstr(text, "") == text);
	CHECK(strstr(text, "threee") == NULL);
	CHECK(strcasestr(text, "THREE") == text + 8);
	CHECK(strcasestr(text, "four") == NULL);
	CHECK(strspn(text, "eno") == 3 && strspn(text, "") == 0);
	CHECK(strcspn(text, " ") == 3 && strcspn(text, "z") == 13);
	CHECK(strpbrk(text, "wh") == text + 5);
	CHECK(strpbrk(text, "z") == NULL);
}

static void strings_are_cut_into_words_and_fields(void)
{
	char words[] = "  one,two,, three ";
	char fields[] = "a::b:";
	char *state;
	char *rest = fields;

	CHECK_TEXT(strtok_r(words, " ,", &state), "one");
	CHECK_TEXT(strtok_r(NULL, " ,", &state), "two");
	CHECK_TEXT(strtok_r(NULL, " ,", &state), "three");
	CHECK(strtok_r(NULL, " ,", &state) == NULL);
	CHECK(strtok_r(NULL, " ,", &state) == NULL);
	CHECK_TEXT(strsep(&rest, ":"), "a");
	CHECK_TEXT(strsep(&rest, ":"), "");
	CHECK_TEXT(strsep(&rest, ":"), "b");
	CHECK_TEXT(strsep(&rest, ":"), "");
	CHECK(strsep(&rest, ":") == NULL);
}

static void strings_are_duplicated(void)
{
	char *copy = strdup("hello");
	char *part = strndup("hello", 2);

	CHECK_TEXT(copy, "hello");
	CHECK_TEXT(part, "he");
	free(copy);
	free(part);
	CHECK_TEXT(basename("/usr/lib/x"), "x");
	CHECK_TEXT(basename("x"), "x");
}

static void integers_are_printed(void)
{
	CHECK_TEXT(formatted("%d %i %u", -1, 42, 3000000000u), "-1 42 3000000000");
	CHECK_TEXT(formatted("%d", INT_MIN), "-2147483648");
	CHECK_TEXT(formatted("%ld", LONG_MIN), "-9223372036854775808");
	CHECK_TEXT(formatted("%lu", ULONG_MAX), "18446744073709551615");
	CHECK_TEXT(formatted("%llx %llX", 0xfeedfacedeadbeefull, 0xabcull), "feedfacedeadbeef ABC");
	CHECK_TEXT(formatted("%o %#o %#o", 8, 8, 0), "10 010 0");
	CHECK_TEXT(formatted("%#x %#X %#x", 255, 255, 0), "0xff 0XFF 0");
	CHECK_TEXT(formatted("%zu %zd %td %jd", (size_t)1, (ssize_t)-2, (ptrdiff_t)-3,
			     (intmax_t)-4),
		   "1 -2 -3 -4");
	CHECK_TEXT(formatted(unchecked("%hhd %hhu %hd %hu"), 300, 300, 70000, 70000),
		   "44 44 4464 4464");
}

static void integers_are_padded_and_signed(void)
{
	CHECK_TEXT(formatted("[%5d][%-5d][%05d]", 42, 42, 42), "[   42][42   ][00042]");
	CHECK_TEXT(formatted("[%05d][%+05d][% 05d]", -42, 42, 42), "[-0042][+0042][ 0042]");
	CHECK_TEXT(formatted("[%+d][% d][%+d]", 7, 7, -7), "[+7][ 7][-7]");
	CHECK_TEXT(formatted("[%.5d][%8.5d][%-8.5d]", 42, 42, 42), "[00042][   00042][00042   ]");
	CHECK_TEXT(formatted(unchecked("[%08.5d]"), 42), "[   00042]");
	CHECK_TEXT(formatted("[%.0d][%.0d][%5.0x]", 0, 1, 0), "[][1][     ]");
	CHECK_TEXT(formatted("[%#8x][%#08x][%-#8x]", 255, 255, 255),
		   "[    0xff][0x0000ff][0xff    ]");
	CHECK_TEXT(formatted("[%*d][%-*d][%*d]", 4, 1, 4, 2, -4, 3), "[   1][2   ][3   ]");
	CHECK_TEXT(formatted("[%.*d][%.*d]", 3, 5, -1, 5), "[005][5]");
}

static void strings_characters_and_pointers_are_printed(void)
{
	const char *volatile null_text = NULL;

	CHECK_TEXT(formatted("[%s][%5s][%-5s]", "ab", "ab", "ab"), "[ab][   ab][ab   ]");
	CHECK_TEXT(formatted("[%.2s][%.*s][%5.1s]", "abcdef", 3, "abcdef", "xyz"),
		   "[ab][abc][    x]");
	CHECK_TEXT(formatted("[%s]", null_text), "[(null)]");
	CHECK_TEXT(formatted("[%c][%3c][%-3c]", 'a', 'b', 'c'), "[a][  b][c  ]");
	CHECK_TEXT(formatted("%p %p", (void *)0x1234abcd, NULL), "0x1234abcd (nil)");
	CHECK_TEXT(formatted("100%% %s", "sure"), "100% sure");
	CHECK_TEXT(formatted(unchecked("%y %d"), 5), "%y 5");
}

static void text_beyond_the_room_is_counted_not_written(void)
{
	char text[8] = "???????";
	int before = -1;

	CHECK(snprintf(text, 4, "%d", 123456) == 6);
	CHECK(memcmp(text, "123\0???", 7) == 0);
	CHECK(snprintf(NULL, 0, "%s-%s", "abc", "de") == 6);
	CHECK(snprintf(text, 1, "x") == 1 && text[0] == 0);
	CHECK(snprintf(text, sizeof(text), "abc%n", &before) == 3 && before == 3);
	char *made;
	CHECK(asprintf(&made, "%0100d", 5) == 100);
	CHECK(strlen(made) == 100 && made[98] == '0' && made[99] == '5');
	free(made);
}

static void fixed_point_numbers_are_printed(void)
{
	CHECK_TEXT(formatted("%f %.2f %.0f", 1.5, 3.14159, 2.5), "1.500000 3.14 2");
	CHECK_TEXT(formatted("%.0f %.0f %.0f", 0.5, 1.5, 0.50001), "0 2 1");
	CHECK_TEXT(formatted("%.1f %.3f %.2f", 0.05, -0.0005, 99.995), "0.1 -0.001 100.00");
	CHECK_TEXT(formatted("%.20f", 0.1), "0.10000000000000000555");
	CHECK_TEXT(formatted("%f %f", 0.0, -0.0), "0.000000 -0.000000");
	CHECK_TEXT(formatted("%.3f", 1e-300), "0.000");
	CHECK_TEXT(formatted("%.0f", 1e22), "10000000000000000000000");
	CHECK_TEXT(formatted("%.1f", 123456789.95), "123456790.0");
	CHECK_TEXT(formatted("[%8.2f][%-8.2f][%08.2f][%+.1f]", 3.14159, 3.14159, -3.14159, 2.0),
		   "[    3.14][3.14    ][-0003.14][+2.0]");
	CHECK_TEXT(formatted("%f %F %5f|%05f", __builtin_inf(), -__builtin_inf(), __builtin_nan(""),
			     __builtin_inf()), "inf -INF   nan|  inf");
	CHECK_TEXT(formatted("%.3Lf %#.0f", 2.5L, 3.0), "2.500 3.");
	CHECK(strlen(formatted("%f", 1.7976931348623157e308)) == 316);
	CHECK(strncmp(formatted("%.1074f", 5e-324) + 320, "00000494065645841246", 20) == 0);
}

static void exponent_and_general_numbers_are_printed(void)
{
	CHECK_TEXT(formatted("%e %.2E", 12345.678, 0.00012345), "1.234568e+04 1.23E-04");
	CHECK_TEXT(formatted("%.0e %e", 15.0, 0.0), "2e+01 0.000000e+00");
	CHECK_TEXT(formatted("%.3e", 9.9999e99), "1.000e+100");
	CHECK_TEXT(formatted("%g %g %g", 100000.0, 1000000.0, 0.0001), "100000 1e+06 0.0001");
	CHECK_TEXT(formatted("%g %g %g", 0.00001, 3.0, 2.50), "1e-05 3 2.5");
	CHECK_TEXT(formatted("%.3g %.10g %#g", 1234.5, 0.1, 1.0), "1.23e+03 0.1 1.00000");
	CHECK_TEXT(formatted("%g %g", 999999.5, 0.0), "1e+06 0");
	CHECK_TEXT(formatted("%.17g", 0.3), "0.29999999999999999");
}

static void signed_integers_are_read_up_to_their_limits(void)
{
	char *end;

	CHECK(strtol("  -42abc", &end, 10) == -42 && strcmp(end, "abc") == 0);
	CHECK(strtol("0x1fz", &end, 0) == 31 && *end == 'z');
	CHECK(strtol("0x", &end, 0) == 0 && strcmp(end, "x") == 0);
	CHECK(strtol("0xg", &end, 16) == 0 && strcmp(end, "xg") == 0);
	CHECK(strtol("0777", &end, 0) == 511 && !*end);
	CHECK(strtol("zZ", &end, 36) == 1295 && !*end);
	CHECK(strtol("12", &end, 2) == 1 && *end == '2');
	const char *nothing = "  +";
	CHECK(strtol(nothing, &end, 10) == 0 && end == nothing);
	errno = 0;
	CHECK(strtol("9223372036854775807", NULL, 10) == LONG_MAX && errno == 0);
	CHECK(strtol("-9223372036854775808", NULL, 10) == LONG_MIN && errno == 0);
	CHECK(strtol("9223372036854775808", &end, 10) == LONG_MAX && errno == ERANGE && !*end);
	errno = 0;
	CHECK(strtol("-9223372036854775809", NULL, 10) == LONG_MIN && errno == ERANGE);
	errno = 0;
	CHECK(strtol("99999999999999999999999", &end, 10) == LONG_MAX && errno == ERANGE && !*end);
	errno = 0;
	CHECK(strtol("1", NULL, 37) == 0 && errno == EINVAL);
	CHECK(atoi(" 12x") == 12 && atol("-7") == -7);
}

static void unsigned_integers_are_read_up_to_their_limit(void)
{
	errno = 0;
	CHECK(strtoul("18446744073709551615", NULL, 10) == ULONG_MAX && errno == 0);
	CHECK(strtoul("18446744073709551616", NULL, 10) == ULONG_MAX && errno == ERANGE);
	errno = 0;
	CHECK(strtoul("-1", NULL, 10) == ULONG_MAX && errno == 0);
	CHECK(strtoull("0xffffffffffffffff", NULL, 16) == ULLONG_MAX && errno == 0);
}

static void real_numbers_are_read(void)
{
	char *end;

	CHECK(strtod("3.25xyz", &end) == 3.25 && strcmp(end, "xyz") == 0);
	CHECK(strtod("  -0.5", NULL) == -0.5 && strtod(".5", NULL) == 0.5);
	CHECK(strtod("1e3", &end) == 1000 && !*end);
	CHECK(strtod("1e", &end) == 1 && *end == 'e');
	CHECK(strtod("0.1", NULL) == 0.1 && strtod("123456.789e-3", NULL) == 123.456789);
	CHECK(strtod("1e400", NULL) == __builtin_inf());
	CHECK(strtod("inf", NULL) == __builtin_inf());
	const char *nothing = "abc";
	CHECK(strtod(nothing, &end) == 0 && end == nothing);
}

static int int_compare(const void *a, const void *b)
{
	int x = *(const int *)a;
	int y = *(const int *)b;

	return (x > y) - (x < y);
}

static void arrays_are_sorted_and_searched(void)
{
	static int numbers[1000];
	unsigned int seed = 1;

	for (int nr = 0; nr <= 1000; nr += 1 + nr / 3) {
		unsigned long sum = 0, sum_after = 0;
		for (int i = 0; i < nr; i++) {
			seed = seed * 1664525 + 1013904223;
			numbers[i] = (int)(seed >> 16) % 500;
			sum += (unsigned long)numbers[i];
		}
		qsort(numbers, (size_t)nr, sizeof(int), int_compare);
		for (int i = 0; i < nr; i++) {
			sum_after += (unsigned long)numbers[i];
			CHECK(i == 0 || numbers[i - 1] <= numbers[i]);
			int *found = bsearch(&numbers[i], numbers, (size_t)nr, sizeof(int),
						int_compare);
			CHECK(found && *found == numbers[i]);
		}
		CHECK(sum == sum_after);
	}
	int absent = 1000;
	CHECK(bsearch(&absent, numbers, 1000, sizeof(int), int_compare) == NULL);
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void elements_of_odd_sizes_are_sorted(void)
{
	char words[][11] = { "pear", "fig", "apple", "cherry", "banana", "date", "elder" };

	qsort(words, 7, sizeof(words[0]), text_compare);
	CHECK_TEXT(words[0], "apple");
	CHECK_TEXT(words[3], "date");
	CHECK_TEXT(words[6], "pear");
}

// The pattern of a piece: every byte tells whose it is.
static void pattern_set(unsigned char *piece, size_t size, unsigned int who)
{
	for (size_t i = 0; i < size; i++)
		piece[i] = (unsigned char)(who * 31 + i);
}

static bool pattern_is(const unsigned char *piece, size_t size, unsigned int who)
{
	for (size_t i = 0; i < size; i++) {
		if (piece[i] != (unsigned char)(who * 31 + i))
			return false;
	}
	return true;
}

static void heap_keeps_pieces_apart_under_stress(void)
{
	enum { NR_PIECES = 500, NR_ROUNDS = 20000 };
	static unsigned char *pieces[NR_PIECES];
	static size_t sizes[NR_PIECES];
	unsigned int seed = 7;

	for (int round = 0; round < NR_ROUNDS; round++) {
		seed = seed * 1664525 + 1013904223;
		unsigned int i = (seed >> 8) % NR_PIECES;
		size_t size = (seed >> 20) % (round % 50 == 0 ? 100000 : 700);
		if (pieces[i])
			CHECK(pattern_is(pieces[i], sizes[i], i));
		if (seed & 0x80) {
			size_t kept = sizes[i] < size ? sizes[i] : size;
			pieces[i] = realloc(pieces[i], size);
			CHECK(pieces[i] && pattern_is(pieces[i], kept, i));
		} else {
			free(pieces[i]);
			pieces[i] = malloc(size);
		}
		CHECK(pieces[i] && ((uintptr_t)pieces[i] & 15) == 0);
		CHECK(malloc_usable_size(pieces[i]) >= size);
		sizes[i] = size;
		pattern_set(pieces[i], size, i);
	}
	for (unsigned int i = 0; i < NR_PIECES; i++) {
		CHECK(!pieces[i] || pattern_is(pieces[i], sizes[i], i));
		free(pieces[i]);
		pieces[i] = NULL;
	}
}

static void every_small_size_has_its_room(void)
{
	static unsigned char *pieces[2100];

	for (size_t step = 1; step <= 16; step += 15) {
		for (unsigned int i = 0; i < 2100; i++) {
			pieces[i] = malloc(i * step);
			pattern_set(pieces[i], i * step, i);
		}
		for (unsigned int i = 0; i < 2100; i++) {
			CHECK(pattern_is(pieces[i], i * step, i));
			free(pieces[i]);
		}
	}
}

static void heap_refuses_what_cannot_be(void)
{
	void *piece = &piece;
	size_t volatile huge = SIZE_MAX;

	errno = 0;
	CHECK(malloc(huge) == NULL && errno == ENOMEM);
	CHECK(malloc(huge - 100000) == NULL);
	CHECK(malloc(huge / 2) == NULL);
	errno = 0;
	CHECK(calloc(huge / 2, 3) == NULL && errno == ENOMEM);
	CHECK(posix_memalign(&piece, 3, 10) == EINVAL);
	CHECK(posix_memalign(&piece, 24, 10) == EINVAL && piece == &piece);
	piece = malloc(10);
	CHECK(realloc(piece, huge) == NULL);
	free(piece);
	free(NULL);
}

static void zeroed_memory_is_zero_also_when_used_again(void)
{
	for (size_t size = 1; size < 200000; size = size * 3 + 5) {
		unsigned char *dirty = malloc(size);
		memset(dirty, 0xff, size);
		free(dirty);
		unsigned char *clean = calloc(1, size);
		for (size_t i = 0; i < size; i++) {
			if (clean[i] != 0) {
				CHECK(!"not zero");
				break;
			}
		}
		free(clean);
	}
}

static void aligned_memory_is_aligned(void)
{
	for (size_t alignment = 8; alignment <= 1 << 21; alignment *= 2) {
		void *pieces[3];
		for (unsigned int i = 0; i < 3; i++) {
			CHECK(posix_memalign(&pieces[i], alignment, 5000) == 0);
			CHECK(((uintptr_t)pieces[i] & (alignment - 1)) == 0);
			pattern_set(pieces[i], 5000, i);
		}
		for (unsigned int i = 0; i < 3; i++) {
			CHECK(pattern_is(pieces[i], 5000, i));
			free(pieces[i]);
		}
	}
	unsigned char *piece = aligned_alloc(65536, 100000);
	pattern_set(piece, 100000, 9);
	piece = realloc(piece, 300000);
	CHECK(pattern_is(piece, 100000, 9));
	free(piece);
}

static void patterns_match_names(void)
{
	CHECK(fnmatch("*.c", "main.c", 0) == 0 && fnmatch("*.c", "main.h", 0) != 0);
	CHECK(fnmatch("a*b*c", "aXXbYYc", 0) == 0 && fnmatch("a*b*c", "aXXbYYd", 0) != 0);
	CHECK(fnmatch("*", "", 0) == 0 && fnmatch("?", "", 0) != 0 && fnmatch("", "", 0) == 0);
	CHECK(fnmatch("[a-c]x", "bx", 0) == 0 && fnmatch("[!a-c]x", "bx", 0) != 0);
	CHECK(fnmatch("[]x]", "]", 0) == 0 && fnmatch("[a", "[a", 0) == 0);
	CHECK(fnmatch("\\*", "*", 0) == 0 && fnmatch("\\*", "x", 0) != 0);
	CHECK(fnmatch("*", "a/b", FNM_PATHNAME) != 0 && fnmatch("*/*", "a/b", FNM_PATHNAME) == 0);
	CHECK(fnmatch("*", ".hidden", FNM_PERIOD) != 0);
	CHECK(fnmatch(".*", ".hidden", FNM_PERIOD) == 0);
	CHECK(fnmatch("ABC", "abc", FNM_CASEFOLD) == 0);
	CHECK(fnmatch("*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0) != 0);
}

static void days_become_dates_and_days_again(void)
{
	struct tm tm;
	time_t time = 951827696;	// 2000-02-29 12:34:56
	char text[64];

	gmtime_r(&time, &tm);
	CHECK(strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %a %j", &tm) == 27);
	CHECK_TEXT(text, "2000-02-29 12:34:56 Tue 060");
	time = -1;
	gmtime_r(&time, &tm);
	strftime(text, sizeof(text), "%F %T", &tm);
	CHECK_TEXT(text, "1969-12-31 23:59:59");
	for (time = -100000l * 86400; time < 100000l * 86400; time += 86400 * 13 + 17) {
		gmtime_r(&time, &tm);
		CHECK(timegm(&tm) == time);
	}
	tm = (struct tm){ .tm_year = 124, .tm_mon = 12, .tm_mday = 32, .tm_hour = 25 };
	CHECK(timegm(&tm) == 1738458000 && tm.tm_mon == 1 && tm.tm_mday == 2 && tm.tm_hour == 1);
	CHECK(strftime(text, 5, "%Y-%m", &tm) == 0);
}

static void pure_tests_run(void)
{
	RUN(memory_is_copied_at_every_length_and_offset);
	RUN(overlapping_memory_is_moved_both_ways);
	RUN(memory_is_filled_compared_and_searched);
	RUN(strings_are_measured_copied_and_joined);
	RUN(bounded_copies_always_end_with_zero);
	RUN(strings_compare_by_unsigned_bytes);
	RUN(strings_are_searched);
	RUN(strings_are_cut_into_words_and_fields);
	RUN(strings_are_duplicated);
	RUN(integers_are_printed);
	RUN(integers_are_padded_and_signed);
	RUN(strings_characters_and_pointers_are_printed);
	RUN(text_beyond_the_room_is_counted_not_written);
	RUN(fixed_point_numbers_are_printed);
	RUN(exponent_and_general_numbers_are_printed);
	RUN(signed_integers_are_read_up_to_their_limits);
	RUN(unsigned_integers_are_read_up_to_their_limit);
	RUN(real_numbers_are_read);
	RUN(arrays_are_sorted_and_searched);
	RUN(elements_of_odd_sizes_are_sorted);
	RUN(heap_keeps_pieces_apart_under_stress);
	RUN(every_small_size_has_its_room);
	RUN(heap_refuses_what_cannot_be);
	RUN(zeroed_memory_is_zero_also_when_used_again);
	RUN(aligned_memory_is_aligned);
	RUN(patterns_match_names);
	RUN(days_become_dates_and_days_again);
}
