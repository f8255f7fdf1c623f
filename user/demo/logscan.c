/*
 * One pass over a large file: count the lines with ERROR in them, through a mapping, with read() of 64 KiB, and
 * with read() of 4 KiB. The disk does the same work for all three; what differs is who pays for moving the bytes: a
 * copy for each byte and a call for each piece, or a fault for each page, or for sixteen.
 *
 * logscan [--quiet] [--io mmap|read64k|read4k|all] [--size BYTES] [--file PATH]
 */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 65536, LINE = 64 };              /* every line has 64 bytes, so that none is cut */

static long size = 16 << 20;
static const char *path = "/tmp/logscan.log", *io = "all";
static char buffer[PIECE];

struct scan {
	const char *name;
	long piece;                             /* 0: mapped */
	long errors;
	struct demo_cost cost;
};

static void make_log(void)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT, 0644);

	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", path);
	for (long at = 0; st.st_size != size && at < size; at += PIECE) {
		for (long line = 0; line < PIECE / LINE; line++) {
			long n = at / LINE + line;

			snprintf(buffer + line * LINE, LINE, "%010ld %s something happened in room %ld", n,
				 n % 97 == 0 ? "ERROR" : "info ", n % 13);
			memset(buffer + line * LINE + strlen(buffer + line * LINE), '.',
			       LINE - strlen(buffer + line * LINE));
			buffer[line * LINE + LINE - 1] = '\n';
		}
		if (write(fd, buffer, PIECE) != PIECE)
			err(1, "%s", path);
	}
	close(fd);
}

static long count_errors(const char *text, long length)
{
	long found = 0;

	for (const char *line = text; line < text + length; line += LINE)
		found += !memcmp(line + 11, "ERROR", 5);
	return found;
}

static void run_scan(struct scan *s)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		err(1, "%s", path);
	demo_forget_cache(fd);
	struct demo_cost before = demo_cost();
	if (s->piece) {
		while ((n = read(fd, buffer, (size_t)s->piece)) > 0)
			s->errors += count_errors(buffer, n);
	} else {
		const char *map = demo_map(fd, (size_t)size, PROT_READ, MAP_SHARED);

		s->errors = count_errors(map, size);
		munmap((void *)map, (size_t)size);
	}
	s->cost = demo_cost_since(before);
	close(fd);
}

static void tell(const struct scan *s)
{
	long faults = s->cost.minor + s->cost.major, pages = size / DEMO_PAGE;

	demo_say("%-8s %ld lines with ERROR; disk requests %s\n", s->name, s->errors, demo_count(s->cost.reads));
	demo_say("  calls   [%s] %s\n", demo_bar(s->cost.calls, pages, 32), demo_count(s->cost.calls));
	demo_say("  faults  [%s] %ld\n", demo_bar(faults, pages, 32), faults);
	demo_say("  copied  [%s] %ld KiB\n", demo_bar(s->piece ? size : 0, size, 32), s->piece ? size >> 10 : 0);
	demo_say("  time    %lld us\n\n", s->cost.ns / 1000);
}

static void judge(const struct scan *s, long wanted)
{
	long faults = s->cost.minor + s->cost.major, pages = size / DEMO_PAGE;

	demo_report_cost(s->name, s->cost);
	demo_claim("it found every line with ERROR", s->errors == wanted);
	if (!demo_kernel_counts())
		return;
	if (s->piece)
		demo_claim("a call for each piece and one for the end, and no fault",
			   s->cost.calls == size / s->piece + 1 && faults <= 1);
	else
		demo_claim("two calls; a fault for each page, or for up to sixteen at once",
			   s->cost.calls == 2 && faults <= pages && faults >= pages / 16);
}

int main(int argc, char **argv)
{
	struct scan scans[] = { { .name = "mmap" }, { .name = "read64k", .piece = PIECE },
				{ .name = "read4k", .piece = DEMO_PAGE } };

	demo_options(argc, argv, (struct demo_knob[]){ { "--io", NULL, &io }, { "--size", &size, NULL },
						       { "--file", NULL, &path }, { NULL, NULL, NULL } });
	size -= size % PIECE;
	if (size < PIECE)
		errx(2, "--size wants %d at least", PIECE);
	demo_kernel_counts();
	make_log();
	demo_say("A log of %ld MiB, %ld pages, not in memory at first.\n\n", size >> 20, size / DEMO_PAGE);
	demo_report("pages", size / DEMO_PAGE);
	for (int i = 0; i < 3; i++) {
		if (strcmp(io, "all") && strcmp(io, scans[i].name))
			continue;
		run_scan(&scans[i]);
		tell(&scans[i]);
		judge(&scans[i], (size / LINE + 96) / 97);
	}
	return demo_end("the mapping saves a copy of every byte: when does it lose all the same?",
			"--size: let it fit into memory, remove demo_forget_cache(), and scan again");
}
