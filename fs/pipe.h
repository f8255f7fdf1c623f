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

/*
 * For splice: bytes leave a pipe and enter one by way of the caller's memory, and none is lost when the other side refuses
 * them. f is an end of a pipe, open for what is asked. All may sleep; with waits only for bytes, or room, to come.
 */
// Copies what is there, up to nr_bytes, and leaves it. How much; 0: nothing will come; -EAGAIN, -ERESTARTSYS.
ssize_t pipe_look(struct file *f, void *to, size_t nr_bytes, bool waits) MUST_CHECK;
// The same, taken out; pipe_settle follows: the first nr_kept bytes have found their place, the others are put back in front.
ssize_t pipe_borrow(struct file *f, void *to, size_t nr_bytes, bool waits) MUST_CHECK;
void pipe_settle(struct file *f, const void *bytes, size_t nr_borrowed, size_t nr_kept);
// Sets room aside, up to nr_bytes. How much; -EAGAIN, -ERESTARTSYS, -EPIPE (SIGPIPE is sent). pipe_fill_room follows.
ssize_t pipe_hold_room(struct file *f, size_t nr_bytes, bool waits) MUST_CHECK;
// Gives that room up and puts nr_bytes (no more than the room) into the pipe. How much; -ENOMEM.
ssize_t pipe_fill_room(struct file *f, const void *bytes, size_t nr_held, size_t nr_bytes) MUST_CHECK;
bool pipe_is_same(const struct file *a, const struct file *b);

extern const struct file_ops fifo_file_ops;     // for inodes of type S_IFIFO; inode->private is the pipe's
