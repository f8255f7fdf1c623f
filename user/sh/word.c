/*
 * Words: from characters to a list of parts. Quotes disappear here and leave only the `quoted`
 * mark on their parts; $( ) is parsed into a tree on the spot, by the same parser, so that its end
 * is where the grammar says and not where the next parenthesis happens to be.
 */
#include "sh.h"
#include <ctype.h>
#include <string.h>

/* What surrounds the characters being read, since that decides which of them are special. */
enum context { IN_WORD, IN_QUOTES, IN_BRACES, IN_QUOTED_BRACES, IN_ARITH, IN_DOCUMENT };

struct builder {
	struct parser *p;
	struct part *first, **tail;
	struct text text;               /* characters not yet made a part */
	bool text_quoted;
};

static struct part *read_until_end(struct parser *p, enum context context);

bool is_name_char(int c, bool first)
{
	return c == '_' || isalpha(c) || (!first && isdigit(c));
}

bool is_name(const char *s, size_t len)
{
	if (!len || !is_name_char((unsigned char)s[0], true))
		return false;
	for (size_t i = 1; i < len; i++)
		if (!is_name_char((unsigned char)s[i], false))
			return false;
	return true;
}

static struct part *add_part(struct builder *b, enum part_kind kind, bool quoted)
{
	struct part *part = region_alloc(b->p->region, sizeof(*part));

	part->kind = kind;
	part->quoted = quoted;
	*b->tail = part;
	b->tail = &part->next;
	return part;
}

static void flush_text(struct builder *b)
{
	if (!b->text.len)
		return;
	struct part *part = add_part(b, PART_TEXT, b->text_quoted);
	part->text = region_strndup(b->p->region, b->text.data, b->text.len);
	b->text.len = 0;
}

static void add_char(struct builder *b, int c, bool quoted)
{
	if (quoted != b->text_quoted)
		flush_text(b);
	b->text_quoted = quoted;
	text_add(&b->text, (char)c);
}

/* '...': everything up to the next quote. */
static void read_single_quotes(struct builder *b)
{
	int c;

	flush_text(b);
	b->text_quoted = true;
	while ((c = input_next(b->p->in)) != '\'') {
		if (c < 0) {
			parse_error(b->p, "unterminated quoted string");
			return;
		}
		text_add(&b->text, (char)c);
	}
	if (b->text.len)
		flush_text(b);
	else
		add_part(b, PART_TEXT, true)->text = region_strndup(b->p->region, "", 0);
}

static void append_parts(struct builder *b, struct part *parts)
{
	flush_text(b);
	*b->tail = parts;
	while (*b->tail)
		b->tail = &(*b->tail)->next;
}

static void read_double_quotes(struct builder *b)
{
	struct part *parts = read_until_end(b->p, IN_QUOTES);

	append_parts(b, parts);
	if (!parts)
		add_part(b, PART_TEXT, true)->text = region_strndup(b->p->region, "", 0);
}

/* `...`: a backslash counts only before ` $ \ (and before " inside double quotes). */
static void read_backquotes(struct builder *b, bool quoted)
{
	struct text source = { 0 };
	int c;

	flush_text(b);
	while ((c = input_next(b->p->in)) != '`') {
		if (c == '\\') {
			int d = input_next(b->p->in);

			if (d >= 0 && !strchr("`$\\", d) && !(quoted && d == '"'))
				text_add(&source, '\\');
			c = d;
		}
		if (c < 0) {
			parse_error(b->p, "unterminated `");
			break;
		}
		text_add(&source, (char)c);
	}
	add_part(b, PART_COMMAND, quoted)->tree =
		parse_string(b->p, source.data ? source.data : "");
	text_free(&source);
}

/* The name behind $ or ${: a name, a number (one digit without braces), or one special sign. */
static char *read_param_name(struct parser *p, bool braces)
{
	struct text name = { 0 };
	int c = input_peek(p->in);

	if (c >= 0 && is_name_char(c, true)) {
		while (c >= 0 && is_name_char(c, false)) {
			text_add(&name, (char)input_next(p->in));
			c = input_peek(p->in);
		}
	} else if (c >= 0 && isdigit(c)) {
		do {
			text_add(&name, (char)input_next(p->in));
			c = input_peek(p->in);
		} while (braces && c >= 0 && isdigit(c));
	} else if (c >= 0 && c != '\0' && strchr("@*#?-$!", c)) {
		text_add(&name, (char)input_next(p->in));
	}
	char *copy = name.len ? region_strndup(p->region, name.data, name.len) : NULL;
	text_free(&name);
	return copy;
}

