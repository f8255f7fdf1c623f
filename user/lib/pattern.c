/*
 * Regular expressions: . [ ] * ^ $ \( \) \{ \} and, extended, + ? | ( ) { }. The text is compiled to
 * a tree of alternatives, sequences and repeated atoms; matching tries the possibilities in order,
 * longest repetition first, and goes back when the rest does not fit. No back-references, so the
 * answer "does it match" is exact; of several matches at one place the first found is taken.
 */
#include "util.h"
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum atom_kind { ATOM_CHAR, ATOM_ANY, ATOM_SET, ATOM_START, ATOM_END, ATOM_WORD_EDGE, ATOM_GROUP };

struct atom {
	struct atom *next;
	enum atom_kind kind;
	unsigned char c;
	unsigned char set[32];          /* SET: a bit a character */
	struct branch *group;
	int least, most;                /* repetitions */
};

struct branch {
	struct branch *next;            /* the alternative */
	struct atom *atoms;
};

struct pattern {
	struct branch *branches;
	bool ignore_case;
};

struct compiler {
	const char *at;
	int flags, depth;
	const char *error;
};

static struct branch *compile_branches(struct compiler *c);

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		abort();
	return memory;
}

/* Does the operator `sign` stand here, plain in extended and behind a backslash in basic syntax? */
static bool at_operator(struct compiler *c, char sign)
{
	if (c->flags & PATTERN_EXTENDED)
		return *c->at == sign;
	return c->at[0] == '\\' && c->at[1] == sign;
}

static bool accept_operator(struct compiler *c, char sign)
{
	if (!at_operator(c, sign))
		return false;
	c->at += c->flags & PATTERN_EXTENDED ? 1 : 2;
	return true;
}

static void set_add(struct atom *a, int character)
{
	a->set[character / 8] |= (unsigned char)(1 << character % 8);
}

static bool set_has(const struct atom *a, int character)
{
	return a->set[character / 8] >> character % 8 & 1;
}

static bool add_class(struct compiler *c, struct atom *a)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = {
		{ "[:alpha:]", isalpha }, { "[:digit:]", isdigit }, { "[:alnum:]", isalnum },
		{ "[:space:]", isspace }, { "[:upper:]", isupper }, { "[:lower:]", islower },
		{ "[:punct:]", ispunct }, { "[:xdigit:]", isxdigit }, { "[:print:]", isprint },
		{ "[:blank:]", isblank }, { "[:cntrl:]", iscntrl }, { "[:graph:]", isgraph },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t len = strlen(classes[i].name);

		if (strncmp(c->at, classes[i].name, len))
			continue;
		for (int ch = 0; ch < 128; ch++)
			if (classes[i].is(ch))
				set_add(a, ch);
		c->at += len;
		return true;
	}
	return false;
}

/* Behind the [. */
static void compile_set(struct compiler *c, struct atom *a)
{
	bool inverted = *c->at == '^', first = true;

	a->kind = ATOM_SET;
	c->at += inverted;
	for (; *c->at && (*c->at != ']' || first); first = false) {
		if (*c->at == '[' && add_class(c, a))
			continue;
		unsigned char low = (unsigned char)*c->at++, high = low;
		if (c->at[0] == '-' && c->at[1] && c->at[1] != ']') {
			high = (unsigned char)c->at[1];
			c->at += 2;
		}
		for (int ch = low; ch <= high; ch++)
			set_add(a, ch);
	}
	if (*c->at != ']') {
		c->error = "unmatched [";
		return;
	}
	c->at++;
	if (c->flags & PATTERN_IGNORE_CASE)
		for (int ch = 'a'; ch <= 'z'; ch++)
			if (set_has(a, ch) || set_has(a, toupper(ch))) {
				set_add(a, ch);
				set_add(a, toupper(ch));
			}
	if (inverted)
		for (size_t i = 0; i < sizeof(a->set); i++)
			a->set[i] = (unsigned char)~a->set[i];
}

