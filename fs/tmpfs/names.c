/*
 * names.c - directories. One is a list of entries, each of which holds a reference on its inode: so an inode
 * stays until its last name and its last user are gone. Entries are covered by the directory's inode.lock.
 * Positions in a directory (d_off) are numbers that the entries got when they were made, so a reader goes
 * on where it was whatever was removed meanwhile.
 */
#include "fs/tmpfs/internal.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include <abi/dirent.h>
#include <abi/errno.h>

struct tmpfs_entry {
	struct list link;
	u64 position;
	struct inode *inode;            // holds a reference
	u32 length;
	char name[];
};

static struct tmpfs_entry *entry_find(struct inode *dir, const char *name)
{
	struct tmpfs_entry *e;

	list_for_each(e, &tmpfs_inode(dir)->entries, link)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

static struct tmpfs_entry *entry_alloc(const char *name)
{
	size_t length = strlen(name);
	struct tmpfs_entry *e = kmalloc(sizeof(*e) + length + 1);

	if (e) {
		e->length = (u32)length;
		memcpy(e->name, name, length + 1);
	}
	return e;
}

// Takes over the caller's reference on ip.
static void entry_link(struct inode *dir, struct tmpfs_entry *e, struct inode *ip)
{
	struct tmpfs_inode *d = tmpfs_inode(dir);

	e->inode = ip;
	e->position = d->next_position++;
	list_push_back(&d->entries, &e->link);
	cache_set_size(&dir->cache, inode_size(dir) + 32);
	inode_touch(dir, false, true, true);
}

static void entry_unlink(struct inode *dir, struct tmpfs_entry *e)
{
	list_remove(&e->link);
	cache_set_size(&dir->cache, inode_size(dir) - 32);
	inode_touch(dir, false, true, true);
	inode_put(e->inode);
	kfree(e);
}

static int tmpfs_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct tmpfs_entry *e = entry_find(dir, name);

	if (!e)
		return -ENOENT;
	inode_hold(e->inode);
	*out = e->inode;
	return 0;
}

// Makes the inode and its first name; the result is referenced for the caller, besides the entry's reference.
static int entry_make(struct inode *dir, const char *name, u32 mode, u64 device_number, struct inode **out)
{
	struct tmpfs_entry *e = entry_alloc(name);
	int error;

	if (!e)
		return -ENOMEM;
	error = tmpfs_inode_make(dir->sb, mode, device_number, out);
	if (error) {
		kfree(e);
		return error;
	}
	inode_hold(*out);
	entry_link(dir, e, *out);
	return 0;
}

static int tmpfs_create(struct inode *dir, const char *name, u32 mode, u64 device_number, struct inode **out)
{
	return entry_make(dir, name, mode, device_number, out);
}

static int tmpfs_mkdir(struct inode *dir, const char *name, u32 mode, struct inode **out)
{
	int error = entry_make(dir, name, S_IFDIR | (mode & ~S_IFMT), 0, out);

	if (!error)
		dir->nr_links++;
	return error;
}

static int tmpfs_symlink(struct inode *dir, const char *name, const char *target, struct inode **out)
{
	size_t length = strlen(target);
	char *copy = kmalloc(length + 1);
	int error;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, target, length + 1);
	error = entry_make(dir, name, S_IFLNK | 0777, 0, out);
	if (error) {
		kfree(copy);
		return error;
	}
	// Nobody finds it before dir->lock is released.
	tmpfs_inode(*out)->target = copy;
	(*out)->cache.size = length;
	return 0;
}

static int tmpfs_link(struct inode *dir, const char *name, struct inode *target)
{
	struct tmpfs_entry *e = entry_alloc(name);

	if (!e)
		return -ENOMEM;
	inode_hold(target);
	entry_link(dir, e, target);
	target->nr_links++;
	inode_touch(target, false, false, true);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, const char *name, struct inode *target)
{
	struct tmpfs_entry *e = entry_find(dir, name);

	if (!e || e->inode != target)
		return -ENOENT;
	target->nr_links--;
	inode_touch(target, false, false, true);
	entry_unlink(dir, e);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, const char *name, struct inode *target)
{
	struct tmpfs_entry *e = entry_find(dir, name);

	if (!e || e->inode != target)
		return -ENOENT;
	if (!list_is_empty(&tmpfs_inode(target)->entries))
		return -ENOTEMPTY;
	target->nr_links = 0;
	dir->nr_links--;
	entry_unlink(dir, e);
	return 0;
}

static int tmpfs_rename(struct inode *from_dir, const char *from, struct inode *to_dir, const char *to,
			struct inode *moved, struct inode *replaced)
{
	struct tmpfs_entry *old = entry_find(from_dir, from);
	struct tmpfs_entry *e;
	int error = 0;

	if (!old || old->inode != moved)
		return -ENOENT;
	e = entry_alloc(to);
	if (!e)
		return -ENOMEM;
	if (replaced)
		error = S_ISDIR(replaced->mode) ? tmpfs_rmdir(to_dir, to, replaced) :
			tmpfs_unlink(to_dir, to, replaced);
	if (error) {
		kfree(e);
		return error;
	}
	inode_hold(moved);
	entry_link(to_dir, e, moved);
	entry_unlink(from_dir, old);
	if (S_ISDIR(moved->mode) && from_dir != to_dir) {
		from_dir->nr_links--;
		to_dir->nr_links++;
	}
	inode_touch(moved, false, false, true);
	return 0;
}

static int tmpfs_readlink(struct inode *ip, char *buffer, size_t size)
{
	const char *target = tmpfs_inode(ip)->target;
	size_t length = min(strlen(target), size);

	memcpy(buffer, target, length);
	return (int)length;
}

static int tmpfs_read_directory(struct file *f, struct directory_emit *emit)
{
	struct inode *dir = f->inode;
	struct tmpfs_entry *e;

	if (f->position == 0) {
		if (!emit->emit(emit, ".", 1, 1, dir->number, DT_DIR))
			return 0;
		f->position = 1;
	}
	if (f->position == 1) {
		if (!emit->emit(emit, "..", 2, TMPFS_FIRST_POSITION, f->dentry->parent->inode->number, DT_DIR))
			return 0;
		f->position = TMPFS_FIRST_POSITION;
	}
	list_for_each(e, &tmpfs_inode(dir)->entries, link) {
		if (e->position < f->position)
			continue;
		if (!emit->emit(emit, e->name, e->length, e->position + 1, e->inode->number,
				(u8)((e->inode->mode & S_IFMT) >> 12)))
			return 0;
		f->position = e->position + 1;
	}
	return 0;
}

const struct inode_ops tmpfs_directory_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.mkdir = tmpfs_mkdir,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
};
const struct inode_ops tmpfs_symlink_ops = { .readlink = tmpfs_readlink };
const struct file_ops tmpfs_directory_file_ops = { .read_directory = tmpfs_read_directory };

// Gives up every name below a directory that nobody can reach any more.
// What is below a subdirectory is moved up first, so a deep tree needs no deep stack.
void tmpfs_forget_entries(struct tmpfs_inode *dir)
{
	while (!list_is_empty(&dir->entries)) {
		struct tmpfs_entry *e = list_first(&dir->entries, struct tmpfs_entry, link);
		struct list *below = &tmpfs_inode(e->inode)->entries;

		while (!list_is_empty(below)) {
			struct list *node = below->next;

			list_remove(node);
			list_push_back(&dir->entries, node);
		}
		list_remove(&e->link);
		e->inode->nr_links = 0;
		inode_put(e->inode);
		kfree(e);
	}
}
