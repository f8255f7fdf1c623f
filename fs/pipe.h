#pragma once
/*
 * pipe.h - bytes from writers to readers: unnamed pipes and FIFOs.
 */
#include "types.h"

#define PIPE_SIZE 65536u                // of a new pipe
#define PIPE_SIZE_MAX (1u << 20)        // F_SETPIPE_SZ
#define PIPE_BUF 4096u                  // a write of up to so many bytes is not mixed with others

struct file;
struct file_ops;
struct page;

// The two ends, referenced. flags: O_NONBLOCK. -ENOMEM.
int pipe_create(u32 flags, struct file **read_end, struct file **write_end) MUST_CHECK;
bool file_is_pipe(const struct file *f);
bool pipe_is_same(const struct file *a, const struct file *b);
u64 pipe_size(const struct file *f);            // how many bytes it takes, when all pages are full
// F_SETPIPE_SZ: rounded up to a power of two of pages.
// The new size; -EPERM: too much, -EBUSY: what is in it does not fit, -ENOMEM.
i64 pipe_set_size(struct file *f, u64 size);

/*
 * For splice: what goes through a pipe are parts, each some bytes of one page and a reference to it,
 * and none is lost when the other side refuses them. A page may be anybody's: of a file's cache,
 * of a program's memory, the pipe's own; a part of it is only read. f is an end of a pipe, open for what is asked.
 * All may sleep; with waits only for bytes, or room, to come.
 */
#define PARTS_MAX 16                    // of one step
struct pipe_part {
	struct page *page;              // referenced
	u32 offset, length;             // length > 0
	bool may_grow;                  // the pipe's own page, with no other bytes behind these: a write may add there
};

void pipe_parts_drop(struct pipe_part *parts, u32 nr);          // gives the references back
// References to what is there, up to nr_bytes and PARTS_MAX parts; it stays.
// How many parts; 0: nothing will come; -EAGAIN, -ERESTARTSYS.
int pipe_look(struct file *f, struct pipe_part *parts, size_t nr_bytes, bool waits) MUST_CHECK;
// The same, taken out; pipe_settle follows, with the same parts:
// the first nr_kept bytes have found their place, the others are put back in front.
int pipe_borrow(struct file *f, struct pipe_part *parts, size_t nr_bytes, bool waits) MUST_CHECK;
void pipe_settle(struct file *f, struct pipe_part *parts, u32 nr, size_t nr_kept);
// Sets room aside for up to nr parts.
// For how many; -EAGAIN, -ERESTARTSYS, -EPIPE (SIGPIPE is sent). pipe_fill_room follows.
int pipe_hold_room(struct file *f, u32 nr, bool waits) MUST_CHECK;
// Gives that room up and puts nr parts (no more than the room) into the pipe,
// which takes over their references. Their bytes.
size_t pipe_fill_room(struct file *f, u32 nr_held, const struct pipe_part *parts, u32 nr);

extern const struct file_ops fifo_file_ops;     // for inodes of type S_IFIFO; inode->private is the pipe's
