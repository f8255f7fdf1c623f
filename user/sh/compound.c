/*
 * The grammar of the commands that contain commands: ( ) { } if while until for case. Each parse
 * function starts behind the word that gave it away.
 */
#include "parse.h"
#include <string.h>

static struct node *parse_required_list(struct parser *p)
{
	struct node *n = parse_list(p);

	if (!n)
		error_here(p, NULL);
	return n;
}

static struct node *parse_if(struct parser *p)
{
	struct node *n = new_node(p, NODE_IF);

	n->a = parse_required_list(p);
	expect_word(p, "then");
	n->b = parse_required_list(p);
	if (accept_word(p, "elif")) {
		n->c = parse_if(p);
		return n;                               /* the inner one took the fi */
	}
	if (accept_word(p, "else"))
		n->c = parse_required_list(p);
	expect_word(p, "fi");
	return n;
}

static struct node *parse_do_group(struct parser *p)
{
	expect_word(p, "do");
	struct node *body = parse_required_list(p);
	expect_word(p, "done");
	return body;
}

static struct node *parse_loop(struct parser *p, enum node_kind kind)
{
	struct node *n = new_node(p, kind);

	n->a = parse_required_list(p);
	n->b = parse_do_group(p);
	return n;
}

static struct node *parse_for(struct parser *p)
{
	struct node *n = new_node(p, NODE_FOR);
	bool quoted;

	if (lex_peek(p)->kind != TOK_WORD) {
		error_here(p, "a name");
		return n;
	}
	n->name = word_literal(p->region, lex_peek(p)->word, &quoted);
	if (quoted || !is_name(n->name, strlen(n->name)))
		parse_error(p, "bad for loop variable");
	lex_next(p);
	skip_newlines(p);
	if (accept_word(p, "in")) {
		n->has_list = true;
		while (lex_peek(p)->kind == TOK_WORD) {
			add_word(&n->words, lex_peek(p)->word);
			lex_next(p);
		}
	}
	if (at_op(p, ";"))
		lex_next(p);
	skip_newlines(p);
	n->b = parse_do_group(p);
	return n;
}

static struct arm *parse_arm(struct parser *p)
{
	struct arm *arm = region_alloc(p->region, sizeof(*arm));

	if (at_op(p, "("))
		lex_next(p);
	for (;;) {
		if (lex_peek(p)->kind != TOK_WORD) {
			error_here(p, "a pattern");
			return arm;
		}
		add_word(&arm->patterns, lex_peek(p)->word);
		lex_next(p);
		if (!at_op(p, "|"))
			break;
		lex_next(p);
	}
	expect_op(p, ")");
	arm->body = parse_list(p);
	if (!at_word(p, "esac"))
		expect_op(p, ";;");
	skip_newlines(p);
	return arm;
}

static struct node *parse_case(struct parser *p)
{
	struct node *n = new_node(p, NODE_CASE);
	struct arm **end = &n->arms;

	if (lex_peek(p)->kind != TOK_WORD) {
		error_here(p, "a word");
		return n;
	}
	n->words = lex_peek(p)->word;
	lex_next(p);
	skip_newlines(p);
	expect_word(p, "in");
	skip_newlines(p);
	while (!p->failed && !accept_word(p, "esac")) {
		*end = parse_arm(p);
		end = &(*end)->next;
	}
	return n;
}

struct node *parse_compound(struct parser *p)
{
	struct node *n = NULL;

	if (at_op(p, "(")) {
		lex_next(p);
		n = new_node(p, NODE_SUBSHELL);
		n->a = parse_required_list(p);
		expect_op(p, ")");
	} else if (accept_word(p, "{")) {
		n = new_node(p, NODE_GROUP);
		n->a = parse_required_list(p);
		expect_word(p, "}");
	} else if (accept_word(p, "if")) {
		n = parse_if(p);
	} else if (accept_word(p, "while")) {
		n = parse_loop(p, NODE_WHILE);
	} else if (accept_word(p, "until")) {
		n = parse_loop(p, NODE_UNTIL);
	} else if (accept_word(p, "for")) {
		n = parse_for(p);
	} else if (accept_word(p, "case")) {
		n = parse_case(p);
	}
	if (n)
		while (parse_redir(p, &n->redirs))
			;
	return n;
}
