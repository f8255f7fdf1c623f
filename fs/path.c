/*
 * path.c - from a path to a dentry, a component at a time, without holding any lock between two of
 * them: a directory is locked only while the file system is asked for a name that the cache does
 * not know. What a walk holds is one reference, on the dentry where it stands. A symbolic link's
 * text is put in front of what is left of the path, and the walk goes on.
 *
 * Everybody is root here: directories may always be searched, files always read and written; only
 * execution asks for an x.
 */
#include "kernel.h"
#include "fs/names.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include <abi/errno.h>
#include <abi/mount.h>

#define TEXT_SIZE (2 * PATH_LENGTH_MAX)

struct walk {
	struct dentry *at;              // referenced
	struct dentry *root;            // referenced: where absolute links begin, and what ".." does not leave
	const char *rest;
	char *text;                     // what rest points into after a link, TEXT_SIZE bytes; or NULL
	u32 nr_links;
	bool wants_directory;           // a slash stood behind the last name, here or before a link was followed
};

static struct dentry *hold_root(void)
{
	struct process *p = current_process();
	struct dentry *root = NULL;

	if (p) {
		mutex_lock(&p->lock);
		if (p->root)
			root = dentry_hold(p->root);
		mutex_unlock(&p->lock);
	}
	return root ? root : dentry_hold(root_dentry());
}

static int walk_begin(struct walk *w, struct dentry *start, const char *path)
{
	size_t length = strnlen(path, PATH_LENGTH_MAX);

	if (!length)
		return -ENOENT;
	if (length == PATH_LENGTH_MAX)
		return -ENAMETOOLONG;
	*w = (struct walk){ .root = hold_root(), .rest = path };
	w->at = dentry_hold(*path == '/' ? w->root : start);
	return 0;
}

static void walk_end(struct walk *w)
{
	dentry_put(w->at);
	dentry_put(w->root);
	kfree(w->text);
}

static void stand_at(struct walk *w, struct dentry *d)
{
	dentry_put(w->at);
	w->at = d;
}

// "..": not above the root; from the root of a mounted tree to the parent of where it is mounted.
static void step_up(struct walk *w)
{
	for (;;) {
		if (w->at == w->root)
			return;
		struct dentry *mounted_on = w->at == w->at->sb->root ? w->at->sb->mounted_on : NULL;

		if (!mounted_on)
			break;
		stand_at(w, dentry_hold(mounted_on));
	}
	stand_at(w, dentry_cross_mounts(dentry_parent(w->at)));
}

static int look_up(struct dentry *parent, const char *name, size_t length, struct dentry **out)
{
	struct inode *dir = parent->inode;
	int error;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	if (!parent->sb->names_change) {
		*out = dentry_find(parent, name, length);
		if (*out)
			return 0;
	}
	read_lock(&dir->lock);
	error = dentry_look_up(parent, name, length, out);
	read_unlock(&dir->lock);
	return error;
}

// The link leads to a thing that may have no path: the walk goes on from there.
static int follow_thing(struct walk *w, struct inode *link, const char *rest)
{
	struct dentry *d;
	int error = link->ops->follow(link, &d);

	if (error)
		return error;
	stand_at(w, d);
	w->rest = rest;
	return 0;
}

// The walk stands where the link is; its text comes in front of the rest.
static int follow_link(struct walk *w, struct inode *link, const char *rest)
{
	char *text;
	size_t rest_length = strlen(rest);
	int length;

	if (++w->nr_links > SYMLINKS_MAX)
		return -ELOOP;
	if (link->ops->follow)
		return follow_thing(w, link, rest);
	if (!link->ops->readlink)
		return -EINVAL;
	text = kmalloc(TEXT_SIZE);
	if (!text)
		return -ENOMEM;
	length = link->ops->readlink(link, text, PATH_LENGTH_MAX);
	if (length <= 0 || length >= (int)PATH_LENGTH_MAX || (size_t)length + rest_length +
	    2 > TEXT_SIZE) {
		kfree(text);
		return length < 0 ? length : length == 0 ? -ENOENT : -ENAMETOOLONG;
	}
	if (rest_length)
		text[length++] = '/';
	memcpy(text + length, rest, rest_length + 1);
	kfree(w->text);
	w->text = text;
	w->rest = text;
	if (*text == '/')
		stand_at(w, dentry_hold(w->root));
	inode_touch_access(link, 0);
	return 0;
}

