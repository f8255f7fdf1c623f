/*
 * allocate.c - the places behind a file's pages: fallocate's ways to get them, to give them up, and to ask for them.
 *
 * A hole is made page by page, each with its page lock held from the look to the end: it leaves every address space
 * (a private copy is its owner's and stays, as on Linux), its place is freed, and it leaves the cache. So a fault
 * that comes meanwhile waits, finds no page, and reads a hole; and no dirty page is ever without its place.
 * The ends of the hole, within pages, are zeroed in the cache. inode->lock (held for writing) keeps write()
 * and truncation out; mappings need only the page locks.
 */
#include "kernel.h"
#include "cache/writeback.h"
#include "fs/size_limit.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/rmap.h"
#include <abi/errno.h>
#include <abi/mount.h>

static u64 pages_of(u64 size)
{
	return PAGE_ALIGN_UP(size) >> PAGE_SHIFT;
}

// Zeroes bytes [from, to) of one page, which lie within the file.
static int zero_part(struct inode *ip, u64 from, u64 to)
{
	struct cache *cache = &ip->cache;
	struct page *p;
	bool is_done = false;

	if (from >= to)
		return 0;
	while (!is_done) {
		int error = cache_get(cache, from >> PAGE_SHIFT, &p);

		if (error)
			return error;
		page_lock(p);
		is_done = p->cache == cache && page_has(p, PAGE_UPTODATE);
		// Without a place it is a hole, whose bytes are zeros.
		if (is_done && page_has(p, PAGE_BACKED)) {
			memset((char *)page_address(p) + (from & ~PAGE_MASK), 0, to - from);
			page_mark_dirty(p);
		}
		page_unlock(p);
		page_put(p);
	}
	return 0;
}

// The next page of [first, behind) that has a place or is in memory; behind: none.
static int next_page(struct inode *ip, pgoff_t first, pgoff_t behind, pgoff_t *out)
{
	pgoff_t with_place, in_memory;
	int error = ip->ops->find_data(ip, first, behind, true, &with_place);

	in_memory = cache_next_index(&ip->cache, first, behind);
	*out = min(with_place, in_memory);
	return error;
}

static int punch_page(struct inode *ip, pgoff_t index)
{
	struct cache *cache = &ip->cache;
	struct page *p;
	int error = cache_get_locked(cache, index, &p);

	if (error)
		return error;
	page_wait_writeback(p);
	cache_leave(p, UNMAP_SHARED_ONLY);
	error = ip->ops->punch(ip, p);
	if (error)
		cache_stay(p);
	else
		cache_remove(p);
	page_unlock(p);
	page_put(p);
	return error;
}

// inode->lock held for writing.
static int punch_pages(struct inode *ip, pgoff_t first, pgoff_t behind)
{
	while (first < behind) {
		int error = next_page(ip, first, behind, &first);

		if (!error && first < behind)
			error = punch_page(ip, first++);
		if (error)
			return error;
	}
	return 0;
}

// inode->lock held for writing. Bytes [start, end) become zeros, and their whole pages holes.
static int punch(struct inode *ip, u64 start, u64 end)
{
	u64 size = inode_size(ip);
	u64 first = pages_of(start), behind = end >> PAGE_SHIFT;
	int error;

	if (end >= size) {                      // nothing is kept behind the end of the file
		end = size;
		behind = pages_of(size);
	}
	if (start >= end)
		return 0;
	if (first > behind)                     // within one page
		return zero_part(ip, start, end);
	error = zero_part(ip, start, min(first << PAGE_SHIFT, end));
	if (!error)
		error = punch_pages(ip, first, behind);
	return error ? error : zero_part(ip, behind << PAGE_SHIFT, end);
}

// A place and zeros for one page that has none.
static int fill_hole(struct inode *ip, pgoff_t index)
{
	struct cache *cache = &ip->cache;
	struct page *p;
	int error = cache_get_locked(cache, index, &p);

	if (error)
		return error;
	// Not up to date, and without a place: nobody has anything to read there.
	if (!page_has(p, PAGE_UPTODATE)) {
		memset(page_address(p), 0, PAGE_SIZE);
		page_set(p, PAGE_UPTODATE);
	}
	if (!page_has(p, PAGE_BACKED))
		error = cache->ops->reserve(cache, p);
	if (!error)
		page_mark_dirty(p);
	page_unlock(p);
	page_put(p);
	if (!error)
		writeback_throttle();
	return error;
}

// inode->lock held for writing; the range is within the file.
static int fill_holes(struct inode *ip, u64 start, u64 end)
{
	pgoff_t index = start >> PAGE_SHIFT, behind = pages_of(end);

	while (index < behind) {
		int error = ip->ops->find_data(ip, index, behind, false, &index);

		if (!error && index < behind)
			error = fill_hole(ip, index++);
		if (error)
			return error;
	}
	return 0;
}

