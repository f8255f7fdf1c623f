#pragma once
/*
 * names.h - what dentry.c, path.c, change.c and mount.c share: the cache of names, inside the VFS only.
 */
#include "types.h"
#include "fs/vfs.h"

// The cached dentry of that name, positive or negative, referenced; NULL when nothing is known.
// Never sleeps.
struct dentry *dentry_find(struct dentry *parent, const char *name, size_t length);
// The same, asking the file system when the cache does not know. parent's inode is locked by the
// caller (for reading at least). May sleep. 0 (also for a negative one), -ENOMEM, -EIO, ...
int dentry_look_up(struct dentry *parent, const char *name, size_t length,
		   struct dentry **out) MUST_CHECK;
// A dentry without a parent of its own name: the root of a superblock. Takes over the inode. NULL:
// no memory.
struct dentry *dentry_create_root(struct superblock *sb, struct inode *ip);
// A negative dentry becomes positive; takes over the reference. The parent's inode is locked for
// writing.
void dentry_set_inode(struct dentry *d, struct inode *ip);
// The name is gone: no walk finds this dentry any more.
void dentry_unhash(struct dentry *d);
// d is now called name (a kmalloc'ed string, taken over) under parent; what was cached under that
// name is forgotten. The old name is returned: the caller frees it. superblock.rename_lock held.
char *dentry_move(struct dentry *d, struct dentry *parent, char *name);
// Is d equal to ancestor or below it? Within one superblock.
bool dentry_is_below(struct dentry *d, struct dentry *ancestor);
// Frees every unused dentry of the superblock.
void dentries_drop_all(struct superblock *sb);
struct dentry *dentry_parent(struct dentry *d);         // referenced; itself for a root
// What stands at d: the root of whatever is mounted there, else d itself. Takes over the reference
// to d, returns one.
struct dentry *dentry_cross_mounts(struct dentry *d);

// The last name of a path, and where it stands; see path.c.
struct path_last {
	struct dentry *parent;          // referenced
	char name[NAME_LENGTH_MAX + 1]; // "": the path was "/"
	size_t length;
	bool wants_directory;           // slashes behind the name
};
int path_last(struct dentry *start, const char *path, struct path_last *out) MUST_CHECK;
