/*
 * parts.c - where parts of pages come from, and where they end. A file gives the pages of its cache,
 * a program those of its memory: nothing is copied, only a reference taken, and what is stored to such a page while
 * it is under way is seen at the other end, as on Linux. What has no pages (a device) is read into fresh ones.
 * A file or memory at the other end takes one copy.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/iobuf.h"
#include "mm/frame.h"
#include "mm/user_page.h"
#include "proc/thread.h"
#include "sys/parts.h"
#include "x86/cpu.h"
#include <abi/errno.h>

static bool has_position(const struct file *f)
{
	return S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode);
}

// The position to work at; the file's own comes with its lock, which end_position gives back.
static u64 *begin_position(struct file *f, u64 *position, u64 *none)
{
	if (position)
		return position;
	if (!has_position(f))
		return none;
	mutex_lock(&f->position_lock);
	return &f->position;
}

static void end_position(struct file *f, u64 *at)
{
	if (at == &f->position)
		mutex_unlock(&f->position_lock);
}

/* --- where they come from --------------------------------------------------- */

static int cached_parts(struct file *f, u64 *at, struct pipe_part *parts, u32 nr_max, size_t nr_bytes)
{
	u32 nr = 0;
	int error = 0;

	while (nr < nr_max && nr_bytes) {
		struct pipe_part *part = &parts[nr];

		part->may_grow = false;
		part->offset = (u32)(*at & ~PAGE_MASK);
		error = file_page_get(f, *at, &part->page, &part->length);
		if (error || !part->length)
			break;
		part->length = (u32)min((size_t)part->length, nr_bytes);
		*at += part->length;
		nr_bytes -= part->length;
		nr++;
	}
	if (nr)
		inode_touch_access(f->inode, f->flags);
	count_add(COUNTER_SPLICE_PAGES, nr);
	return nr ? (int)nr : error;
}

// One page's worth: a terminal gives what it has, and may make the next read wait.
static int read_part(struct file *f, u64 *at, struct pipe_part *part, size_t nr_bytes)
{
	struct page *p = frame_alloc(PAGE_KERNEL, 0);
	struct iobuf b;
	ssize_t nr;

	if (!p)
		return -ENOMEM;
	iobuf_init_kernel(&b, page_address(p), min(nr_bytes, PAGE_SIZE));
	nr = file_read(f, &b, at);
	if (nr <= 0) {
		page_put(p);
		return (int)nr;
	}
	count_add(COUNTER_SPLICE_BYTES, (u64)nr);
	*part = (struct pipe_part){ .page = p, .length = (u32)nr };
	return 1;
}

int parts_from_file(struct file *f, u64 *position, struct pipe_part *parts, u32 nr_max, size_t nr_bytes)
{
	u64 none = 0, *at = begin_position(f, position, &none);
	int nr = file_has_pages(f) ? cached_parts(f, at, parts, nr_max, nr_bytes) : read_part(f, at, parts, nr_bytes);

	end_position(f, at);
	return nr;
}

int parts_from_memory(struct iobuf *from, struct pipe_part *parts, u32 nr_max)
{
	u32 nr = 0;
	size_t length;
	char *at;

	while (nr < nr_max && (length = iobuf_next(from, from->remaining, &at))) {
		u64 offset = (u64)at & ~PAGE_MASK;
		struct page *p = user_page_get(current->space, (vaddr_t)at & PAGE_MASK, FAULT_READ);

		if (!p)
			break;
		length = min(length, PAGE_SIZE - offset);
		parts[nr++] = (struct pipe_part){ .page = p, .offset = (u32)offset, .length = (u32)length };
		iobuf_skip(from, length);
	}
	count_add(COUNTER_SPLICE_PAGES, nr);
	return nr || !from->remaining ? (int)nr : -EFAULT;
}

ssize_t file_to_pipe(struct file *in, u64 *position, struct file *pipe, size_t nr_bytes, bool waits)
{
	struct pipe_part parts[PARTS_MAX];
	int room = pipe_hold_room(pipe, (u32)min(nr_bytes / PAGE_SIZE + 2, (size_t)PARTS_MAX), waits), nr;

	if (room < 0)
		return room;
	nr = parts_from_file(in, position, parts, (u32)room, nr_bytes);
	size_t moved = pipe_fill_room(pipe, (u32)room, parts, nr > 0 ? (u32)nr : 0);

	return nr > 0 ? (ssize_t)moved : nr;
}

/* --- where they end --------------------------------------------------------- */

ssize_t parts_to_file(struct file *f, u64 *position, const struct pipe_part *parts, u32 nr)
{
	u64 none = 0, *at = begin_position(f, position, &none);
	ssize_t done = 0, n = 0;

	for (u32 i = 0; i < nr; i++) {
		struct iobuf b;

		iobuf_init_kernel(&b, (char *)page_address(parts[i].page) + parts[i].offset, parts[i].length);
		n = file_write(f, &b, at);
		if (n > 0)
			done += n;
		if (n < (ssize_t)parts[i].length)
			break;
	}
	end_position(f, at);
	count_add(COUNTER_SPLICE_BYTES, (u64)done);
	return done ? done : n;
}

ssize_t parts_to_memory(struct iobuf *to, const struct pipe_part *parts, u32 nr)
{
	size_t done = 0;

	for (u32 i = 0; i < nr; i++) {
		size_t copied = iobuf_put(to, (char *)page_address(parts[i].page) + parts[i].offset, parts[i].length);

		done += copied;
		if (copied < parts[i].length)
			break;
	}
	count_add(COUNTER_SPLICE_BYTES, done);
	return done ? (ssize_t)done : -EFAULT;
}
