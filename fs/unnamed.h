#pragma once
/*
 * unnamed.h - files that are in no directory: pipes, event counters, timers, epolls.
 */
#include "types.h"

struct file;
struct file_ops;
struct inode;

void unnamed_files_init(void);
// A new inode with a number of its own, referenced; it goes with the last file that holds it. NULL: no memory.
struct inode *unnamed_inode_create(u32 mode, const struct file_ops *ops);
// An open file of a new inode, referenced; its private is the caller's, NULL: no memory for it.
// flags: O_ACCMODE, O_NONBLOCK. -ENOMEM.
int unnamed_file_create(const struct file_ops *ops, void *private, u32 flags, struct file **out) MUST_CHECK;
// file_ops.open: -ENXIO. Such a file is opened once, when it is made, and never by way of /proc/PID/fd.
int unnamed_file_open(struct inode *ip, struct file *f);
i64 unnamed_file_seek(struct file *f, i64 offset, int whence);    // file_ops.seek: allowed, and means nothing
