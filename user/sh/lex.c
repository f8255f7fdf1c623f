/*
 * Tokens: words, operators, newlines. One token is looked at before it is taken. The bodies of
 * here-documents stand behind the newline that ends their line, so the newline token reads them.
 */
#include "sh.h"
#include <ctype.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

/* Longer spellings first. */
static const char *const operators[] = {
	"<<-", "&&", "||", ";;", "<<", ">>", "<&", ">&", "<>", ">|", "&>",
	"&", "|", ";", "<", ">", "(", ")",
};

void parse_error(struct parser *p, const char *near)
{
	if (p->failed)
		return;
	p->failed = true;
	if (p->in->interrupted)
		return;
	if (p->in->name)
		fprintf(stderr, "%s: ", p->in->name);
	fprintf(stderr, "%d: syntax error: %s\n", p->in->line, near);
}

/* One line of a here-document, without its newline. False at the end of the input. */
static bool read_line(struct input *in, bool strip_tabs, struct text *line)
{
	int c;

	line->len = 0;
	while (strip_tabs && input_peek(in) == '\t')
		input_next(in);
	if (input_peek(in) < 0)
		return false;
	while ((c = input_next(in)) >= 0 && c != '\n')
		text_add(line, (char)c);
	text_add(line, '\0');
	line->len--;
	return true;
}

static void read_here_document(struct parser *p, struct pending_here *here)
{
	struct text body = { 0 }, line = { 0 };
	bool quoted;
	char *end = word_literal(p->region, here->redir->target, &quoted);
	struct word *w = region_alloc(p->region, sizeof(*w));

	while (read_line(p->in, here->strip_tabs, &line) && strcmp(line.data, end)) {
		text_add_string(&body, line.data);
		text_add(&body, '\n');
	}
	const char *source = body.data ? body.data : "";
	if (quoted) {
		w->parts = region_alloc(p->region, sizeof(*w->parts));
		w->parts->quoted = true;
		w->parts->text = region_strndup(p->region, source, strlen(source));
	} else {
		struct input in;

		input_open_string(&in, source);
		struct parser inner = { .in = &in, .region = p->region };
		w->parts = word_read_quoted_text(&inner);
		p->failed |= inner.failed;
		input_close(&in);
	}
	here->redir->target = w;
	text_free(&body);
	text_free(&line);
}

static void read_pending(struct parser *p)
{
	while (p->pending) {
		struct pending_here *here = p->pending;

		p->pending = here->next;
		read_here_document(p, here);
	}
}

/* Blanks, comments and continued lines. */
static void skip_blanks(struct input *in)
{
	for (;;) {
		int c = input_peek(in);

		if (c == ' ' || c == '\t') {
			input_next(in);
		} else if (c == '\\') {
			input_next(in);
			if (input_peek(in) != '\n') {
				input_back(in);
				return;
			}
			input_next(in);
		} else if (c == '#') {
			while (c >= 0 && c != '\n') {
				input_next(in);
				c = input_peek(in);
			}
			return;
		} else {
			return;
		}
	}
}

static bool read_operator(struct input *in, struct token *t)
{
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		size_t n = 0, len = strlen(operators[i]);

		while (n < len && input_peek(in) == operators[i][n]) {
			input_next(in);
			n++;
		}
		if (n == len) {
			t->kind = TOK_OP;
			strcpy(t->op, operators[i]);
			return true;
		}
		while (n--)
			input_back(in);
	}
	return false;
}

/* Digits directly before < or > name a descriptor. */
static bool is_descriptor(struct input *in, struct token *t)
{
	struct part *part = t->word->parts;
	int c = input_peek(in);

	if ((c != '<' && c != '>') || !part || part->next || part->kind != PART_TEXT ||
		part->quoted)
		return false;
	if (strspn(part->text, "0123456789") != strlen(part->text) || strlen(part->text) > 3)
		return false;
	t->kind = TOK_NUMBER;
	t->number = atoi(part->text);
	return true;
}

static void read_token(struct parser *p, struct token *t)
{
	*t = (struct token){ .kind = TOK_END };
	skip_blanks(p->in);
	int c = input_peek(p->in);
	if (c < 0)
		return;
	if (c == '\n') {
		input_next(p->in);
		t->kind = TOK_NEWLINE;
		read_pending(p);
		return;
	}
	p->in->continuing = true;
	if (read_operator(p->in, t))
		return;
	t->kind = TOK_WORD;
	t->word = region_alloc(p->region, sizeof(*t->word));
	t->word->parts = word_read(p);
	is_descriptor(p->in, t);
}

struct token *lex_peek(struct parser *p)
{
	if (p->failed) {
		p->token = (struct token){ .kind = TOK_END };
		p->has_token = true;
	}
	if (!p->has_token) {
		read_token(p, &p->token);
		p->has_token = true;
	}
	return &p->token;
}

void lex_next(struct parser *p)
{
	lex_peek(p);
	p->has_token = false;
}
