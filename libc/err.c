// Error messages of programs.

#include "internal.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// "program: text" and, unless it is NULL, ": reason". Standard output goes first.
static void message(const char *reason, const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", program_invocation_short_name);
	if (format)
		vfprintf(stderr, format, args);
	if (reason)
		fprintf(stderr, "%s%s", format ? ": " : "", reason);
	fputc('\n', stderr);
}

void vwarn(const char *format, va_list args)
{
	message(strerror(errno), format, args);
}

void vwarnx(const char *format, va_list args)
{
	message(NULL, format, args);
}

_Noreturn void verr(int status, const char *format, va_list args)
{
	vwarn(format, args);
	exit(status);
}

_Noreturn void verrx(int status, const char *format, va_list args)
{
	vwarnx(format, args);
	exit(status);
}

void warn(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vwarn(format, args);
	va_end(args);
}

void warnx(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vwarnx(format, args);
	va_end(args);
}

_Noreturn void err(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verr(status, format, args);
}

_Noreturn void errx(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	verrx(status, format, args);
}
