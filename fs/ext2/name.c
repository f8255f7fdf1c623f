/*
 * name.c - what the VFS asks of a directory: look a name up, make one, remove one, move one. The
 * order of steps is such that a failure half-way can be taken back, and that after a power cut
 * e2fsck finds a link count too high rather than too low: an inode is written with its links before
 * a name leads to it, a name goes before its link is counted off.
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include "lib/string.h"
#include <abi/errno.h>

static void change_links(struct inode *ip, i32 by)
{
	if (by < 0 && ip->nr_links < (u32)-by)
		WRITE_ONCE(ip->nr_links, 0);            // the count on disk was too low
	else
		WRITE_ONCE(ip->nr_links, ip->nr_links + (u32)by);
	inode_touch(ip, false, false, true);
	inode_mark_dirty(ip, INODE_DIRTY_META);
}

/*
 * Is dir what the subdirectory calls its parent? If so for each, the directories are a tree,
 * however damaged the disk. The subdirectory is not locked: its ".." changes only in a rename,
 * which wants dir locked.
 */
static int check_parent(struct inode *dir, struct inode *ip)
{
	struct ext2_place place;
	int error = ext2_find_entry(ip, "..", &place);

	if (error && error != -ENOENT)
		return error;
	bool is_parent = !error && ext2_entry_at(&place)->inode == dir->number;

	if (!error)
		page_put(place.page);
	if (is_parent)
		return 0;
	return ext2_damaged(ext2_of(dir->sb), "directory %lu is in %lu, but its .. leads elsewhere",
			    ip->number, dir->number);
}

static int ext2_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct ext2_place place;
	int error = ext2_find_entry(dir, name, &place);

	if (error)
		return error;
	u64 number = ext2_entry_at(&place)->inode;

	page_put(place.page);
	if (number == dir->number || number == EXT2_ROOT)       // "." and ".." never come here
		return ext2_damaged(ext2_of(dir->sb), "directory %lu: a name leads to inode %lu",
				    dir->number, number);
	error = ext2_inode_read(ext2_of(dir->sb), number, out);
	if (error || !S_ISDIR((*out)->mode))
		return error;
	error = check_parent(dir, *out);
	if (error)
		inode_put(*out);
	return error;
}

// Gives the new inode its name. On failure it is put, which frees it.
static int add_new(struct inode *dir, const char *name, struct inode *ip, u32 nr_links,
		   struct inode **out)
{
	int error;

	WRITE_ONCE(ip->nr_links, nr_links);
	inode_mark_dirty(ip, INODE_DIRTY_META);
	error = ext2_add_entry(dir, name, (u32)ip->number, ip->mode);
	if (error) {
		WRITE_ONCE(ip->nr_links, 0);
		inode_put(ip);
		return error;
	}
	*out = ip;
	return 0;
}

static int ext2_create(struct inode *dir, const char *name, u32 mode, u64 device_number,
		       struct inode **out)
{
	struct inode *ip;
	int error = ext2_inode_create(dir, mode, device_number, &ip);

	return error ? error : add_new(dir, name, ip, 1, out);
}

static int ext2_mkdir(struct inode *dir, const char *name, u32 mode, struct inode **out)
{
	struct inode *ip;
	int error;

	if (dir->nr_links >= EXT2_LINKS_MAX)
		return -EMLINK;
	error = ext2_inode_create(dir, S_IFDIR | (mode & 07777), 0, &ip);
	if (error)
		return error;
	error = ext2_make_empty(ip, dir->number);
	if (error) {
		inode_put(ip);
		return error;
	}
	error = add_new(dir, name, ip, 2, out);
	if (!error)
		change_links(dir, 1);           // the new one's ".."
	return error;
}

static int ext2_symlink(struct inode *dir, const char *name, const char *target, struct inode **out)
{
	struct inode *ip;
	int error = ext2_inode_create(dir, S_IFLNK | 0777, 0, &ip);

	if (error)
		return error;
	error = ext2_set_link_target(ip, target);
	if (error) {
		inode_put(ip);
		return error;
	}
	return add_new(dir, name, ip, 1, out);
}

