/*
 * file_sync.c - what of a file is on disk: fsync, msync and O_SYNC all end here. The file's own pages and inode
 * are inode_sync.c's; here is what lies around them: the names that lead to it, and who has heard of which error.
 */
#include "fs/names.h"
#include "kernel.h"
#include <abi/errno.h>

/*
 * The names that lead to the file: directories on the way up that have changed are written too, so
 * that what was synced can be reached after a power cut.
 */
static int write_names(struct dentry *d)
{
	int error = 0;

	d = dentry_hold(d);
	while (d->parent != d && !error) {
		struct dentry *parent = dentry_parent(d);

		dentry_put(d);
		d = parent;
		error = inode_write_out(d->inode);
	}
	dentry_put(d);
	return error;
}

static int sync_range(struct file *f, u64 first_byte, u64 last_byte, bool data_only)
{
	struct dentry *d = f->dentry;
	int error = d && d->sb->device ? write_names(d) : 0, later;

	if (first_byte > last_byte)
		later = inode_sync(f->inode, data_only);
	else
		later = inode_sync_pages(f->inode, first_byte >> PAGE_SHIFT,
					 last_byte >> PAGE_SHIFT, data_only);
	return error ? error : later;
}

int file_sync(struct file *f, u64 first_byte, u64 last_byte, bool data_only)
{
	int error, kept;

	if (f->ops->sync)
		error = f->ops->sync(f, first_byte, last_byte, data_only);
	else
		error = sync_range(f, first_byte, last_byte, data_only);
	kept = cache_error_check(&f->inode->cache, &f->error_seen);
	return error ? error : kept;
}
