/*
 * format.c - printf into memory.
 * One conversion is described by struct spec; the output counts every byte, also those that no longer fit, so that the
 * length is right whatever the size.
 */
#include "lib/format.h"
#include "lib/string.h"

struct output {
	char *to;
	size_t size, length;
};

struct spec {
	bool left, zeros, plus, space, alternate;
	int width, precision;           // precision < 0: none given
	int length;                     // -2 hh, -1 h, 0 int, 1 l, ll, z
	char conversion;
};

static void put(struct output *o, char c)
{
	if (o->length + 1 < o->size)
		o->to[o->length] = c;
	o->length++;
}

static void put_many(struct output *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static void put_text(struct output *o, const struct spec *s, const char *text, int length)
{
	if (!s->left)
		put_many(o, ' ', s->width - length);
	for (int i = 0; i < length; i++)
		put(o, text[i]);
	if (s->left)
		put_many(o, ' ', s->width - length);
}

static const char *parse_number(const char *f, va_list *args, int *out)
{
	if (*f == '*') {
		*out = va_arg(*args, int);
		return f + 1;
	}
	*out = 0;
	while (*f >= '0' && *f <= '9' && *out < 100000)
		*out = *out * 10 + (*f++ - '0');
	return f;
}

static const char *parse_flags(const char *f, struct spec *s)
{
	for (;; f++) {
		switch (*f) {
		case '-': s->left = true; break;
		case '0': s->zeros = true; break;
		case '+': s->plus = true; break;
		case ' ': s->space = true; break;
		case '#': s->alternate = true; break;
		default: return f;
		}
	}
}

// Reads flags, width, precision, length and conversion; returns what follows.
static const char *parse_spec(const char *f, va_list *args, struct spec *s)
{
	*s = (struct spec){ .precision = -1 };
	f = parse_flags(f, s);
	f = parse_number(f, args, &s->width);
	if (s->width < 0) {
		s->left = true;
		s->width = -s->width;
	}
	if (*f == '.')
		f = parse_number(f + 1, args, &s->precision);
	for (; *f == 'l' || *f == 'h' || *f == 'z'; f++)
		s->length += *f == 'h' ? -1 : 1;
	s->conversion = *f;
	return *f ? f + 1 : f;
}

static void put_number(struct output *o, const struct spec *s, u64 value, const char *prefix, u32 base)
{
	const char *digits = s->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[64];
	int nr = 0, prefix_length = (int)strlen(prefix), zeros;

	if (value || s->precision != 0) {
		do {
			text[nr++] = digits[value % base];
			value /= base;
		} while (value);
	}
	zeros = s->precision - nr;
	if (s->precision < 0 && s->zeros && !s->left)
		zeros = s->width - nr - prefix_length;
	if (base == 8 && s->alternate && zeros <= 0 && (nr == 0 || text[nr - 1] != '0'))
		zeros = 1;
	if (zeros < 0)
		zeros = 0;
	if (!s->left)
		put_many(o, ' ', s->width - nr - zeros - prefix_length);
	for (; *prefix; prefix++)
		put(o, *prefix);
	put_many(o, '0', zeros);
	for (int i = nr; i > 0; i--)
		put(o, text[i - 1]);
	if (s->left)
		put_many(o, ' ', s->width - nr - zeros - prefix_length);
}

static void put_signed(struct output *o, const struct spec *s, va_list *args)
{
	i64 value = s->length > 0 ? va_arg(*args, i64) : va_arg(*args, int);

	if (s->length == -1)
		value = (i16)value;
	else if (s->length < -1)
		value = (i8)value;
	put_number(o, s, value < 0 ? 0 - (u64)value : (u64)value,
		   value < 0 ? "-" : s->plus ? "+" : s->space ? " " : "", 10);
}

static void put_unsigned(struct output *o, const struct spec *s, va_list *args, u32 base)
{
	u64 value = s->length > 0 ? va_arg(*args, u64) : va_arg(*args, u32);
	const char *prefix = "";

	if (s->length == -1)
		value = (u16)value;
	else if (s->length < -1)
		value = (u8)value;
	if (base == 16 && s->alternate && value)
		prefix = s->conversion == 'X' ? "0X" : "0x";
	put_number(o, s, value, prefix, base);
}

static void put_string(struct output *o, const struct spec *s, const char *text)
{
	if (!text)
		text = "(null)";
	put_text(o, s, text, (int)strnlen(text, s->precision < 0 ? 0x7fffffff : (size_t)s->precision));
}

static void put_conversion(struct output *o, const struct spec *s, va_list *args)
{
	char c;

	switch (s->conversion) {
	case 'd':
	case 'i':
		put_signed(o, s, args);
		break;
	case 'u':
		put_unsigned(o, s, args, 10);
		break;
	case 'x':
	case 'X':
		put_unsigned(o, s, args, 16);
		break;
	case 'o':
		put_unsigned(o, s, args, 8);
		break;
	case 'p':
		put_number(o, s, (u64)va_arg(*args, void *), "0x", 16);
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		put_text(o, s, &c, 1);
		break;
	case 's':
		put_string(o, s, va_arg(*args, const char *));
		break;
	case 0:
		break;
	default:        // also %%
		put(o, s->conversion);
	}
}

int format_string_v(char *to, size_t size, const char *format, va_list args)
{
	struct output o = { .to = to, .size = size };
	struct spec spec;
	va_list copy;

	va_copy(copy, args);
	while (*format) {
		if (*format != '%') {
			put(&o, *format++);
			continue;
		}
		format = parse_spec(format + 1, &copy, &spec);
		put_conversion(&o, &spec, &copy);
	}
	va_end(copy);
	if (size)
		to[min(o.length, size - 1)] = 0;
	return (int)o.length;
}

int format_string(char *to, size_t size, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = format_string_v(to, size, format, args);
	va_end(args);
	return length;
}
