#pragma once
/*
 * unnamed.h - files that are in no directory: pipes, event counters.
 */
#include "types.h"

struct inode;
struct file_ops;

void unnamed_files_init(void);
// A new inode with a number of its own, referenced; it goes with the last file that holds it. NULL: no memory.
struct inode *unnamed_inode_create(u32 mode, const struct file_ops *ops);
