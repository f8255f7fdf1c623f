#pragma once
/*
 * format.h - printf into memory. Knows %d %i %u %x %X %o %c %s %p %% with the flags 0 - + space #,
 * width, precision, * for both, and the lengths hh h l ll z.
 */
#include "types.h"

// Writes at most size bytes including the final 0; returns the length that the whole would have.
int format_string(char *to, size_t size, const char *format, ...) PRINTF_LIKE(3, 4);
int format_string_v(char *to, size_t size, const char *format, va_list args);
