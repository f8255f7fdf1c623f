/*
 * The grammar: from tokens to a tree, one function a rule.
 *
 *   list      and_or ((; | & | newline) and_or)*
 *   and_or    pipeline ((&& | ||) pipeline)*
 *   pipeline  [!] command (| command)*
 *   command   simple, or compound with redirections, or name ( ) command
 */
#include "parse.h"
#include <stdio.h>
#include <string.h>

struct node *new_node(struct parser *p, enum node_kind kind)
{
	struct node *n = region_alloc(p->region, sizeof(*n));

	n->kind = kind;
	n->line = p->in->line;
	return n;
}

bool at_op(struct parser *p, const char *op)
{
	struct token *t = lex_peek(p);

	return t->kind == TOK_OP && !strcmp(t->op, op);
}

bool at_word(struct parser *p, const char *word)
{
	struct token *t = lex_peek(p);

	return t->kind == TOK_WORD && word_is(t->word, word);
}

bool accept_word(struct parser *p, const char *word)
{
	bool found = at_word(p, word);

	if (found) {
		lex_next(p);
		p->item_start = p->in->pos;
	}
	return found;
}

void error_here(struct parser *p, const char *wanted)
{
	struct token *t = lex_peek(p);
	char near[80];
	const char *what = "end of file";
	bool quoted;

	if (t->kind == TOK_NEWLINE)
		what = "newline";
	else if (t->kind == TOK_OP)
		what = t->op;
	else if (t->kind == TOK_WORD)
		what = word_literal(p->region, t->word, &quoted);
	if (wanted)
		snprintf(near, sizeof(near), "\"%.30s\" unexpected (expecting \"%s\")", what,
			wanted);
	else
		snprintf(near, sizeof(near), "\"%.30s\" unexpected", what);
	parse_error(p, near);
}

void expect_word(struct parser *p, const char *word)
{
	if (!accept_word(p, word))
		error_here(p, word);
}

void expect_op(struct parser *p, const char *op)
{
	if (at_op(p, op))
		lex_next(p);
	else
		error_here(p, op);
}

void skip_newlines(struct parser *p)
{
	while (lex_peek(p)->kind == TOK_NEWLINE)
		lex_next(p);
}

/* Words that end a list when they stand where a command would start. */
static bool at_list_end(struct parser *p)
{
	static const char *const closers[] = {
		"then", "else", "elif", "fi", "do", "done", "esac", "}",
	};
	struct token *t = lex_peek(p);

	if (t->kind == TOK_END)
		return true;
	if (t->kind == TOK_OP)
		return !strcmp(t->op, ")") || !strcmp(t->op, ";;");
	if (t->kind == TOK_WORD)
		for (size_t i = 0; i < sizeof(closers) / sizeof(closers[0]); i++)
			if (word_is(t->word, closers[i]))
				return true;
	return false;
}

/* ---- redirections ---- */

static void add_redir(struct parser *p, struct redir **list, enum redir_kind kind, int fd,
		      struct word *target)
{
	struct redir *r = region_alloc(p->region, sizeof(*r));

	r->kind = kind;
	r->fd = fd;
	r->target = target;
	while (*list)
		list = &(*list)->next;
	*list = r;
}

static void add_here_document(struct parser *p, struct redir *redir, bool strip_tabs)
{
	struct pending_here *here = region_alloc(p->region, sizeof(*here)), **end = &p->pending;

	here->redir = redir;
	here->strip_tabs = strip_tabs;
	while (*end)
		end = &(*end)->next;
	*end = here;
}

/* At < > and relatives, perhaps behind a number? Then parse it. */
bool parse_redir(struct parser *p, struct redir **list)
{
	static const struct {
		const char *op;
		enum redir_kind kind;
		int fd;
	} kinds[] = {
		{ "<", REDIR_IN, 0 }, { ">", REDIR_OUT, 1 }, { ">|", REDIR_OUT, 1 },
		{ ">>", REDIR_APPEND, 1 }, { "<>", REDIR_INOUT, 0 }, { "<&", REDIR_DUP, 0 },
		{ ">&", REDIR_DUP, 1 }, { "<<", REDIR_HERE, 0 }, { "<<-", REDIR_HERE, 0 },
		{ "&>", REDIR_BOTH, 1 },
	};
	struct token *t = lex_peek(p);
	int number = -1;
	size_t i = 0;

	if (t->kind == TOK_NUMBER) {
		number = t->number;
		lex_next(p);
		t = lex_peek(p);
	}
	while (i < sizeof(kinds) / sizeof(kinds[0]) && !at_op(p, kinds[i].op))
		i++;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return false;
	bool strip_tabs = !strcmp(t->op, "<<-");
	lex_next(p);
	t = lex_peek(p);
	if (t->kind != TOK_WORD) {
		error_here(p, "a file name");
		return false;
	}
	add_redir(p, list, kinds[i].kind, number < 0 ? kinds[i].fd : number, t->word);
	lex_next(p);
	if (kinds[i].kind == REDIR_HERE) {
		struct redir *r = *list;

		while (r->next)
			r = r->next;
		add_here_document(p, r, strip_tabs);
	}
	return true;
}

/* ---- simple commands ---- */

void add_word(struct word **list, struct word *w)
{
	while (*list)
		list = &(*list)->next;
	*list = w;
}

static bool is_assignment(struct word *w)
{
	struct part *part = w->parts;

	if (!part || part->kind != PART_TEXT || part->quoted)
		return false;
	char *equals = strchr(part->text, '=');
	return equals && is_name(part->text, equals - part->text);
}

static struct node *parse_function(struct parser *p, struct node *n)
{
	bool quoted;

