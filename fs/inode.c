/*
 * inode.c - the things that names lead to, found by (superblock, number). The hard part is the last
 * reference: an inode whose last name is gone is evicted (its blocks are freed) while a newcomer
 * may already ask for the same number, and one that is merely unused stays here until memory is
 * wanted.
 *
 * hash_lock (spin) covers the hash, every superblock's lists, the list of unused inodes,
 * inode.state, and the step of a reference count to or from 0. States: NEW (being read; waiters
 * hold references), FAILED (could not be read; out of the hash), FREEING (being evicted; still in
 * the hash, so that its number is not used twice), LISTED (among the dirty ones).
 *
 *  I1  In the list of unused inodes iff refs == 0 and not FREEING.
 *  I2  dirty != 0 implies LISTED, or that the writer who has just taken it off the list will look at dirty again.
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "sync/wait.h"
#include "x86/clock.h"
#include <abi/errno.h>

#define NR_BUCKETS 2048
#define LOOKED_AT_ONCE 256u             // unused inodes, beyond those that are dropped, in one call

enum inode_state {
	INODE_NEW = 1u << 0,
	INODE_FAILED = 1u << 1,
	INODE_FREEING = 1u << 2,
	INODE_LISTED = 1u << 3,
	INODE_UNHASHED = 1u << 4,       // never in the hash: pipes and unnamed files
};

static struct spinlock hash_lock = SPINLOCK_INIT("inode hash", RANK_INODE_HASH);
static struct list buckets[NR_BUCKETS];         // GUARDED_BY(hash_lock)
static struct list unused = LIST_INIT(unused);  // GUARDED_BY(hash_lock) the longest unused first
static u64 nr_inodes;                           // GUARDED_BY(hash_lock)
// GUARDED_BY(hash_lock) counts freed ones, for who waits for a number
static u64 nr_gone;
static struct wait_queue state_wait;            // NEW or FREEING has ended somewhere

void inode_room_init(void)
{
	for (u32 i = 0; i < NR_BUCKETS; i++)
		list_init(&buckets[i]);
	wait_queue_init(&state_wait);
}

u64 inodes_count(void)
{
	return READ_ONCE(nr_inodes);
}

static struct list *bucket_of(struct superblock *sb, u64 number)
{
	return &buckets[(number * 0x9e3779b97f4a7c15ul ^ (u64)sb >> 6) % NR_BUCKETS];
}

static void inode_setup(struct inode *ip, struct superblock *sb, u64 number, u32 state)
{
	*ip = (struct inode){ .sb = sb, .number = number, .refs = 1, .state = state };
	rwlock_init(&ip->lock, "inode.lock", RANK_INODE);
	spin_init(&ip->times_lock, "inode.times_lock", RANK_INODE_HASH);
	list_init(&ip->hash_link);
	list_init(&ip->sb_link);
	list_init(&ip->dirty_link);
	list_init(&ip->lru_link);
	list_init(&ip->file_locks);
	cache_init(&ip->cache, NULL, ip, 0);
	ip->cache.drops_failed = sb && sb->drops_failed_writes;
}

void inode_init_unhashed(struct inode *ip, struct superblock *sb)
{
	inode_setup(ip, sb, 0, INODE_UNHASHED);
}

// hash_lock held.
static struct inode *find(struct superblock *sb, u64 number)
{
	struct inode *ip;

	list_for_each(ip, bucket_of(sb, number), hash_link) {
		if (ip->sb == sb && ip->number == number)
			return ip;
	}
	return NULL;
}

// hash_lock held.
static void hold_locked(struct inode *ip)
{
	if (atomic_add_return(&ip->refs, 1) == 1)
		list_remove(&ip->lru_link);     // I1
}

static void insert_new(struct inode *ip)
{
	list_push_front(bucket_of(ip->sb, ip->number), &ip->hash_link);
	list_push_back(&ip->sb->inodes, &ip->sb_link);
	nr_inodes++;
}

// Somebody else's inode, referenced: waits until it has been read. False: that failed.
static bool wait_ready(struct inode *ip)
{
	wait_event(&state_wait, !(READ_ONCE(ip->state) & INODE_NEW));
	return !(READ_ONCE(ip->state) & INODE_FAILED);
}

int inode_get(struct superblock *sb, u64 number, struct inode **out, bool *is_new)
{
	struct inode *fresh = NULL;

	for (;;) {
		spin_lock(&hash_lock);
		struct inode *ip = find(sb, number);
		u64 seen = nr_gone;

		if (ip && !(ip->state & INODE_FREEING)) {
			hold_locked(ip);
			spin_unlock(&hash_lock);
			if (!wait_ready(ip)) {
				inode_put(ip);
				continue;
			}
			if (fresh)
				sb->ops->inode_free(fresh);
			*is_new = false;
			*out = ip;
			return 0;
		}
		if (!ip && fresh) {
			inode_setup(fresh, sb, number, INODE_NEW);
			insert_new(fresh);
			spin_unlock(&hash_lock);
			*is_new = true;
			*out = fresh;
			return 0;
		}
		spin_unlock(&hash_lock);
		if (ip)
			wait_event(&state_wait, READ_ONCE(nr_gone) != seen);
		else if (!(fresh = sb->ops->inode_alloc(sb)))
			return -ENOMEM;
	}
}

void inode_ready(struct inode *ip)
{
	if (S_ISDIR(ip->mode))
		ip->lock.rank = RANK_DIRECTORY;
	spin_lock(&hash_lock);
	ip->state &= ~(u32)INODE_NEW;
	spin_unlock(&hash_lock);
	wake_all(&state_wait);
}

void inode_failed(struct inode *ip)
{
	spin_lock(&hash_lock);
	ip->state = (ip->state & ~(u32)INODE_NEW) | INODE_FAILED;
	list_remove(&ip->hash_link);
	list_remove(&ip->dirty_link);
	spin_unlock(&hash_lock);
	wake_all(&state_wait);
	inode_put(ip);
}

void inode_hold(struct inode *ip)
{
	atomic_add(&ip->refs, 1);
}

// Nobody can find or reach it any more: gives the memory back.
static void release_memory(struct inode *ip)
{
	struct superblock *sb = ip->sb;

	spin_lock(&hash_lock);
	if (!(ip->state & INODE_UNHASHED))
		nr_inodes--;
	list_remove(&ip->hash_link);
	list_remove(&ip->sb_link);
	list_remove(&ip->dirty_link);
	nr_gone++;
	spin_unlock(&hash_lock);
	wake_all(&state_wait);
	sb->ops->inode_free(ip);
}

// FREEING (or never hashed): the only user is this thread. May sleep.
static void evict(struct inode *ip)
{
	cache_destroy(&ip->cache);
	if (ip->sb->ops->inode_evict && !(ip->state & INODE_FAILED))
		ip->sb->ops->inode_evict(ip);
	release_memory(ip);
}

// Takes a reference away while others remain; false when this is the last.
static bool put_shared(struct inode *ip)
{
	i32 refs = atomic_load(&ip->refs);

	while (refs > 1) {
		if (atomic_compare_exchange(&ip->refs, refs, refs - 1))
			return true;
		refs = atomic_load(&ip->refs);
	}
	return false;
}

void inode_put(struct inode *ip)
{
	debug_assert(ip->refs > 0);
	if (put_shared(ip))
		return;
	spin_lock(&hash_lock);
	if (atomic_sub_return(&ip->refs, 1) > 0) {
		spin_unlock(&hash_lock);
		return;
	}
	bool is_last = ip->nr_links == 0 || ip->state & (INODE_FAILED | INODE_UNHASHED);

	if (is_last) {
		ip->state |= INODE_FREEING;
		list_remove(&ip->dirty_link);
		ip->state &= ~(u32)INODE_LISTED;
	} else {
		list_push_back(&unused, &ip->lru_link);
	}
	spin_unlock(&hash_lock);
	if (is_last)
		evict(ip);
}

void inode_mark_dirty(struct inode *ip, u32 what)
{
	if (!ip->cache.ops || !ip->cache.ops->store)
		what &= ~(u32)INODE_DIRTY_PAGES;
	if (!ip->sb->ops->inode_write)
		what &= ~(u32)(INODE_DIRTY_TIMES | INODE_DIRTY_META);
	// A full barrier: either the writer that has just cleared the bits sees the change, or we
	// see them cleared (I2).
	if (!what || (atomic_fetch_or(&ip->dirty, what) & what) == what)
		return;
	spin_lock(&hash_lock);
	if (!(ip->state & (INODE_LISTED | INODE_FREEING | INODE_FAILED))) {
		ip->state |= INODE_LISTED;
		ip->dirty_since_ns = clock_monotonic_ns();
		list_push_back(&ip->sb->dirty_inodes, &ip->dirty_link);
	}
	spin_unlock(&hash_lock);
}

void inode_fill_stat(struct inode *ip, struct stat *out)
{
	*out = (struct stat){
		.st_dev = ip->sb->device_id,
		.st_ino = ip->number,
		.st_nlink = READ_ONCE(ip->nr_links),
		.st_mode = READ_ONCE(ip->mode),
		.st_uid = READ_ONCE(ip->uid),
		.st_gid = READ_ONCE(ip->gid),
		.st_rdev = ip->device_number,
		.st_size = (long)inode_size(ip),
		.st_blksize = PAGE_SIZE,
		.st_blocks = (long)READ_ONCE(ip->nr_sectors),
	};
	spin_lock(&ip->times_lock);
	out->st_atim = ip->atime;
	out->st_mtim = ip->mtime;
	out->st_ctim = ip->ctime;
	spin_unlock(&ip->times_lock);
}

// One writer at a time: who comes while another has taken the bits and not yet written the block must not believe that
// all is done.
int inode_write_meta(struct inode *ip)
{
	const u32 wanted = INODE_DIRTY_TIMES | INODE_DIRTY_META;
	u32 dirty;

	do {
		wait_event(&state_wait, !(atomic_load(&ip->dirty) & INODE_BEING_WRITTEN));
		dirty = atomic_load(&ip->dirty);
		if (!(dirty & (wanted | INODE_BEING_WRITTEN)))
			return 0;
	} while (dirty & INODE_BEING_WRITTEN ||
		 !atomic_compare_exchange(&ip->dirty, dirty, (dirty & ~wanted) | INODE_BEING_WRITTEN));
	int error = ip->sb->ops->inode_write(ip);

	if (error)
		inode_mark_dirty(ip, INODE_DIRTY_META);
	atomic_and(&ip->dirty, ~(u32)INODE_BEING_WRITTEN);
	wake_all(&state_wait);
	return error;
}

// Referenced by the caller: writes it, and lists it again (if it is not listed) when it is still or
// again dirty.
static int write_one(struct inode *ip, enum sync_mode mode)
{
	int error = 0, later;

	if (atomic_fetch_and(&ip->dirty, ~(u32)INODE_DIRTY_PAGES) & INODE_DIRTY_PAGES) {
		if (mode == SYNC_WAIT)
			error = cache_write_back(&ip->cache, 0, U64_MAX - 1, SYNC_WAIT);
		else
			cache_write_in_background(&ip->cache);
	}
	later = inode_write_meta(ip);
	// Writes under way may fail and leave their pages dirty: look again later.
	if (READ_ONCE(ip->cache.nr_dirty) || READ_ONCE(ip->cache.nr_writeback))
		atomic_or(&ip->dirty, INODE_DIRTY_PAGES);
	spin_lock(&hash_lock);
	if (atomic_load(&ip->dirty) && !(ip->state & (INODE_LISTED | INODE_FREEING))) {
		ip->state |= INODE_LISTED;
		ip->dirty_since_ns = clock_monotonic_ns();
		list_push_back(&ip->sb->dirty_inodes, &ip->dirty_link);
	}
	spin_unlock(&hash_lock);
	return error ? error : later;
}

// The oldest dirty inode, off the list and referenced; NULL when all are younger.
static struct inode *take_dirty(struct superblock *sb, u64 not_after_ns)
{
	struct inode *ip = NULL;

	spin_lock(&hash_lock);
	if (!list_is_empty(&sb->dirty_inodes)) {
		ip = list_first(&sb->dirty_inodes, struct inode, dirty_link);
		if (ip->dirty_since_ns > not_after_ns) {
			ip = NULL;
		} else {
			list_remove(&ip->dirty_link);
			ip->state &= ~(u32)INODE_LISTED;
			hold_locked(ip);
		}
	}
	spin_unlock(&hash_lock);
	return ip;
}

int inodes_write_back(struct superblock *sb, u64 older_than_ns, enum sync_mode mode)
{
	// what is listed again from now on waits for the next call
	u64 start = clock_monotonic_ns();
	struct inode *ip;
	int error = 0;

	while ((ip = take_dirty(sb, min(older_than_ns, start)))) {
		int this_error = write_one(ip, mode);

		error = error ? error : this_error;
		inode_put(ip);
	}
	return error;
}

bool inodes_write_oldest(struct superblock *sb, u64 not_after_ns)
{
	struct inode *ip = take_dirty(sb, not_after_ns);

	if (!ip)
		return false;
	(void)!write_one(ip, SYNC_START);
	inode_put(ip);
	return true;
}

void inodes_for_each(struct superblock *sb, void (*f)(struct inode *ip, void *argument), void *argument)
{
	struct inode *previous = NULL;

	spin_lock(&hash_lock);
	for (struct list *at = sb->inodes.next; at != &sb->inodes; at = at->next) {
		struct inode *ip = list_entry(at, struct inode, sb_link);

		if (ip->state & (INODE_NEW | INODE_FREEING | INODE_FAILED))
			continue;
		hold_locked(ip);
		spin_unlock(&hash_lock);
		if (previous)
			inode_put(previous);
		f(ip, argument);
		previous = ip;          // its reference keeps our place in the list
		spin_lock(&hash_lock);
	}
	spin_unlock(&hash_lock);
	if (previous)
		inode_put(previous);
}

// hash_lock held. The first unused inode that may be freed: of sb when that is not NULL, else any
// that is clean and has no pages.
static struct inode *find_unused(struct superblock *sb, u64 *nr_looks)
{
	struct inode *ip, *following;

	list_for_each_safe(ip, following, &unused, lru_link) {
		if (sb && ip->sb == sb)
			return ip;
		if (sb)
			continue;
		if (!*nr_looks)
			return NULL;
		*nr_looks -= 1;
		// Asked again after all others: of many inodes with pages, each call looks at a few.
		list_remove(&ip->lru_link);
		list_push_back(&unused, &ip->lru_link);
		if (atomic_load(&ip->dirty) || ip->state & INODE_LISTED)
			continue;
		u64 flag = spin_lock_irq(&ip->cache.lock);
		bool is_empty = !ip->cache.pages.nr_items && !ip->cache.nr_writeback;

		spin_unlock_irq(&ip->cache.lock, flag);
		if (is_empty)
			return ip;
	}
	return NULL;
}

static u64 drop(struct superblock *sb, u64 max_nr)
{
	u64 nr = 0, nr_looks = max_nr == U64_MAX ? READ_ONCE(nr_inodes) : max_nr + LOOKED_AT_ONCE;

	while (nr < max_nr) {
		spin_lock(&hash_lock);
		struct inode *ip = find_unused(sb, &nr_looks);

		if (ip) {
			ip->state |= INODE_FREEING;
			list_remove(&ip->lru_link);
			list_remove(&ip->dirty_link);
		}
		spin_unlock(&hash_lock);
		if (!ip)
			break;
		cache_destroy(&ip->cache);
		release_memory(ip);
		nr++;
	}
	return nr;
}

u64 inodes_drop_unused(u64 max_nr)
{
	return drop(NULL, max_nr);
}

void inodes_drop_all(struct superblock *sb)
{
	drop(sb, U64_MAX);
}
