/*
 * readahead.c - reading what will be asked for next, before it is asked for.
 *
 *              window k, in memory               window k + 1, being read
 *      ...------------------------------+--------------------------------------...
 *                   ^ reader            ^ marked: when the reader comes here, k + 2 is started
 *
 * A reader who goes on where he stopped gets a window of READAHEAD_FIRST pages; each window is twice the one before, up
 * to READAHEAD_MAX. Its first page (in the first window: the first that nobody has asked for yet) is marked
 * PAGE_READ_AHEAD. Coming to the mark starts the next window, so the disk works on one while the reader works
 * on the other, and he waits only when he is the faster of the two. A page that is absent and not next collapses
 * the window: then only what was asked for is read.
 *
 * A fault that collapses it, or finds none, looks around. Where something is in memory of its block
 * (READAHEAD_AROUND pages) or of the blocks beside it, others have been near, and the whole block is read:
 * code jumps about, but not far. The first to come to a part of the file gets his page and no more,
 * so who touches few pages of a large file reads only those.
 *
 *  RA1  Nothing past the end of the file is read.
 *  RA2  What is not asked for is read only with memory that is free: a frame is not reclaimed for a guess.
 *       A window that lacks frames is shorter, and the reader who gets to its end asks again. Around a fault,
 *       which is the weaker guess, nothing is read but where reclaim is far.
 *  RA3  Pages are entered and sent in order, as many at once as follow each other:
 *       cache_ops.fill makes requests of them.
 *
 * No lock: struct readahead is a guess (see the header), pages are entered by the cache's rules (cache_add_many).
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/readahead.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "x86/cpu.h"
#include <abi/errno.h>

static inline u32 within(u64 n, u32 low, u32 high)
{
	return n < low ? low : n > high ? high : (u32)n;
}

static pgoff_t nr_pages_of(const struct cache *cache)
{
	return PAGE_ALIGN_UP(READ_ONCE(cache->size)) >> PAGE_SHIFT;
}

// Starts to read what is absent of [first, first + nr), marking the page at `marked` when it is one of them. How far it
// came: pages that are here or on their way, fewer than nr at the end of the file or where frames are short.
static u32 start(struct cache *cache, pgoff_t first, u32 nr, pgoff_t marked)
{
	pgoff_t end = nr_pages_of(cache);       // RA1
	u32 done = 0;

	nr = first < end ? (u32)min((u64)nr, end - first) : 0;
	if (!nr)
		return 0;
	struct page **pages = kmalloc(nr * sizeof(*pages));

	while (pages && done < nr) {
		int n = cache_add_many(cache, first + done, nr - done, pages);

		if (n < 0)
			break;
		for (int i = 0; i < n; i++) {
			if (pages[i]->index == marked)
				page_set(pages[i], PAGE_READ_AHEAD);
		}
		if (n) {
			count_add(COUNTER_READAHEAD_PAGES, (u32)n);
			cache->ops->fill(cache, pages, (u32)n);
		}
		for (int i = 0; i < n; i++)
			page_put(pages[i]);
		done += n ? (u32)n : 1;         // nothing entered: the first is here already
	}
	kfree(pages);
	return done;
}

// The file's memory is not the disk's: reading ahead would only make pages that nobody wants.
static bool has_disk(const struct cache *cache)
{
	return cache->ops->store;
}

static void start_window(struct cache *cache, struct readahead *ra, pgoff_t first, u32 window, pgoff_t marked)
{
	ra->start = first;
	ra->window = window;
	ra->size = start(cache, first, window, marked);
}

// Is there a page in memory of the block of index, or of those beside it, and room for more?
static bool is_worth_reading_around(struct cache *cache, pgoff_t index)
{
	pgoff_t block = index & ~(pgoff_t)(READAHEAD_AROUND - 1), behind = block + 2 * READAHEAD_AROUND;

	return reclaim_is_far() &&
	       cache_next_index(cache, block - min(block, (pgoff_t)READAHEAD_AROUND), behind) < behind;
}

// The page at index is absent, and nr_wanted from it on are asked for.
static void on_absent(struct cache *cache, struct readahead *ra, enum readahead_how how, pgoff_t index, u32 nr_wanted)
{
	bool follows = ra->window && index == ra->start + ra->size;
	u32 window = 0;

	nr_wanted = within(nr_wanted, 1u, READAHEAD_MAX);
	if (how == READAHEAD_SEQUENTIAL)
		window = READAHEAD_MAX;
	else if (how != READAHEAD_RANDOM && follows)
		window = within(ra->window * 2, READAHEAD_FIRST, READAHEAD_MAX);
	else if (how != READAHEAD_RANDOM && index == ra->next)
		window = within(nr_wanted * 2, READAHEAD_FIRST, READAHEAD_MAX);
	if (window) {
		ra->next = index + nr_wanted;
		start_window(cache, ra, index, max(window, nr_wanted), index + min(nr_wanted, window - 1));
		return;
	}
	ra->window = 0;
	if (how == READAHEAD_FAULT && is_worth_reading_around(cache, index)) {
		index &= ~(pgoff_t)(READAHEAD_AROUND - 1);
		nr_wanted = READAHEAD_AROUND;
	}
	ra->next = index + nr_wanted;
	if (nr_wanted > 1)
		start(cache, index, nr_wanted, U64_MAX);
}

void readahead_met(struct cache *cache, struct readahead *ra, pgoff_t index, struct page *p)
{
	pgoff_t first = ra->start + ra->size;
	u32 window = within(ra->window * 2, READAHEAD_FIRST, READAHEAD_MAX);

	if (!page_has(p, PAGE_READ_AHEAD))
		return;                                 // another was here just before
	page_clear(p, PAGE_READ_AHEAD);
	count(COUNTER_READAHEAD_HITS);
	if (index < ra->start || index >= first) {      // another reader's mark: go on where what is here ends
		first = cache_next_absent(cache, index + 1, index + READAHEAD_MAX);
		window = within(first - index, READAHEAD_FIRST, READAHEAD_MAX);
	}
	if (first >= nr_pages_of(cache))
		return;
	count(COUNTER_READAHEAD_ASYNC);
	start_window(cache, ra, first, window, first);
}

int readahead_get(struct cache *cache, struct readahead *ra, enum readahead_how how, pgoff_t index, u32 nr_wanted,
		  struct page **out)
{
	if (how <= READAHEAD_FAULT && ra->how != READAHEAD_NORMAL)
		how = ra->how;
	struct page *p = has_disk(cache) ? cache_find(cache, index) : NULL;

	if (p && page_has(p, PAGE_READ_AHEAD))
		readahead_met(cache, ra, index, p);
	else if (!p && has_disk(cache))
		on_absent(cache, ra, how, index, nr_wanted);
	if (p && page_has(p, PAGE_UPTODATE)) {
		count(COUNTER_CACHE_HITS);
		*out = p;
		return 0;
	}
	if (p)
		page_put(p);
	return cache_get(cache, index, out);
}

void readahead_asked(struct cache *cache, pgoff_t first, u64 nr)
{
	u32 left = (u32)min(nr, (u64)READAHEAD_ASKED_MAX);

	while (left && has_disk(cache)) {
		u32 nr_now = min(left, READAHEAD_MAX);

		if (start(cache, first, nr_now, U64_MAX) < nr_now)
			break;
		first += nr_now;
		left -= nr_now;
	}
}
