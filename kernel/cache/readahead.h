#pragma once
/*
 * readahead.h - reading what will be asked for next. What each open file remembers of its reader is a guess:
 * threads that share a file write it without a lock, and a guess that is wrong costs a read, never a wrong byte.
 */
#include "types.h"

struct cache;
struct page;

#define READAHEAD_FIRST 4u              // pages of the first window of a sequential reader
#define READAHEAD_MAX 128u              // of the largest: 512 KiB
#define READAHEAD_ASKED_MAX 512u        // of one WILLNEED or readahead(2): more would wash out the cache
#define READAHEAD_AROUND 16u            // of a block, which a fault reads whole, and shows at once (mm/fault_file.c)

// posix_fadvise, madvise. FAULT is what NORMAL is to a fault.
enum readahead_how { READAHEAD_NORMAL, READAHEAD_FAULT, READAHEAD_RANDOM, READAHEAD_SEQUENTIAL };

struct readahead {
	pgoff_t start;                  // the window that was started last: [start, start + size)
	u32 size;                       // what could be started of it
	u32 window;                     // what was wanted of it; 0: the reader jumps about
	pgoff_t next;                   // behind what was last asked for and not here
	enum readahead_how how;         // posix_fadvise
};

// As cache_get, for a reader who wants nr_wanted pages from index on: starts to read them, and more where he is found
// to read in sequence, in as few requests as the disk's layout allows; waits for the page at index only. May sleep.
int readahead_get(struct cache *cache, struct readahead *ra, enum readahead_how how, pgoff_t index, u32 nr_wanted,
		  struct page **out) MUST_CHECK;
// The reader has come to p, which carries PAGE_READ_AHEAD: starts the window behind the one p belongs to, and waits for
// nothing but the file system's own blocks. p referenced. May sleep.
void readahead_met(struct cache *cache, struct readahead *ra, pgoff_t index, struct page *p);
// Starts to read what is absent of [first, first + nr), as far as the file reaches, READAHEAD_ASKED_MAX pages at most.
void readahead_asked(struct cache *cache, pgoff_t first, u64 nr);
