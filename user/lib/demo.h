/*
 * What the demonstrations share: a story for people, or with --quiet "name value" lines for a
 * harness; claims that are checked; a file to play with.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum { DEMO_PAGE = 4096 };

extern bool demo_quiet;

/* Nothing when quiet. */
void demo_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void demo_report(const char *name, long value);         /* one "name value" line, only when quiet */
/* A claim of the demonstration. When it does not hold, the exit status will tell. */
void demo_claim(const char *claim, bool holds);
/* Prints the question and the knob; returns the exit status. */
int demo_end(const char *question, const char *knob);
/* A counter as text: "12", or "n/a" where the kernel does not count it. */
const char *demo_count(long value);
/* after - before, absent when either is. */
long demo_difference(long after, long before);
/* Handles --quiet and -q: true when argv[i] was that. */
bool demo_option(const char *argument);
/* The number behind an option; exits when there is none. */
long demo_number(int argc, char **argv, int *i);
/* A demonstration's own options: each sets a number (with K, M or G behind it) or a text. The last has no name. */
struct demo_knob {
	const char *name;               /* "--pages" */
	long *number;
	const char **text;
};
/* All options, --quiet too; exits with a usage when one is not known. */
void demo_options(int argc, char **argv, const struct demo_knob *knobs);

/* What a stretch of the program has cost this process, as the kernel counts it. */
struct demo_cost {
	long minor, major;              /* faults; major ones waited for the disk */
	long calls;                     /* system calls */
	long copies;                    /* private pages copied */
	long reads;                     /* requests to the disk */
	long long ns;
};
struct demo_cost demo_cost(void);
/* Since then, without what looking at the counters costs. */
struct demo_cost demo_cost_since(struct demo_cost before);
void demo_report_cost(const char *phase, struct demo_cost cost);        /* PHASE_minor, PHASE_calls, ... */
/* The first `cells` of a bar, full to value / whole; in a static buffer, of which there are four. */
const char *demo_bar(long value, long whole, int cells);
/* Maps a whole file, or exits. */
void *demo_map(int fd, size_t size, int protection, int flags);
/* The kernel counts what a process does: true on Lectern. Else says so, once. */
bool demo_kernel_counts(void);
/* Opens (creating, emptying) a file of `size` bytes; exits when it cannot. */
int demo_file(const char *path, long size);
/* Throws the file's pages out of the page cache, so that the next use reads the disk. */
void demo_forget_cache(int fd);
