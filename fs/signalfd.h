#pragma once
/*
 * signalfd.h - signals of whoever reads, in a descriptor.
 */
#include "types.h"

struct file;

// A new open file, referenced. mask: which signals. flags: O_NONBLOCK. -ENOMEM.
int signalfd_create(u64 mask, u32 flags, struct file **out) MUST_CHECK;
bool file_is_signalfd(const struct file *f);
void signalfd_set_mask(struct file *f, u64 mask);
