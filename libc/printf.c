// The engine of the printf family: format strings to bytes in a sink.
//
// A conversion is taken apart into a struct spec; one function per kind of argument makes its
// digits and passes them to field_put(), the only place that knows about width and padding.
//
// It knows: flags - + space # 0 ', width and precision (also *), lengths hh h l ll z t j L, and the
// conversions d i u o x X c s p n % f F e E g G m.

#include "internal.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// One conversion of the format.
struct spec {
	bool is_left;
	bool has_plus;
	bool has_space;
	bool is_alternate;
	bool is_zero_padded;
	int width;
	int precision;		// -1: not given
	char length;		// H for hh, h, l (also ll z t j), L, or 0
	char conversion;
};

static void put(struct text_sink *sink, const char *text, size_t n)
{
	if (n > 0)
		sink->put(sink, text, n);
	sink->nr_put += n;
}

static void put_repeated(struct text_sink *sink, char c, long n)
{
	char block[32];

	if (n <= 0)
		return;
	memset(block, c, sizeof(block));
	for (; n > (long)sizeof(block); n -= sizeof(block))
		put(sink, block, sizeof(block));
	put(sink, block, (size_t)n);
}

// One field: prefix (sign or 0x), then zeroes, then the body, padded to the width.
static void field_put(struct text_sink *sink, const struct spec *spec, const char *prefix,
		      long nr_zeroes, const char *body, size_t n)
{
	size_t prefix_length = strlen(prefix);
	long padding = spec->width - (long)(prefix_length + n) - nr_zeroes;

	if (!spec->is_left && !spec->is_zero_padded)
		put_repeated(sink, ' ', padding);
	put(sink, prefix, prefix_length);
	if (!spec->is_left && spec->is_zero_padded)
		put_repeated(sink, '0', padding);
	put_repeated(sink, '0', nr_zeroes);
	put(sink, body, n);
	if (spec->is_left)
		put_repeated(sink, ' ', padding);
}

static const char *sign_of(const struct spec *spec, bool is_negative)
{
	if (is_negative)
		return "-";
	return spec->has_plus ? "+" : spec->has_space ? " " : "";
}

// An integer in base 8, 10 or 16.
static void integer_put(struct text_sink *sink, struct spec *spec, const char *prefix,
			unsigned long value, unsigned int base)
{
	const char *digits = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	size_t first = sizeof(text);

	for (unsigned long rest = value; rest > 0; rest /= base)
		text[--first] = digits[rest % base];
	long n = (long)(sizeof(text) - first);
	long wanted = spec->precision < 0 ? 1 : spec->precision;
	if (base == 8 && spec->is_alternate && wanted <= n)
		wanted = n + 1;		// the form with # begins with a zero
	if (base == 8 && value == 0 && spec->is_alternate && wanted < 1)
		wanted = 1;
	if (spec->precision >= 0)
		spec->is_zero_padded = false;
	field_put(sink, spec, prefix, wanted > n ? wanted - n : 0, text + first, (size_t)n);
}

// The next argument as a signed integer of the length that the conversion says.
static long signed_next(const struct spec *spec, va_list *args)
{
	if (spec->length == 'l')
		return va_arg(*args, long);
	int value = va_arg(*args, int);
	if (spec->length == 'H')
		return (signed char)value;
	return spec->length == 'h' ? (short)value : value;
}

static unsigned long unsigned_next(const struct spec *spec, va_list *args)
{
	if (spec->length == 'l')
		return va_arg(*args, unsigned long);
	unsigned int value = va_arg(*args, unsigned int);
	if (spec->length == 'H')
		return (unsigned char)value;
	return spec->length == 'h' ? (unsigned short)value : value;
}

static void string_put(struct text_sink *sink, struct spec *spec, const char *s)
{
	if (!s)
		s = "(null)";
	size_t n = spec->precision < 0 ? strlen(s) : strnlen(s, (size_t)spec->precision);
	spec->is_zero_padded = false;
	field_put(sink, spec, "", 0, s, n);
}

static void pointer_put(struct text_sink *sink, struct spec *spec, void *pointer)
{
	spec->precision = -1;
	if (!pointer)
		string_put(sink, spec, "(nil)");
	else
		integer_put(sink, spec, "0x", (unsigned long)pointer, 16);
}

// Digit number i of a decimal; zeroes stand before and behind those that it has.
static char digit_at(const struct decimal *decimal, int i)
{
	return (char)('0' + (i >= 0 && i < decimal->nr_digits ? decimal->digits[i] : 0));
}

// A growing text for the body of a number.
struct body {
	char *text;
	size_t n;
};