/* ${...}: behind the opening brace. */
static void read_braces(struct builder *b, bool quoted)
{
	struct parser *p = b->p;
	struct part *part = add_part(b, PART_PARAM, quoted);
	int c;

	part->text = read_param_name(p, true);
	c = input_peek(p->in);
	if (part->text && !strcmp(part->text, "#") && c >= 0 && c != '}' && !strchr(":-=?+%", c)) {
		part->op = 'L';
		part->text = read_param_name(p, true);
		c = input_peek(p->in);
	}
	if (!part->text) {
		parse_error(p, "bad substitution");
		return;
	}
	if (c == '}') {
		input_next(p->in);
		return;
	}
	if (c == ':') {
		part->colon = true;
		input_next(p->in);
		c = input_peek(p->in);
	}
	if (part->op || c < 0 || !strchr(part->colon ? "-=?+" : "-=?+%#", c)) {
		parse_error(p, "bad substitution");
		return;
	}
	part->op = (char)input_next(p->in);
	if ((c == '%' || c == '#') && input_peek(p->in) == c) {
		part->doubled = true;
		input_next(p->in);
	}
	/* A pattern is a word of its own even inside double quotes. */
	bool is_pattern = c == '%' || c == '#';
	part->arg = read_until_end(p, quoted && !is_pattern ? IN_QUOTED_BRACES : IN_BRACES);
}

/* Behind a $. */
static void read_dollar(struct builder *b, bool quoted)
{
	struct parser *p = b->p;
	int c = input_peek(p->in);

	flush_text(b);
	if (c == '{') {
		input_next(p->in);
		read_braces(b, quoted);
	} else if (c == '(') {
		input_next(p->in);
		if (input_peek(p->in) == '(') {
			input_next(p->in);
			add_part(b, PART_ARITH, quoted)->arg = read_until_end(p, IN_ARITH);
		} else {
			add_part(b, PART_COMMAND, quoted)->tree = parse_substitution(p);
		}
	} else {
		char *name = read_param_name(p, false);

		if (name)
			add_part(b, PART_PARAM, quoted)->text = name;
		else
			add_char(b, '$', quoted);
	}
}

/* Behind a backslash. */
static void read_escape(struct builder *b, enum context context)
{
	int c = input_next(b->p->in);

	if (c == '\n')
		return;                                 /* a continued line */
	if (c < 0) {
		add_char(b, '\\', true);
		return;
	}
	bool special = context == IN_WORD || context == IN_BRACES || strchr("$`\\", c) ||
		(c == '"' && (context == IN_QUOTES || context == IN_QUOTED_BRACES)) ||
		(c == '}' && context == IN_QUOTED_BRACES);
	if (!special)
		add_char(b, '\\', true);
	add_char(b, c, true);
}

/* Is c (not consumed yet) the end of what is being read? Consumes the closing sign. */
static bool at_end(struct builder *b, enum context context, int c, int *depth)
{
	struct input *in = b->p->in;

	switch (context) {
	case IN_WORD:
		return c < 0 || (c && strchr(" \t\n;&|<>()", c));
	case IN_DOCUMENT:
		return c < 0;
	case IN_QUOTES:
		if (c != '"')
			break;
		input_next(in);
		return true;
	case IN_BRACES:
	case IN_QUOTED_BRACES:
		if (c != '}')
			break;
		input_next(in);
		return true;
	case IN_ARITH:
		if (c == '(')
			++*depth;
		if (c != ')' || (*depth)-- > 0)
			break;
		input_next(in);
		if (input_next(in) != ')')
			parse_error(b->p, "missing ))");
		return true;
	}
	if (c < 0) {
		parse_error(b->p, "unexpected end of file");
		return true;
	}
	return false;
}

static struct part *read_until_end(struct parser *p, enum context context)
{
	struct builder b = { .p = p, .tail = &b.first };
	bool quoted = context != IN_WORD && context != IN_BRACES;
	int depth = 0;

	b.text_quoted = quoted;
	while (!p->failed) {
		int c = input_peek(p->in);

		if (at_end(&b, context, c, &depth) || p->failed)
			break;
		input_next(p->in);
		if (c == '\\')
			read_escape(&b, context);
		else if (c == '$')
			read_dollar(&b, quoted);
		else if (c == '`')
			read_backquotes(&b, quoted);
		else if (c == '\'' && !quoted)
			read_single_quotes(&b);
		else if (c == '"' && (!quoted || context == IN_QUOTED_BRACES))
			read_double_quotes(&b);
		else
			add_char(&b, c, quoted);
	}
	flush_text(&b);
	text_free(&b.text);
	return b.first;
}

struct part *word_read(struct parser *p)
{
	return read_until_end(p, IN_WORD);
}

struct part *word_read_quoted_text(struct parser *p)
{
	return read_until_end(p, IN_DOCUMENT);
}

char *word_literal(struct region *r, struct word *w, bool *quoted)
{
	struct text t = { 0 };

	*quoted = false;
	for (struct part *part = w->parts; part; part = part->next) {
		*quoted |= part->quoted;
		if (part->kind == PART_TEXT)
			text_add_string(&t, part->text);
	}
	char *copy = region_strndup(r, t.data ? t.data : "", t.len);
	text_free(&t);
	return copy;
}

bool word_is(struct word *w, const char *text)
{
	struct part *part = w->parts;

	return part && !part->next && part->kind == PART_TEXT && !part->quoted &&
		!strcmp(part->text, text);
}
