/* What the two halves of the parser, parse.c and compound.c, use of each other. */
#pragma once
#include "sh.h"

struct node *new_node(struct parser *p, enum node_kind kind);
bool at_op(struct parser *p, const char *op);
bool at_word(struct parser *p, const char *word);
/* True: it was there and is consumed. */
bool accept_word(struct parser *p, const char *word);
void expect_word(struct parser *p, const char *word);           /* or a syntax error */
void expect_op(struct parser *p, const char *op);
/* About the next token; wanted may be NULL. */
void error_here(struct parser *p, const char *wanted);
void skip_newlines(struct parser *p);
void add_word(struct word **list, struct word *w);              /* at the end */
bool parse_redir(struct parser *p, struct redir **list);        /* false: none stands here */
/* Several commands, up to a word or sign that closes the list. NULL: none. */
struct node *parse_list(struct parser *p);
/* NULL: what stands here is not a compound command. */
struct node *parse_compound(struct parser *p);
