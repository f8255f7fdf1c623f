/*
 * file_seek.c - lseek() for files whose position is a number of bytes.
 * position_lock covers it, as in read() and write().
 */
#include "fs/vfs.h"
#include "kernel.h"
#include <abi/errno.h>

i64 file_seek_default(struct file *f, i64 offset, int whence)
{
	i64 base = 0, result;

	mutex_lock(&f->position_lock);
	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		base = (i64)f->position;
		break;
	case SEEK_END:
		base = (i64)inode_size(f->inode);
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		offset = offset < 0 ? -ENXIO : inode_find_data(f->inode, (u64)offset,
							       whence == SEEK_DATA);
		break;
	default:
		offset = -EINVAL;
	}
	if (whence > SEEK_END && offset < 0)
		result = offset;
	else if (__builtin_add_overflow(base, offset, &result))
		result = -EOVERFLOW;
	else if (result < 0)
		result = -EINVAL;
	else
		f->position = (u64)result;
	mutex_unlock(&f->position_lock);
	return result;
}