static void body_add(struct body *body, char c)
{
	body->text[body->n++] = c;
}

// ddd.ddd, with precision digits behind the point.
static void fixed_make(struct body *body, const struct spec *spec, const struct decimal *decimal,
		       int precision)
{
	int i = decimal->point < 1 ? decimal->point - 1 : 0;

	for (; i < decimal->point; i++)
		body_add(body, digit_at(decimal, i));
	if (precision > 0 || spec->is_alternate)
		body_add(body, '.');
	for (i = decimal->point; i < decimal->point + precision; i++)
		body_add(body, digit_at(decimal, i));
}

// d.ddde+dd, with precision digits behind the point.
static void exponent_make(struct body *body, const struct spec *spec,
			  const struct decimal *decimal, int precision)
{
	int exponent = decimal->point - 1;
	bool is_capital = spec->conversion == 'E' || spec->conversion == 'G';

	body_add(body, digit_at(decimal, 0));
	if (precision > 0 || spec->is_alternate)
		body_add(body, '.');
	for (int i = 1; i <= precision; i++)
		body_add(body, digit_at(decimal, i));
	body_add(body, is_capital ? 'E' : 'e');
	body_add(body, exponent < 0 ? '-' : '+');
	if (exponent < 0)
		exponent = -exponent;
	if (exponent >= 100)
		body_add(body, (char)('0' + exponent / 100));
	body_add(body, (char)('0' + exponent / 10 % 10));
	body_add(body, (char)('0' + exponent % 10));
}

// %g: the shorter of the two forms, with precision digits in all and no zeroes at the end.
static void general_make(struct body *body, const struct spec *spec, struct decimal *decimal,
			 int precision)
{
	if (precision == 0)
		precision = 1;
	decimal_round(decimal, precision);
	int exponent = decimal->point - 1;
	int nr_digits = precision;
	if (!spec->is_alternate) {
		nr_digits = decimal->nr_digits;
		while (nr_digits > 1 && decimal->digits[nr_digits - 1] == 0)
			nr_digits--;
		if (nr_digits < 1)
			nr_digits = 1;
	}
	if (exponent < -4 || exponent >= precision)
		exponent_make(body, spec, decimal, nr_digits - 1);
	else
		fixed_make(body, spec, decimal,
			   nr_digits > decimal->point ? nr_digits - decimal->point : 0);
}

// Precisions above 1080 would only add zeroes; they are cut off there.
static void double_put(struct text_sink *sink, struct spec *spec, double value)
{
	char text[1500];
	struct body body = { text, 0 };
	struct decimal decimal;
	char conversion = spec->conversion | 0x20;
	int precision = spec->precision < 0 ? 6 : spec->precision > 1080 ? 1080 : spec->precision;
	const char *sign = sign_of(spec, __builtin_signbit(value));

	if (__builtin_isnan(value) || __builtin_isinf(value)) {
		bool is_capital = !(spec->conversion & 0x20);
		spec->is_zero_padded = false;
		if (__builtin_isnan(value))
			field_put(sink, spec, sign, 0, is_capital ? "NAN" : "nan", 3);
		else
			field_put(sink, spec, sign, 0, is_capital ? "INF" : "inf", 3);
		return;
	}
	decimal_from_double(&decimal, value);
	if (conversion == 'f') {
		decimal_round(&decimal, decimal.point + precision);
		fixed_make(&body, spec, &decimal, precision);
	} else if (conversion == 'e') {
		decimal_round(&decimal, precision + 1);
		exponent_make(&body, spec, &decimal, precision);
	} else {
		general_make(&body, spec, &decimal, precision);
	}
	field_put(sink, spec, sign, 0, text, body.n);
}

static const char *flags_parse(const char *s, struct spec *spec)
{
	for (;; s++) {
		switch (*s) {
		case '-':
			spec->is_left = true;
			break;
		case '+':
			spec->has_plus = true;
			break;
		case ' ':
			spec->has_space = true;
			break;
		case '#':
			spec->is_alternate = true;
			break;
		case '0':
			spec->is_zero_padded = true;
			break;
		case '\'':		// thousands have no mark here
			break;
		default:
			return s;
		}
	}
}

// A number, or * for the next argument. Numbers beyond INT_MAX stay there.
static const char *number_parse(const char *s, va_list *args, int *number)
{
	if (*s == '*') {
		*number = va_arg(*args, int);
		return s + 1;
	}
	long value = 0;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (value < INT_MAX)
			value = value * 10 + (*s - '0');
	}
	*number = value < INT_MAX ? (int)value : INT_MAX;
	return s;
}

