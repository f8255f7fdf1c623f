/*
 * ${...}: what a parameter is worth, and the operators behind its name.
 */
#include "sh.h"
#include <ctype.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The value of anything but $@ and $*; NULL when unset. `space` holds numbers. */
static const char *param_value(const char *name, char *space, size_t size)
{
	if (isdigit((unsigned char)name[0])) {
		int n = atoi(name);

		if (n == 0)
			return sh.name;
		return n <= sh.nr_params ? sh.params[n - 1] : NULL;
	}
	switch (name[0]) {
	case '?':
		snprintf(space, size, "%d", sh.status);
		return space;
	case '$':
		snprintf(space, size, "%d", (int)sh.pid);
		return space;
	case '#':
		snprintf(space, size, "%d", sh.nr_params);
		return space;
	case '!':
		if (!sh.last_background)
			return NULL;
		snprintf(space, size, "%d", (int)sh.last_background);
		return space;
	case '-':
		snprintf(space, size, "%s%s%s%s%s", sh.exit_on_error ? "e" : "",
			sh.no_glob ? "f" : "", sh.interactive ? "i" : "", sh.no_unset ? "u" : "",
			sh.trace ? "x" : "");
		return space;
	}
	return var_get(name);
}

/*
 * "$@" keeps the parameters apart; "$*" joins them with the first character of IFS; without
 * quotes both keep them apart and let each be split further.
 */
static void add_all_params(struct marked *m, bool star, bool quoted)
{
	const char *ifs = var_get("IFS");

	for (int i = 0; i < sh.nr_params; i++) {
		const char *value = sh.params[i];

		if (i > 0 && star && quoted) {
			if (!ifs || *ifs)
				marked_add(m, ifs ? *ifs : ' ', MARK_QUOTED);
		} else if (i > 0) {
			marked_add(m, ' ', MARK_BREAK);
		}
		if (quoted && !*value)
			marked_add(m, ' ', MARK_EMPTY);
		marked_add_string(m, value, quoted ? MARK_QUOTED : MARK_SPLIT);
	}
	if (star && quoted && !sh.nr_params)
		marked_add(m, ' ', MARK_EMPTY);
}

/* ${x#pattern} and relatives: the part of value that stays. */
static char *trim(
	struct region *r, const char *value, const char *pattern, bool suffix, bool longest)
{
	size_t len = strlen(value);
	char *copy = region_strndup(r, value, len);

	for (size_t i = 0; i <= len; i++) {
		/* Candidates from the shortest match to the longest, or the other way. */
		size_t matched = longest ? len - i : i;

		if (suffix) {
			if (fnmatch(pattern, copy + len - matched, 0) == 0) {
				copy[len - matched] = '\0';
				return copy;
			}
		} else {
			char saved = copy[matched];

			copy[matched] = '\0';
			bool hit = fnmatch(pattern, copy, 0) == 0;
			copy[matched] = saved;
			if (hit)
				return copy + matched;
		}
	}
	return copy;
}

static void add_value(struct marked *m, struct part *part, const char *value)
{
	if (part->quoted && !*value)
		marked_add(m, ' ', MARK_EMPTY);
	marked_add_string(m, value, part->quoted ? MARK_QUOTED : MARK_SPLIT);
}

static void assign_default(struct marked *m, struct part *part)
{
	if (!is_name(part->text, strlen(part->text)))
		sh_fatal("%s: bad variable name", part->text);
	char *value = expand_string(m->region, part->arg);
	if (!var_set(part->text, value))
		sh_fatal("%s: cannot assign", part->text);
	add_value(m, part, value);
}

static void fail_unset(struct marked *m, struct part *part)
{
	char *message = part->arg ? expand_string(m->region, part->arg) : NULL;

	sh_fatal("%s: %s", part->text, message && *message ? message : "parameter not set");
}

/* The word behind - or +. Unquoted literal text in it is split like any expansion's. */
static void add_argument(struct marked *m, struct part *part)
{
	size_t from = m->marks.len;

	expand_parts(m, part->arg);
	if (part->quoted && from == m->marks.len)
		marked_add(m, ' ', MARK_EMPTY);
	for (size_t i = from; i < m->marks.len; i++)
		if (m->marks.data[i] == MARK_PLAIN)
			m->marks.data[i] = MARK_SPLIT;
}

void expand_param(struct marked *m, struct part *part)
{
	char space[32];
	bool is_all = !strcmp(part->text, "@") || !strcmp(part->text, "*");
	const char *value = is_all ? (sh.nr_params ? "x" : NULL) :
		param_value(part->text, space, sizeof(space));
	bool missing = !value || (part->colon && !*value);

	if (!value && sh.no_unset && !is_all && (!part->op || strchr("L%#", part->op)))
		sh_fatal("%s: parameter not set", part->text);
	switch (part->op) {
	case 'L':
		snprintf(space, sizeof(space), "%zu",
			 is_all ? (size_t)sh.nr_params : value ? strlen(value) : 0);
		add_value(m, part, space);
		return;
	case '-':
	case '+':
		if (missing == (part->op == '-')) {
			add_argument(m, part);
			return;
		}
		if (part->op == '+') {
			if (part->quoted)
				marked_add(m, ' ', MARK_EMPTY);
			return;
		}
		break;
	case '=':
		if (missing) {
			assign_default(m, part);
			return;
		}
		break;
	case '?':
		if (missing)
			fail_unset(m, part);
		break;
	case '%':
	case '#':
		if (value && !is_all)
			value = trim(m->region, value, expand_pattern(m->region, part->arg),
				     part->op == '%', part->doubled);
		break;
	}
	if (is_all)
		add_all_params(m, part->text[0] == '*', part->quoted);
	else
		add_value(m, part, value ? value : "");
}
