/*
 * dev_memory.c - devices without hardware: null, zero, full, random, urandom and kmsg.
 * Their numbers are Linux's (major 1).
 */
#include "debug/log.h"
#include "fs/devfs.h"
#include "fs/dev_memory.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/random.h"
#include "mm/area.h"
#include <abi/errno.h>

#define CHUNK 256

static ssize_t nothing_read(struct file *f, struct iobuf *to, u64 *position)
{
	(void)f;
	(void)to;
	(void)position;
	return 0;
}

static ssize_t everything_written(struct file *f, struct iobuf *from, u64 *position)
{
	(void)f;
	(void)position;
	return (ssize_t)from->remaining;
}

static ssize_t full_write(struct file *f, struct iobuf *from, u64 *position)
{
	(void)f;
	(void)position;
	return from->remaining ? -ENOSPC : 0;
}

static ssize_t zero_read(struct file *f, struct iobuf *to, u64 *position)
{
	size_t wanted = to->remaining, copied;

	(void)f;
	(void)position;
	copied = iobuf_put_zeros(to, wanted);
	return copied || !wanted ? (ssize_t)copied : -EFAULT;
}

// They have no position: any seek leads to 0.
static i64 seek_nowhere(struct file *f, i64 offset, int whence)
{
	(void)f;
	(void)offset;
	(void)whence;
	return 0;
}

// A shared mapping of zero is a file of its own; a private one is like anonymous memory and shows that file's zeros.
static int zero_map(struct file *f, struct area *area)
{
	struct file *unnamed;
	u64 size = (area_first(area) << PAGE_SHIFT) + (area->end - area->start);
	int error = tmpfs_create_unnamed("/dev/zero", size,
					 (area->flags & (AREA_SHARED | AREA_NO_RESERVE)) == AREA_SHARED, &unnamed);

	if (error)
		return error;
	file_put(f);                    // the area's reference
	area->file = unnamed;
	area->cache = &unnamed->inode->cache;
	return 0;
}

static ssize_t random_read(struct file *f, struct iobuf *to, u64 *position)
{
	u8 bytes[CHUNK];
	ssize_t done = 0;

	(void)f;
	(void)position;
	while (to->remaining) {
		size_t n = min(to->remaining, sizeof(bytes)), copied;

		random_bytes(bytes, n);
		copied = iobuf_put(to, bytes, n);
		done += (ssize_t)copied;
		if (copied < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static ssize_t random_write(struct file *f, struct iobuf *from, u64 *position)
{
	u8 bytes[CHUNK];
	ssize_t done = 0;

	(void)f;
	(void)position;
	while (from->remaining) {
		size_t n = min(from->remaining, sizeof(bytes)), copied = iobuf_take(from, bytes, n);

		random_mix(bytes, copied);
		done += (ssize_t)copied;
		if (copied < n)
			return done ? done : -EFAULT;
	}
	return done;
}

// The log so far, then end of file; the position counts bytes since boot.
static ssize_t kmsg_read(struct file *f, struct iobuf *to, u64 *position)
{
	char text[CHUNK];
	ssize_t done = 0;

	(void)f;
	while (to->remaining) {
		u64 next = *position;
		size_t n = log_read(&next, text, min(to->remaining, sizeof(text)));

		if (!n)
			break;
		if (iobuf_put(to, text, n) < n)
			return done ? done : -EFAULT;
		*position = next;
		done += (ssize_t)n;
	}
	return done;
}

static ssize_t kmsg_write(struct file *f, struct iobuf *from, u64 *position)
{
	char text[CHUNK];
	ssize_t done = 0;

	(void)f;
	(void)position;
	while (from->remaining) {
		size_t n = min(from->remaining, sizeof(text)), copied = iobuf_take(from, text, n);

		log_write(text, copied);
		done += (ssize_t)copied;
		if (copied < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static const struct file_ops null_ops = { .read = nothing_read, .write = everything_written, .seek = seek_nowhere };
static const struct file_ops zero_ops = {
	.read = zero_read, .write = everything_written, .seek = seek_nowhere, .map = zero_map,
};
static const struct file_ops full_ops = { .read = zero_read, .write = full_write, .seek = seek_nowhere };
static const struct file_ops random_ops = { .read = random_read, .write = random_write, .seek = seek_nowhere };
static const struct file_ops kmsg_ops = { .read = kmsg_read, .write = kmsg_write };

void memory_devices_add(void)
{
	random_init();
	devfs_add("null", S_IFCHR | 0666, ABI_MKDEV(1, 3), &null_ops, NULL);
	devfs_add("zero", S_IFCHR | 0666, ABI_MKDEV(1, 5), &zero_ops, NULL);
	devfs_add("full", S_IFCHR | 0666, ABI_MKDEV(1, 7), &full_ops, NULL);
	devfs_add("random", S_IFCHR | 0666, ABI_MKDEV(1, 8), &random_ops, NULL);
	devfs_add("urandom", S_IFCHR | 0666, ABI_MKDEV(1, 9), &random_ops, NULL);
	devfs_add("kmsg", S_IFCHR | 0600, ABI_MKDEV(1, 11), &kmsg_ops, NULL);
}
