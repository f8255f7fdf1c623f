/*
 * faults - runs a program and prints each page fault of it and its children: how it was touched, where, by which
 * instruction, what the kernel did about it, and whether the disk was read; at the end the sums.
 *
 * usage: faults PROGRAM [ARGUMENT]...
 */
#include "lib/follow.h"

#include <err.h>
#include <stdio.h>
#include <string.h>

static struct {
	const char *verb, *meaning;
	long nr;
} verbs[] = {
	{ "zero", "first touch of memory that is nobody's yet", 0 },
	{ "map", "a page of a file, shown as it is", 0 },
	{ "dirty", "first store to a shared page, or to a private one that is alone", 0 },
	{ "copy", "first store to a private page that others see too", 0 },
	{ "race", "settled already when it was looked at", 0 },
	{ "none", "refused", 0 },
};
static long nr_disk, nr_failed;

static const char *access_name(char letter)
{
	return letter == 'w' ? "store" : letter == 'x' ? "fetch" : "load";
}

/* access letter, address, instruction, verb, result, "disk" or nothing */
static void show_fault(char *rest, int pid, bool shows_pid)
{
	unsigned long address, instruction;
	char letter, verb[16], tail[64] = "";

	if (sscanf(rest, "%c %lx %lx %15s %63[^\n]", &letter, &address, &instruction, verb, tail) < 4)
		return;
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		verbs[i].nr += !strcmp(verbs[i].verb, verb);
	nr_disk += strstr(tail, "disk") != NULL;
	nr_failed += strncmp(tail, "ok", 2) != 0;
	if (shows_pid)
		fprintf(stderr, "[%d] ", pid);
	fprintf(stderr, "%-5s %#014lx  by %#012lx  %-5s  %s\n", access_name(letter), address, instruction, verb, tail);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: faults PROGRAM [ARGUMENT]...");
	int status = follow_program(argv + 1, "/proc/faults", NULL, show_fault);

	fputs("\n", stderr);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++) {
		if (verbs[i].nr)
			fprintf(stderr, "%6ld %-5s %s\n", verbs[i].nr, verbs[i].verb, verbs[i].meaning);
	}
	fprintf(stderr, "%6ld read the disk, %ld ended in a signal\n", nr_disk, nr_failed);
	return status;
}
