#pragma once
/*
 * size_limit.h - RLIMIT_FSIZE: how large the current process may make a file.
 * It counts for positions, not for growth: a write that begins at the limit is refused,
 * one that crosses it stops there; truncation and fallocate only where the file would grow.
 */
#include "types.h"
#include "proc/process.h"

// In bytes. Kernel threads have none.
static inline u64 size_limit(void)
{
	const struct process *p = current_process();

	return p ? READ_ONCE(p->limits[RLIMIT_FSIZE].rlim_cur) : RLIM_INFINITY;
}

int size_limit_exceeded(void);          // SIGXFSZ to the thread, and -EFBIG

// How much of a write may be done, more than 0; -EFBIG.
static inline ssize_t size_limit_write(u64 position, size_t nr_bytes)
{
	u64 limit = size_limit();

	if (likely(limit == RLIM_INFINITY))
		return (ssize_t)nr_bytes;
	return position >= limit ? size_limit_exceeded() : (ssize_t)min(nr_bytes, limit - position);
}

// May a file of the old size get the new one? 0 or -EFBIG.
static inline int size_limit_resize(u64 old_size, u64 new_size)
{
	return new_size > old_size && new_size > size_limit() ? size_limit_exceeded() : 0;
}
