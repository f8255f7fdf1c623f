/*
 * file_read.c - read() through the cache, page by page.
 * It takes bytes from the very pages that mappings show, so there is nothing to keep coherent.
 *
 * A read takes no lock of the file: it looks at the size, gets the page, looks at the size again
 * (the file may have been cut meanwhile), and copies. A page that is here is copied from without
 * even a reference, in a look (sync/look.h), where no fault is resolved: so many who read the same pages
 * write to no common word. Where that comes up short, with a reference to the page: the copy may
 * fault, sleep, and read the disk.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/readahead.h"
#include "fs/vfs.h"
#include "mm/reclaim.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "sync/look.h"
#include <abi/errno.h>

// How much of the page at position belongs to the file and to the read, as the size is now.
static inline size_t part_of_page(const struct inode *ip, const struct iobuf *to, u64 position)
{
	u64 size = inode_size(ip);

	return position >= size ? 0 : min(min(PAGE_SIZE - (position & ~PAGE_MASK), to->remaining), size - position);
}

// Inside a look: from a page that is here, without sleeping. How much was copied; 0: it must be done the long way.
static inline size_t copy_present(struct inode *ip, struct iobuf *to, u64 position)
{
	struct page *p = cache_peek(&ip->cache, position >> PAGE_SHIFT);
	size_t copied = 0;

	if (p) {
		copied = iobuf_put(to, (char *)page_address(p) + (position & ~PAGE_MASK),
				   part_of_page(ip, to, position));
		if (!page_has(p, PAGE_REFERENCED))
			reclaim_used(p);
	}
	if (copied)
		count(COUNTER_CACHE_HITS);
	return copied;
}

static inline size_t read_present(struct inode *ip, struct iobuf *to, u64 position)
{
	look_begin();
	size_t copied = copy_present(ip, to, position);

	look_end();
	return copied;
}

size_t file_read_present(struct file *f, struct iobuf *to, u64 position)
{
	struct inode *ip = f->inode;

	if (f->ops->read != file_cache_read || !S_ISREG(ip->mode) || file_is_direct(f) || !inode_access_is_known(ip))
		return 0;
	return copy_present(ip, to, position);
}

// One page's part of a read. How much was copied; 0: the end of the file; -errno.
static NOINLINE ssize_t read_page(struct inode *ip, struct readahead *ra, struct iobuf *to, u64 position)
{
	struct page *p;

	if (position >= inode_size(ip))
		return 0;
	u64 nr_bytes = min(to->remaining, (u64)READAHEAD_MAX << PAGE_SHIFT);
	u64 nr_wanted = ((position & ~PAGE_MASK) + nr_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
	int error = readahead_get(&ip->cache, ra, READAHEAD_NORMAL, position >> PAGE_SHIFT, (u32)nr_wanted, &p);

	if (error)
		return error;
	// it may have been cut while we slept: what the page holds now is not the file's
	size_t n = part_of_page(ip, to, position);
	size_t copied = n ? iobuf_put(to, (char *)page_address(p) + (position & ~PAGE_MASK), n) : 0;

	reclaim_used(p);
	page_put(p);
	return n && !copied ? -EFAULT : (ssize_t)copied;
}

ssize_t inode_read_pages(struct inode *ip, struct readahead *ra, struct iobuf *to, u64 position)
{
	size_t done = 0;
	ssize_t n = 0;

	while (to->remaining) {
		n = (ssize_t)read_present(ip, to, position + done);
		if (!n)
			n = read_page(ip, ra, to, position + done);
		if (n <= 0)
			break;
		done += (size_t)n;
		if (to->remaining && current_must_die())
			break;
		sched_point();
	}
	return done ? (ssize_t)done : n;
}

ssize_t file_cache_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct inode *ip = f->inode;

	if (S_ISDIR(ip->mode))
		return -EISDIR;
	if (*position > I64_MAX)
		return -EINVAL;
	bool is_direct = unlikely(file_is_direct(f));
	// Most reads want no more than what is present.
	ssize_t n = is_direct ? file_direct_read(f, to, *position) : (ssize_t)read_present(ip, to, *position);

	if (to->remaining && !is_direct) {
		ssize_t more = inode_read_pages(ip, &f->readahead, to, *position + (size_t)n);

		n = more > 0 || !n ? n + more : n;
	}
	if (n > 0)
		*position += (size_t)n;
	if (n >= 0)
		inode_touch_access(ip, f->flags);
	return n;
}

ssize_t inode_read_kernel(struct inode *ip, void *to, size_t nr_bytes, u64 position)
{
	struct iobuf b;

	struct readahead ra = { .how = READAHEAD_RANDOM };      // what is asked for is all that is wanted

	iobuf_init_kernel(&b, to, nr_bytes);
	return inode_read_pages(ip, &ra, &b, position);
}

ssize_t file_read(struct file *f, struct iobuf *to, u64 *position)
{
	if (f->flags & O_PATH || (f->flags & O_ACCMODE) == O_WRONLY)
		return -EBADF;
	if (!f->ops->read)
		return S_ISDIR(f->inode->mode) ? -EISDIR : -EINVAL;
	return f->ops->read(f, to, position);
}
