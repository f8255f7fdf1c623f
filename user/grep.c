/*
 * grep [-ivnclLqhHowsFEr] [-e pattern] pattern [file ...]: lines that match. Patterns are basic, or
 * extended with -E, or plain text with -F. Status 0: something matched, 1: nothing, 2: trouble.
 */
#include "util.h"
#include <ctype.h>
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PATTERNS = 64, BINARY_LOOK = 4096 };

static struct {
	bool invert, number, count, names, names_without, quiet, no_names, with_names, only, word,
	     silent, recursive, whole_line;
	int flags;
} option;

static struct pattern *patterns[MAX_PATTERNS];
static int nr_patterns;
static bool any_match, any_trouble;

static bool is_word_char(int c)
{
	return isalnum(c) || c == '_';
}

/* The leftmost match of any pattern at or behind `from`; the longest of those at one place. */
static bool find(const char *line, size_t len, size_t from, size_t *start, size_t *end)
{
	bool found = false;

	for (int i = 0; i < nr_patterns; i++) {
		size_t at = from, s, e;

		while (at <= len && pattern_search(patterns[i], line + at, len - at, &s, &e)) {
			s += at;
			e += at;
			bool edges = !option.word || (e > s &&
				(s == 0 || !is_word_char((unsigned char)line[s - 1])) &&
				(e == len || !is_word_char((unsigned char)line[e])));
			if (option.whole_line)
				edges = s == 0 && e == len;
			if (edges) {
				if (!found || s < *start || (s == *start && e > *end)) {
					*start = s;
					*end = e;
				}
				found = true;
				break;
			}
			at = s + 1;
		}
	}
	return found;
}

static void show_prefix(const char *name, unsigned long number)
{
	if (option.with_names)
		printf("%s:", name);
	if (option.number)
		printf("%lu:", number);
}

static void show_parts(const char *name, unsigned long number, const char *line, size_t len)
{
	size_t at = 0, start, end;

	while (at <= len && find(line, len, at, &start, &end)) {
		if (end > start) {
			show_prefix(name, number);
			printf("%.*s\n", (int)(end - start), line + start);
		}
		at = end > start ? end : end + 1;
	}
}

/* Returns true when the rest of the file does not matter. */
static bool show_match(const char *name, unsigned long number, const char *line, size_t len,
		       bool binary)
{
	any_match = true;
	if (option.quiet || option.names || option.names_without)
		return true;
	if (option.count)
		return false;
	if (binary) {
		printf("Binary file %s matches\n", name);
		return true;
	}
	if (option.only && !option.invert) {
		show_parts(name, number, line, len);
	} else if (!option.only) {
		show_prefix(name, number);
		fwrite(line, 1, len, stdout);
		putchar('\n');
	}
	return false;
}

static int search_stream(FILE *file, const char *name)
{
	char *line = NULL;
	size_t size = 0, start, end;
	unsigned long number = 0, matches = 0;
	bool binary = false;
	ssize_t len;

	while ((len = getline(&line, &size, file)) >= 0) {
		number++;
		if (len > 0 && line[len - 1] == '\n')
			len--;
		binary |= number * 16 < BINARY_LOOK && memchr(line, '\0', len) != NULL;
		if (find(line, len, 0, &start, &end) == option.invert)
			continue;
		matches++;
		if (show_match(name, number, line, len, binary))
			break;
	}
	free(line);
	if (ferror(file)) {
		if (!option.silent)
			warn("%s", name);
		any_trouble = true;
	}
	if (option.count && !option.quiet && !option.names && !option.names_without) {
		if (option.with_names)
			printf("%s:", name);
		printf("%lu\n", matches);
	}
	if ((option.names && matches) || (option.names_without && !matches))
		puts(name);
	return 0;
}

static void trouble(const char *path)
{
	if (!option.silent)
		warn("%s", path);
	any_trouble = true;
}

static void search_path(const char *path);

static void search_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir) {
		trouble(path);
		return;
	}
	while ((entry = readdir(dir))) {
		struct stat st;

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		char *inner = path_join(path, entry->d_name);
		if (lstat(inner, &st) == 0 && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
			search_path(inner);
		free(inner);
	}
	closedir(dir);
}

static void search_path(const char *path)
{
	struct stat st;
	FILE *file;

	if (!strcmp(path, "-")) {
		search_stream(stdin, "(standard input)");
		return;
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (option.recursive)
			search_directory(path);
		else if (!option.silent)
			warnx("%s: Is a directory", path);
		return;
	}
	file = fopen(path, "r");
	if (!file) {
		trouble(path);
		return;
	}
	search_stream(file, path);
	fclose(file);
}

/* Newlines separate patterns. */
static void add_patterns(char *text)
{
	const char *why;

	while (text) {
		char *next = strchr(text, '\n');

		if (next)
			*next++ = '\0';
		if (nr_patterns == MAX_PATTERNS)
			errx(2, "more than %d patterns", MAX_PATTERNS);
		patterns[nr_patterns] = pattern_compile(text, option.flags, &why);
		if (!patterns[nr_patterns++])
			errx(2, "%s: %s", text, why);
		text = next;
	}
}

static void read_options(int argc, char **argv, char **texts, int *nr_texts)
{
	int letter;

	while ((letter = getopt(argc, argv, "ivnclLqhHowsFEGrRxe:")) != -1) {
		switch (letter) {
		case 'i': option.flags |= PATTERN_IGNORE_CASE; break;
		case 'v': option.invert = true; break;
		case 'n': option.number = true; break;
		case 'c': option.count = true; break;
		case 'l': option.names = true; break;
		case 'L': option.names_without = true; break;
		case 'q': option.quiet = true; break;
		case 'h': option.no_names = true; break;
		case 'H': option.with_names = true; break;
		case 'o': option.only = true; break;
		case 'w': option.word = true; break;
		case 'x': option.whole_line = true; break;
		case 's': option.silent = true; break;
		case 'F': option.flags |= PATTERN_FIXED; break;
		case 'E': option.flags |= PATTERN_EXTENDED; break;
		case 'G': break;
		case 'r':
		case 'R': option.recursive = true; break;
		case 'e':
			if (*nr_texts == MAX_PATTERNS)
				errx(2, "more than %d patterns", MAX_PATTERNS);
			texts[(*nr_texts)++] = optarg;
			break;
		default: exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	char *texts[MAX_PATTERNS];
	int nr_texts = 0;

	read_options(argc, argv, texts, &nr_texts);
	if (!nr_texts) {
		if (optind == argc)
			errx(2, "usage: grep [-ivnclqhHowsFErx] pattern [file ...]");
		texts[nr_texts++] = argv[optind++];
	}
	for (int i = 0; i < nr_texts; i++)
		add_patterns(texts[i]);
	option.with_names |= argc - optind > 1 || option.recursive;
	if (option.no_names)
		option.with_names = false;
	if (optind == argc)
		search_path(option.recursive ? "." : "-");
	for (int i = optind; i < argc && !(option.quiet && any_match); i++)
		search_path(argv[i]);
	if (finish_output())
		return 2;
	if (any_match && option.quiet)
		return 0;
	return any_trouble ? 2 : !any_match;
}
