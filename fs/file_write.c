/*
 * file_write.c - write() through the cache, page by page:
 * into the very pages that mappings show (file_read.c reads them).
 *
 * A write holds inode->lock, and the page lock around each copy. The source may be a mapping of the
 * very page that is locked, so it is faulted in first and copied with faults off; a copy that comes
 * up short is tried again. In that order:
 *   - a page that is not up to date becomes visible only when it is whole:
 *     filled first, or overwritten from end to end;
 *   - a place on disk is reserved before the bytes are visible, and the page is dirty from then on;
 *   - the size grows while the page is still locked, after the bytes are there,
 *     so that write-back (which writes nothing past the size) and readers see either neither or both;
 *   - what lies in memory between the old end and the new bytes is zeroed before (stores past the end are never seen).
 */
#include "kernel.h"
#include "cache/writeback.h"
#include "fs/size_limit.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/reclaim.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "sync/look.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mount.h>

struct page_write {                     // one page's part of a write
	struct inode *ip;
	struct iobuf *from;
	u64 position;
	u32 offset, nr_bytes;           // in the page
	bool fill_first;                // overwriting it whole has come up short once
	bool has_dirtied;               // the page was clean before
};

static void zero_range(struct page *p, u64 from, u64 to)
{
	if (from < to)
		memset((char *)page_address(p) + from, 0, to - from);
}

// Waits for the fill of a locked page; afterwards it is unlocked, and may be gone.
static int fill_and_wait(struct cache *cache, struct page *p)
{
	cache->ops->fill(cache, &p, 1);         // the page lock goes with the request
	page_wait_unlocked(p);
	if (page_has(p, PAGE_UPTODATE) || !page_has(p, PAGE_FAILED))
		return 0;
	return p->error ? p->error : -EIO;
}

// With the page locked and about to change: from now on it has a place on disk and is dirty.
static int reserve(struct cache *cache, struct page *p)
{
	if (cache->ops->reserve && !page_has(p, PAGE_BACKED))
		return cache->ops->reserve(cache, p);
	return 0;
}

static size_t copy_without_faults(struct page_write *w, struct page *p)
{
	uaccess_faults_off();
	size_t copied = iobuf_take(w->from, (char *)page_address(p) + w->offset, w->nr_bytes);

	uaccess_faults_on();
	return copied;
}

static inline void note_dirty(struct page_write *w, struct page *p)
{
	if (page_has(p, PAGE_DIRTY))
		return;
	page_mark_dirty(p);
	w->has_dirtied = true;
}

// Page locked; the bytes are there. The size may grow, and the page is dirty before anybody else
// can have its lock.
static void commit(struct page_write *w, struct page *p, size_t copied)
{
	struct cache *cache = &w->ip->cache;

	if (!page_has(p, PAGE_UPTODATE))
		page_set(p, PAGE_UPTODATE);
	if (w->position + copied > cache->size) {
		WRITE_ONCE(cache->size, w->position + copied);
		inode_mark_dirty(w->ip, INODE_DIRTY_META);
	}
	note_dirty(w, p);
}

// A page that nobody sees yet, because it is not up to date and about to be overwritten whole, or
// lies past the end.
static ssize_t write_unseen(struct page_write *w, struct page *p, bool is_past_end)
{
	struct iobuf before = *w->from;
	size_t copied = copy_without_faults(w, p);

	if (!copied || (copied < w->nr_bytes && !is_past_end)) {
		*w->from = before;
		w->fill_first = true;
		return 0;
	}
	if (is_past_end) {
		zero_range(p, 0, w->offset);
		zero_range(p, w->offset + copied, PAGE_SIZE);
	}
	int error = reserve(&w->ip->cache, p);

	if (error) {
		*w->from = before;
		return error;
	}
	commit(w, p, copied);
	return (ssize_t)copied;
}

