/*
 * file_page.c - a page of a file for who wants the page itself and not a copy of its bytes:
 * splice, sendfile, copy_file_range.
 * As in read(), the size is looked at before and after the page is there: the file may be cut meanwhile.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/reclaim.h"
#include <abi/errno.h>

bool file_has_pages(const struct file *f)
{
	return S_ISREG(f->inode->mode) && f->ops->read == file_cache_read;
}

int file_page_get(struct file *f, u64 position, struct page **out, u32 *nr_bytes)
{
	struct inode *ip = f->inode;
	u64 size = inode_size(ip), offset = position & ~PAGE_MASK;
	struct page *p;

	if (position > I64_MAX)
		return -EINVAL;
	*nr_bytes = 0;
	if (position >= size)
		return 0;
	int error = readahead_get(&ip->cache, &f->readahead, READAHEAD_NORMAL, position >> PAGE_SHIFT, 1, &p);

	if (error)
		return error;
	size = inode_size(ip);
	if (position >= size) {
		page_put(p);
		return 0;
	}
	reclaim_used(p);
	*nr_bytes = (u32)min(PAGE_SIZE - offset, size - position);
	*out = p;
	return 0;
}
