/*
 * flusher.c - when dirty pages go to disk. A thread for each disk writes what has been dirty for long, and,
 * when more than the background mark is dirty, the oldest files until less is: a slow disk holds up no other.
 *
 * Writers are slowed down before they are stopped. Up to the middle between the two marks they run free. Above it a
 * writer that has dirtied PAUSE_PAGES pages waits until the disks have written some in turn: as many where it stands a
 * third of the way from the middle to the hard mark, twice as many at the half, without bound close to the mark.
 * What is waited for is pages written, not time, so that a fast disk hardly slows anybody
 * and a slow one as much as it must.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/writeback.h"
#include "debug/counters.h"
#include "dev/block.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/format.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/thread.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/cpu.h"

#define NS_PER_CENTISEC 10000000ul
#define PAUSE_PAGES 32u
#define AGAIN_NS 100000000ul

struct writeback_limits writeback_limits = {
	.background_ratio = 10, .hard_ratio = 20, .expire_centisecs = 3000, .period_centisecs = 500,
};

static struct wait_queue flusher_wait = { .waiters = LIST_INIT(flusher_wait.waiters) };         // the flushers
static struct wait_queue throttle_wait = { .waiters = LIST_INIT(throttle_wait.waiters) };       // writers
static u64 nr_calls;            // atomic; how often all flushers were asked to look now,
static u64 nr_calls_for_all;    // atomic; and to write everything
static u64 nr_ended;            // atomic; pages whose write has ended

static u64 mark(u64 nr_bytes, u64 ratio)
{
	return nr_bytes ? max(nr_bytes / PAGE_SIZE, 1ul) : frames_total() * ratio / 100;
}

static u64 hard_mark(void)              // pages
{
	return mark(writeback_limits.hard_bytes, writeback_limits.hard_ratio);
}

static u64 background_mark(u64 hard)
{
	u64 background = mark(writeback_limits.background_bytes, writeback_limits.background_ratio);

	return background < hard ? background : hard / 2;
}

void writeback_wake(void)
{
	atomic_add(&nr_calls_for_all, 1);
	atomic_add(&nr_calls, 1);
	wake_all(&flusher_wait);
}

void writeback_limits_changed(void)
{
	atomic_add(&nr_calls, 1);
	wake_all(&flusher_wait);
	wake_all(&throttle_wait);
}

void writeback_page_gone(void)
{
	atomic_sub(&nr_dirty_pages, 1);
	wake_all(&throttle_wait);
}

void writeback_ended(u32 nr_pages)
{
	atomic_add(&nr_ended, nr_pages);
	wake_all(&throttle_wait);
}

/* --- writers ----------------------------------------------------------------- */

// What can be written soon. The parts are read one after the other, so a difference may be below 0 for a moment.
static u64 nr_to_write(void)
{
	i64 nr = (i64)(READ_ONCE(nr_dirty_pages) - READ_ONCE(nr_stuck_pages));

	return (u64)max(nr, 0l);
}

static u64 nr_unwritten(void)
{
	return nr_to_write() + READ_ONCE(nr_writeback_pages);
}

/*
 * A file with stuck pages takes no more when all stuck pages together are as many as may be dirty at once;
 * another file of its file system, which may lie on a part of the disk that works, when they are half of memory.
 */
bool writeback_is_full(const struct cache *cache)
{
	u64 nr = READ_ONCE(nr_stuck_pages);

	if (likely(!nr) || !cache->inode || !READ_ONCE(cache->inode->sb->nr_stuck_pages))
		return false;
	return nr >= (READ_ONCE(cache->nr_stuck) ? hard_mark() : frames_total() / 2);
}

static bool may_go_on(u64 middle, u64 hard, u64 ended_before, u64 wanted)
{
	u64 nr = nr_unwritten();

	return nr <= middle || (nr <= hard && READ_ONCE(nr_ended) - ended_before >= wanted);
}

