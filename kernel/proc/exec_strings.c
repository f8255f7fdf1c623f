/*
 * exec_strings.c - the arguments and the environment that execve is given,
 * on their way from the old space to the new one: the kernel's own copy, in one block that doubles when it is full.
 */
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/exec.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

int exec_strings_init(struct exec_strings *s)
{
	*s = (struct exec_strings){ .capacity = 4 * PAGE_SIZE };
	s->bytes = kmalloc(s->capacity);
	return s->bytes ? 0 : -ENOMEM;
}

void exec_strings_free(struct exec_strings *s)
{
	kfree(s->bytes);
}

static int make_room(struct exec_strings *s, size_t wanted)
{
	size_t capacity = s->capacity;

	if (s->used + wanted > EXEC_STRINGS_MAX)
		return -E2BIG;
	while (capacity < s->used + wanted)
		capacity *= 2;
	if (capacity == s->capacity)
		return 0;
	char *larger = kmalloc(capacity);

	if (!larger)
		return -ENOMEM;
	memcpy(larger, s->bytes, s->used);
	kfree(s->bytes);
	s->bytes = larger;
	s->capacity = capacity;
	return 0;
}

int exec_strings_add(struct exec_strings *s, const char *string)
{
	size_t length = strlen(string) + 1;
	int error = make_room(s, length);

	if (error)
		return error;
	memcpy(s->bytes + s->used, string, length);
	s->used += length;
	s->nr++;
	return 0;
}

static int add_from_user(struct exec_strings *s, const char __user *string)
{
	int error = make_room(s, PAGE_SIZE);

	while (!error) {
		ssize_t n = copy_string_from_user(s->bytes + s->used, string, s->capacity - s->used);

		if (n >= EXEC_STRING_MAX)
			return -E2BIG;
		if (n >= 0) {
			s->used += (size_t)n + 1;
			s->nr++;
			return 0;
		}
		error = n == -ENAMETOOLONG ? make_room(s, s->capacity - s->used + 1) : (int)n;
	}
	return error;
}

int exec_strings_from_user(struct exec_strings *s, const u64 __user *array)
{
	for (;; array++) {
		u64 pointer;

		if (!array || copy_from_user(&pointer, array, sizeof(pointer)))
			return array ? -EFAULT : 0;
		if (!pointer)
			return 0;
		int error = add_from_user(s, (const char __user *)pointer);

		if (error)
			return error;
	}
}
