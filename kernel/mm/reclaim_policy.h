#pragma once
/*
 * reclaim_policy.h - the order in which pages leave. reclaim.c keeps the lists, looks whether a candidate was used, and
 * takes it out of page tables and caches; which page is the next candidate, and whether use saves it, is the policy's.
 * There are three, to be compared: fifo (reclaim_fifo.c), clock (reclaim_clock.c), two-list (reclaim_two_list.c).
 *
 * Every function is called with lru_lock held and must not sleep. The front of a list is where pages come in.
 */
#include "types.h"
#include "lib/list.h"

struct page;

enum lru {
	LRU_INACTIVE,           // new ones, seen once: where candidates come from
	LRU_ACTIVE,             // seen again (two-list only)
	LRU_LOCKED,             // shown by an area that is locked into memory: nobody looks at them
	NR_LRU
};

struct lru_list {
	struct list pages;      // page.link, newest first
	u64 nr;
};
extern struct lru_list lru_lists[NR_LRU];       // GUARDED_BY(lru_lock)

struct reclaim_policy {
	const char *name;
	// The list for a page that comes in. was_missed: it had left only a short while ago (mm/workingset.h).
	enum lru (*entrance)(bool was_missed);
	// The page that should leave next, moved so that the next call gives another; NULL: none.
	struct page *(*candidate)(void);
	// A candidate was used since somebody last looked. True: it stays, and has been put where it shall be.
	bool (*spares)(struct page *p);
};

extern const struct reclaim_policy reclaim_fifo, reclaim_clock, reclaim_two_list;

// For policies: the page at the back, or NULL; and from the list where it is to the front of one.
struct page *lru_oldest(enum lru which);
void lru_move(struct page *p, enum lru to);
