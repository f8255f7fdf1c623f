// What the rooms of the library share with each other and not with programs.
#pragma once

#include <abi/syscall.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

// One system call with all six arguments. Answers what the kernel answers: -errno for a failure.
static inline long raw_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

// Turns the kernel's answer into the library's: errno and -1 for a failure.
static inline long syscall_answer(long result)
{
	if ((unsigned long)result < -4095ul)
		return result;
	errno = (int)-result;
	return -1;
}

// RAW_CALL(SYS_x, args...) fills in the arguments that are not given; CALL() sets errno too.
#define RAW_CALL_FILLED(number, a, b, c, d, e, f, ...) \
	raw_syscall((long)(number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), \
		    (long)(f))
#define RAW_CALL(...)	RAW_CALL_FILLED(__VA_ARGS__, 0, 0, 0, 0, 0, 0, 0)
#define CALL(...)	syscall_answer(RAW_CALL(__VA_ARGS__))

// Where formatted text goes: put() takes n bytes.
struct text_sink {
	void (*put)(struct text_sink *sink, const char *text, size_t n);
	size_t nr_put;		// bytes so far, also those that found no room
};

// The engine of the printf family. Answers the number of bytes, or -1 and EOVERFLOW.
int format_text(struct text_sink *sink, const char *format, va_list args);

// Digits and place of the decimal point of a double, exactly: 0.d1 d2 d3 ... times 10^point.
struct decimal {
	int nr_digits;		// no leading zero; 0 digits mean zero
	int point;
	char digits[1100];	// values 0..9, not characters
};

void decimal_from_double(struct decimal *decimal, double value);

// Rounds to nr digits, halves to even; nr may be 0 or less. May make point one larger.
void decimal_round(struct decimal *decimal, int nr);

// Sets up environ and the auxiliary vector, calls main, exits. Called by crt0.asm.
_Noreturn void libc_start(long *stack);

// Closes what stdio has in its buffers; exit calls it.
void stdio_flush_all(void);

extern unsigned long *libc_auxv;

// Where sigaction sends handlers home; in signal_return.asm.
void signal_restorer(void);
