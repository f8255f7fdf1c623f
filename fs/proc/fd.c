/*
 * fd.c - the descriptors of a process as symbolic links, and what an open file is called.
 * The table is found under process.lock, where the end of the process takes it away, and then held.
 */
#include "fs/pipe.h"
#include "fs/proc/procfs.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include <abi/errno.h>

struct proc_entry proc_fd_directory_entry = { .name = NULL };

static struct file_table *table_of(int pid)
{
	struct process *p = process_find(pid);
	struct file_table *t;

	if (!p)
		return NULL;
	mutex_lock(&p->lock);
	t = p->files;
	if (t)
		atomic_add(&t->refs, 1);
	mutex_unlock(&p->lock);
	process_put(p);
	return t;
}

struct file *proc_fd_get(int pid, int fd)
{
	struct file_table *t = table_of(pid);
	struct file *f = NULL;

	if (!t)
		return NULL;
	spin_lock(&t->lock);
	if (fd >= 0 && (u32)fd < t->capacity && t->files[fd])
		f = file_hold(t->files[fd]);
	spin_unlock(&t->lock);
	file_table_put(t);
	return f;
}

int proc_fd_next(int pid, int fd)
{
	struct file_table *t = table_of(pid);
	int found = -1;

	if (!t)
		return -1;
	spin_lock(&t->lock);
	for (u32 i = fd < 0 ? 0 : (u32)fd; i < t->capacity && found < 0; i++)
		if (t->files[i])
			found = (int)i;
	spin_unlock(&t->lock);
	file_table_put(t);
	return found;
}

int proc_dentry_path(struct dentry *d, char *buffer, size_t size)
{
	char *text = kmalloc(PATH_LENGTH_MAX), *start;
	int result = text ? dentry_path(d, root_dentry(), text, PATH_LENGTH_MAX, &start) : -ENOMEM;

	if (!result) {
		result = (int)min(strlen(start), size);
		memcpy(buffer, start, (size_t)result);
	}
	kfree(text);
	return result;
}

int proc_file_path(struct file *f, char *buffer, size_t size)
{
	const char *unnamed = tmpfs_unnamed_name(f);
	char text[64];
	int length;

	if (f->dentry && !dentry_is_unnamed(f->dentry))
		return proc_dentry_path(f->dentry, buffer, size);
	if (unnamed)
		length = format_string(text, sizeof(text), "%s (deleted)", unnamed);
	else if (file_is_pipe(f))
		length = format_string(text, sizeof(text), "pipe:[%lu]", f->inode->number);
	else if (f->ops->unnamed)
		length = format_string(text, sizeof(text), f->ops->unnamed, f->inode->number);
	else
		length = format_string(text, sizeof(text), "anon_inode:[%lu]", f->inode->number);
	length = (int)min((size_t)length, min(size, sizeof(text) - 1));
	memcpy(buffer, text, (size_t)length);
	return length;
}

int proc_link_fd(char *buffer, size_t size, const struct proc_target *target)
{
	struct file *f = proc_fd_get(target->pid, target->fd);
	int result;

	if (!f)
		return -ENOENT;
	result = proc_file_path(f, buffer, size);
	file_put(f);
	return result;
}

int proc_file_dentry(struct file *f, struct dentry **out)
{
	if (!f)
		return -ENOENT;
	*out = f->dentry ? dentry_hold(f->dentry) : dentry_create_unnamed(f->inode);
	file_put(f);
	return *out ? 0 : -ENOMEM;
}

int proc_follow_fd(struct dentry **out, const struct proc_target *target)
{
	return proc_file_dentry(proc_fd_get(target->pid, target->fd), out);
}
