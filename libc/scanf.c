// The scanf family.
//
// The text comes byte by byte from a struct source, which counts them and takes one back. It knows:
// widths, *, lengths hh h l ll z t j L, and the conversions d i u o x X p c s [ n % f e g.

#include "internal.h"

#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Where the text comes from: a file, or a string.
struct source {
	FILE *file;
	const char *text;
	long nr_taken;
};

struct spec {
	bool is_dropped;	// *: read, but not stored
	long width;
	char length;		// H for hh, h, l (also ll z t j), L, or 0
	char conversion;
};

static int source_next(struct source *source)
{
	int c;

	if (source->file)
		c = fgetc(source->file);
	else
		c = *source->text ? (unsigned char)*source->text++ : EOF;
	if (c != EOF)
		source->nr_taken++;
	return c;
}

static void source_back(struct source *source, int c)
{
	if (c == EOF)
		return;
	source->nr_taken--;
	if (source->file)
		ungetc(c, source->file);
	else
		source->text--;
}

// Steps over blanks. Answers whether anything follows.
static bool blanks_skip(struct source *source)
{
	int c;

	do
		c = source_next(source);
	while (isspace(c));
	source_back(source, c);
	return c != EOF;
}

// Collects the characters that may be part of a number. Answers how many.
static size_t number_collect(struct source *source, const struct spec *spec, char *text,
			     size_t size)
{
	bool is_real = strchr("fFeEgG", spec->conversion) != NULL;
	size_t max = spec->width > 0 && (size_t)spec->width < size ? (size_t)spec->width : size - 1;
	bool is_hex = spec->conversion == 'x' || spec->conversion == 'X' || spec->conversion == 'p';
	size_t n = 0;

	while (n < max) {
		int c = source_next(source);
		bool is_first = n == 0 || (is_real && (text[n - 1] | 0x20) == 'e');
		bool has_zero = n > 0 && text[n - 1] == '0' &&
			(n == 1 || !isdigit((unsigned char)text[n - 2]));
		bool fits = isdigit(c) || ((c == '+' || c == '-') && is_first);
		if (is_real)
			fits = fits || c == '.' || (n > 0 && (c | 0x20) == 'e');
		else if ((c | 0x20) == 'x' && has_zero && (is_hex || spec->conversion == 'i'))
			is_hex = fits = true;
		else if (is_hex)
			fits = fits || isxdigit(c);
		if (!fits) {
			source_back(source, c);
			break;
		}
		text[n++] = (char)c;
	}
	text[n] = 0;
	return n;
}

static void integer_store(const struct spec *spec, unsigned long value, va_list *args)
{
	void *target = va_arg(*args, void *);

	if (spec->conversion == 'p' || spec->length == 'l')
		*(unsigned long *)target = value;
	else if (spec->length == 'H')
		*(unsigned char *)target = (unsigned char)value;
	else if (spec->length == 'h')
		*(unsigned short *)target = (unsigned short)value;
	else
		*(unsigned int *)target = (unsigned int)value;
}

// Answers whether there was a number.
static bool number_scan(struct source *source, const struct spec *spec, va_list *args)
{
	char text[128];
	char *end;

	if (number_collect(source, spec, text, sizeof(text)) == 0)
		return false;
	if (strchr("fFeEgG", spec->conversion)) {
		double value = strtod(text, &end);
		if (end == text)
			return false;
		if (spec->is_dropped)
			return true;
		if (spec->length == 'L')
			*va_arg(*args, long double *) = value;
		else if (spec->length == 'l')
			*va_arg(*args, double *) = value;
		else
			*va_arg(*args, float *) = (float)value;
		return true;
	}
	int base = spec->conversion == 'i' ? 0 : spec->conversion == 'o' ? 8 :
		spec->conversion == 'd' || spec->conversion == 'u' ? 10 : 16;
	bool is_signed = spec->conversion == 'd' || spec->conversion == 'i';
	unsigned long value = is_signed ? (unsigned long)strtol(text, &end, base)
					: strtoul(text, &end, base);
	if (end == text)
		return false;
	if (!spec->is_dropped)
		integer_store(spec, value, args);
	return true;
}

// Reads the set behind a [ into a table. Answers the format behind the ].
static const char *set_parse(const char *format, bool *is_in_set)
{
	bool is_inverted = *format == '^';

	if (is_inverted)
		format++;
	memset(is_in_set, is_inverted, 256);
	const char *s = format;
	do {
		unsigned char c = (unsigned char)*s;
		if (!c)
			return s;
		unsigned char last = c;
		if (s[1] == '-' && s[2] && s[2] != ']') {
			last = (unsigned char)s[2];
			s += 2;
		}
		for (int i = c; i <= last; i++)
			is_in_set[i] = !is_inverted;
		s++;
	} while (*s != ']');
	return s + 1;
}

