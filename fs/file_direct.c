/*
 * file_direct.c - O_DIRECT: whole pages go between the program's memory and the disk, past the cache.
 * Nothing is copied, and nothing is kept: each read asks the disk again.
 *
 * It stays one view of the file all the same. Before a transfer the cache's dirty pages of the range are written;
 * before and after a write they are dropped and unmapped, so that the next who looks reads what was written:
 * a fault between the two may have brought old bytes back. inode->lock is held meanwhile, for reading too:
 * a truncation must not give away the blocks that a transfer is under way to.
 *
 * Only what is simple goes so: whole pages of the file, from or to whole pages of the program,
 * and for a write only those that have a place on the disk already. All else takes the usual way through
 * the cache, and is written and dropped behind it. As on Linux, position, length and addresses must be
 * multiples of a sector, or the call is refused.
 *
 * The program's pages are referenced while the disk works on them, and nobody takes such a page away.
 * But a page of another file may be written back meanwhile and then count as clean:
 * so a store to each, which changes nothing, follows a read.
 */
#include "dev/block.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/user_page.h"
#include "proc/process.h"
#include <abi/errno.h>
#include <abi/fcntl.h>

#define SECTOR 512u
#define CHUNK 64u                       // pages that are held at once: an array on the stack

bool file_may_be_direct(const struct inode *ip, const struct file_ops *ops)
{
	return S_ISBLK(ip->mode) || (S_ISREG(ip->mode) && ops->read == file_cache_read);
}

static bool is_aligned(const struct iobuf *b, u64 position)
{
	u64 all = position;

	for (u32 i = 0; i < b->nr_pieces && !b->is_kernel; i++)
		all |= (u64)b->piece[i].iov_base | b->piece[i].iov_len;
	return all % SECTOR == 0;
}

// Whole pages that start at position, end by `end`, and lie in whole pages of the program from *at on.
static u32 whole_pages(struct iobuf *b, u64 position, u64 end, char **at)
{
	end &= PAGE_MASK;
	if (b->is_kernel || position & ~PAGE_MASK || position >= end)
		return 0;
	size_t n = iobuf_next(b, min(end - position, CHUNK * PAGE_SIZE), at);

	return n && !((u64)*at & ~PAGE_MASK) ? (u32)(n >> PAGE_SHIFT) : 0;
}

static int transfer(struct inode *ip, enum bio_op op, blk_t block, struct page **pages, u32 nr)
{
	struct bio *bio = bio_alloc_surely(ip->sb->device, op, block, nr);

	for (u32 i = 0; i < nr; i++)
		bio->pages[i] = pages[i];
	int error = bio_submit_and_wait(bio);

	bio_free(bio);
	return error;
}

// One run of the file's pages into the program's. How many bytes;
// 0: they cannot be had, the copy by way of the cache will tell; -errno.
static ssize_t read_run(struct inode *ip, struct iobuf *to, u64 position, u32 nr, char *at)
{
	struct page *pages[CHUNK];
	u64 block;
	int error = ip->ops->place(ip, position >> PAGE_SHIFT, nr, &block, &nr);

	if (error)
		return error;
	if (!block) {
		size_t n = iobuf_put_zeros(to, nr * PAGE_SIZE);

		return n ? (ssize_t)n : -EFAULT;
	}
	nr = user_pages_get(at, pages, nr, FAULT_WRITE);
	if (!nr)
		return 0;
	error = transfer(ip, BIO_READ, block, pages, nr);
	user_pages_stored(at, nr);
	pages_put(pages, nr);
	if (error)
		return error;
	iobuf_skip(to, nr * PAGE_SIZE);
	return (ssize_t)(nr * PAGE_SIZE);
}

