#pragma once
/*
 * exec.h - what execve is given: strings, one behind the other, each with its final 0.
 */
#include "types.h"

#define EXEC_STRINGS_MAX (2ul << 20)    // all together
#define EXEC_STRING_MAX (128l << 10)    // one of them, with its final 0 (Linux's MAX_ARG_STRLEN)

struct exec_strings {
	char *bytes;
	size_t used, capacity;
	u32 nr;
};

struct file;

extern bool exec_randomizes;            // address-space randomisation; false with norandmaps

int exec_strings_init(struct exec_strings *s) MUST_CHECK;
void exec_strings_free(struct exec_strings *s);
int exec_strings_add(struct exec_strings *s, const char *string) MUST_CHECK;    // -E2BIG, -ENOMEM
int exec_strings_from_user(struct exec_strings *s, const u64 __user *array) MUST_CHECK; // also -EFAULT; NULL: empty

// What process.executable holds: a reference on the file and the promise that nobody writes to it. NULL is allowed.
struct file *executable_share(struct file *f);
void executable_close(struct file *f);