// Could the disk hold so many pages of the file, if all that the file has already
// were among them? (Then nobody fills it in vain.)
static bool may_fit(struct inode *ip, u64 nr_pages)
{
	u64 present = READ_ONCE(ip->nr_sectors) / (PAGE_SIZE / 512);
	struct statfs fs = { .f_bsize = PAGE_SIZE };

	if (!ip->sb->ops->statfs || nr_pages <= present)
		return true;
	ip->sb->ops->statfs(ip->sb, &fs);
	return nr_pages - present <= (u64)fs.f_bfree;
}

/*
 * Mode 0, KEEP_SIZE, ZERO_RANGE. The file grows first, so that no page lies past its end; when the disk is full
 * it is cut again. Places behind the end (KEEP_SIZE) are refused: ext2 has no mark for them, and a check
 * of the disk would call them damage. (Linux's ext2 refuses all of this; its ext4 and tmpfs keep such places.)
 */
static int allocate(struct inode *ip, u32 mode, u64 start, u64 end)
{
	u64 old_size = inode_size(ip);
	int error = 0;

	if (end > old_size && mode & FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	if (size_limit_resize(old_size, end))
		return -EFBIG;
	if (!may_fit(ip, pages_of(end) - (start >> PAGE_SHIFT)))
		return -ENOSPC;
	if (end > old_size)
		error = inode_seal_refuses(ip, end) ? -EPERM : ip->ops->resize(ip, end);
	if (!error && mode & FALLOC_FL_ZERO_RANGE)
		error = punch(ip, start, min(end, old_size));
	if (!error)
		error = fill_holes(ip, start, end);
	if (error && inode_size(ip) > old_size)
		(void)!ip->ops->resize(ip, old_size);
	return error;
}

static int check_mode(u32 mode)
{
	u32 action = mode & ~(u32)FALLOC_FL_KEEP_SIZE;

	if (action && action != FALLOC_FL_PUNCH_HOLE && action != FALLOC_FL_ZERO_RANGE)
		return -EOPNOTSUPP;
	return action == FALLOC_FL_PUNCH_HOLE && !(mode & FALLOC_FL_KEEP_SIZE) ? -EOPNOTSUPP : 0;
}

static int check_file(struct file *f, u64 end)
{
	struct inode *ip = f->inode;

	if (f->flags & O_PATH || (f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (S_ISFIFO(ip->mode))
		return -ESPIPE;
	if (S_ISDIR(ip->mode))
		return -EISDIR;
	if (!S_ISREG(ip->mode) && !S_ISBLK(ip->mode))
		return -ENODEV;
	if (ip->sb->max_file_size && end > ip->sb->max_file_size)
		return -EFBIG;
	if (!ip->ops->punch || !ip->ops->find_data)
		return -EOPNOTSUPP;
	return ip->sb->flags & MS_RDONLY ? -EROFS : 0;
}

int file_allocate(struct file *f, u32 mode, u64 position, u64 length)
{
	struct inode *ip = f->inode;
	int error = check_mode(mode);

	if (position > I64_MAX || !length || length > I64_MAX)
		return -EINVAL;
	if (!error)
		error = position + length > I64_MAX ? -EFBIG : check_file(f, position + length);
	if (error)
		return error;
	write_lock(&ip->lock);
	if (mode & ~(u32)FALLOC_FL_KEEP_SIZE && ip->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
		error = -EPERM;
	else if (mode & FALLOC_FL_PUNCH_HOLE)
		error = punch(ip, position, position + length);
	else
		error = allocate(ip, mode, position, position + length);
	if (!error)
		inode_touch(ip, false, true, true);
	write_unlock(&ip->lock);
	return error;
}

int file_punch_hole(struct file *f, u64 position, u64 length)
{
	return file_allocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, position, length);
}

i64 inode_find_data(struct inode *ip, u64 offset, bool wants_data)
{
	u64 size = inode_size(ip);
	pgoff_t behind = pages_of(size), index = offset >> PAGE_SHIFT;
	int error = 0;

	if (offset >= size)
		return -ENXIO;
	if (ip->ops->find_data)
		error = ip->ops->find_data(ip, index, behind, wants_data, &index);
	else if (!wants_data)
		index = behind;                 // everything up to the end counts as data
	if (error)
		return error;
	u64 found = max(index << PAGE_SHIFT, offset);

	if (found < size)
		return (i64)found;
	return wants_data ? -ENXIO : (i64)size;
}
