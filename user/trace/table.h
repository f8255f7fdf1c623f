/*
 * table.h - how a system call is written down: its name and what each argument is.
 */
#pragma once

/*
 * A letter an argument: d number, x hexadecimal, p pointer, s the next string, f descriptor or AT_FDCWD, o open flags,
 * m mode in octal, P protection, M mmap flags, S signal. The result: after ':' d, x or p; nothing: d.
 */
struct call_form {
	unsigned number;
	const char *name, *form;
};

const struct call_form *call_form(unsigned number);     /* NULL: not in the table */