static const char *length_parse(const char *s, struct spec *spec)
{
	if (*s == 'h') {
		spec->length = s[1] == 'h' ? 'H' : 'h';
		return s + (s[1] == 'h' ? 2 : 1);
	}
	if (*s == 'L') {
		spec->length = 'L';
		return s + 1;
	}
	while (*s == 'l' || *s == 'z' || *s == 't' || *s == 'j') {
		spec->length = 'l';
		s++;
	}
	return s;
}

// Takes a conversion apart, from behind its % to behind its letter.
static const char *spec_parse(const char *s, struct spec *spec, va_list *args)
{
	*spec = (struct spec){ .precision = -1 };
	s = flags_parse(s, spec);
	s = number_parse(s, args, &spec->width);
	if (spec->width < 0) {
		spec->is_left = true;
		spec->width = spec->width == INT_MIN ? INT_MAX : -spec->width;
	}
	if (*s == '.') {
		s = number_parse(s + 1, args, &spec->precision);
		if (spec->precision < 0)
			spec->precision = -1;
	}
	s = length_parse(s, spec);
	spec->conversion = *s;
	return *s ? s + 1 : s;
}

// %n: the number of bytes so far.
static void count_store(const struct spec *spec, size_t n, va_list *args)
{
	if (spec->length == 'l')
		*va_arg(*args, long *) = (long)n;
	else
		*va_arg(*args, int *) = (int)n;
}

static void signed_put(struct text_sink *sink, struct spec *spec, va_list *args)
{
	long value = signed_next(spec, args);
	unsigned long magnitude = value < 0 ? -(unsigned long)value : (unsigned long)value;

	integer_put(sink, spec, sign_of(spec, value < 0), magnitude, 10);
}

static void hexadecimal_put(struct text_sink *sink, struct spec *spec, va_list *args)
{
	unsigned long value = unsigned_next(spec, args);
	const char *prefix = spec->conversion == 'X' ? "0X" : "0x";

	integer_put(sink, spec, spec->is_alternate && value != 0 ? prefix : "", value, 16);
}

static void character_put(struct text_sink *sink, struct spec *spec, va_list *args)
{
	char c = (char)va_arg(*args, int);

	spec->is_zero_padded = false;
	field_put(sink, spec, "", 0, &c, 1);
}

static void floating_put(struct text_sink *sink, struct spec *spec, va_list *args)
{
	if (spec->length == 'L')
		double_put(sink, spec, (double)va_arg(*args, long double));
	else
		double_put(sink, spec, va_arg(*args, double));
}

// Carries out one conversion. Answers false for a letter that is none.
static bool conversion_put(struct text_sink *sink, struct spec *spec, va_list *args, int error)
{
	switch (spec->conversion) {
	case 'd':
	case 'i':
		signed_put(sink, spec, args);
		return true;
	case 'u':
		integer_put(sink, spec, "", unsigned_next(spec, args), 10);
		return true;
	case 'o':
		integer_put(sink, spec, "", unsigned_next(spec, args), 8);
		return true;
	case 'x':
	case 'X':
		hexadecimal_put(sink, spec, args);
		return true;
	case 'c':
		character_put(sink, spec, args);
		return true;
	case 's':
		string_put(sink, spec, va_arg(*args, const char *));
		return true;
	case 'm':
		string_put(sink, spec, strerror(error));
		return true;
	case 'p':
		pointer_put(sink, spec, va_arg(*args, void *));
		return true;
	case 'n':
		count_store(spec, sink->nr_put, args);
		return true;
	case '%':
		put(sink, "%", 1);
		return true;
	case 'f':
	case 'F':
	case 'e':
	case 'E':
	case 'g':
	case 'G':
		floating_put(sink, spec, args);
		return true;
	default:
		return false;
	}
}

int format_text(struct text_sink *sink, const char *format, va_list args)
{
	int error = errno;	// for %m
	struct spec spec;
	va_list rest;

	va_copy(rest, args);
	sink->nr_put = 0;
	for (;;) {
		const char *percent = strchrnul(format, '%');
		put(sink, format, (size_t)(percent - format));
		if (!*percent)
			break;
		format = spec_parse(percent + 1, &spec, &rest);
		// What is no conversion comes out as it stands.
		if (!conversion_put(sink, &spec, &rest, error))
			put(sink, percent, (size_t)(format - percent));
	}
	va_end(rest);
	if (sink->nr_put > INT_MAX) {
		errno = EOVERFLOW;
		return -1;
	}
	return (int)sink->nr_put;
}
