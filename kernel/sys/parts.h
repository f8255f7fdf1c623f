#pragma once
/*
 * parts.h - bytes on their way from one file to another, as parts of pages (fs/pipe.h).
 * A position of NULL is the file's own, or a stream has none. All may sleep.
 */
#include "types.h"
#include "fs/pipe.h"

struct file;
struct iobuf;

#define SPLICE_BYTES_MAX 0x7ffff000ul   // of one call, as Linux does

// Up to nr_max parts of the file from the position on, which moves: its cache's own pages where it has such,
// else pages that it was read into. How many; 0: the end; -errno.
int parts_from_file(struct file *f, u64 *position, struct pipe_part *parts, u32 nr_max, size_t nr_bytes) MUST_CHECK;
// The same of a program's memory: its own pages. -EFAULT. The buffer moves on.
int parts_from_memory(struct iobuf *from, struct pipe_part *parts, u32 nr_max) MUST_CHECK;
// Writes their bytes, which is a copy. How many bytes; less than all, or -errno, where the file takes no more.
ssize_t parts_to_file(struct file *f, u64 *position, const struct pipe_part *parts, u32 nr) MUST_CHECK;
ssize_t parts_to_memory(struct iobuf *to, const struct pipe_part *parts, u32 nr) MUST_CHECK;     // -EFAULT
// From a file into a pipe, up to PARTS_MAX parts: what sendfile does, too. Bytes; 0: the end of the file; -errno.
ssize_t file_to_pipe(struct file *in, u64 *position, struct file *pipe, size_t nr_bytes, bool waits) MUST_CHECK;