// Takes the next component off the rest. Its length; 0: there is none.
static size_t next_name(struct walk *w, const char **name)
{
	while (*w->rest == '/')
		w->rest++;
	*name = w->rest;
	while (*w->rest && *w->rest != '/')
		w->rest++;
	return (size_t)(w->rest - *name);
}

static bool is_dots(const char *name, size_t length)
{
	return name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
}

static int step_dots(struct walk *w, size_t length)
{
	if (!S_ISDIR(w->at->inode->mode))
		return -ENOTDIR;
	if (length == 2)
		step_up(w);
	return 0;
}

// One component in the middle of a path: links are followed.
static int step(struct walk *w, const char *name, size_t length)
{
	struct dentry *d;
	int error;

	if (is_dots(name, length))
		return step_dots(w, length);
	error = look_up(w->at, name, length, &d);
	if (error)
		return error;
	struct inode *ip = atomic_load(&d->inode);

	if (!ip)
		error = -ENOENT;
	else if (S_ISLNK(ip->mode))
		error = follow_link(w, ip, w->rest);
	else {
		stand_at(w, dentry_cross_mounts(d));
		return 0;
	}
	dentry_put(d);
	return error;
}

// Goes as far as the directory of the last component; that one's name is left in *name. Length 0:
// the path ended in a slash at the root, or a link led there: the walk stands at its end.
static int walk_to_last(struct walk *w, const char **name, size_t *length)
{
	for (;;) {
		*length = next_name(w, name);
		if (*length > NAME_LENGTH_MAX)
			return -ENAMETOOLONG;
		const char *behind = w->rest;

		while (*behind == '/')
			behind++;
		if (!*behind) {
			w->wants_directory |= *w->rest == '/';
			return 0;
		}
		int error = step(w, *name, *length);

		if (error)
			return error;
	}
}

// The last component as it is found: d is referenced, perhaps negative; NULL when a link was
// followed and the walk goes on.
static int last_step(struct walk *w, const char *name, size_t length, bool follow, struct dentry **out)
{
	struct dentry *d;
	int error = 0;

	*out = NULL;
	if (!length || is_dots(name, length)) {
		if (length)
			error = step_dots(w, length);
		if (!error)
			*out = dentry_hold(w->at);
		return error;
	}
	error = look_up(w->at, name, length, &d);
	if (error)
		return error;
	struct inode *ip = atomic_load(&d->inode);

	if (ip && S_ISLNK(ip->mode) && (follow || w->wants_directory)) {
		error = follow_link(w, ip, "");
		dentry_put(d);
		return error;
	}
	*out = dentry_cross_mounts(d);
	return 0;
}

int path_lookup(struct dentry *start, const char *path, u32 flags, struct dentry **out)
{
	struct walk w;
	struct dentry *d = NULL;
	int error = walk_begin(&w, start, path);

	if (error)
		return error;
	do {
		const char *name;
		size_t length;

		error = walk_to_last(&w, &name, &length);
		if (!error)
			error = last_step(&w, name, length, flags & PATH_FOLLOW, &d);
	} while (!error && !d);
	if (!error && !d->inode)
		error = -ENOENT;
	else if (!error && (w.wants_directory || flags & PATH_DIRECTORY) && !S_ISDIR(d->inode->mode))
		error = -ENOTDIR;
	if (error && d)
		dentry_put(d);
	else if (!error)
		*out = d;
	walk_end(&w);
	return error;
}

