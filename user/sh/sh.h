/*
 * The shell, seen from the inside.
 *
 * A command goes through four rooms, each a file or two:
 *   input.c   where characters come from (terminal, file, string)
 *   word.c, lex.c, parse.c, compound.c   characters to words, to tokens, to a tree of nodes
 *   expand.c, param.c, arith.c, glob.c   a word of the tree to the strings it stands for, at run time
 *   exec.c, simple.c, redir.c, jobs.c, builtin.c   walking the tree, forking, waiting
 * vars.c holds the variables, region.c the memory of trees and expansions.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* ---- region.c: memory that is freed all at once ---- */

/* A region owns every block allocated from it; region_free() returns them together. */
struct region {
	struct region_block *blocks;
};
/* Zeroed; never NULL: exits when memory is out. */
void *region_alloc(struct region *r, size_t size);
char *region_strndup(struct region *r, const char *text, size_t len);
void region_free(struct region *r);

/* A string that grows. */
struct text {
	char *data;             /* NUL-terminated once anything was added */
	size_t len, size;
};
void text_add(struct text *t, char c);
void text_add_string(struct text *t, const char *s);
void text_free(struct text *t);
/* The pointer, or exit with "out of memory". */
void *must(void *memory);

/* ---- input.c ---- */

/*
 * The characters of the command being read stay in `data` until the command is complete, so that
 * a slice of it can be kept as the text of a job.
 */
struct input {
	char *data;
	size_t len, pos;
	int fd;                 /* -1: a string, all of it in data from the start */
	int line;               /* of the next character, for messages */
	bool by_byte;           /* commands share this descriptor: never read past a newline */
	bool prompts;           /* write PS1 or PS2 before each line */
	bool continuing;        /* inside a command: PS2 */
	bool at_end;            /* nothing follows, at least for this command */
	bool interrupted;       /* ^C came while a line was being typed */
	const char *name;       /* for messages: the script, or NULL */
};
void input_open_string(struct input *in, const char *source);
void input_open_fd(struct input *in, int fd, const char *name);
void input_close(struct input *in);
void input_start_command(struct input *in);                     /* forget what was read so far */
/* The next character, or -1 at the end. */
int input_peek(struct input *in);
int input_next(struct input *in);
/* Un-read one character, within a command. */
void input_back(struct input *in);

/* ---- the tree (built by word.c, lex.c, parse.c) ---- */

enum part_kind { PART_TEXT, PART_PARAM, PART_COMMAND, PART_ARITH };

/* A word is a list of parts: ab"c$x" is TEXT ab, quoted TEXT c, quoted PARAM x. */
struct part {
	struct part *next;
	enum part_kind kind;
	bool quoted;            /* not split, not a pattern */
	char *text;             /* TEXT: the characters; PARAM: the name */
	char op;                /* PARAM: 0, or one of - = ? + % # , or L for ${#name} */
	bool colon;             /* PARAM: ${x:-...}: empty counts as unset */
	bool doubled;           /* PARAM: ${x%%...}, ${x##...}: the longest match */
	struct part *arg;       /* PARAM: the word behind the operator; ARITH: the expression */
	struct node *tree;      /* COMMAND */
};

struct word {
	struct word *next;
	struct part *parts;
};

enum redir_kind {
	REDIR_IN,
	REDIR_OUT,
	REDIR_APPEND,
	REDIR_INOUT,
	REDIR_DUP,
	REDIR_HERE,
	REDIR_BOTH
};

struct redir {
	struct redir *next;
	enum redir_kind kind;
	int fd;
	struct word *target;    /* file name, or descriptor number for DUP, or here-document body */
};

enum node_kind {
	NODE_SIMPLE,            /* assigns, words, redirs */
	NODE_PIPE,              /* children a, a->next, ... */
	NODE_AND, NODE_OR,      /* a then b */
	NODE_SEQ,               /* a ; b */
	NODE_BACKGROUND,        /* a & */
	NODE_NOT,               /* ! a */
	NODE_SUBSHELL, NODE_GROUP,
	NODE_IF,                /* a then b else c */
	NODE_WHILE, NODE_UNTIL, /* a do b */
	NODE_FOR,               /* name in words do b; has_list false: in "$@" */
	NODE_CASE,              /* words = the subject, arms */
	NODE_FUNCTION,          /* name, body a */
};