static int ext2_link(struct inode *dir, const char *name, struct inode *target)
{
	if (target->nr_links >= EXT2_LINKS_MAX)
		return -EMLINK;
	change_links(target, 1);
	int error = ext2_add_entry(dir, name, (u32)target->number, target->mode);

	if (error)
		change_links(target, -1);
	return error;
}

static int remove_name(struct inode *dir, const char *name, const struct inode *target)
{
	struct ext2_place place;
	int error = ext2_find_entry(dir, name, &place);

	if (error)
		return error;
	if (ext2_entry_at(&place)->inode != target->number)
		error = ext2_damaged(ext2_of(dir->sb), "directory %lu has changed by itself",
				     dir->number);
	else
		error = ext2_remove_entry(dir, &place);
	page_put(place.page);
	return error;
}

static int ext2_unlink(struct inode *dir, const char *name, struct inode *target)
{
	int error = remove_name(dir, name, target);

	if (!error)
		change_links(target, -1);
	return error;
}

static int check_empty(struct inode *dir)
{
	bool is_empty;
	int error = ext2_is_empty(dir, &is_empty);

	return error ? error : is_empty ? 0 : -ENOTEMPTY;
}

static int ext2_rmdir(struct inode *dir, const char *name, struct inode *target)
{
	int error = check_empty(target);

	if (!error)
		error = remove_name(dir, name, target);
	if (error)
		return error;
	change_links(target, -(i32)target->nr_links);
	change_links(dir, -1);
	return 0;
}

/* --- rename ---------------------------------------------------------------------------------- */

// The moved directory's ".." leads to its new parent.
static int set_parent(struct inode *moved, struct inode *from_dir, struct inode *to_dir)
{
	struct ext2_place place;
	int error = ext2_find_entry(moved, "..", &place);

	if (error)
		return error != -ENOENT ? error :
		       ext2_damaged(ext2_of(moved->sb), "directory %lu has no ..", moved->number);
	error = ext2_set_entry(moved, &place, (u32)to_dir->number, S_IFDIR);
	page_put(place.page);
	if (!error) {
		change_links(to_dir, 1);
		change_links(from_dir, -1);
	}
	return error;
}

// The new name leads to the moved inode: in the place of what is replaced, or added.
static int set_new_name(struct inode *to_dir, const char *to, struct inode *moved,
			struct inode *replaced)
{
	struct ext2_place place;

	if (!replaced)
		return ext2_add_entry(to_dir, to, (u32)moved->number, moved->mode);
	int error = ext2_find_entry(to_dir, to, &place);

	if (error)
		return error;
	error = ext2_set_entry(to_dir, &place, (u32)moved->number, moved->mode);
	page_put(place.page);
	return error;
}

static int ext2_rename(struct inode *from_dir, const char *from, struct inode *to_dir, const char *to,
		  struct inode *moved, struct inode *replaced)
{
	bool is_directory = S_ISDIR(moved->mode), changes_parent = is_directory && from_dir != to_dir;
	int error = 0;

	if (is_directory && replaced)
		error = check_empty(replaced);
	if (!error && changes_parent && !replaced && to_dir->nr_links >= EXT2_LINKS_MAX)
		error = -EMLINK;
	if (!error)
		error = set_new_name(to_dir, to, moved, replaced);
	if (error)
		return error;
	error = remove_name(from_dir, from, moved);
	if (replaced) {
		change_links(replaced, is_directory ? -(i32)replaced->nr_links : -1);
		if (is_directory)
			change_links(to_dir, -1);
	}
	if (!error && changes_parent)
		error = set_parent(moved, from_dir, to_dir);
	inode_touch(moved, false, false, true);
	inode_mark_dirty(moved, INODE_DIRTY_META);
	return error;
}

const struct inode_ops ext2_directory_inode_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.mkdir = ext2_mkdir,
	.symlink = ext2_symlink,
	.link = ext2_link,
	.unlink = ext2_unlink,
	.rmdir = ext2_rmdir,
	.rename = ext2_rename,
};