static void compile_char(struct compiler *c, struct atom *a, unsigned char character)
{
	a->kind = ATOM_CHAR;
	a->c = c->flags & PATTERN_IGNORE_CASE ? (unsigned char)tolower(character) : character;
}

/* \w, \s, \b and their like, or the character itself. */
static void compile_escape(struct compiler *c, struct atom *a)
{
	unsigned char letter = (unsigned char)*c->at++;
	const char *set = letter == 'w' ? "[:alnum:]_]" : letter == 'W' ? "^[:alnum:]_]" :
		letter == 's' ? "[:space:]]" : letter == 'S' ? "^[:space:]]" : NULL;

	if (letter == 'b') {
		a->kind = ATOM_WORD_EDGE;
	} else if (set) {
		const char *at = c->at;

		c->at = set;
		compile_set(c, a);
		c->at = at;
	} else {
		compile_char(c, a, letter);
	}
}

static void compile_group(struct compiler *c, struct atom *a)
{
	a->kind = ATOM_GROUP;
	c->depth++;
	a->group = compile_branches(c);
	c->depth--;
	if (!accept_operator(c, ')'))
		c->error = "unmatched ( or \\(";
}

static struct atom *compile_atom(struct compiler *c, bool first)
{
	struct atom *a = allocate(sizeof(*a));
	bool extended = c->flags & PATTERN_EXTENDED;

	a->least = a->most = 1;
	if (accept_operator(c, '(')) {
		compile_group(c, a);
		return a;
	}
	char character = *c->at++;
	if (character == '.') {
		a->kind = ATOM_ANY;
	} else if (character == '[') {
		compile_set(c, a);
	} else if (character == '^' && (first || extended)) {
		a->kind = ATOM_START;
	} else if (character == '$' &&
		   (extended || !*c->at || at_operator(c, ')') || at_operator(c, '|'))) {
		a->kind = ATOM_END;
	} else if (character == '\\') {
		if (*c->at)
			compile_escape(c, a);
		else
			c->error = "trailing backslash";
	} else {
		compile_char(c, a, (unsigned char)character);
	}
	return a;
}

/* {n}, {n,}, {n,m}: behind the brace. */
static void compile_bounds(struct compiler *c, struct atom *a)
{
	char *end;

	a->least = (int)strtol(c->at, &end, 10);
	a->most = a->least;
	if (*end == ',') {
		const char *number = end + 1;

		a->most = (int)strtol(number, &end, 10);
		if (end == number)
			a->most = INT_MAX;
	}
	c->at = end;
	if (!accept_operator(c, '}') || a->least < 0 || a->most < a->least)
		c->error = "bad repetition count";
}

static void compile_repeat(struct compiler *c, struct atom *a)
{
	while (*c->at && !c->error) {
		if (*c->at == '*') {
			c->at++;
			a->least = 0;
			a->most = INT_MAX;
		} else if (accept_operator(c, '+')) {
			a->most = INT_MAX;
		} else if (accept_operator(c, '?')) {
			a->least = 0;
		} else if (accept_operator(c, '{')) {
			compile_bounds(c, a);
		} else {
			return;
		}
	}
}

static struct branch *compile_branches(struct compiler *c)
{
	struct branch *first = NULL, **end_branch = &first;

	do {
		struct branch *b = allocate(sizeof(*b));
		struct atom **end = &b->atoms;

		*end_branch = b;
		end_branch = &b->next;
		while (*c->at && !c->error && !at_operator(c, '|') &&
			!(c->depth && at_operator(c, ')'))) {
			bool leading_star = *c->at == '*' && !b->atoms;

			*end = compile_atom(c, !b->atoms);
			/* A star that repeats nothing is a star, also behind a leading ^. */
			if (!leading_star && !((*end)->kind == ATOM_START && *c->at == '*'))
				compile_repeat(c, *end);
			end = &(*end)->next;
		}
	} while (!c->error && accept_operator(c, '|'));
	return first;
}

/* A fixed text: characters and nothing else. */
static struct branch *compile_fixed(struct compiler *c)
{
	struct branch *b = allocate(sizeof(*b));
	struct atom **end = &b->atoms;