static ssize_t write_seen(struct page_write *w, struct page *p)
{
	u64 size = w->ip->cache.size, page_start = w->position - w->offset;
	int error = reserve(&w->ip->cache, p);

	if (error)
		return error;
	note_dirty(w, p);
	if (size > page_start && size < w->position)
		// what was stored past the end is not the file's
		zero_range(p, size - page_start, w->offset);
	size_t copied = copy_without_faults(w, p);

	if (copied)
		commit(w, p, copied);
	return (ssize_t)copied;
}

// The page at position, locked; up to date unless it may be written unseen.
static int get_page_for(struct page_write *w, struct page **out, bool *is_unseen, bool *is_past_end)
{
	struct cache *cache = &w->ip->cache;
	u64 page_start = w->position - w->offset;

	for (;;) {
		int error = cache_get_locked(cache, w->position >> PAGE_SHIFT, out);

		if (error)
			return error;
		struct page *p = *out;

		// A read that raced with a truncation may have left a page past the end: its bytes
		// count for nothing.
		*is_past_end = page_start >= cache->size;
		*is_unseen = *is_past_end || (!page_has(p, PAGE_UPTODATE) &&
					      w->nr_bytes == PAGE_SIZE && !w->fill_first);
		if (*is_unseen || page_has(p, PAGE_UPTODATE))
			return 0;
		error = fill_and_wait(cache, p);
		page_put(p);
		if (error)
			return error;
	}
}

// How much was written; 0: the copy faulted, try again; -errno.
static ssize_t write_page(struct page_write *w)
{
	struct page *p;
	bool is_unseen, is_past_end;
	int error = iobuf_prefault(w->from, w->nr_bytes);

	if (!error)
		error = get_page_for(w, &p, &is_unseen, &is_past_end);
	if (error)
		return error;
	ssize_t n = is_unseen ? write_unseen(w, p, is_past_end) : write_seen(w, p);

	page_unlock(p);
	if (!page_has(p, PAGE_REFERENCED))
		reclaim_used(p);
	page_put(p);
	return n;
}

// The long way, for whatever state the page is in.
static NOINLINE ssize_t write_any_page(struct inode *ip, struct iobuf *from, u64 position, u32 nr_bytes)
{
	struct page_write w = { .ip = ip, .from = from, .position = position, .offset = (u32)(position & ~PAGE_MASK),
				.nr_bytes = nr_bytes };
	ssize_t n;

	if (writeback_is_full(&ip->cache))
		return -EIO;
	do {
		n = write_page(&w);
	} while (n == 0);
	if (n > 0 && w.has_dirtied)
		writeback_throttle();           // the flusher never wants inode->lock
	return n;
}

/*
 * Into a page that is here, up to date and dirty (so it has its place on disk), inside the file:
 * nothing changes but the bytes. The page lock keeps the page in its cache, and the tree's reference its frame.
 * How much was copied; 0: it must be done the long way.
 */
static inline size_t write_dirty(struct inode *ip, struct iobuf *from, u64 position, u32 nr_bytes)
{
	struct cache *cache = &ip->cache;
	size_t copied = 0;

	if (position + nr_bytes > cache->size)
		return 0;
	look_begin();
	struct page *p = radix_find(&cache->pages, position >> PAGE_SHIFT);
	bool is_locked = p && page_try_lock(p);

	look_end();
	if (!is_locked)
		return 0;
	if (p->cache == cache &&
	    (atomic_load(&p->flags) & (PAGE_UPTODATE | PAGE_DIRTY)) == (PAGE_UPTODATE | PAGE_DIRTY)) {
		uaccess_faults_off();
		copied = iobuf_take(from, (char *)page_address(p) + (position & ~PAGE_MASK), nr_bytes);
		uaccess_faults_on();
		if (!page_has(p, PAGE_REFERENCED))
			reclaim_used(p);
	}
	page_unlock(p);
	return copied;
}

static ssize_t write_pages(struct inode *ip, struct iobuf *from, u64 position, size_t nr_bytes)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < nr_bytes) {
		u64 at = position + done;
		u32 part = (u32)min(PAGE_SIZE - (at & ~PAGE_MASK), nr_bytes - done);

		n = (ssize_t)write_dirty(ip, from, at, part);
		if (!n)
			n = write_any_page(ip, from, at, part);
		if (n < 0)
			break;
		done += (size_t)n;
		if (current_must_die())
			break;
		sched_point();
	}
	return done ? (ssize_t)done : n;
}