	lex_next(p);
	expect_op(p, ")");
	skip_newlines(p);
	n->kind = NODE_FUNCTION;
	n->name = word_literal(p->region, n->words, &quoted);
	n->words = NULL;
	if (quoted || !is_name(n->name, strlen(n->name)))
		parse_error(p, "bad function name");
	n->a = parse_compound(p);
	if (!n->a)
		error_here(p, "a function body");
	return n;
}

static struct node *parse_simple(struct parser *p)
{
	struct node *n = new_node(p, NODE_SIMPLE);
	bool empty = true;

	for (;;) {
		struct token *t = lex_peek(p);

		if (t->kind == TOK_WORD) {
			struct word *w = t->word;

			if (!n->words && is_assignment(w))
				add_word(&n->assigns, w);
			else
				add_word(&n->words, w);
			lex_next(p);
		} else if (at_op(p, "(") && n->words && !n->words->next && !n->assigns &&
			   !n->redirs) {
			return parse_function(p, n);
		} else if (!parse_redir(p, &n->redirs)) {
			break;
		}
		empty = false;
	}
	if (empty)
		error_here(p, NULL);
	return n;
}

static struct node *parse_one(struct parser *p)
{
	struct node *n = parse_compound(p);

	if (n)
		return n;
	if (at_list_end(p))
		error_here(p, NULL);
	return parse_simple(p);
}

static struct node *parse_pipeline(struct parser *p)
{
	if (accept_word(p, "!")) {
		struct node *n = new_node(p, NODE_NOT);

		n->a = parse_pipeline(p);
		return n;
	}
	struct node *first = parse_one(p), *last = first;
	if (!at_op(p, "|"))
		return first;
	struct node *pipe = new_node(p, NODE_PIPE);
	pipe->a = first;
	while (at_op(p, "|") && !p->failed) {
		lex_next(p);
		skip_newlines(p);
		last->next = parse_one(p);
		last = last->next;
	}
	return pipe;
}

static struct node *parse_and_or(struct parser *p)
{
	struct node *n = parse_pipeline(p);

	while (!p->failed && (at_op(p, "&&") || at_op(p, "||"))) {
		struct node *both = new_node(p, at_op(p, "&&") ? NODE_AND : NODE_OR);

		lex_next(p);
		skip_newlines(p);
		both->a = n;
		both->b = parse_pipeline(p);
		n = both;
	}
	return n;
}

/* The text from `start` to before the token now looked at, for `jobs`. */
static char *source_since(struct parser *p, size_t start)
{
	struct input *in = p->in;
	size_t end;

	lex_peek(p);
	end = in->pos;
	while (start < end && strchr(" \t\n", in->data[start]))
		start++;
	while (end > start && strchr(" \t\n;&", in->data[end - 1]))
		end--;
	return region_strndup(p->region, in->data + start, end - start);
}

/* One and_or and the ; or & behind it. Newlines are left to the caller. */
static struct node *parse_item(struct parser *p)
{
	size_t start = p->item_start;
	struct node *n = parse_and_or(p);

	if (p->failed)
		return NULL;
	n->source = source_since(p, start);
	if (at_op(p, "&")) {
		struct node *background = new_node(p, NODE_BACKGROUND);

		background->a = n;
		background->source = n->source;
		n = background;
		lex_next(p);
	} else if (at_op(p, ";")) {
		lex_next(p);
	}
	p->item_start = p->in->pos;
	return n;
}

static struct node *join(struct parser *p, struct node *list, struct node *item)
{
	if (!list)
		return item;
	struct node *n = new_node(p, NODE_SEQ);
	n->a = list;
	n->b = item;
	return n;
}

/* Several items over several lines, up to a word or sign that closes the list. May be empty. */
struct node *parse_list(struct parser *p)
{
	struct node *list = NULL;
	bool separated = true;

	for (;;) {
		if (lex_peek(p)->kind == TOK_NEWLINE) {
			p->item_start = p->in->pos;
			separated = true;
			skip_newlines(p);
		}
		if (p->failed || at_list_end(p) || !separated)
			return list;
		struct node *item = parse_item(p);
		if (!item)
			return list;
		list = join(p, list, item);
		separated = p->has_token ? lex_peek(p)->kind == TOK_NEWLINE : true;
	}
}

enum parse_result parse_command(struct input *in, struct region *r, struct node **tree)
{
	struct parser p = { .in = in, .region = r };
	struct node *list = NULL;

	*tree = NULL;
	if (lex_peek(&p)->kind == TOK_END)
		return p.failed ? PARSE_ERROR : PARSE_END;
	while (!p.failed && lex_peek(&p)->kind != TOK_NEWLINE && lex_peek(&p)->kind != TOK_END) {
		struct node *item = parse_item(&p);

		if (item)
			list = join(&p, list, item);
		/* parse_item consumed ; or & when there was one; otherwise the line must end. */
		if (!p.failed && p.has_token && lex_peek(&p)->kind != TOK_NEWLINE &&
		    lex_peek(&p)->kind != TOK_END)
			error_here(&p, NULL);
	}
	if (p.failed)
		return PARSE_ERROR;
	*tree = list;
	return PARSE_OK;
}

struct node *parse_substitution(struct parser *outer)
{
	struct parser p = {.in = outer->in, .region = outer->region, .item_start = outer->in->pos};
	struct node *n = parse_list(&p);

	expect_op(&p, ")");
	if (p.failed)
		outer->failed = true;
	return n;
}

struct node *parse_string(struct parser *outer, const char *source)
{
	struct input in;

	input_open_string(&in, source);
	in.line = outer->in->line;
	struct parser p = { .in = &in, .region = outer->region };
	struct node *n = parse_list(&p);

	if (!p.failed && lex_peek(&p)->kind != TOK_END)
		error_here(&p, NULL);
	if (p.failed)
		outer->failed = true;
	input_close(&in);
	return n;
}