static ssize_t read_whole_pages(struct inode *ip, struct iobuf *to, u64 position)
{
	u64 end = min(position + to->remaining, ip->cache.size);
	ssize_t done = 0, n = 0;
	char *at;
	u32 nr;

	if (!whole_pages(to, position, end, &at))
		return 0;
	int error = cache_write_back(&ip->cache, position >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT, SYNC_WAIT);

	if (error)
		return error;
	while ((nr = whole_pages(to, position + (u64)done, end, &at))) {
		n = read_run(ip, to, position + (u64)done, nr, at);
		if (n <= 0 || current_must_die())
			break;
		done += n;
	}
	return done ? done : n;
}

ssize_t file_direct_read(struct file *f, struct iobuf *to, u64 position)
{
	struct inode *ip = f->inode;
	struct readahead nothing_ahead = { .how = READAHEAD_RANDOM };
	ssize_t rest = 0;

	if (position >= inode_size(ip) || !to->remaining)
		return 0;
	if (!is_aligned(to, position))
		return -EINVAL;
	read_lock(&ip->lock);
	ssize_t done = read_whole_pages(ip, to, position);
	u64 behind = position + (u64)max(done, 0l);

	if (done >= 0)
		rest = inode_read_pages(ip, &nothing_ahead, to, behind);
	if (rest > 0)
		cache_drop_range(&ip->cache, behind >> PAGE_SHIFT, (behind + (u64)rest - 1) >> PAGE_SHIFT);
	read_unlock(&ip->lock);
	return done > 0 ? done + max(rest, 0l) : done < 0 ? done : rest;
}

/* --- writing --------------------------------------------------------------------------- */

// One run of pages that have blocks. How many bytes; 0: the first has none, or the program's cannot be had; -errno.
static ssize_t write_run(struct inode *ip, struct iobuf *from, u64 position, u32 nr, char *at)
{
	struct page *pages[CHUNK];
	u64 block;
	int error = ip->ops->place(ip, position >> PAGE_SHIFT, nr, &block, &nr);

	if (error || !block)
		return error;
	nr = user_pages_get(at, pages, nr, FAULT_READ);
	if (!nr)
		return 0;
	error = transfer(ip, BIO_WRITE, block, pages, nr);
	pages_put(pages, nr);
	if (error)
		return error;
	iobuf_skip(from, nr * PAGE_SIZE);
	return (ssize_t)(nr * PAGE_SIZE);
}

static ssize_t write_whole_pages(struct inode *ip, struct iobuf *from, u64 position, u64 end)
{
	pgoff_t first = position >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	ssize_t done = 0, n = 0;
	char *at;
	u32 nr;

	if (!whole_pages(from, position, end, &at))
		return 0;
	int error = cache_write_back(&ip->cache, first, last, SYNC_WAIT);

	if (error)
		return error;
	last = (end >> PAGE_SHIFT) - 1;
	cache_invalidate(&ip->cache, first, last);
	while ((nr = whole_pages(from, position + (u64)done, end, &at))) {
		n = write_run(ip, from, position + (u64)done, nr, at);
		if (n <= 0 || current_must_die())
			break;
		done += n;
	}
	cache_invalidate(&ip->cache, first, last);
	return done ? done : n;
}

ssize_t file_direct_write(struct file *f, struct iobuf *from, u64 *position)
{
	struct inode *ip = f->inode;
	ssize_t n = file_write_range(f, from->remaining, position);

	if (n <= 0)
		return n;
	if (!is_aligned(from, *position))
		return -EINVAL;
	ssize_t done = write_whole_pages(ip, from, *position, min(*position + (u64)n, ip->cache.size));

	if (done < 0)
		return done;
	*position += (u64)done;
	if (done == n) {
		inode_touch(ip, false, true, true);
		return n;
	}
	u64 behind = *position;
	ssize_t rest = file_write_locked(f, from, position);

	if (rest <= 0)
		return done ? done : rest;
	pgoff_t first = behind >> PAGE_SHIFT, last = (*position - 1) >> PAGE_SHIFT;
	int error = cache_write_back(&ip->cache, first, last, SYNC_WAIT);

	if (error)
		return error;
	cache_drop_range(&ip->cache, first, last);
	return done + rest;
}
