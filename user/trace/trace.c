/*
 * trace - runs a program and prints its system calls, and those of its children: name, arguments, result.
 *
 * usage: trace [-o FILE] PROGRAM [ARGUMENT]...
 *
 * The kernel keeps the calls of processes whose /proc/PID/traced is 1 in a ring that /proc/calls shows; this program
 * follows the ring until the traced program ends, and exits as it did.
 */
#include "../lib/follow.h"
#include "../lib/util.h"
#include "table.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static FILE *out;

struct bit_name {
	unsigned long bit;
	const char *name;
};

static const struct bit_name open_bits[] = {
	{ O_CREAT, "O_CREAT" }, { O_EXCL, "O_EXCL" }, { O_TRUNC, "O_TRUNC" }, { O_APPEND, "O_APPEND" },
	{ O_NONBLOCK, "O_NONBLOCK" }, { O_DIRECTORY, "O_DIRECTORY" }, { O_NOFOLLOW, "O_NOFOLLOW" },
	{ O_CLOEXEC, "O_CLOEXEC" }, { 0, NULL },
};
static const struct bit_name protection_bits[] = {
	{ PROT_READ, "PROT_READ" }, { PROT_WRITE, "PROT_WRITE" }, { PROT_EXEC, "PROT_EXEC" }, { 0, NULL },
};
static const struct bit_name map_bits[] = {
	{ MAP_FIXED, "MAP_FIXED" }, { MAP_ANONYMOUS, "MAP_ANONYMOUS" }, { MAP_NORESERVE, "MAP_NORESERVE" },
	{ MAP_POPULATE, "MAP_POPULATE" }, { MAP_STACK, "MAP_STACK" }, { MAP_DENYWRITE, "MAP_DENYWRITE" }, { 0, NULL },
};

/* first, then the names of the bits that are set, joined by |; what has no name in hexadecimal. */
static void print_bits(const char *first, unsigned long value, const struct bit_name *names)
{
	const char *separator = *first ? "|" : "";

	fputs(first, out);
	for (; names->name; names++) {
		if (!(value & names->bit))
			continue;
		fprintf(out, "%s%s", separator, names->name);
		value &= ~names->bit;
		separator = "|";
	}
	if (value || !*separator)
		fprintf(out, "%s%#lx", separator, value);
}

static void print_open_flags(unsigned long flags)
{
	static const char *const modes[] = { "O_RDONLY", "O_WRONLY", "O_RDWR", "3" };

	print_bits(modes[flags & 3], flags & ~3ul, open_bits);
}

static void print_map_flags(unsigned long flags)
{
	static const char *const types[] = { "0", "MAP_SHARED", "MAP_PRIVATE", "MAP_SHARED_VALIDATE" };

	print_bits(types[flags & 3], flags & ~3ul, map_bits);
}

static void print_protection(unsigned long bits)
{
	if (bits)
		print_bits("", bits, protection_bits);
	else
		fputs("PROT_NONE", out);
}

static void print_signal(unsigned long number)
{
	const char *name = signal_name((int)number);

	if (name)
		fprintf(out, "SIG%s", name);
	else
		fprintf(out, "%ld", (long)number);
}

static void print_argument(char kind, unsigned long value, const char **text)
{
	size_t length;

	switch (kind) {
	case 's':
		length = strcspn(*text + (**text == '"'), "\"");
		fprintf(out, **text ? "\"%.*s\"" : "?", (int)length, *text + 1);
		*text += **text ? length + 2 : 0;
		while (**text == ' ')
			(*text)++;
		break;
	case 'f':
		if ((int)value == AT_FDCWD)
			fputs("AT_FDCWD", out);
		else
			fprintf(out, "%d", (int)value);
		break;
	case 'd': fprintf(out, "%ld", (long)value); break;
	case 'm': fprintf(out, "%#lo", value); break;
	case 'o': print_open_flags(value); break;
	case 'P': print_protection(value); break;
	case 'M': print_map_flags(value); break;
	case 'S': print_signal(value); break;
	case 'p':
		if (!value) {
			fputs("NULL", out);
			break;
		}
		/* fall through */
	default: fprintf(out, "%#lx", value);
	}
}

static void print_result(const char *result, char kind)
{
	long value = atol(result);

	if (!strcmp(result, "?"))
		fprintf(out, " = ?\n");
	else if (value < 0 && value > -4096)
		fprintf(out, " = -1 %s\n", strerror((int)-value));
	else if (kind == 'p')
		fprintf(out, " = %#lx\n", (unsigned long)value);
	else
		fprintf(out, " = %ld\n", value);
}

/* A line of /proc/calls behind its sequence number and time: pid, number, result, six arguments, strings. */
static void print_call(char *line, int pid, bool shows_pid)
{
	unsigned number;
	char result[32];
	unsigned long a[6];
	int used = 0;

	if (sscanf(line, "%u %31s %lx %lx %lx %lx %lx %lx %n", &number, result,
		   &a[0], &a[1], &a[2], &a[3], &a[4], &a[5], &used) < 8)
		return;
	const struct call_form *known = call_form(number);
	const char *form = known ? known->form : "xxxxxx", *text = line + used;
	int i = 0;

	if (shows_pid)
		fprintf(out, "[%d] ", pid);
	if (known)
		fprintf(out, "%s(", known->name);
	else
		fprintf(out, "call_%u(", number);
	for (; form[i] && form[i] != ':'; i++) {
		if (i)
			fputs(", ", out);
		print_argument(form[i], a[i], &text);
	}
	fputs(")", out);
	print_result(result, form[i] == ':' ? form[i + 1] : 'd');
}

static void mark_traced(void)
{
	int fd = open("/proc/self/traced", O_WRONLY);

	if (fd < 0 || write(fd, "1", 1) != 1)
		err(126, "/proc/self/traced");
	close(fd);
}

int main(int argc, char **argv)
{
	int option;

	out = stderr;
	while ((option = getopt(argc, argv, "o:")) != -1) {
		if (option != 'o' || !(out = fopen(optarg, "w")))
			errx(2, "usage: trace [-o FILE] PROGRAM [ARGUMENT]...");
	}
	if (optind == argc)
		errx(2, "usage: trace [-o FILE] PROGRAM [ARGUMENT]...");
	return follow_program(argv + optind, "/proc/calls", mark_traced, print_call);
}