struct arm {
	struct arm *next;
	struct word *patterns;
	struct node *body;
};

struct node {
	enum node_kind kind;
	struct node *next, *a, *b, *c;
	struct word *assigns, *words;
	struct redir *redirs;
	struct arm *arms;
	char *name;
	char *source;           /* PIPE, SIMPLE and BACKGROUND at top: the text, for `jobs` */
	bool has_list;
	int line;
};

/* ---- lex.c and word.c ---- */

enum token_kind { TOK_END, TOK_NEWLINE, TOK_WORD, TOK_NUMBER, TOK_OP };

struct token {
	enum token_kind kind;
	struct word *word;      /* WORD */
	int number;             /* NUMBER: the descriptor written in front of < or > */
	char op[4];             /* OP: its spelling */
};

struct pending_here {
	struct pending_here *next;
	struct redir *redir;
	bool strip_tabs;
};

struct parser {
	struct input *in;
	struct region *region;
	struct token token;             /* the one looked at */
	bool has_token;
	/* Here-documents whose bodies start after the next newline. */
	struct pending_here *pending;
	size_t item_start;              /* where in the input the next command's text starts */
	bool failed;                    /* a message was printed; unwinding */
};
struct token *lex_peek(struct parser *p);
void lex_next(struct parser *p);
void parse_error(struct parser *p, const char *near);           /* prints once, sets failed */
/* Parts up to an unquoted character that ends a word. */
struct part *word_read(struct parser *p);
/* Parts of a whole text in which only $ ` and \ are special: here-documents and PS1. */
struct part *word_read_quoted_text(struct parser *p);
/* The characters of a word without its quotes, for here-document delimiters and names. */
char *word_literal(struct region *r, struct word *w, bool *quoted);
bool word_is(struct word *w, const char *text);                 /* unquoted and exactly this */
bool is_name(const char *s, size_t len);
bool is_name_char(int c, bool first);

/* ---- parse.c ---- */

enum parse_result { PARSE_OK, PARSE_END, PARSE_ERROR };
/* One complete command (a line, or as many lines as it takes). *tree may be NULL for an empty one. */
enum parse_result parse_command(struct input *in, struct region *r, struct node **tree);
/* What stands inside $( ): up to the closing parenthesis, which is consumed. */
struct node *parse_substitution(struct parser *outer);
/* A whole string as one list, for `...`. */
struct node *parse_string(struct parser *outer, const char *source);

/* ---- vars.c ---- */

struct var {
	struct var *next;
	char *name, *value;     /* value NULL: marked for export, or read-only, but unset */
	bool exported, readonly;
};
void vars_init(char **environment);
const char *var_get(const char *name);                          /* NULL when unset */
struct var *var_find(const char *name);
/* False: read-only, message printed. */
bool var_set(const char *name, const char *value);
void var_export(const char *name);
void var_readonly(const char *name);
bool var_unset(const char *name);
char **vars_environment(struct region *r);
void vars_print(const char *prefix, bool (*wanted)(const struct var *v));
bool var_assign(const char *assignment);                        /* NAME=value */
struct saved_var;
struct saved_var *vars_mark(void);                              /* a point to go back to */
/* Its value comes back at vars_restore. */
void var_save(const char *name);
void vars_restore(struct saved_var *mark);

/* ---- expand.c, param.c, arith.c, glob.c ---- */

struct fields {
	char **list;            /* NULL-terminated */
	size_t count, size;
};
void fields_add(struct region *r, struct fields *f, char *s);
/* Words to arguments: parameters, commands, arithmetic, splitting, path names. */
void expand_words(struct region *r, struct word *words, struct fields *out);
/* One word to one string: no splitting, no path names. */
char *expand_string(struct region *r, struct part *parts);
/* One word to a pattern for fnmatch: quoted characters are escaped. */
char *expand_pattern(struct region *r, struct part *parts);
bool arith_evaluate(const char *expression, long *value);       /* false: message printed */
void glob_add(struct region *r, const char *pattern, struct fields *out);
bool glob_has_magic(const char *pattern);

