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
/* Opens (creating, emptying) a file of `size` bytes; exits when it cannot. */
int demo_file(const char *path, long size);
/* Throws the file's pages out of the page cache, so that the next use reads the disk. */
void demo_forget_cache(int fd);
