/*
 * hexdump [-C] [-n BYTES] [-s SKIP] [-v] [file ...]: bytes in hexadecimal. Without -C, as two-byte
 * words; with it, also as characters. Lines that repeat become one *, unless -v.
 */
#include "util.h"
#include <ctype.h>
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PER_LINE = 16 };

struct dump {
	bool canonical, all;
	long skip, left;                /* left < 0: no limit */
	unsigned long offset;
	unsigned char line[PER_LINE], before[PER_LINE];
	size_t used;
	bool have_before, starred;
};

static void show_canonical(const struct dump *d)
{
	printf("%08lx ", d->offset);
	for (size_t i = 0; i < PER_LINE; i++) {
		if (i % 8 == 0)
			putchar(' ');
		if (i < d->used)
			printf("%02x ", d->line[i]);
		else
			fputs("   ", stdout);
	}
	fputs(" |", stdout);
	for (size_t i = 0; i < d->used; i++)
		putchar(d->line[i] < 128 && isprint(d->line[i]) ? d->line[i] : '.');
	puts("|");
}

static void show_words(const struct dump *d)
{
	printf("%07lx", d->offset);
	for (size_t i = 0; i < PER_LINE; i += 2) {
		if (i >= d->used)
			fputs("     ", stdout);
		else
			printf(" %04x", d->line[i] | (i + 1 < d->used ? d->line[i + 1] << 8 : 0));
	}
	putchar('\n');
}

static void flush_line(struct dump *d)
{
	bool same = d->have_before && d->used == PER_LINE && !memcmp(d->line, d->before, PER_LINE);

	if (!d->used)
		return;
	if (same && !d->all) {
		if (!d->starred)
			puts("*");
		d->starred = true;
	} else {
		if (d->canonical)
			show_canonical(d);
		else
			show_words(d);
		d->starred = false;
	}
	memcpy(d->before, d->line, PER_LINE);
	d->have_before = true;
	d->offset += d->used;
	d->used = 0;
}

/* Files form one stream: a line may hold the end of one and the start of the next. */
static int dump(int fd, const char *name, void *state)
{
	static unsigned char block[8192];
	struct dump *d = state;
	ssize_t n = 0;

	while (d->left != 0) {
		size_t want = sizeof(block);

		if (d->left > 0 && !d->skip && (size_t)d->left < want)
			want = d->left;
		n = read(fd, block, want);
		if (n <= 0)
			break;
		for (ssize_t i = 0; i < n && d->left != 0; i++) {
			if (d->skip > 0) {
				d->skip--;
				d->offset++;
				continue;
			}
			d->line[d->used++] = block[i];
			if (d->used == PER_LINE)
				flush_line(d);
			if (d->left > 0)
				d->left--;
		}
	}
	if (n < 0)
		warn("%s", name);
	return n < 0;
}

int main(int argc, char **argv)
{
	struct dump d = { .left = -1 };
	int option;

	while ((option = getopt(argc, argv, "Cn:s:v")) != -1) {
		switch (option) {
		case 'C':
			d.canonical = true;
			break;
		case 'v':
			d.all = true;
			break;
		case 'n':
			if (!size_parse(optarg, &d.left) || d.left < 0)
				errx(1, "invalid number '%s'", optarg);
			break;
		case 's':
			if (!size_parse(optarg, &d.skip) || d.skip < 0)
				errx(1, "invalid number '%s'", optarg);
			break;
		default:
			return 2;
		}
	}
	int status = for_each_input(argc - optind, argv + optind, dump, &d);
	flush_line(&d);
	if (d.offset)
		printf(d.canonical ? "%08lx\n" : "%07lx\n", d.offset);
	return status | finish_output();
}
