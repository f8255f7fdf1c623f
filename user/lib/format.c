/*
 * printf FORMAT ARGUMENT...: the format is used again while arguments are left.
 */
#include "util.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct printing {
	char **at, **end;       /* arguments not used yet */
	bool stopped;           /* \c */
	int status;
};

/* A backslash at s; returns how many characters it took. */
static size_t put_escape(struct printing *p, const char *s, bool in_argument)
{
	static const char letters[] = "abfnrtv\\\"", values[] = "\a\b\f\n\r\t\v\\\"";
	const char *found = s[1] ? strchr(letters, s[1]) : NULL;

	if (found) {
		putchar(values[found - letters]);
		return 2;
	}
	if (s[1] == 'c') {
		p->stopped = true;
		return 2;
	}
	if (s[1] >= '0' && s[1] <= '7') {
		size_t n = 1, limit = in_argument && s[1] == '0' ? 5 : 4;
		int value = 0;

		while (n < limit && s[n] >= '0' && s[n] <= '7')
			value = value * 8 + s[n++] - '0';
		putchar(value);
		return n;
	}
	putchar('\\');
	return 1;
}

static const char *next_argument(struct printing *p)
{
	return p->at < p->end ? *p->at++ : NULL;
}

static long next_number(struct printing *p)
{
	const char *text = next_argument(p);
	char *end;

	if (!text || !*text)
		return 0;
	if (*text == '\'' || *text == '"')
		return (unsigned char)text[1];
	long value = (long)strtoul(text, &end, 0);
	if (*text == '-')
		value = strtol(text, &end, 0);
	if (*end || end == text) {
		fprintf(stderr, "printf: %s: expected a number\n", text);
		p->status = 1;
	}
	return value;
}

static void put_escaped_argument(struct printing *p, const char *text)
{
	while (*text && !p->stopped) {
		if (*text == '\\')
			text += put_escape(p, text, true);
		else
			putchar(*text++);
	}
}

/* A conversion at s ("%-5d"); returns how many characters it took. */
static size_t put_conversion(struct printing *p, const char *s)
{
	char spec[40] = "%";
	size_t n = 1, len = 1;

	while (s[n] && strchr("-+ #0123456789.*", s[n]) && len < 20) {
		if (s[n] == '*')
			len += snprintf(spec + len, 12, "%d", (int)next_number(p));
		else
			spec[len++] = s[n];
		n++;
	}
	switch (s[n]) {
	case '%':
		putchar('%');
		break;
	case 's':
	case 'b': {
		const char *text = next_argument(p);

		strcpy(spec + len, "s");
		if (s[n] == 'b' && text)
			put_escaped_argument(p, text);
		else
			printf(spec, text ? text : "");
		break;
	}
	case 'c': {
		const char *text = next_argument(p);

		strcpy(spec + len, text && *text ? "c" : "s");
		if (text && *text)
			printf(spec, *text);
		else
			printf(spec, "");
		break;
	}
	case 'd': case 'i': case 'u': case 'o': case 'x': case 'X':
		spec[len] = 'l';
		spec[len + 1] = s[n];
		printf(spec, next_number(p));
		break;
	default:
		fprintf(stderr, "printf: %.*s: unknown conversion\n", (int)n + 1, s);
		p->status = 1;
		p->stopped = true;
	}
	return s[n] ? n + 1 : n;
}

static void put_format(struct printing *p, const char *format)
{
	while (*format && !p->stopped) {
		if (*format == '\\')
			format += put_escape(p, format, false);
		else if (*format == '%')
			format += put_conversion(p, format);
		else
			putchar(*format++);
	}
}

int printf_run(int argc, char **argv)
{
	int i = argc > 1 && !strcmp(argv[1], "--") ? 2 : 1;
	struct printing p = { .at = argv + i + 1, .end = argv + argc };

	if (i >= argc) {
		fprintf(stderr, "usage: printf format [argument ...]\n");
		return 2;
	}
	char **before;
	do {
		before = p.at;
		put_format(&p, argv[i]);
	} while (p.at < p.end && p.at > before && !p.stopped);
	int status = finish_output();
	return p.status ? p.status : status;
}
