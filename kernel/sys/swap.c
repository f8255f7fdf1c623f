/*
 * swap.c - swapon and swapoff. The work is in mm/swap.c.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include <abi/errno.h>
#include <abi/swap.h>

static int open_area(const char __user *user_path, struct file **out)
{
	struct dentry *start;
	char *path;
	int error = path_from_user(user_path, &path);

	if (error)
		return error;
	error = start_of_path(AT_FDCWD, path, &start);
	if (!error) {
		error = path_open(start, path, O_RDONLY, 0, out);
		dentry_put(start);
	}
	kfree(path);
	return error;
}

i64 sys_swapon(const char __user *path, u32 flags)
{
	struct file *f;
	int error;

	if (flags & ~(u32)SWAP_FLAGS_VALID)
		return -EINVAL;
	error = open_area(path, &f);
	if (error)
		return error;
	error = swap_on(f, flags);
	file_put(f);
	return error;
}

i64 sys_swapoff(const char __user *path)
{
	struct file *f;
	int error = open_area(path, &f);

	if (error)
		return error;
	error = swap_off(f);
	file_put(f);
	return error;
}