/* Between expand.c and param.c: text under expansion, with a mark for each character. */
enum { MARK_PLAIN = 0, MARK_QUOTED = 1, MARK_SPLIT = 2, MARK_BREAK = 3, MARK_EMPTY = 4 };
struct marked {
	struct region *region;
	struct text text, marks;
};
void marked_add(struct marked *m, char c, int mark);
void marked_add_string(struct marked *m, const char *s, int mark);
void expand_parts(struct marked *m, struct part *parts);
void expand_param(struct marked *m, struct part *part);

/* ---- exec.c, simple.c, redir.c ---- */

enum flow { FLOW_NONE, FLOW_BREAK, FLOW_CONTINUE, FLOW_RETURN };
enum fork_mode { FORK_FIRST, IN_CHILD };        /* IN_CHILD: this process ends with the command */

int exec_node(struct node *n, enum fork_mode mode);
char *exec_capture(struct region *r, struct node *tree);        /* the output of $( ) */
int exec_source(struct input *in);                              /* read and run to the end */
int exec_string(const char *source);
int exec_simple(struct node *n, enum fork_mode mode);
void function_define(const char *name, struct node *body);      /* body must live for ever */
struct node *function_find(const char *name);
void function_unset(const char *name);
/* This process becomes it, or exits 126, 127. */
void exec_program(char **argv) __attribute__((noreturn));
char *path_search(struct region *r, const char *name);

enum redir_undo { REDIR_STAYS, REDIR_UNDONE };
/* Apply in order. UNDONE: keep aside what was there. False: message printed, as far as it went. */
bool redir_apply(struct redir *list, enum redir_undo undo);
struct saved_fd;
struct saved_fd *redir_mark(void);                              /* a point to go back to */
void redir_restore(struct saved_fd *mark);

/* ---- jobs.c ---- */

/* Take the terminal, when there is one. */
void jobs_init(void);
struct job;
struct job *job_create(const char *source);
enum ground { FOREGROUND, BACKGROUND };
/* As fork(); both sides are set up. */
pid_t job_fork(struct job *j, enum ground ground);
pid_t fork_subshell(void);                                      /* a child that belongs to no job */
int wait_for(pid_t pid);                                        /* its status, 128+signal */
/* Its last process's status; frees j. */
int job_wait_foreground(struct job *j);
void job_start_background(struct job *j);
void jobs_report(void);                                         /* before a prompt: what finished */
/* In a child: they are not our children. */
void jobs_forget(void);
int jobs_builtin(int argc, char **argv);
int wait_builtin(int argc, char **argv);
int fg_builtin(int argc, char **argv);
int bg_builtin(int argc, char **argv);

/* ---- trap.c ---- */

int trap_builtin(int argc, char **argv);
void traps_run(void);                                           /* those whose signal has come */
void trap_run_exit(void);
bool trap_has_exit(void);
int trap_pending(void);                                         /* a signal that came, or 0 */
/* What a shell with a prompt survives. */
void interactive_signals(void);
void child_signals(void);                                       /* back to what a program expects */
extern volatile int interrupt_seen;                             /* ^C in an interactive shell */

/* ---- builtin.c ---- */

struct builtin {
	const char *name;
	int (*run)(int argc, char **argv);
	bool special;           /* assignments in front of it stay */
};
const struct builtin *builtin_find(const char *name);
int read_builtin(int argc, char **argv);                        /* read.c */

/* ---- main.c: the state of this shell ---- */

struct shell {
	const char *name;               /* $0 */
	int nr_params;
	char **params;                  /* $1 is params[0] */
	int status;                     /* $? */
	/* Of the last $( ), which is that of a command without words. */
	int substitution_status;
	pid_t pid;                      /* $$: also in subshells */
	pid_t last_background;          /* $! */
	bool interactive;
	bool in_child;                  /* a forked subshell */
	bool exit_on_error, trace, no_unset, no_glob;
	int condition_depth;            /* inside if/while conditions: set -e sleeps */
	int loop_depth, function_depth;
	enum flow flow;
	int flow_count;                 /* loops still to leave */
	struct input *input;            /* being run */
};
extern struct shell sh;

void sh_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* An error that ends a script; an interactive shell goes back to its prompt. Does not return. */
void sh_fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void sh_exit(int status) __attribute__((noreturn));             /* runs the EXIT trap */
void sh_abort_to_prompt(void) __attribute__((noreturn));