// %s, %c and %[: bytes of the set, up to the width. Answers whether there was one (%c: all).
static bool text_scan(struct source *source, const struct spec *spec, const bool *is_in_set,
		      va_list *args)
{
	char *target = spec->is_dropped ? NULL : va_arg(*args, char *);
	long max = spec->width > 0 ? spec->width : spec->conversion == 'c' ? 1 : LONG_MAX;
	long n = 0;

	while (n < max) {
		int c = source_next(source);
		if (c == EOF || !is_in_set[c]) {
			source_back(source, c);
			break;
		}
		if (target)
			target[n] = (char)c;
		n++;
	}
	if (spec->conversion == 'c')
		return n == max;
	if (n == 0)
		return false;
	if (target)
		target[n] = 0;
	return true;
}

// Takes a conversion apart, from behind its % to its letter.
static const char *spec_parse(const char *s, struct spec *spec)
{
	*spec = (struct spec){ 0 };
	if (*s == '*') {
		spec->is_dropped = true;
		s++;
	}
	for (; isdigit((unsigned char)*s); s++)
		spec->width = spec->width * 10 + (*s - '0');
	for (;; s++) {
		if (*s == 'h')
			spec->length = spec->length == 'h' ? 'H' : 'h';
		else if (*s == 'l' || *s == 'z' || *s == 't' || *s == 'j')
			spec->length = 'l';
		else if (*s == 'L')
			spec->length = 'L';
		else
			break;
	}
	spec->conversion = *s;
	return s;
}

// Everything but %n, %% and white space. Moves *format behind a set.
static bool conversion_scan(struct source *source, struct spec *spec, const char **format,
			    va_list *args)
{
	bool is_in_set[256];

	switch (spec->conversion) {
	case 's':
		for (int c = 0; c < 256; c++)
			is_in_set[c] = !isspace(c);
		return text_scan(source, spec, is_in_set, args);
	case 'c':
		memset(is_in_set, true, sizeof(is_in_set));
		return text_scan(source, spec, is_in_set, args);
	case '[':
		*format = set_parse(*format, is_in_set);
		return text_scan(source, spec, is_in_set, args);
	default:
		return strchr("diuoxXpfFeEgG", spec->conversion) && number_scan(source, spec, args);
	}
}

// One byte that must be there as it stands in the format.
static bool literal_match(struct source *source, char wanted)
{
	int c = source_next(source);

	if (c == (unsigned char)wanted)
		return true;
	source_back(source, c);
	return false;
}

static bool source_is_at_end(struct source *source)
{
	int c = source_next(source);

	source_back(source, c);
	return c == EOF;
}

// Answers the number of values stored; EOF if the text ended before the first conversion.
static int scan(struct source *source, const char *format, va_list *args)
{
	int nr_stored = 0;
	bool has_converted = false;

	while (*format) {
		struct spec spec;
		if (isspace((unsigned char)*format)) {
			blanks_skip(source);
			format++;
			continue;
		}
		if (*format != '%') {
			if (!literal_match(source, *format++))
				return source_is_at_end(source) && !has_converted ? EOF : nr_stored;
			continue;
		}
		format = spec_parse(format + 1, &spec);
		if (!*format)
			break;
		format++;
		if (spec.conversion == 'n') {
			if (!spec.is_dropped)
				integer_store(&spec, (unsigned long)source->nr_taken, args);
			continue;
		}
		if (spec.conversion != 'c' && spec.conversion != '[')
			blanks_skip(source);
		if (spec.conversion == '%') {
			if (!literal_match(source, '%'))
				return nr_stored;
			continue;
		}
		if (source_is_at_end(source))
			return has_converted ? nr_stored : EOF;
		if (!conversion_scan(source, &spec, &format, args))
			return nr_stored;
		has_converted = true;
		nr_stored += !spec.is_dropped;
	}
	return nr_stored;
}

int vfscanf(FILE *restrict file, const char *restrict format, va_list args)
{
	struct source source = { .file = file };
	va_list rest;

	va_copy(rest, args);
	int nr = scan(&source, format, &rest);
	va_end(rest);
	return nr;
}

int vsscanf(const char *restrict text, const char *restrict format, va_list args)
{
	struct source source = { .text = text };
	va_list rest;

	va_copy(rest, args);
	int nr = scan(&source, format, &rest);
	va_end(rest);
	return nr;
}

int vscanf(const char *restrict format, va_list args)
{
	return vfscanf(stdin, format, args);
}

int scanf(const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int nr = vfscanf(stdin, format, args);
	va_end(args);
	return nr;
}

int fscanf(FILE *restrict file, const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int nr = vfscanf(file, format, args);
	va_end(args);
	return nr;
}

int sscanf(const char *restrict text, const char *restrict format, ...)
{
	va_list args;

	va_start(args, format);
	int nr = vsscanf(text, format, args);
	va_end(args);
	return nr;
}
