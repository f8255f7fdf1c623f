// Messages "program: text: reason" on standard error; the x family without the reason.
#pragma once

#include <stdarg.h>

#define ERR_FORMAT(text, first)	__attribute__((format(printf, text, first)))

_Noreturn void err(int status, const char *format, ...) ERR_FORMAT(2, 3);
_Noreturn void errx(int status, const char *format, ...) ERR_FORMAT(2, 3);
_Noreturn void verr(int status, const char *format, va_list args) ERR_FORMAT(2, 0);
_Noreturn void verrx(int status, const char *format, va_list args) ERR_FORMAT(2, 0);
void warn(const char *format, ...) ERR_FORMAT(1, 2);
void warnx(const char *format, ...) ERR_FORMAT(1, 2);
void vwarn(const char *format, va_list args) ERR_FORMAT(1, 0);
void vwarnx(const char *format, va_list args) ERR_FORMAT(1, 0);
