/*
 * change.c - calls that make, remove and move names. Each finds the directory, locks it for
 * writing, looks the name up once more (it may have changed since the walk), asks the file system,
 * and brings the dentry up to date under the same lock.
 *
 * Order of inode locks: a parent before its child. A rename locks two directories, under
 * superblock.rename_lock, which keeps the tree's shape while their order is chosen: an ancestor
 * first, strangers by address; then what is moved or replaced. Nobody else holds two directories
 * but as parent and child, so no circle can close.
 */
#include "kernel.h"
#include "fs/names.h"
#include "lib/string.h"
#include "mm/slab.h"
#include <abi/errno.h>
#include <abi/mount.h>

static int directory_may_change(struct inode *dir)
{
	if (dir->sb->flags & MS_RDONLY)
		return -EROFS;
	return dir->nr_links == 0 ? -ENOENT : 0;        // removed while we were on the way
}

static bool is_dots(const struct path_last *l)
{
	return strcmp(l->name, ".") == 0 || strcmp(l->name, "..") == 0;
}

/* --- making names ------------------------------------------------------------------ */

/*
 * Finds the place for a new name: its directory locked for writing, its dentry negative. -EEXIST
 * when it is taken. new_end gives both back.
 */
struct new_name {
	struct path_last last;
	struct inode *dir;
	struct dentry *dentry;
};

// error, or what follows from a change that has been made.
static int new_end(struct new_name *n, int error)
{
	struct superblock *sb = n->dir->sb;

	write_unlock(&n->dir->lock);
	if (!error)
		error = superblock_changed(sb);
	dentry_put(n->dentry);
	dentry_put(n->last.parent);
	return error;
}

static int new_begin(struct dentry *start, const char *path, bool is_directory, struct new_name *n)
{
	int error = path_last(start, path, &n->last);

	if (error)
		return error;
	n->dir = n->last.parent->inode;
	if (!n->last.length || is_dots(&n->last)) {
		dentry_put(n->last.parent);
		return -EEXIST;
	}
	write_lock(&n->dir->lock);
	error = dentry_look_up(n->last.parent, n->last.name, n->last.length, &n->dentry);
	if (error) {
		write_unlock(&n->dir->lock);
		dentry_put(n->last.parent);
		return error;
	}
	if (n->dentry->inode)
		error = -EEXIST;
	else if (n->last.wants_directory && !is_directory)
		error = -ENOENT;
	else
		error = directory_may_change(n->dir);
	return error ? new_end(n, error) : 0;
}

