/*
 * ubsan.c - what gcc and clang call in debug builds when a program's meaning is undefined (-fsanitize=undefined).
 * Each call brings a record that begins with the place in the source. Undefined behaviour is a bug: we stop.
 */
#include "kernel.h"

struct source_location { const char *file; u32 line, column; };

#define REPORT(location, text) panic_at((location)->file, (int)(location)->line, "undefined: %s", text)

// Handlers that take the record and one or two values.
#define HANDLER_1(name, text) \
	void __ubsan_handle_##name(const struct source_location *at, u64 a); \
	void __ubsan_handle_##name(const struct source_location *at, u64 a) \
	{ \
		panic_at(at->file, (int)at->line, "undefined: %s (%lx)", text, a); \
	}
#define HANDLER_2(name, text) \
	void __ubsan_handle_##name(const struct source_location *at, u64 a, u64 b); \
	void __ubsan_handle_##name(const struct source_location *at, u64 a, u64 b) \
	{ \
		panic_at(at->file, (int)at->line, "undefined: %s (%lx, %lx)", text, a, b); \
	}
#define HANDLER_0(name, text) \
	void __ubsan_handle_##name(const struct source_location *at); \
	void __ubsan_handle_##name(const struct source_location *at) \
	{ \
		REPORT(at, text); \
	}

HANDLER_2(add_overflow, "the sum of signed numbers overflows")
HANDLER_2(sub_overflow, "the difference of signed numbers overflows")
HANDLER_2(mul_overflow, "the product of signed numbers overflows")
HANDLER_2(divrem_overflow, "division by zero or overflow in a division")
HANDLER_2(shift_out_of_bounds, "shift by too much, or of a negative number")
HANDLER_2(pointer_overflow, "pointer arithmetic overflows")
HANDLER_1(negate_overflow, "the negative of the smallest number")
HANDLER_1(out_of_bounds, "index outside the array")
HANDLER_1(load_invalid_value, "a bool or enum holds what it cannot")
HANDLER_1(vla_bound_not_positive, "array of no or negative size")
HANDLER_1(type_mismatch_v1, "bad pointer")
HANDLER_0(builtin_unreachable, "code that was declared unreachable")
HANDLER_0(missing_return, "a function ended without a value")
HANDLER_0(nonnull_arg, "NULL given where it is forbidden")
HANDLER_0(invalid_builtin, "clz or ctz of zero")

void __ubsan_handle_nonnull_return_v1(const void *data, const struct source_location *at);
void __ubsan_handle_nonnull_return_v1(const void *data, const struct source_location *at)
{
	(void)data;
	REPORT(at, "NULL returned where it is forbidden");
}
