/*
 * $(( )): C's integer expressions on longs. One function climbs through the binary operators by
 * precedence; the operands of && || and ?: that do not count are parsed but not carried out.
 */
#include "sh.h"
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arith {
	const char *at;
	int skipping;           /* > 0: inside an operand that is not evaluated */
	bool failed;
};

static const struct {
	const char *spelling;
	int precedence;
} binary_operators[] = {
	{ "||", 1 }, { "&&", 2 }, { "==", 6 }, { "!=", 6 }, { "<<", 8 }, { ">>", 8 }, { "<=", 7 },
	{ ">=", 7 }, { "|", 3 }, { "^", 4 }, { "&", 5 }, { "<", 7 }, { ">", 7 }, { "+", 9 },
	{ "-", 9 }, { "*", 10 }, { "/", 10 }, { "%", 10 },
};

static long parse_assignment(struct arith *a);

static void skip_space(struct arith *a)
{
	while (isspace((unsigned char)*a->at))
		a->at++;
}

static bool accept(struct arith *a, const char *sign)
{
	skip_space(a);
	if (strncmp(a->at, sign, strlen(sign)))
		return false;
	a->at += strlen(sign);
	return true;
}

static long fail(struct arith *a, const char *why)
{
	if (!a->failed)
		sh_warn("arithmetic: %s", why);
	a->failed = true;
	return 0;
}

static long variable_value(struct arith *a, const char *name)
{
	const char *value = var_get(name);
	char *end;

	if (!value || !*value)
		return 0;
	long n = strtol(value, &end, 0);
	return *end && !a->skipping ? fail(a, "a variable holds no number") : n;
}

static long calculate(struct arith *a, const char *op, long x, long y)
{
	unsigned long ux = (unsigned long)x, uy = (unsigned long)y;

	if (!strcmp(op, "<<"))
		return (long)(ux << (uy & 63));
	if (!strcmp(op, ">>"))
		return x >> (uy & 63);
	if (!strcmp(op, "=="))
		return x == y;
	if (!strcmp(op, "!="))
		return x != y;
	if (!strcmp(op, "<="))
		return x <= y;
	if (!strcmp(op, ">="))
		return x >= y;
	switch (op[0]) {
	case '<':
		return x < y;
	case '>':
		return x > y;
	case '+':
		return (long)(ux + uy);
	case '-':
		return (long)(ux - uy);
	case '*':
		return (long)(ux * uy);
	case '|':
		return x | y;
	case '^':
		return x ^ y;
	case '&':
		return x & y;
	}
	if (a->skipping)
		return 0;
	if (y == 0)
		return fail(a, "division by zero");
	if (x == LONG_MIN && y == -1)
		return op[0] == '/' ? x : 0;
	return op[0] == '/' ? x / y : x % y;
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	while (is_name_char((unsigned char)s[n], n == 0))
		n++;
	return n;
}

static long parse_operand(struct arith *a)
{
	skip_space(a);
	if (accept(a, "(")) {
		long value = parse_assignment(a);

		return accept(a, ")") ? value : fail(a, "missing )");
	}
	if (accept(a, "-"))
		return (long)-(unsigned long)parse_operand(a);
	if (accept(a, "+"))
		return parse_operand(a);
	if (accept(a, "!"))
		return !parse_operand(a);
	if (accept(a, "~"))
		return ~parse_operand(a);
	size_t len = name_length(a->at);
	if (len) {
		char *name = must(strndup(a->at, len));
		long value = variable_value(a, name);

		free(name);
		a->at += len;
		return value;
	}
	char *end;
	long value = strtol(a->at, &end, 0);
	if (end == a->at)
		return fail(a, "expected a number");
	a->at = end;
	return value;
}

/* Which binary operator of at least this precedence stands here? -1: none. */
static int operator_at(struct arith *a, int lowest)
{
	skip_space(a);
	for (size_t i = 0; i < sizeof(binary_operators) / sizeof(binary_operators[0]); i++) {
		size_t len = strlen(binary_operators[i].spelling);

		if (!strncmp(a->at, binary_operators[i].spelling, len))
			return binary_operators[i].precedence >= lowest ? (int)i : -1;
	}
	return -1;
}

static long parse_binary(struct arith *a, int lowest)
{
	long left = parse_operand(a);
	int i;

	while (!a->failed && (i = operator_at(a, lowest)) >= 0) {
		const char *op = binary_operators[i].spelling;
		bool logical = !strcmp(op, "&&") || !strcmp(op, "||");
		bool decided = logical && (left != 0) == (op[0] == '|');

		a->at += strlen(op);
		a->skipping += decided;
		long right = parse_binary(a, binary_operators[i].precedence + 1);
		a->skipping -= decided;
		if (logical)
			left = decided ? op[0] == '|' : right != 0;
		else
			left = calculate(a, op, left, right);
	}
	return left;
}

static long parse_choice(struct arith *a)
{
	long condition = parse_binary(a, 1);

	if (!accept(a, "?"))
		return condition;
	a->skipping += !condition;
	long yes = parse_assignment(a);
	a->skipping -= !condition;
	if (!accept(a, ":"))
		return fail(a, "missing :");
	a->skipping += !!condition;
	long no = parse_choice(a);
	a->skipping -= !!condition;
	return condition ? yes : no;
}

/* The operator of `x op= ...`, as its length with the equals sign; 0 when there is none. */
static size_t assignment_operator(const char *s)
{
	if (s[0] == '=' && s[1] != '=')
		return 1;
	if ((!strncmp(s, "<<", 2) || !strncmp(s, ">>", 2)) && s[2] == '=')
		return 3;
	return s[0] && strchr("+-*/%&|^", s[0]) && s[1] == '=' ? 2 : 0;
}

static long parse_assignment(struct arith *a)
{
	skip_space(a);
	size_t len = name_length(a->at);
	const char *behind = a->at + len;

	behind += strspn(behind, " \t\n");
	size_t op_len = len ? assignment_operator(behind) : 0;
	if (!op_len)
		return parse_choice(a);
	char op[3] = { 0 }, number[24];
	memcpy(op, behind, op_len - 1);
	char *name = must(strndup(a->at, len));
	a->at = behind + op_len;
	long value = parse_assignment(a);
	if (op_len > 1)
		value = calculate(a, op, variable_value(a, name), value);
	snprintf(number, sizeof(number), "%ld", value);
	if (!a->skipping && !a->failed && !var_set(name, number))
		a->failed = true;
	free(name);
	return value;
}

bool arith_evaluate(const char *expression, long *value)
{
	struct arith a = { .at = expression };

	skip_space(&a);
	*value = *a.at ? parse_assignment(&a) : 0;
	skip_space(&a);
	if (*a.at && !a.failed)
		fail(&a, "extra characters at the end");
	return !a.failed;
}