int path_create(struct dentry *start, const char *path, u32 mode, u64 device_number)
{
	struct new_name n;
	struct inode *ip;
	int error;

	switch (mode & S_IFMT) {
	case 0:
		mode |= S_IFREG;
		break;
	case S_IFREG: case S_IFIFO: case S_IFCHR: case S_IFBLK: case S_IFSOCK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	error = new_begin(start, path, false, &n);
	if (error)
		return error;
	error = n.dir->ops->create ? n.dir->ops->create(n.dir, n.last.name, mode & (S_IFMT | 07777),
							device_number, &ip) : -EPERM;
	if (!error)
		dentry_set_inode(n.dentry, ip);
	return new_end(&n, error);
}

int path_mkdir(struct dentry *start, const char *path, u32 mode)
{
	struct new_name n;
	struct inode *ip;
	int error = new_begin(start, path, true, &n);

	if (error)
		return error;
	error = n.dir->ops->mkdir ? n.dir->ops->mkdir(n.dir, n.last.name, S_IFDIR | (mode & 01777),
						      &ip) : -EPERM;
	if (!error)
		dentry_set_inode(n.dentry, ip);
	return new_end(&n, error);
}

int path_symlink(struct dentry *start, const char *path, const char *target)
{
	struct new_name n;
	struct inode *ip;
	size_t length = strnlen(target, PATH_LENGTH_MAX);
	int error;

	if (!length)
		return -ENOENT;
	if (length == PATH_LENGTH_MAX)
		return -ENAMETOOLONG;
	error = new_begin(start, path, false, &n);
	if (error)
		return error;
	error = n.dir->ops->symlink ? n.dir->ops->symlink(n.dir, n.last.name, target, &ip) : -EPERM;
	if (!error)
		dentry_set_inode(n.dentry, ip);
	return new_end(&n, error);
}

int path_link(struct dentry *existing, struct dentry *start, const char *path)
{
	struct new_name n;
	struct inode *target = existing->inode;
	int error = new_begin(start, path, false, &n);

	if (error)
		return error;
	if (n.dir->sb != target->sb) {
		error = -EXDEV;
	} else if (S_ISDIR(target->mode) || !n.dir->ops->link) {
		error = -EPERM;
	} else {
		write_lock(&target->lock);
		error = target->nr_links == 0 ? -ENOENT : n.dir->ops->link(n.dir, n.last.name, target);
		write_unlock(&target->lock);
	}
	if (!error) {
		inode_hold(target);
		dentry_set_inode(n.dentry, target);
	}
	return new_end(&n, error);
}

/* --- removing ------------------------------------------------------------------------ */

static int may_unlink(struct dentry *d, bool directory, bool wants_directory)
{
	u32 mode = d->inode->mode;

	if (directory)
		return !S_ISDIR(mode) ? -ENOTDIR : d->mounted ? -EBUSY : 0;
	if (S_ISDIR(mode))
		return -EISDIR;
	return wants_directory ? -ENOTDIR : d->mounted ? -EBUSY : 0;
}

static int unlink_in(struct inode *dir, struct dentry *d, bool directory)
{
	struct inode *target = d->inode;
	int (*remove)(struct inode *, const char *, struct inode *) = directory ?
		dir->ops->rmdir : dir->ops->unlink;
	int error;

	if (!remove)
		return -EPERM;
	if (S_ISDIR(target->mode))
		write_lock_second(&target->lock);       // parent before child
	else
		write_lock(&target->lock);
	error = remove(dir, d->name, target);
	write_unlock(&target->lock);
	if (!error)
		dentry_unhash(d);
	return error;
}

static int last_may_go(const struct path_last *l, bool directory)
{
	if (!l->length)
		return directory ? -EBUSY : -EISDIR;
	if (!is_dots(l))
		return 0;
	if (!directory)
		return -EISDIR;
	return l->length == 1 ? -EINVAL : -ENOTEMPTY;
}

int path_unlink(struct dentry *start, const char *path, bool directory)
{
	struct path_last last;
	struct dentry *d;
	int error = path_last(start, path, &last);

	if (error)
		return error;
	struct inode *dir = last.parent->inode;

	error = last_may_go(&last, directory);
	if (error) {
		dentry_put(last.parent);
		return error;
	}
	write_lock(&dir->lock);
	error = dentry_look_up(last.parent, last.name, last.length, &d);
	if (error)
		goto out_unlock;
	if (!d->inode)
		error = -ENOENT;
	else
		error = may_unlink(d, directory, last.wants_directory);
	if (!error)
		error = directory_may_change(dir);
	if (!error)
		error = unlink_in(dir, d, directory);
	write_unlock(&dir->lock);
	dentry_put(d);          // may evict the inode: not under the directory's lock
	if (!error)
		error = superblock_changed(dir->sb);
	dentry_put(last.parent);
	return error;
out_unlock:
	write_unlock(&dir->lock);
	dentry_put(last.parent);
	return error;
}

/* --- rename ---------------------------------------------------------------------------- */

struct rename {
	struct path_last from, to;
	struct dentry *source, *target;         // target: perhaps negative
	char *new_name;
};

static void lock_directories(struct dentry *a, struct dentry *b)
{
	struct inode *first = a->inode, *second = b->inode;

	if (first == second) {
		write_lock(&first->lock);
		return;
	}
	// rename_lock is held: neither relation can change.
	if (dentry_is_below(a, b) || (!dentry_is_below(b, a) && second < first)) {
		first = b->inode;
		second = a->inode;
	}
	write_lock(&first->lock);
	write_lock_second(&second->lock);       // ancestor first, strangers by address
}

static void unlock_directories(struct dentry *a, struct dentry *b)
{
	write_unlock(&a->inode->lock);
	if (a->inode != b->inode)
		write_unlock(&b->inode->lock);
}

// Both directories and the names in them are known and locked: may this be done?
static int may_rename(const struct rename *r, u32 flags)
{
	struct inode *moved = r->source->inode, *replaced = r->target->inode;
	bool is_directory = S_ISDIR(moved->mode);

	if (!is_directory && (r->from.wants_directory || r->to.wants_directory))
		return -ENOTDIR;
	if (r->source->mounted || (replaced && r->target->mounted))
		return -EBUSY;
	if (is_directory && dentry_is_below(r->to.parent, r->source))
		return -EINVAL;                 // into itself
	if (!replaced)
		return 0;
	if (flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (dentry_is_below(r->from.parent, r->target))
		return -ENOTEMPTY;              // onto a directory that contains it
	if (is_directory && !S_ISDIR(replaced->mode))
		return -ENOTDIR;
	if (!is_directory && S_ISDIR(replaced->mode))
		return -EISDIR;
	return 0;
}

static void lock_two(struct inode *moved, struct inode *replaced)
{
	struct inode *first = moved, *second = replaced;

	if (replaced && replaced < moved) {
		first = replaced;
		second = moved;
	}
	// children after their parents; by address among themselves
	write_lock_second(&first->lock);
	if (second)
		write_lock_second(&second->lock);
}

static int rename_locked(struct rename *r)
{
	struct inode *from_dir = r->from.parent->inode, *to_dir = r->to.parent->inode;
	struct inode *moved = r->source->inode, *replaced = r->target->inode;
	int error;

	if (moved == replaced)
		return 0;                       // two names of one file: nothing happens
	lock_two(moved, replaced);
	error = from_dir->ops->rename(from_dir, r->from.name, to_dir, r->to.name, moved, replaced);
	if (replaced)
		write_unlock(&replaced->lock);
	write_unlock(&moved->lock);
	if (!error)
		r->new_name = dentry_move(r->source, r->to.parent, r->new_name);
	return error;
}

// rename_lock held. Locks the directories, finds both names, does it.
static int rename_under_lock(struct rename *r, u32 flags)
{
	int error;

	r->source = r->target = NULL;
	lock_directories(r->from.parent, r->to.parent);
	error = directory_may_change(r->from.parent->inode);
	if (!error)
		error = directory_may_change(r->to.parent->inode);
	if (!error)
		error = dentry_look_up(r->from.parent, r->from.name, r->from.length, &r->source);
	if (!error && !r->source->inode)
		error = -ENOENT;
	if (!error)
		error = dentry_look_up(r->to.parent, r->to.name, r->to.length, &r->target);
	if (!error)
		error = may_rename(r, flags);
	if (!error)
		error = rename_locked(r);
	unlock_directories(r->from.parent, r->to.parent);
	return error;
}

static int rename_last(struct rename *r, u32 flags)
{
	struct superblock *sb = r->from.parent->sb;
	int error;

	if (!r->from.length || !r->to.length || is_dots(&r->from) || is_dots(&r->to))
		return -EBUSY;
	if (sb != r->to.parent->sb)
		return -EXDEV;
	if (!r->from.parent->inode->ops->rename)
		return -EPERM;
	r->new_name = kmalloc(r->to.length + 1);
	if (!r->new_name)
		return -ENOMEM;
	memcpy(r->new_name, r->to.name, r->to.length + 1);
	mutex_lock(&sb->rename_lock);
	error = rename_under_lock(r, flags);
	mutex_unlock(&sb->rename_lock);
	if (r->source)
		dentry_put(r->source);
	if (r->target)
		dentry_put(r->target);
	kfree(r->new_name);             // the old name, when it was moved
	return error ? error : superblock_changed(sb);
}

int path_rename(struct dentry *from_start, const char *from, struct dentry *to_start,
		const char *to, u32 flags)
{
	struct rename *r;
	int error;

	if (flags & ~(u32)RENAME_NOREPLACE)
		return -EINVAL;
	r = kmalloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	error = path_last(from_start, from, &r->from);
	if (!error) {
		error = path_last(to_start, to, &r->to);
		if (!error) {
			error = rename_last(r, flags);
			dentry_put(r->to.parent);
		}
		dentry_put(r->from.parent);
	}
	kfree(r);
	return error;
}
