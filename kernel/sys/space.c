/*
 * space.c - calls about the room that a file takes, on disk and in memory.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include <abi/errno.h>

i64 sys_fallocate(int fd, int mode, i64 position, i64 length)
{
	struct file *f = fd_get(fd);
	i64 result;

	if (!f)
		return -EBADF;
	if (position < 0 || length <= 0)
		result = -EINVAL;
	else
		result = file_allocate(f, (u32)mode, (u64)position, (u64)length);
	file_put(f);
	return result;
}

// Starts to read what is absent; advice, so a lack of memory is no error.
i64 sys_readahead(int fd, i64 position, size_t nr_bytes)
{
	struct file *f;
	i64 result = file_for_reading(fd, &f);

	if (result)
		return result;
	if (position < 0 || !S_ISREG(f->inode->mode) || !f->inode->cache.ops) {  // /proc has no pages
		file_put(f);
		return -EINVAL;
	}
	u64 start = (u64)position, end = start + min(nr_bytes, U64_MAX / 2 - start);

	readahead_asked(&f->inode->cache, start >> PAGE_SHIFT,
			(PAGE_ALIGN_UP(end) >> PAGE_SHIFT) - (start >> PAGE_SHIFT));
	file_put(f);
	return 0;
}