/*
 * A write that begins past the page of the old end: that page's tail must be zero, in memory and on
 * disk, before the growth makes it part of the file. (A tail in the page that is written itself is
 * write_seen's business.)
 */
static int clear_old_tail(struct inode *ip, u64 position)
{
	u64 size = ip->cache.size;
	struct page *p;

	if (position <= size || !(size & ~PAGE_MASK) || position >> PAGE_SHIFT == size >> PAGE_SHIFT)
		return 0;
	int error = cache_get(&ip->cache, size >> PAGE_SHIFT, &p);

	if (error)
		return error;
	page_lock(p);
	if (p->cache == &ip->cache && page_has(p, PAGE_UPTODATE)) {
		zero_range(p, size & ~PAGE_MASK, PAGE_SIZE);
		if (page_has(p, PAGE_BACKED) || !ip->cache.ops->reserve)
			page_mark_dirty(p);
	}
	page_unlock(p);
	page_put(p);
	return 0;
}

// O_APPEND and the limits.
static inline ssize_t range_of_write(struct file *f, size_t nr_bytes, u64 *position)
{
	struct inode *ip = f->inode;
	u64 limit = ip->sb->max_file_size ? ip->sb->max_file_size : (u64)I64_MAX;

	if (f->flags & O_APPEND)
		*position = ip->cache.size;
	if (*position > I64_MAX)
		return -EINVAL;
	if (!nr_bytes)
		return 0;
	ssize_t allowed = size_limit_write(*position, nr_bytes);

	if (allowed < 0)
		return allowed;
	nr_bytes = (size_t)allowed;
	if (ip->seals) {
		nr_bytes = inode_sealed_room(ip, *position, nr_bytes);
		if (!nr_bytes)
			return -EPERM;
	}
	if (*position >= limit)
		return -EFBIG;
	return (ssize_t)min(nr_bytes, limit - *position);
}

ssize_t file_write_range(struct file *f, size_t nr_bytes, u64 *position)
{
	return range_of_write(f, nr_bytes, position);
}

static inline ssize_t write_locked(struct file *f, struct iobuf *from, u64 *position)
{
	struct inode *ip = f->inode;
	ssize_t n = range_of_write(f, from->remaining, position);
	u64 old_size = ip->cache.size;

	if (n <= 0)
		return n;
	int error = clear_old_tail(ip, *position);

	if (error)
		return error;
	ssize_t done = write_pages(ip, from, *position, (size_t)n);

	// A page past the end may have got a block and no bytes.
	if (done < n && ip->ops->resize && *position + (u64)n > old_size)
		(void)!ip->ops->resize(ip, ip->cache.size);
	if (done > 0) {
		*position += (size_t)done;
		inode_touch(ip, false, true, true);
	}
	return done;
}

ssize_t file_write_locked(struct file *f, struct iobuf *from, u64 *position)
{
	return write_locked(f, from, position);
}

ssize_t file_cache_write(struct file *f, struct iobuf *from, u64 *position)
{
	struct inode *ip = f->inode;
	u64 first;

	if (ip->sb->flags & MS_RDONLY)
		return -EROFS;
	write_lock(&ip->lock);
	ssize_t n = unlikely(file_is_direct(f)) ? file_direct_write(f, from, position) :
		    write_locked(f, from, position);

	first = n > 0 ? *position - (u64)n : 0;
	write_unlock(&ip->lock);
	bool is_sync_mount = ip->sb->flags & MS_SYNCHRONOUS;

	if (n > 0 && (f->flags & O_DSYNC || is_sync_mount)) {
		int error = file_sync(f, first, first + (u64)n - 1, !is_sync_mount && (f->flags & O_SYNC) != O_SYNC);

		if (error)
			return error;
	}
	return n;
}

ssize_t file_write(struct file *f, struct iobuf *from, u64 *position)
{
	if (f->flags & O_PATH || (f->flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	return f->ops->write(f, from, position);
}
