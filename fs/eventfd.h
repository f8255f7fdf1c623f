#pragma once
/*
 * eventfd.h - a count in a descriptor: writes add to it, reads take it.
 */
#include "types.h"

struct file;

#define EVENT_MAX (U64_MAX - 1)         // the most that the count can be

// A new open file, referenced. flags: O_NONBLOCK. one_by_one: a read takes 1 and not all. -ENOMEM.
int eventfd_create(u64 count, u32 flags, bool one_by_one, struct file **out) MUST_CHECK;
