/*
 * dev_block.c - a disk opened as a file. Bytes move by way of a page of our own,
 * so that no user memory is touched while a page of the device is locked (the fault might need that very page).
 */
#include "fs/dev_block.h"
#include "dev/block.h"
#include "fs/devfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/area.h"
#include "mm/slab.h"
#include <abi/errno.h>
#include <abi/ioctl.h>

static struct block_device *device_of(const struct file *f)
{
	return f->private;
}

static u64 device_bytes(const struct block_device *device)
{
	return device->nr_blocks * BLOCK_SIZE;
}

static int block_open(struct inode *ip, struct file *f)
{
	f->private = devfs_owner(ip);
	if (!f->private)
		return -ENXIO;
	if ((f->flags & O_ACCMODE) != O_RDONLY && device_of(f)->is_read_only)
		return -EROFS;
	return 0;
}

static ssize_t block_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct block_device *device = device_of(f);
	ssize_t done = 0;

	while (to->remaining && *position < device_bytes(device)) {
		u64 offset = *position % BLOCK_SIZE;
		size_t n = min(to->remaining, BLOCK_SIZE - offset), copied;
		struct page *p;
		int error = block_get(device, *position / BLOCK_SIZE, &p);

		if (error)
			return done ? done : error;
		copied = iobuf_put(to, (char *)page_address(p) + offset, n);
		page_put(p);
		*position += copied;
		done += (ssize_t)copied;
		if (copied < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static int write_block(struct block_device *device, u64 position, const char *bytes, size_t nr_bytes)
{
	struct page *p;
	int error = block_get(device, position / BLOCK_SIZE, &p);

	if (error)
		return error;
	page_lock(p);
	memcpy((char *)page_address(p) + position % BLOCK_SIZE, bytes, nr_bytes);
	page_mark_dirty(p);
	page_unlock(p);
	page_put(p);
	return 0;
}

static ssize_t block_write(struct file *f, struct iobuf *from, u64 *position)
{
	struct block_device *device = device_of(f);
	char *bytes = kmalloc(BLOCK_SIZE);
	ssize_t done = 0;
	int error = bytes ? 0 : -ENOMEM;

	if (from->remaining && *position >= device_bytes(device))
		error = -ENOSPC;
	while (!error && from->remaining && *position < device_bytes(device)) {
		size_t n = min(from->remaining, BLOCK_SIZE - *position % BLOCK_SIZE);
		size_t copied = iobuf_take(from, bytes, n);

		if (copied)
			error = write_block(device, *position, bytes, copied);
		if (error)
			break;
		*position += copied;
		done += (ssize_t)copied;
		if (copied < n)
			error = -EFAULT;
	}
	kfree(bytes);
	return done ? done : error;
}

static i64 block_seek(struct file *f, i64 offset, int whence)
{
	i64 base, result;

	mutex_lock(&f->position_lock);
	base = whence == SEEK_CUR ? (i64)f->position : whence == SEEK_END ? (i64)device_bytes(device_of(f)) : 0;
	if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
		result = -EINVAL;
	else if (__builtin_add_overflow(base, offset, &result) || result < 0)
		result = -EINVAL;
	else
		f->position = (u64)result;
	mutex_unlock(&f->position_lock);
	return result;
}

static int answer(u64 argument, const void *value, size_t size)
{
	struct iobuf to;

	iobuf_init_user(&to, (void __user *)argument, size);
	return iobuf_put(&to, value, size) == size ? 0 : -EFAULT;
}

static int block_sync(struct file *f, u64 first_byte, u64 last_byte, bool data_only)
{
	struct block_device *device = device_of(f);
	int error = cache_write_back(&device->cache, first_byte / BLOCK_SIZE, last_byte / BLOCK_SIZE, SYNC_WAIT), later;

	(void)data_only;
	later = block_flush(device);
	return error ? error : later;
}

static int block_ioctl(struct file *f, u32 request, u64 argument)
{
	struct block_device *device = device_of(f);
	u64 bytes = device_bytes(device), sectors = bytes / 512;
	int sector_size = 512, is_read_only = device->is_read_only;

	switch (request) {
	case BLKGETSIZE64:
		return answer(argument, &bytes, sizeof(bytes));
	case BLKGETSIZE:
		return answer(argument, &sectors, sizeof(sectors));
	case BLKSSZGET:
		return answer(argument, &sector_size, sizeof(sector_size));
	case BLKROGET:
		return answer(argument, &is_read_only, sizeof(is_read_only));
	case BLKFLSBUF:
		return block_sync(f, 0, I64_MAX, false);
	default:
		return -ENOTTY;
	}
}

static int block_map(struct file *f, struct area *area)
{
	area->cache = &device_of(f)->cache;
	return 0;
}

const struct file_ops block_file_ops = {
	.open = block_open,
	.read = block_read,
	.write = block_write,
	.seek = block_seek,
	.ioctl = block_ioctl,
	.map = block_map,
	.sync = block_sync,
};
