#pragma once
/*
 * host.h - what a kernel file finds when it is compiled for the host; given to every unit test by -include.
 * The host's headers that declare struct timespec or struct stat stay out: the kernel brings its own.
 * Functions are weak, since several files of one test include this.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define HOST_WEAK __attribute__((weak, unused))

void *malloc(size_t nr_bytes);
void *calloc(size_t nr, size_t nr_bytes);
void *aligned_alloc(size_t alignment, size_t nr_bytes);
void free(void *object);
void abort(void) __attribute__((noreturn));
void exit(int status) __attribute__((noreturn));
char *getenv(const char *name);

void printk(const char *format, ...) __attribute__((format(printf, 1, 2)));
void panic_at(const char *file, int line, const char *format, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

HOST_WEAK bool host_is_quiet;           // a test that provokes many complaints does not show them

HOST_WEAK void printk(const char *format, ...)
{
	va_list args;

	if (host_is_quiet)
		return;
	va_start(args, format);
	fputs("# ", stdout);
	vprintf(format, args);
	va_end(args);
}

HOST_WEAK void panic_at(const char *file, int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("# PANIC: %s:%d: ", file, line);
	vprintf(format, args);
	puts("");
	va_end(args);
	fflush(stdout);
	abort();
}

// One line of TAP. Inside long random runs use require(), which speaks only when it fails.
HOST_WEAK int tap_nr, tap_failures;

HOST_WEAK void ok_at(const char *file, int line, bool is_good, const char *name)
{
	printf("%s %d - %s\n", is_good ? "ok" : "not ok", ++tap_nr, name);
	if (!is_good) {
		printf("#   at %s:%d\n", file, line);
		tap_failures++;
	}
	fflush(stdout);
}
#define ok(condition, name) ok_at(__FILE__, __LINE__, (condition), (name))
#define require(condition) \
	do { if (!(condition)) panic_at(__FILE__, __LINE__, "not true: %s", #condition); } while (0)

// The last line of main: return tap_end();
HOST_WEAK int tap_end(void)
{
	printf("1..%d\n", tap_nr);
	return tap_failures ? 1 : 0;
}

// Random numbers that are the same on every run (xorshift64*).
HOST_WEAK unsigned long host_random_state = 88172645463325252ul;

HOST_WEAK unsigned long host_random(void)
{
	unsigned long x = host_random_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	host_random_state = x;
	return x * 2685821657736338717ul;
}
