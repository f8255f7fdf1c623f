/* wc [-l] [-w] [-c] [-m] [file ...]: lines, words, bytes. */
#include "util.h"
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct counts {
	unsigned long lines, words, bytes;
};

struct totals {
	struct counts all;
	bool lines, words, bytes, named;
	int width;
};

static void show(const struct totals *t, const struct counts *c, const char *name)
{
	const char *space = "";

	if (t->lines) {
		printf("%*lu", t->width, c->lines);
		space = " ";
	}
	if (t->words) {
		printf("%s%*lu", space, t->width, c->words);
		space = " ";
	}
	if (t->bytes)
		printf("%s%*lu", space, t->width, c->bytes);
	if (name)
		printf(" %s", name);
	putchar('\n');
}

static int count(int fd, const char *name, void *state)
{
	static char block[16384];
	struct totals *t = state;
	struct counts c = { 0 };
	bool in_word = false;
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0) {
		c.bytes += n;
		for (ssize_t i = 0; i < n; i++) {
			bool space = isspace((unsigned char)block[i]);

			c.lines += block[i] == '\n';
			c.words += !space && !in_word;
			in_word = !space;
		}
	}
	if (n < 0)
		warn("%s", name);
	show(t, &c, t->named ? name : NULL);
	t->all.lines += c.lines;
	t->all.words += c.words;
	t->all.bytes += c.bytes;
	return n < 0;
}

/* Columns as wide as the sum of the sizes; 7 when a size cannot be known before. */
static int choose_width(const struct totals *t, int argc, char **argv)
{
	unsigned long sum = 0;
	bool unknown = false;

	if (t->lines + t->words + t->bytes == 1 && argc <= 1)
		return 1;
	for (int i = 0; i < argc || i == 0; i++) {
		struct stat st;
		bool is_stdin = !argc || !strcmp(argv[i], "-");

		if ((is_stdin ? fstat(0, &st) : stat(argv[i], &st)) < 0)
			continue;
		if (!S_ISREG(st.st_mode))
			unknown = true;
		else
			sum += st.st_size;
	}
	int width = snprintf(NULL, 0, "%lu", sum);
	return unknown && width < 7 ? 7 : width;
}

int main(int argc, char **argv)
{
	struct totals t = { 0 };
	int option;

	while ((option = getopt(argc, argv, "lwcm")) != -1) {
		if (option == '?')
			return 2;
		t.lines |= option == 'l';
		t.words |= option == 'w';
		t.bytes |= option == 'c' || option == 'm';
	}
	if (!t.lines && !t.words && !t.bytes)
		t.lines = t.words = t.bytes = true;
	argc -= optind;
	argv += optind;
	t.named = argc > 0;
	t.width = choose_width(&t, argc, argv);
	int status = for_each_input(argc, argv, count, &t);
	if (argc > 1)
		show(&t, &t.all, "total");
	return status | finish_output();
}
