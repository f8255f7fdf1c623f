/*
 * symlink.c - symbolic links. A target shorter than 60 bytes lies in the inode, where the block
 * pointers would be; a longer one in a block of its own. Which it is, the blocks tell: a fast link
 * has none but perhaps one of extended attributes.
 */
#include "fs/ext2/ext2.h"
#include "lib/iobuf.h"
#include "lib/string.h"
#include <abi/errno.h>

bool ext2_link_is_fast(const struct ext2_inode *n)
{
	u64 for_attributes = n->attribute_block ? EXT2_SECTORS_PER_BLOCK : 0;

	return n->inode.cache.size < EXT2_FAST_LINK_MAX && n->inode.nr_sectors <= for_attributes;
}

static int ext2_readlink(struct inode *ip, char *buffer, size_t size)
{
	struct ext2_inode *n = ext2_node(ip);
	size_t length = min(ip->cache.size, size);

	if (ext2_link_is_fast(n)) {
		memcpy(buffer, n->block, length);
	} else {
		ssize_t got = inode_read_kernel(ip, buffer, length, 0);

		if (got < 0)
			return (int)got;
		length = (size_t)got;
	}
	// A zero byte cannot be part of a path: damage, but a harmless one.
	return (int)strnlen(buffer, length);
}

int ext2_set_link_target(struct inode *ip, const char *target)
{
	size_t length = strlen(target);
	struct page *p;
	int error;

	if (length < EXT2_FAST_LINK_MAX) {
		memcpy(ext2_node(ip)->block, target, length);
		ip->cache.size = length;
		return 0;
	}
	error = cache_get_locked(&ip->cache, 0, &p);
	if (error)
		return error;
	memset(page_address(p), 0, PAGE_SIZE);
	memcpy(page_address(p), target, length);
	error = ext2_cache_ops.reserve(&ip->cache, p);
	if (!error) {
		page_set(p, PAGE_UPTODATE);
		ip->cache.size = length;
		page_mark_dirty(p);
	}
	page_unlock(p);
	page_put(p);
	return error;
}

const struct inode_ops ext2_symlink_inode_ops = { .readlink = ext2_readlink };
