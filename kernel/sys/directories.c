/*
 * directories.c - reading directories and symbolic links, and the working directory.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sys/arguments.h"
#include "sys/file_calls.h"
#include "x86/uaccess.h"
#include <abi/dirent.h>
#include <abi/errno.h>

i64 sys_readlinkat(int dirfd, const char __user *path, char __user *to, int size)
{
	struct target t;
	char *buffer;
	int result;

	if (size <= 0)
		return -EINVAL;
	result = target_get(dirfd, path, TARGET_NO_FOLLOW | TARGET_EMPTY_OK, &t);
	if (result)
		return result;
	buffer = kmalloc(PATH_LENGTH_MAX);
	if (!buffer)
		result = -ENOMEM;
	else if (!S_ISLNK(t.inode->mode))
		result = t.file ? -ENOENT : -EINVAL;
	else
		result = t.inode->ops->readlink(t.inode, buffer, min((size_t)size, (size_t)PATH_LENGTH_MAX));
	if (result > 0 && copy_to_user(to, buffer, (size_t)result))
		result = -EFAULT;
	kfree(buffer);
	target_put(&t);
	return result;
}

i64 sys_readlink(const char __user *path, char __user *to, int size)
{
	return sys_readlinkat(AT_FDCWD, path, to, size);
}

/* --- getdents64 ------------------------------------------------------------- */

struct dents {
	struct directory_emit emit;
	struct file *file;
	char __user *to;
	size_t room, used;
	int error;                      // why the last entry was refused
};

static bool emit_dent(struct directory_emit *emit, const char *name, size_t length, u64 next_position,
		      u64 inode_number, u8 type)
{
	struct dents *d = container_of(emit, struct dents, emit);
	size_t size = (offsetof(struct linux_dirent64, d_name) + length + 1 + 7) & ~7ul;
	union {
		struct linux_dirent64 entry;
		char bytes[offsetof(struct linux_dirent64, d_name) + NAME_LENGTH_MAX + 1 + 8];
	} record;

	if (size > d->room - d->used || length > NAME_LENGTH_MAX) {
		d->error = -EINVAL;
		return false;
	}
	memset(record.bytes + size - 8, 0, 8);
	record.entry.d_ino = inode_number;
	record.entry.d_off = (i64)next_position;
	record.entry.d_reclen = (u16)size;
	record.entry.d_type = type;
	memcpy(record.entry.d_name, name, length);
	record.entry.d_name[length] = 0;
	if (copy_to_user(d->to + d->used, record.bytes, size)) {
		d->error = -EFAULT;
		return false;
	}
	d->used += size;
	d->file->position = next_position;
	return true;
}

static i64 read_entries(struct file *f, struct dents *d)
{
	int error;

	if (!S_ISDIR(f->inode->mode) || !f->ops->read_directory)
		return -ENOTDIR;
	mutex_lock(&f->position_lock);
	read_lock(&f->inode->lock);
	error = f->inode->nr_links ? f->ops->read_directory(f, &d->emit) : -ENOENT;
	read_unlock(&f->inode->lock);
	mutex_unlock(&f->position_lock);
	if (d->used)
		return (i64)d->used;
	return error < 0 ? error : d->error;
}

i64 sys_getdents64(int fd, void __user *to, u32 size)
{
	struct dents d = { .emit = { .emit = emit_dent }, .to = to, .room = size };
	i64 result = file_for_reading(fd, &d.file);

	if (result)
		return result;
	result = read_entries(d.file, &d);
	file_put(d.file);
	return result;
}

/* --- the working directory -------------------------------------------------- */

i64 sys_getcwd(char __user *to, size_t size)
{
	struct dentry *cwd = working_directory();
	char *buffer = kmalloc(PATH_LENGTH_MAX), *path;
	i64 result = -ENOMEM;

	if (buffer) {
		result = !cwd->is_hashed && cwd->parent != cwd ? -ENOENT :
			 dentry_path(cwd, root_dentry(), buffer, PATH_LENGTH_MAX, &path);
		if (result >= 0) {
			result = (i64)strlen(path) + 1;
			if ((size_t)result > size)
				result = -ERANGE;
			else if (copy_to_user(to, path, (size_t)result))
				result = -EFAULT;
		}
	}
	kfree(buffer);
	dentry_put(cwd);
	return result;
}

// Takes over the reference on d.
static void set_working_directory(struct dentry *d)
{
	struct process *p = current_process();
	struct dentry *old;

	mutex_lock(&p->lock);
	old = p->cwd;
	p->cwd = d;
	mutex_unlock(&p->lock);
	dentry_put(old);
}

static i64 change_directory(struct target *t)
{
	if (!t->dentry || !S_ISDIR(t->inode->mode)) {
		target_put(t);
		return -ENOTDIR;
	}
	set_working_directory(dentry_hold(t->dentry));
	target_put(t);
	return 0;
}

i64 sys_chdir(const char __user *path)
{
	struct target t;
	int error = target_get(AT_FDCWD, path, 0, &t);

	return error ? error : change_directory(&t);
}

i64 sys_fchdir(int fd)
{
	struct target t;
	int error = target_of_fd(fd, &t);

	return error ? error : change_directory(&t);
}
