// Text to numbers: the strtol family and strtod.

#include "internal.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <strings.h>

// What stands at the beginning of a text as an integer.
struct parsed {
	unsigned long magnitude;
	bool is_negative;
	bool is_too_large;	// for an unsigned long
};

// The value of a digit in bases up to 36; 36 if it is none.
static unsigned int digit_value(char c)
{
	if (isdigit((unsigned char)c))
		return (unsigned int)(c - '0');
	if (isalpha((unsigned char)c))
		return (unsigned int)((c | 0x20) - 'a') + 10;
	return 36;
}

// Takes the base from the prefix if it is 0, and steps over 0x where it belongs to the number.
static const char *prefix_skip(const char *s, unsigned int *base)
{
	bool has_hex_prefix = s[0] == '0' && (s[1] | 0x20) == 'x' && digit_value(s[2]) < 16;

	if ((*base == 0 || *base == 16) && has_hex_prefix) {
		*base = 16;
		return s + 2;
	}
	if (*base == 0)
		*base = s[0] == '0' ? 8 : 10;
	return s;
}

// Reads blanks, sign, prefix and digits. *end stays at text if there is no digit.
static struct parsed integer_parse(const char *text, char **end, int base)
{
	struct parsed parsed = { 0, false, false };
	unsigned int radix = (unsigned int)base;
	const char *s = text;

	if (end)
		*end = (char *)text;
	if (base < 0 || base == 1 || base > 36) {
		errno = EINVAL;
		return parsed;
	}
	while (isspace((unsigned char)*s))
		s++;
	if (*s == '+' || *s == '-')
		parsed.is_negative = *s++ == '-';
	s = prefix_skip(s, &radix);

	const char *first = s;
	for (unsigned int digit; (digit = digit_value(*s)) < radix; s++) {
		if (__builtin_mul_overflow(parsed.magnitude, radix, &parsed.magnitude) ||
		    __builtin_add_overflow(parsed.magnitude, digit, &parsed.magnitude))
			parsed.is_too_large = true;
	}
	if (end && s != first)
		*end = (char *)s;
	return parsed;
}

// LONG_MIN or LONG_MAX and ERANGE if the number does not fit.
long strtol(const char *restrict text, char **restrict end, int base)
{
	struct parsed parsed = integer_parse(text, end, base);
	unsigned long largest = (unsigned long)LONG_MAX + parsed.is_negative;

	if (parsed.is_too_large || parsed.magnitude > largest) {
		errno = ERANGE;
		return parsed.is_negative ? LONG_MIN : LONG_MAX;
	}
	return (long)(parsed.is_negative ? -parsed.magnitude : parsed.magnitude);
}

// A minus sign negates the unsigned value, as C wants it. ULONG_MAX and ERANGE if it does not fit.
unsigned long strtoul(const char *restrict text, char **restrict end, int base)
{
	struct parsed parsed = integer_parse(text, end, base);

	if (parsed.is_too_large) {
		errno = ERANGE;
		return ULONG_MAX;
	}
	return parsed.is_negative ? -parsed.magnitude : parsed.magnitude;
}

long long strtoll(const char *restrict text, char **restrict end, int base)
{
	return strtol(text, end, base);
}

unsigned long long strtoull(const char *restrict text, char **restrict end, int base)
{
	return strtoul(text, end, base);
}

intmax_t strtoimax(const char *text, char **end, int base)
{
	return strtol(text, end, base);
}

uintmax_t strtoumax(const char *text, char **end, int base)
{
	return strtoul(text, end, base);
}

int atoi(const char *text)
{
	return (int)strtol(text, NULL, 10);
}

long atol(const char *text)
{
	return strtol(text, NULL, 10);
}

long long atoll(const char *text)
{
	return strtol(text, NULL, 10);
}

// mantissa * 10^exponent, in the 64-bit mantissa of long double. Clipped to infinity and zero.
static double decimal_scale(unsigned long mantissa, int exponent)
{
	long double value = mantissa;
	long double power = 10;
	unsigned int left = (unsigned int)(exponent < 0 ? -exponent : exponent);
	long double factor = 1;

	if (mantissa == 0 || exponent < -400)
		return 0;
	if (exponent > 400)
		return __builtin_inf();
	for (; left > 0; left >>= 1, power *= power) {
		if (left & 1)
			factor *= power;
	}
	return (double)(exponent < 0 ? value / factor : value * factor);
}

// Digits with at most one point. The first 19 count, the others only move the point.
static const char *mantissa_parse(const char *s, unsigned long *mantissa, int *exponent,
				  bool *has_digits)
{
	bool is_fraction = false;
	int nr_kept = 0;

	for (;; s++) {
		if (*s == '.' && !is_fraction) {
			is_fraction = true;
			continue;
		}
		if (!isdigit((unsigned char)*s))
			return s;
		*has_digits = true;
		if (nr_kept < 19) {
			*mantissa = *mantissa * 10 + (unsigned long)(*s - '0');
			nr_kept += *mantissa != 0;
			*exponent -= is_fraction;
		} else {
			*exponent += !is_fraction;
		}
	}
}

// Steps over e, sign and digits, if they are there, and adds them to the exponent.
static const char *exponent_parse(const char *s, int *exponent)
{
	const char *p = s + 1;

	if ((*s | 0x20) != 'e')
		return s;
	bool is_negative = *p == '-';
	if (*p == '+' || *p == '-')
		p++;
	if (!isdigit((unsigned char)*p))
		return s;
	int value = 0;
	for (; isdigit((unsigned char)*p); p++) {
		if (value < 100000)
			value = value * 10 + (*p - '0');
	}
	*exponent += is_negative ? -value : value;
	return p;
}

// Decimal numbers, inf and nan. Right to the last bit for up to 19 digits and small exponents,
// within one bit otherwise. Infinity and ERANGE if it is too large.
double strtod(const char *restrict text, char **restrict end)
{
	const char *s = text;
	unsigned long mantissa = 0;
	int exponent = 0;
	bool has_digits = false;
	double value;

	while (isspace((unsigned char)*s))
		s++;
	bool is_negative = *s == '-';
	if (*s == '+' || *s == '-')
		s++;
	if (strncasecmp(s, "inf", 3) == 0) {
		s += strncasecmp(s, "infinity", 8) == 0 ? 8 : 3;
		value = __builtin_inf();
	} else if (strncasecmp(s, "nan", 3) == 0) {
		s += 3;
		value = __builtin_nan("");
	} else {
		s = mantissa_parse(s, &mantissa, &exponent, &has_digits);
		if (has_digits)
			s = exponent_parse(s, &exponent);
		else
			s = text;
		value = decimal_scale(mantissa, exponent);
		if (__builtin_isinf(value))
			errno = ERANGE;
	}
	if (end)
		*end = (char *)s;
	return is_negative ? -value : value;
}

float strtof(const char *restrict text, char **restrict end)
{
	return (float)strtod(text, end);
}

double atof(const char *text)
{
	return strtod(text, NULL);
}

int abs(int n)
{
	return n < 0 ? -n : n;
}

long labs(long n)
{
	return n < 0 ? -n : n;
}

long long llabs(long long n)
{
	return n < 0 ? -n : n;
}

div_t div(int numerator, int denominator)
{
	return (div_t){ numerator / denominator, numerator % denominator };
}

ldiv_t ldiv(long numerator, long denominator)
{
	return (ldiv_t){ numerator / denominator, numerator % denominator };
}
