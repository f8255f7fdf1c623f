/* What the demonstrations share: see demo.h. */
#include "demo.h"
#include "util.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

bool demo_quiet;
static int failed_claims;

void demo_say(const char *format, ...)
{
	va_list args;

	if (demo_quiet)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	fflush(stdout);
}

void demo_report(const char *name, long value)
{
	if (demo_quiet)
		printf("%s %s\n", name, demo_count(value));
}

void demo_claim(const char *claim, bool holds)
{
	demo_say("  %s %s\n", holds ? "yes:" : "NO: ", claim);
	if (!holds) {
		failed_claims++;
		if (demo_quiet)
			printf("failed %s\n", claim);
	}
}

int demo_end(const char *question, const char *knob)
{
	demo_say("\nQuestion: %s\nKnob:     %s\n", question, knob);
	demo_report("failed_claims", failed_claims);
	fflush(stdout);
	return failed_claims ? 1 : 0;
}

const char *demo_count(long value)
{
	static char text[4][24];
	static unsigned int next;
	char *slot = text[next++ % 4];

	snprintf(slot, sizeof(text[0]), "%ld", value);
	return value == COUNTER_ABSENT ? "n/a" : slot;
}

long demo_difference(long after, long before)
{
	if (after == COUNTER_ABSENT || before == COUNTER_ABSENT)
		return COUNTER_ABSENT;
	return after - before;
}

bool demo_option(const char *argument)
{
	if (strcmp(argument, "--quiet") && strcmp(argument, "-q"))
		return false;
	demo_quiet = true;
	return true;
}

long demo_number(int argc, char **argv, int *i)
{
	long value;

	if (++*i >= argc || !number_parse(argv[*i], &value) || value < 0)
		errx(2, "%s wants a number", argv[*i - 1]);
	return value;
}

static void use_option(int argc, char **argv, int *i, const struct demo_knob *knobs)
{
	for (const struct demo_knob *k = knobs; k->name; k++) {
		if (strcmp(argv[*i], k->name))
			continue;
		if (++*i >= argc)
			errx(2, "%s wants a value", k->name);
		if (k->text)
			*k->text = argv[*i];
		else if (!size_parse(argv[*i], k->number) || *k->number < 0)
			errx(2, "%s wants a number", k->name);
		return;
	}
	fprintf(stderr, "usage: %s [--quiet]", program_invocation_short_name);
	for (const struct demo_knob *k = knobs; k->name; k++)
		fprintf(stderr, " [%s %s]", k->name, k->text ? "text" : "n");
	fprintf(stderr, "\n");
	exit(2);
}

void demo_options(int argc, char **argv, const struct demo_knob *knobs)
{
	for (int i = 1; i < argc; i++)
		if (!demo_option(argv[i]))
			use_option(argc, argv, &i, knobs);
}

static struct demo_cost look(void)
{
	struct timespec t;
	struct demo_cost c = {
		.minor = counter_own("minor_faults"), .major = counter_own("major_faults"),
		.calls = counter_own("syscalls"), .copies = counter_own("cow_copies"),
		.reads = counter_own("disk_reads"),
	};

	clock_gettime(CLOCK_MONOTONIC, &t);
	c.ns = t.tv_sec * 1000000000ll + t.tv_nsec;
	return c;
}

static struct demo_cost subtract(struct demo_cost a, struct demo_cost b)
{
	return (struct demo_cost){
		.minor = demo_difference(a.minor, b.minor), .major = demo_difference(a.major, b.major),
		.calls = demo_difference(a.calls, b.calls), .copies = demo_difference(a.copies, b.copies),
		.reads = demo_difference(a.reads, b.reads), .ns = a.ns - b.ns,
	};
}

struct demo_cost demo_cost(void)
{
	look();                                 /* so that the code itself is present */
	return look();
}

struct demo_cost demo_cost_since(struct demo_cost before)
{
	struct demo_cost now = look(), again = look(), cost = subtract(subtract(now, before), subtract(again, now));

	cost.ns = now.ns - before.ns;           /* looking takes time too, but not twice the same */
	return cost;
}

void demo_report_cost(const char *phase, struct demo_cost c)
{
	const struct { const char *name; long value; } parts[] = {
		{ "minor", c.minor }, { "major", c.major }, { "calls", c.calls }, { "copies", c.copies },
		{ "reads", c.reads }, { "ns", (long)c.ns },
	};
	char name[64];

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(name, sizeof(name), "%s_%s", phase, parts[i].name);
		demo_report(name, parts[i].value);
	}
}

const char *demo_bar(long value, long whole, int cells)
{
	static char bars[4][65];
	static unsigned int next;
	char *bar = bars[next++ % 4];
	int full = whole > 0 ? (int)((value * cells + whole - 1) / whole) : 0;

	if (cells > 64)
		cells = 64;
	memset(bar, '.', cells);
	memset(bar, '#', full > cells ? cells : full < 0 ? 0 : full);
	bar[cells] = '\0';
	return bar;
}

void *demo_map(int fd, size_t size, int protection, int flags)
{
	void *map = mmap(NULL, size, protection, flags, fd, 0);

	if (map == MAP_FAILED)
		err(1, "mmap");
	return map;
}

bool demo_kernel_counts(void)
{
	static int counts = -1;

	if (counts < 0) {
		counts = counter_own("syscalls") != COUNTER_ABSENT;
		if (!counts)
			demo_say("(This kernel does not count what a process does: what it does not tell is n/a.)\n\n");
	}
	return counts;
}

int demo_file(const char *path, long size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || ftruncate(fd, size) < 0)
		err(1, "%s", path);
	return fd;
}

/* This program's own pages, which may have left the cache too: their faults are not the story. */
static void touch_own_pages(void)
{
	extern const volatile char __executable_start[], end[];        /* the linker's */

	for (const volatile char *at = __executable_start; at < end; at += DEMO_PAGE)
		(void)*at;
}

void demo_forget_cache(int fd)
{
	int control = open("/proc/sys/vm/drop_caches", O_WRONLY);

	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (control >= 0 && write(control, "1\n", 2) < 0)
		demo_say("  (the page cache could not be emptied)\n");
	if (control >= 0)
		close(control);
	touch_own_pages();
}
