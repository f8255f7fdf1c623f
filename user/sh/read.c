/*
 * read [-r] [-p prompt] name ...: a line of standard input, cut at IFS into variables. A byte at a
 * time, so that the next command finds the next line.
 */
#include "sh.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* One line without its newline, a byte at a time. A backslash protects the next character. */
static bool read_line(struct text *line, struct text *protected, bool raw)
{
	unsigned char c;
	bool escaped = false;

	for (;;) {
		ssize_t n = read(0, &c, 1);

		if (n < 0 && errno == EINTR && !interrupt_seen && !trap_pending())
			continue;
		if (n <= 0)
			return false;
		if (!raw && !escaped && c == '\\') {
			escaped = true;
			continue;
		}
		if (c == '\n' && !escaped)
			return true;
		if (c != '\n' && c) {
			text_add(line, (char)c);
			text_add(protected, escaped ? 'y' : 'n');
		}
		escaped = false;
	}
}

struct cutter {
	const char *data, *protected, *ifs;
	size_t at, len;
};

static bool is_separator(struct cutter *c, size_t i, bool blanks_only)
{
	if (i >= c->len || c->protected[i] == 'y' || !strchr(c->ifs, c->data[i]))
		return false;
	return !blanks_only || strchr(" \t\n", c->data[i]);
}

/* The next field; for the last variable, all that is left without blanks at its end. */
static char *cut_field(struct cutter *c, bool last)
{
	while (is_separator(c, c->at, true))
		c->at++;
	size_t start = c->at, end;
	while (c->at < c->len && !is_separator(c, c->at, false))
		c->at++;
	end = c->at;
	while (is_separator(c, c->at, true))
		c->at++;
	if (is_separator(c, c->at, false))
		c->at++;
	while (is_separator(c, c->at, true))
		c->at++;
	if (last && c->at < c->len) {
		end = c->len;
		while (end > start && is_separator(c, end - 1, true))
			end--;
		c->at = c->len;
	}
	return must(strndup(c->data + start, end - start));
}

int read_builtin(int argc, char **argv)
{
	struct text line = { 0 }, protected = { 0 };
	bool raw = false;
	int i = 1, status = 0;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "-r")) {
			raw = true;
		} else if (!strcmp(argv[i], "-p") && i + 1 < argc) {
			fputs(argv[++i], stderr);
		} else {
			sh_warn("read: %s: no such option", argv[i]);
			return 2;
		}
	}
	bool complete = read_line(&line, &protected, raw);
	struct cutter c = {
		.data = line.data ? line.data : "", .protected = protected.data,
		.ifs = var_get("IFS") ? var_get("IFS") : " \t\n", .len = line.len,
	};
	for (; i < argc; i++) {
		char *value = cut_field(&c, i + 1 == argc);

		if (!var_set(argv[i], value))
			status = 2;
		free(value);
	}
	text_free(&line);
	text_free(&protected);
	return status ? status : !complete;
}
