#pragma once
/*
 * writeback.h - when dirty pages go to disk: by age, by amount, and how writers are slowed down. How they go there:
 * cache_write_back (cache.h).
 */
#include "types.h"

struct cache;
struct page;

extern u64 nr_dirty_pages, nr_writeback_pages;  // atomic, all caches that have a disk
extern u64 nr_stuck_pages;              // atomic; those of the dirty pages whose last write failed

// The knobs of /proc/sys/vm, with Linux's meaning.
// Bytes that are not 0 take the place of the ratio (per cent of memory).
struct writeback_limits {
	u64 background_ratio, background_bytes; // above it the flushers write
	u64 hard_ratio, hard_bytes;             // above it writers wait
	u64 expire_centisecs;                   // a page that has been dirty for so long is written
	u64 period_centisecs;                   // how often the flushers look; 0: only when asked
};
extern struct writeback_limits writeback_limits;        // each field read and written whole

void writeback_start(void);             // one flusher thread for each disk that there is
void writeback_wake(void);              // write all that is dirty now: memory is short; any context
void writeback_limits_changed(void);    // the flushers look at the clock anew; any context
// After dirtying a page: the more is dirty, the longer it waits. May sleep; a signal ends the wait.
// The flushers must not need what the caller holds.
void writeback_throttle(void);
// Before dirtying a page of the cache: has its disk failed to write so many that
// no more are taken (-EIO, SIGBUS)? Any context.
bool writeback_is_full(const struct cache *cache);
void writeback_note_unstuck(struct cache *cache, struct page *p);       // cache->lock held: it is written, or dropped
void writeback_page_gone(void);         // a dirty page was dropped (truncation): one less to wait for; any context
void writeback_ended(u32 nr_pages);     // writes of so many pages have ended, well or not; any context
