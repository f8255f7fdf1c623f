/*
 * Expansion: from the parts of a word to the strings it stands for. First every part adds its
 * characters to one text, each with a mark that says whether it was quoted and whether it may be
 * split; then the text is cut into fields at IFS, and a field with unquoted * ? [ becomes the path
 * names that match. Doing all parts first is what makes a$x"b c" one word or many, correctly.
 */
#include "sh.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fields_add(struct region *r, struct fields *f, char *s)
{
	if (f->count + 2 > f->size) {
		size_t size = f->size ? 2 * f->size : 16;
		char **list = region_alloc(r, size * sizeof(char *));

		if (f->count)
			memcpy(list, f->list, f->count * sizeof(char *));
		f->list = list;
		f->size = size;
	}
	f->list[f->count++] = s;
	f->list[f->count] = NULL;
}

void marked_add(struct marked *m, char c, int mark)
{
	text_add(&m->text, c);
	text_add(&m->marks, (char)mark);
}

void marked_add_string(struct marked *m, const char *s, int mark)
{
	while (*s)
		marked_add(m, *s++, mark);
}

static void marked_free(struct marked *m)
{
	text_free(&m->text);
	text_free(&m->marks);
}

static void expand_text(struct marked *m, struct part *part)
{
	if (part->quoted && !*part->text)
		/* "" is a field, though it has no character. */
		marked_add(m, ' ', MARK_EMPTY);
	marked_add_string(m, part->text, part->quoted ? MARK_QUOTED : MARK_PLAIN);
}

static void expand_arith(struct marked *m, struct part *part)
{
	char number[24];
	long value;
	char *expression = expand_string(m->region, part->arg);

	if (!arith_evaluate(expression, &value))
		sh_fatal("arithmetic expression: \"%s\"", expression);
	snprintf(number, sizeof(number), "%ld", value);
	marked_add_string(m, number, part->quoted ? MARK_QUOTED : MARK_SPLIT);
}

void expand_parts(struct marked *m, struct part *parts)
{
	for (struct part *part = parts; part; part = part->next) {
		switch (part->kind) {
		case PART_TEXT:
			expand_text(m, part);
			break;
		case PART_PARAM:
			expand_param(m, part);
			break;
		case PART_COMMAND:
			marked_add_string(m, exec_capture(m->region, part->tree),
					  part->quoted ? MARK_QUOTED : MARK_SPLIT);
			break;
		case PART_ARITH:
			expand_arith(m, part);
			break;
		}
	}
}

/* ~ and ~/x at the start of a word, when not quoted. */
static struct part *expand_tilde(struct marked *m, struct part *parts)
{
	const char *home = var_get("HOME");

	if (!parts || parts->kind != PART_TEXT || parts->quoted || parts->text[0] != '~' || !home)
		return parts;
	if (parts->text[1] && parts->text[1] != '/')
		return parts;
	marked_add_string(m, home, MARK_QUOTED);
	struct part *rest = region_alloc(m->region, sizeof(*rest));
	*rest = *parts;
	rest->text++;
	return rest;
}

static void expand_word(struct marked *m, struct part *parts)
{
	expand_parts(m, expand_tilde(m, parts));
}

/* ---- text to one string ---- */

char *expand_string(struct region *r, struct part *parts)
{
	struct marked m = { .region = r };
	struct text out = { 0 };

	expand_word(&m, parts);
	for (size_t i = 0; i < m.text.len; i++) {
		if (m.marks.data[i] == MARK_BREAK)
			text_add(&out, ' ');
		else if (m.marks.data[i] != MARK_EMPTY)
			text_add(&out, m.text.data[i]);
	}
	char *copy = region_strndup(r, out.data ? out.data : "", out.len);
	text_free(&out);
	marked_free(&m);
	return copy;
}

static void add_pattern_char(struct text *out, char c, int mark)
{
	if (mark == MARK_QUOTED && strchr("*?[]\\-!^", c))
		text_add(out, '\\');
	text_add(out, c);
}

char *expand_pattern(struct region *r, struct part *parts)
{
	struct marked m = { .region = r };
	struct text out = { 0 };

	expand_word(&m, parts);
	for (size_t i = 0; i < m.text.len; i++)
		if (m.marks.data[i] != MARK_EMPTY)
			add_pattern_char(&out, m.text.data[i], m.marks.data[i]);
	char *copy = region_strndup(r, out.data ? out.data : "", out.len);
	text_free(&out);
	marked_free(&m);
	return copy;
}

/* ---- text to fields ---- */

/* The field being collected: its plain text and the same as a pattern. */
struct field {
	struct text plain, pattern;
	bool exists;
};

static void finish_field(struct region *r, struct field *f, struct fields *out)
{
	if (!f->exists)
		return;
	const char *plain = f->plain.data ? f->plain.data : "";
	size_t before = out->count;

	if (!sh.no_glob && f->pattern.data && glob_has_magic(f->pattern.data))
		glob_add(r, f->pattern.data, out);
	if (out->count == before)
		fields_add(r, out, region_strndup(r, plain, f->plain.len));
	text_free(&f->plain);
	text_free(&f->pattern);
	f->exists = false;
}

/*
 * Separators: a run of IFS blanks is one; any other IFS character, with blanks around it, is one
 * each. Returns the index of the first character behind the separator at i.
 */
static size_t skip_separator(struct marked *m, size_t i, const char *ifs)
{
	bool saw_other = false;

	for (; i < m->text.len && m->marks.data[i] == MARK_SPLIT; i++) {
		char c = m->text.data[i];

		if (!strchr(ifs, c))
			break;
		if (strchr(" \t\n", c))
			continue;
		if (saw_other)
			break;
		saw_other = true;
	}
	return i;
}

static bool separator_has_sign(struct marked *m, size_t from, size_t to)
{
	for (; from < to; from++)
		if (!strchr(" \t\n", m->text.data[from]))
			return true;
	return false;
}

static void split(struct marked *m, struct fields *out)
{
	const char *ifs = var_get("IFS");
	struct field f = { 0 };
	size_t i = 0;

	if (!ifs)
		ifs = " \t\n";
	while (i < m->text.len) {
		char c = m->text.data[i];
		int mark = m->marks.data[i];

		if (mark == MARK_SPLIT && strchr(ifs, c)) {
			size_t end = skip_separator(m, i, ifs);

			if (separator_has_sign(m, i, end))
				f.exists = true;        /* a:: has an empty field */
			finish_field(m->region, &f, out);
			i = end;
			continue;
		}
		if (mark == MARK_BREAK) {
			finish_field(m->region, &f, out);
		} else {
			f.exists = true;
			if (mark != MARK_EMPTY) {
				text_add(&f.plain, c);
				add_pattern_char(&f.pattern, c, mark);
			}
		}
		i++;
	}
	finish_field(m->region, &f, out);
}

void expand_words(struct region *r, struct word *words, struct fields *out)
{
	for (struct word *w = words; w; w = w->next) {
		struct marked m = { .region = r };

		expand_word(&m, w->parts);
		split(&m, out);
		marked_free(&m);
	}
	if (!out->list)
		out->list = region_alloc(r, sizeof(char *));
}
