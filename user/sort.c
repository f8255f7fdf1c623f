/* sort [-nru] [-k FIELD] [-t CHAR] [-f] [-o FILE] [file ...]: lines in order. -n by number. */
#include "util.h"
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static struct {
	bool numeric, reverse, unique, fold;
	long field;             /* 1: the first; 0: the whole line */
	char separator;         /* 0: blanks */
} option;

struct lines {
	char **list;
	size_t count, size;
};

/* From the start of the field to the end of the line. */
static const char *key_of(const char *line)
{
	for (long field = 1; field < option.field; field++) {
		if (option.separator) {
			const char *end = strchr(line, option.separator);

			if (!end)
				return "";
			line = end + 1;
		} else {
			while (isblank((unsigned char)*line))
				line++;
			while (*line && !isblank((unsigned char)*line))
				line++;
		}
	}
	return line;
}

/* Compares two decimal fractions without rounding; text that is no number counts as 0. */
static int compare_digits(const char *a, const char *b)
{
	while (*a == '0')
		a++;
	while (*b == '0')
		b++;
	size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
	if (na != nb)
		return na < nb ? -1 : 1;
	int order = strncmp(a, b, na);
	if (order)
		return order;
	a += na;
	b += nb;
	a += *a == '.';
	b += *b == '.';
	while (isdigit((unsigned char)*a) || isdigit((unsigned char)*b)) {
		int da = isdigit((unsigned char)*a) ? *a++ : '0',
		    db = isdigit((unsigned char)*b) ? *b++ : '0';

		if (da != db)
			return da - db;
	}
	return 0;
}

static bool is_zero(const char *s)
{
	return strspn(s, "0.") >= strspn(s, "0123456789.");
}

static int compare_numbers(const char *a, const char *b)
{
	while (isblank((unsigned char)*a))
		a++;
	while (isblank((unsigned char)*b))
		b++;
	bool negative_a = *a == '-' && !is_zero(a + 1), negative_b = *b == '-' && !is_zero(b + 1);
	if (negative_a != negative_b)
		return negative_a ? -1 : 1;
	a += *a == '-';
	b += *b == '-';
	return negative_a ? compare_digits(b, a) : compare_digits(a, b);
}

static int compare_keys(const char *a, const char *b)
{
	const char *key_a = key_of(a), *key_b = key_of(b);

	if (option.numeric)
		return compare_numbers(key_a, key_b);
	return option.fold ? strcasecmp(key_a, key_b) : strcmp(key_a, key_b);
}

static int compare(const void *left, const void *right)
{
	const char *a = *(char *const *)left, *b = *(char *const *)right;
	int order = compare_keys(a, b);

	/* The whole line decides between equal keys, except with -u, where they count as one. */
	if (!order && !option.unique)
		order = strcmp(a, b);
	return option.reverse ? -order : order;
}

static void add_line(struct lines *lines, char *line)
{
	if (lines->count == lines->size) {
		lines->size = lines->size ? 2 * lines->size : 256;
		lines->list = realloc(lines->list, lines->size * sizeof(char *));
		if (!lines->list)
			err(2, "out of memory");
	}
	lines->list[lines->count++] = line;
}

static int read_lines(int fd, const char *name, void *state)
{
	FILE *file = fdopen(dup(fd), "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file)
		err(2, "%s", name);
	while ((len = getline(&line, &size, file)) >= 0) {
		if (len && line[len - 1] == '\n')
			line[len - 1] = '\0';
		add_line(state, line);
		line = NULL;
	}
	free(line);
	int failed = ferror(file);
	if (failed)
		warn("%s", name);
	fclose(file);
	return failed ? 2 : 0;
}

int main(int argc, char **argv)
{
	struct lines lines = { 0 };
	const char *output = NULL;
	int letter;

	while ((letter = getopt(argc, argv, "nrufk:t:o:")) != -1) {
		switch (letter) {
		case 'n': option.numeric = true; break;
		case 'r': option.reverse = true; break;
		case 'u': option.unique = true; break;
		case 'f': option.fold = true; break;
		case 'k': option.field = strtol(optarg, NULL, 10); break;
		case 't': option.separator = *optarg; break;
		case 'o': output = optarg; break;
		default: return 2;
		}
	}
	int status = for_each_input(argc - optind, argv + optind, read_lines, &lines);
	if (status)
		return 2;
	if (lines.count)
		qsort(lines.list, lines.count, sizeof(char *), compare);
	if (output && !freopen(output, "w", stdout))
		err(2, "%s", output);
	for (size_t i = 0; i < lines.count; i++)
		if (!option.unique || !i || compare_keys(lines.list[i - 1], lines.list[i]))
			puts(lines.list[i]);
	return finish_output() ? 2 : 0;
}
