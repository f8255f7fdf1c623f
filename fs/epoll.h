#pragma once
/*
 * epoll.h - a file that watches other files (epoll(7)): each has an item in it, which stands in the file's wait
 * queues for as long as both are open, so that waiting costs by what is ready and not by what is watched.
 *
 *      file --> wait queues --> item --> epoll's list of what may be ready --> who waits for the epoll
 *
 * An item holds no reference to its file: it goes when the file's last descriptor does.
 */
#include "types.h"
#include <abi/epoll.h>

struct file;
struct iobuf;

// A new open file, referenced. -ENOMEM.
int epoll_create(struct file **out) MUST_CHECK;
bool file_is_epoll(const struct file *f);
// epoll is one, f any open file; an item is named by both, file and descriptor. All may sleep.
// -EPERM: f cannot be waited for; -EEXIST, -ENOMEM; -ELOOP: f would watch itself, or too many one another.
int epoll_add(struct file *epoll, struct file *f, int fd, const struct epoll_event *event) MUST_CHECK;
// -ENOENT, -EINVAL.
int epoll_modify(struct file *epoll, struct file *f, int fd, const struct epoll_event *event) MUST_CHECK;
int epoll_delete(struct file *epoll, struct file *f, int fd) MUST_CHECK;       // -ENOENT
// Waits until something is ready and puts up to max events there. How many; 0: the deadline; -EINTR, -EFAULT.
// deadline 0: does not wait, U64_MAX: for ever.
int epoll_collect(struct file *epoll, struct iobuf *to, u32 max, u64 deadline_ns) MUST_CHECK;
void epoll_init(void);                  // boot
void epoll_forget(struct file *f);      // f is being closed, before its own release: whoever watches it does so no more
