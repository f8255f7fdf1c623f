#pragma once
/*
 * pipe.h - bytes from writers to readers: unnamed pipes and FIFOs.
 */
#include "types.h"

#define PIPE_SIZE 65536u
#define PIPE_BUF 4096u                  // a write of up to so many bytes is not mixed with others

struct file;
struct file_ops;

void pipes_init(void);
// The two ends, referenced. flags: O_NONBLOCK. -ENOMEM.
int pipe_create(u32 flags, struct file **read_end, struct file **write_end) MUST_CHECK;
bool file_is_pipe(const struct file *f);
extern const struct file_ops fifo_file_ops;     // for inodes of type S_IFIFO; inode->private is the pipe's