	while (*c->at) {
		*end = allocate(sizeof(**end));
		(*end)->least = (*end)->most = 1;
		compile_char(c, *end, (unsigned char)*c->at++);
		end = &(*end)->next;
	}
	return b;
}

struct pattern *pattern_compile(const char *text, int flags, const char **why)
{
	struct compiler c = { .at = text, .flags = flags };
	struct pattern *p = allocate(sizeof(*p));

	p->ignore_case = flags & PATTERN_IGNORE_CASE;
	p->branches = flags & PATTERN_FIXED ? compile_fixed(&c) : compile_branches(&c);
	if (!c.error && *c.at)
		c.error = "unmatched ) or \\)";
	*why = c.error;
	return c.error ? NULL : p;
}

/* ---- matching ---- */

/* What is still to be matched when the present atoms are used up: a list, innermost first. */
struct rest {
	/* A group that was being repeated: count more of it, then its next. */
	const struct atom *atom;
	int count;
	const char *began;              /* where this repetition began, to stop empty ones */
	const struct rest *next;
};

struct matcher {
	const struct pattern *pattern;
	const char *line, *line_end;
	const char *found;              /* the end of the match */
};

static bool match_atoms(
	struct matcher *m, const struct atom *a, const char *s, const struct rest *rest);
static bool match_group(struct matcher *m, const struct atom *a, int count, const char *s,
			const struct rest *rest);

static bool is_word(const struct matcher *m, const char *s)
{
	return s >= m->line && s < m->line_end && (isalnum((unsigned char)*s) || *s == '_');
}

static bool match_character(const struct matcher *m, const struct atom *a, const char *s)
{
	if (s == m->line_end)
		return false;
	unsigned char c = (unsigned char)*s;
	switch (a->kind) {
	case ATOM_ANY:
		return true;
	case ATOM_SET:
		return set_has(a, c);
	default:
		return a->c == (m->pattern->ignore_case ? tolower(c) : c);
	}
}

static bool match_rest(struct matcher *m, const char *s, const struct rest *rest)
{
	if (!rest) {
		m->found = s;
		return true;
	}
	if (s == rest->began && rest->count >= rest->atom->least)
		return match_atoms(m, rest->atom->next, s, rest->next);
	return match_group(m, rest->atom, rest->count, s, rest->next);
}

/* `count` repetitions of the group are behind us; try one more, then go on without. */
static bool match_group(struct matcher *m, const struct atom *a, int count, const char *s,
			const struct rest *rest)
{
	if (count < a->most) {
		struct rest again = { a, count + 1, s, rest };

		for (const struct branch *b = a->group; b; b = b->next)
			if (match_atoms(m, b->atoms, s, &again))
				return true;
	}
	return count >= a->least && match_atoms(m, a->next, s, rest);
}

static bool match_atoms(
	struct matcher *m, const struct atom *a, const char *s, const struct rest *rest)
{
	if (!a)
		return match_rest(m, s, rest);
	switch (a->kind) {
	case ATOM_GROUP:
		return match_group(m, a, 0, s, rest);
	case ATOM_START:
		return s == m->line && match_atoms(m, a->next, s, rest);
	case ATOM_END:
		return s == m->line_end && match_atoms(m, a->next, s, rest);
	case ATOM_WORD_EDGE:
		return is_word(m, s) != is_word(m, s - 1) && match_atoms(m, a->next, s, rest);
	default:
		break;
	}
	int count = 0;
	while (count < a->most && match_character(m, a, s + count))
		count++;
	for (; count >= a->least; count--)
		if (match_atoms(m, a->next, s + count, rest))
			return true;
	return false;
}

bool pattern_search(
	const struct pattern *p, const char *line, size_t len, size_t *start, size_t *end)
{
	struct matcher m = { .pattern = p, .line = line, .line_end = line + len };

	for (const char *s = line; s <= m.line_end; s++)
		for (const struct branch *b = p->branches; b; b = b->next)
			if (match_atoms(&m, b->atoms, s, NULL)) {
				*start = s - line;
				*end = m.found - line;
				return true;
			}
	return false;
}