void writeback_throttle(void)
{
	u64 hard = hard_mark(), background = background_mark(hard), nr = nr_unwritten();

	if (likely(nr <= background))
		return;
	if (!wait_queue_is_empty(&flusher_wait)) {
		atomic_add(&nr_calls, 1);
		wake_all(&flusher_wait);
	}
	u64 middle = (background + hard) / 2;

	if (nr <= middle || (nr <= hard && ++current->nr_dirtied < PAUSE_PAGES))
		return;
	u64 wanted = nr < hard ? PAUSE_PAGES * (nr - middle) * 2 / (hard - nr) : 0;
	u64 before = READ_ONCE(nr_ended);

	current->nr_dirtied = 0;
	count(COUNTER_DIRTY_PAUSES);
	(void)!wait_event_interruptible(&throttle_wait, may_go_on(middle, hard, before, wanted));
}

/* --- flushers ---------------------------------------------------------------- */

// One pass over a disk: its files, the oldest first, then its blocks.
// What is younger than that is left alone unless too much is dirty.
static void flush_disk(struct block_device *device, u64 older_than_ns, bool is_for_amount)
{
	u64 start = clock_monotonic_ns();

	for (struct superblock *sb = superblock_next(NULL); sb; sb = superblock_next(sb)) {
		if (sb->device != device)
			continue;
		// An error stays with the page and its file; the next sync there reports it.
		while (inodes_write_oldest(sb, older_than_ns)) {
		}
		while (is_for_amount && nr_to_write() > background_mark(hard_mark()) &&
		       inodes_write_oldest(sb, start)) {
		}
		if (sb->ops->sync)
			(void)!sb->ops->sync(sb);
	}
	struct cache *blocks = &device->cache;

	if (is_for_amount || READ_ONCE(blocks->dirty_since_ns) <= older_than_ns)
		cache_write_in_background(blocks);
}

static u64 period_end(u64 now)
{
	u64 period = READ_ONCE(writeback_limits.period_centisecs);

	// Pages that were dirtied again while they were written are still there, and somebody waits.
	if (!wait_queue_is_empty(&throttle_wait) && nr_unwritten() > background_mark(hard_mark()))
		return now + AGAIN_NS;
	return period ? now + period * NS_PER_CENTISEC : U64_MAX;
}

// Sleeps until somebody calls or the period is over.
static void sleep_until_called(u64 calls_seen)
{
	u64 end = period_end(clock_monotonic_ns());
	struct waiter w;

	wait_begin(&flusher_wait, &w, WAIT_UNINTERRUPTIBLE);
	if (READ_ONCE(nr_calls) == calls_seen)
		(void)!wait_timeout_sleep(&w, WAIT_UNINTERRUPTIBLE, end);
	wait_end(&flusher_wait, &w);
}

static void flusher(void *argument)
{
	struct block_device *device = argument;
	u64 seen = 0, seen_for_all = 0;

	for (;;) {
		sleep_until_called(seen);
		u64 now = clock_monotonic_ns(), age = READ_ONCE(writeback_limits.expire_centisecs) * NS_PER_CENTISEC;
		u64 calls_for_all = atomic_load(&nr_calls_for_all);

		seen = atomic_load(&nr_calls);
		// Asked for all: somebody lacks memory, and young dirty pages stand in the way as much as old ones.
		if (calls_for_all != seen_for_all)
			flush_disk(device, now, true);
		else
			flush_disk(device, now > age ? now - age : 0, nr_unwritten() > background_mark(hard_mark()));
		seen_for_all = calls_for_all;
	}
}

void writeback_start(void)
{
	char name[16];

	for (struct block_device *d = block_device_next(NULL); d; d = block_device_next(d)) {
		format_string(name, sizeof(name), "flush-%s", d->name);
		if (!kernel_thread_create(name, flusher, d))
			panic("no memory for a flusher");
	}
}
