/*
 * What several programs need. Linked into every program of user/.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- signals.c ---- */
int signal_number(const char *name);            /* "INT", "SIGINT", "2"; -1: no such signal */
const char *signal_name(int number);            /* "INT"; NULL: none */

/* ---- evaluate.c, echo.c, format.c: programs that are also builtins of the shell ---- */
int test_run(int argc, char **argv);            /* test and [: 0 true, 1 false, 2 wrong */
int echo_run(int argc, char **argv);
int printf_run(int argc, char **argv);

/* ---- files.c ---- */
/* What stands behind the last slash; all without one. */
const char *path_last(const char *path);
/* To be freed; exits without memory. */
char *path_join(const char *directory, const char *name);
int copy_stream(int from, int to);              /* 0, or -1 and errno */
int write_all(int fd, const void *data, size_t len);            /* 0, or -1 and errno */
/* NUL-terminated, to be freed; NULL and errno. */
char *read_whole(const char *path, size_t *len);
/* For each name of the list, in order, "-" and none at all being standard input: 0 or 1 if one failed. */
int for_each_input(
	int argc, char **argv, int (*use)(int fd, const char *name, void *state), void *state);
int finish_output(void);                        /* flush stdout; 0, or 1 with a message */

/* ---- show.c: numbers and modes for people ---- */
enum { HUMAN_SIZE = 8, MODE_SIZE = 11 };
/* "4.0K": powers of 1024, rounded up as ls -h does. */
void show_human(char *text, uint64_t bytes);
void show_mode(char *text, mode_t mode);        /* "-rwxr-xr-x" */
const char *show_user(uid_t uid);               /* name from /etc/passwd, or the number */
const char *show_group(gid_t gid);
/* "644" or "u+x,go-w" applied to `mode`; false: it makes no sense. */
bool mode_parse(const char *text, mode_t mode, mode_t *result);
/* All of text is a decimal number. */
bool number_parse(const char *text, long *value);
bool size_parse(const char *text, long *value);                 /* with K, M, G behind it */

/* ---- counters.c: what the kernel counts ---- */
enum { COUNTER_ABSENT = -1 };
long counter_global(const char *name);          /* a line of /proc/vmstat */
/* A line of /proc/self/counts, else what getrusage knows. */
long counter_own(const char *name);
/* The number behind `name` in a /proc file of "name value" or "name: value kB" lines. */
long counter_in(const char *path, const char *name);
/* Page frame number of the page at `address` in this process; 0: not present, or hidden from us. */
uint64_t page_frame(const volatile void *address);

/* ---- pattern.c: regular expressions ---- */
struct pattern;
enum pattern_flags { PATTERN_EXTENDED = 1, PATTERN_IGNORE_CASE = 2, PATTERN_FIXED = 4 };
/* NULL: *why says what is wrong. */
struct pattern *pattern_compile(const char *text, int flags, const char **why);
/* The leftmost match in line[0..len): true, and where. */
bool pattern_search(
	const struct pattern *p, const char *line, size_t len, size_t *start, size_t *end);
