/*
 * test EXPRESSION, [ EXPRESSION ]: files, strings and numbers. Up to four arguments POSIX fixes the
 * meaning by their count; a grammar with ! -a -o ( ) gives the same answers and goes on beyond.
 */
#include "util.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct evaluation {
	const char *name;
	char **at, **end;
	bool failed;
};

static bool parse_or(struct evaluation *e);

static bool fail(struct evaluation *e, const char *what, const char *why)
{
	if (!e->failed)
		fprintf(stderr, "%s: %s: %s\n", e->name, what, why);
	e->failed = true;
	return false;
}

static long number(struct evaluation *e, const char *text)
{
	long value;

	while (*text == ' ')
		text++;
	if (!number_parse(text, &value))
		fail(e, text, "integer expression expected");
	return e->failed ? 0 : value;
}

static bool is_unary(const char *s)
{
	return s[0] == '-' && s[1] && !s[2] && strchr("bcdefghkLnprsStuwxz", s[1]);
}

static bool unary(struct evaluation *e, char op, const char *arg)
{
	struct stat st;

	switch (op) {
	case 'n':
		return *arg;
	case 'z':
		return !*arg;
	case 't':
		return isatty((int)number(e, arg));
	case 'r':
		return access(arg, R_OK) == 0;
	case 'w':
		return access(arg, W_OK) == 0;
	case 'x':
		return access(arg, X_OK) == 0;
	case 'h':
	case 'L':
		return lstat(arg, &st) == 0 && S_ISLNK(st.st_mode);
	}
	if (stat(arg, &st) < 0)
		return false;
	switch (op) {
	case 'b':
		return S_ISBLK(st.st_mode);
	case 'c':
		return S_ISCHR(st.st_mode);
	case 'd':
		return S_ISDIR(st.st_mode);
	case 'f':
		return S_ISREG(st.st_mode);
	case 'p':
		return S_ISFIFO(st.st_mode);
	case 'S':
		return S_ISSOCK(st.st_mode);
	case 's':
		return st.st_size > 0;
	case 'u':
		return st.st_mode & S_ISUID;
	case 'g':
		return st.st_mode & S_ISGID;
	case 'k':
		return st.st_mode & S_ISVTX;
	}
	return true;                            /* -e */
}

static bool is_binary(const char *s)
{
	static const char *const names[] = {
		"=", "==", "!=", "<", ">", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt",
		"-ot", "-ef",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], s))
			return true;
	return false;
}

static bool newer(const struct stat *a, const struct stat *b)
{
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec)
		return a->st_mtim.tv_sec > b->st_mtim.tv_sec;
	return a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

static bool compare_files(const char *left, const char *op, const char *right)
{
	struct stat a, b;
	bool have_a = stat(left, &a) == 0, have_b = stat(right, &b) == 0;

	if (op[1] == 'e')
		return have_a && have_b && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	if (op[1] == 'n')
		return have_a && (!have_b || newer(&a, &b));
	return have_b && (!have_a || newer(&b, &a));
}

static bool binary(struct evaluation *e, const char *left, const char *op, const char *right)
{
	if (op[0] != '-') {
		int order = strcmp(left, right);

		if (op[0] == '!')
			return order != 0;
		return op[0] == '<' ? order < 0 : op[0] == '>' ? order > 0 : order == 0;
	}
	if (!strcmp(op, "-nt") || !strcmp(op, "-ot") || !strcmp(op, "-ef"))
		return compare_files(left, op, right);
	long a = number(e, left), b = number(e, right);
	switch (op[1]) {
	case 'e':
		return a == b;
	case 'n':
		return a != b;
	case 'l':
		return op[2] == 't' ? a < b : a <= b;
	}
	return op[2] == 't' ? a > b : a >= b;
}

static bool accept(struct evaluation *e, const char *word)
{
	if (e->at == e->end || strcmp(*e->at, word))
		return false;
	e->at++;
	return true;
}

static bool parse_primary(struct evaluation *e)
{
	long left = e->end - e->at;

	if (left == 0)
		return fail(e, "argument", "expected");
	if (left >= 3 && is_binary(e->at[1])) {
		char **at = e->at;

		e->at += 3;
		return binary(e, at[0], at[1], at[2]);
	}
	if (left >= 2 && !strcmp(*e->at, "!")) {
		e->at++;
		return !parse_primary(e);
	}
	if (left >= 3 && accept(e, "(")) {
		bool value = parse_or(e);

		return accept(e, ")") ? value : fail(e, ")", "expected");
	}
	if (left >= 2 && is_unary(*e->at)) {
		e->at += 2;
		return unary(e, e->at[-2][1], e->at[-1]);
	}
	return **e->at++ != '\0';
}

static bool parse_and(struct evaluation *e)
{
	bool value = parse_primary(e);

	while (!e->failed && accept(e, "-a"))
		value &= parse_primary(e);
	return value;
}

static bool parse_or(struct evaluation *e)
{
	bool value = parse_and(e);

	while (!e->failed && accept(e, "-o"))
		value |= parse_and(e);
	return value;
}

int test_run(int argc, char **argv)
{
	struct evaluation e = { .name = argv[0], .at = argv + 1, .end = argv + argc };

	if (!strcmp(path_last(argv[0]), "[")) {
		if (strcmp(argv[argc - 1], "]")) {
			fprintf(stderr, "[: missing ]\n");
			return 2;
		}
		e.end--;
	}
	if (e.at == e.end)
		return 1;
	bool value = parse_or(&e);
	if (!e.failed && e.at != e.end)
		fail(&e, *e.at, "unexpected operator");
	return e.failed ? 2 : !value;
}