int path_last(struct dentry *start, const char *path, struct path_last *out)
{
	struct walk w;
	const char *name;
	int error = walk_begin(&w, start, path);

	if (error)
		return error;
	error = walk_to_last(&w, &name, &out->length);
	if (!error && !S_ISDIR(w.at->inode->mode))
		error = -ENOTDIR;
	if (!error) {
		memcpy(out->name, name, out->length);
		out->name[out->length] = 0;
		out->wants_directory = w.wants_directory;
		out->parent = dentry_hold(w.at);
	}
	walk_end(&w);
	return error;
}

int path_parent(struct dentry *start, const char *path, struct dentry **parent, char *last)
{
	struct path_last l;
	int error = path_last(start, path, &l);

	if (error)
		return error;
	memcpy(last, l.name, l.length + 1);
	*parent = l.parent;
	return 0;
}

/* --- open --------------------------------------------------------------------- */

// The last component of an O_CREAT, absent when last looked at. *is_new: this call has made it.
static int create_last(struct dentry *parent, const char *name, size_t length, u32 mode,
		       struct dentry **out, bool *is_new)
{
	struct inode *dir = parent->inode, *ip;
	struct dentry *d;
	int error;

	write_lock(&dir->lock);
	error = dir->nr_links == 0 ? -ENOENT : dentry_look_up(parent, name, length, &d);
	if (!error && !d->inode) {
		if (dir->sb->flags & MS_RDONLY)
			error = -EROFS;
		else if (!dir->ops->create)
			error = -EACCES;
		else
			error = dir->ops->create(dir, d->name, S_IFREG | (mode & 07777), 0, &ip);
		if (!error) {
			dentry_set_inode(d, ip);
			*is_new = true;
		} else {
			dentry_put(d);
		}
	}
	write_unlock(&dir->lock);
	if (!error && *is_new) {
		error = superblock_changed(dir->sb);
		if (error)
			dentry_put(d);
	}
	if (!error)
		*out = d;
	return error;
}

// One round of open: d, referenced and positive, or NULL when a link was followed.
static int open_last(struct walk *w, int flags, u32 mode, struct dentry **out, bool *is_new)
{
	const char *name;
	size_t length;
	bool creates = flags & O_CREAT && !(flags & O_PATH);
	bool follow = !(flags & O_NOFOLLOW) && !(creates && flags & O_EXCL);
	struct dentry *d;
	int error = walk_to_last(w, &name, &length);

	if (error)
		return error;
	if (creates && w->wants_directory)
		return -EISDIR;
	error = last_step(w, name, length, follow, &d);
	if (error || !d)
		goto out;
	if (!d->inode && creates) {
		dentry_put(d);
		error = create_last(w->at, name, length, mode, &d, is_new);
		if (error)
			return error;
		// another thread has made a link meanwhile: look again
		if (!*is_new && S_ISLNK(d->inode->mode)) {
			dentry_put(d);
			w->rest = name;
			d = NULL;
			goto out;
		}
	}
	if (!d->inode)
		error = -ENOENT;
	else if (creates && flags & O_EXCL && !*is_new)
		error = -EEXIST;
	else if (w->wants_directory && !S_ISDIR(d->inode->mode))
		error = -ENOTDIR;
	if (error)
		dentry_put(d);
out:
	*out = error ? NULL : d;
	return error;
}

int path_open(struct dentry *start, const char *path, int flags, u32 mode, struct file **out)
{
	struct walk w;
	struct dentry *d = NULL;
	bool is_new = false;
	int error;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	if ((flags & O_ACCMODE) == O_ACCMODE || (flags & O_CREAT && flags & O_DIRECTORY))
		return -EINVAL;
	error = walk_begin(&w, start, path);
	if (error)
		return error;
	do {
		error = open_last(&w, flags, mode, &d, &is_new);
	} while (!error && !d);
	walk_end(&w);
	if (error)
		return error;
	error = open_dentry(d, flags, is_new, out);
	dentry_put(d);
	return error;
}
