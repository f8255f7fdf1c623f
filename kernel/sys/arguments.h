#pragma once
/*
 * arguments.h - what the file calls have in common: paths and descriptors as users give them.
 */
#include "types.h"
#include <abi/time.h>
#include <abi/uio.h>

struct dentry;
struct file;
struct inode;

// The path in kernel memory, for kfree. -EFAULT, -ENAMETOOLONG, -ENOMEM; -ENOENT for an empty one.
int path_from_user(const char __user *path, char **out) MUST_CHECK;
int path_from_user_or_empty(const char __user *path, char **out) MUST_CHECK;
// Where a path begins: the working directory, the directory dirfd,
// or (absolute) anywhere. Referenced. -EBADF, -ENOTDIR.
int start_of_path(int dirfd, const char *path, struct dentry **out) MUST_CHECK;
// Of the current process, referenced.
struct dentry *working_directory(void);
u32 current_umask(void);

// What a call works on: by path, or by descriptor where AT_EMPTY_PATH or a NULL path allows it.
struct target {
	struct inode *inode;
	struct dentry *dentry;          // NULL: a file without a name
	struct file *file;              // NULL: found by path
};

enum { TARGET_EMPTY_OK = 1, TARGET_NULL_OK = 2, TARGET_NO_FOLLOW = 4 };
int target_get(int dirfd, const char __user *path, u32 flags, struct target *out) MUST_CHECK;
int target_of_fd(int fd, struct target *out) MUST_CHECK;
void target_put(struct target *t);
bool target_is_read_only(const struct target *t);       // on a file system that must not change

// The pieces of a vectored call, copied and checked, and the sum of their lengths (cut off at what one call may
// move). few has room for FEW_PIECES; *out is few, or for kfree. -EINVAL, -EFAULT, -ENOMEM. readwrite.c.
#define FEW_PIECES 8
int pieces_from_user(const struct iovec __user *pieces, int nr, struct iovec *few, struct iovec **out,
		     size_t *total) MUST_CHECK;

// The file of a descriptor, referenced; must be open for reading (writing). -EBADF.
int file_for_reading(int fd, struct file **out) MUST_CHECK;
int file_for_writing(int fd, struct file **out) MUST_CHECK;
