/*
 * arguments.c - paths and descriptors as users give them, checked once for all calls.
 */
#include "sys/arguments.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mount.h>

int path_from_user_or_empty(const char __user *path, char **out)
{
	char *copy = kmalloc(PATH_LENGTH_MAX);
	int length;

	if (!copy)
		return -ENOMEM;
	length = (int)copy_string_from_user(copy, path, PATH_LENGTH_MAX);
	if (length < 0) {
		kfree(copy);
		return length;
	}
	*out = copy;
	return 0;
}

int path_from_user(const char __user *path, char **out)
{
	char *copy;
	int error = path_from_user_or_empty(path, &copy);

	if (error)
		return error;
	if (!copy[0]) {
		kfree(copy);
		return -ENOENT;
	}
	*out = copy;
	return 0;
}

struct dentry *working_directory(void)
{
	struct process *p = current_process();
	struct dentry *d;

	mutex_lock(&p->lock);
	d = dentry_hold(p->cwd);
	mutex_unlock(&p->lock);
	return d;
}

u32 current_umask(void)
{
	return READ_ONCE(current_process()->umask);
}

int start_of_path(int dirfd, const char *path, struct dentry **out)
{
	struct file *f;
	int error = 0;

	if (path[0] == '/' || dirfd == AT_FDCWD) {
		*out = working_directory();
		return 0;
	}
	f = fd_get(dirfd);
	if (!f)
		return -EBADF;
	if (!f->dentry || !S_ISDIR(f->inode->mode))
		error = -ENOTDIR;
	else
		*out = dentry_hold(f->dentry);
	file_put(f);
	return error;
}

int target_of_fd(int fd, struct target *out)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	*out = (struct target){ .inode = f->inode, .dentry = f->dentry, .file = f };
	return 0;
}

// An empty path stands for the descriptor itself, or for the working directory.
static int target_of_empty(int dirfd, struct target *out)
{
	if (dirfd != AT_FDCWD)
		return target_of_fd(dirfd, out);
	out->file = NULL;
	out->dentry = working_directory();
	out->inode = out->dentry->inode;
	return 0;
}

int target_get(int dirfd, const char __user *path, u32 flags, struct target *out)
{
	struct dentry *start, *found;
	char *copy;
	int error;

	if (!path && flags & TARGET_NULL_OK)
		return target_of_fd(dirfd, out);
	error = path_from_user_or_empty(path, &copy);
	if (error)
		return error;
	if (!copy[0]) {
		kfree(copy);
		return flags & TARGET_EMPTY_OK ? target_of_empty(dirfd, out) : -ENOENT;
	}
	error = start_of_path(dirfd, copy, &start);
	if (!error) {
		error = path_lookup(start, copy, flags & TARGET_NO_FOLLOW ? 0 : PATH_FOLLOW, &found);
		dentry_put(start);
	}
	kfree(copy);
	if (error)
		return error;
	*out = (struct target){ .inode = found->inode, .dentry = found };
	return 0;
}

void target_put(struct target *t)
{
	if (t->file)
		file_put(t->file);
	else
		dentry_put(t->dentry);
}

bool target_is_read_only(const struct target *t)
{
	return t->inode->sb && t->inode->sb->flags & MS_RDONLY;
}

static int file_for(int fd, int wrong_access, struct file **out)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	if ((f->flags & O_ACCMODE) == (u32)wrong_access || f->flags & O_PATH) {
		file_put(f);
		return -EBADF;
	}
	*out = f;
	return 0;
}

int file_for_reading(int fd, struct file **out)
{
	return file_for(fd, O_WRONLY, out);
}

int file_for_writing(int fd, struct file **out)
{
	return file_for(fd, O_RDONLY, out);
}
