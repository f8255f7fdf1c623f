/*
 * absent.c - the calls for what this system does not have: extended attributes. They answer as a Linux does whose file
 * system or kernel was made without them, so that a program takes its other way;
 * an unknown call (ENOSYS) would make `ls -l` complain of every file. Arguments are still checked.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include <abi/errno.h>

/* --- extended attributes ---------------------------------------------------- */

static i64 answer_for_path(const char __user *path, u32 flags, i64 answer)
{
	struct target t;
	int error = target_get(AT_FDCWD, path, flags, &t);

	if (error)
		return error;
	target_put(&t);
	return answer;
}

static i64 answer_for_fd(int fd, i64 answer)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	file_put(f);
	return answer;
}

i64 sys_no_attribute(const char __user *path)
{
	return answer_for_path(path, 0, -EOPNOTSUPP);
}

i64 sys_no_link_attribute(const char __user *path)
{
	return answer_for_path(path, TARGET_NO_FOLLOW, -EOPNOTSUPP);
}

i64 sys_no_file_attribute(int fd)
{
	return answer_for_fd(fd, -EOPNOTSUPP);
}

// The list of a file's attributes is empty: 0 bytes long.
i64 sys_listxattr(const char __user *path)
{
	return answer_for_path(path, 0, 0);
}

i64 sys_llistxattr(const char __user *path)
{
	return answer_for_path(path, TARGET_NO_FOLLOW, 0);
}

i64 sys_flistxattr(int fd)
{
	return answer_for_fd(fd, 0);
}
