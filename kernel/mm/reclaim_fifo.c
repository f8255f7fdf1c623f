/*
 * reclaim_fifo.c - first in, first out: the page that came in longest ago leaves, used or not. One list; nothing
 * is ever learned. Here to be compared with: it evicts what everybody uses as soon as enough else has been read.
 */
#include "mm/reclaim_policy.h"

static enum lru fifo_entrance(bool was_missed)
{
	(void)was_missed;
	return LRU_INACTIVE;
}

// To the front with it: if it cannot leave just now (dirty, locked), it is asked again after all others.
static struct page *fifo_candidate(void)
{
	struct page *p = lru_oldest(LRU_INACTIVE);

	if (p)
		lru_move(p, LRU_INACTIVE);
	return p;
}

static bool fifo_spares(struct page *p)
{
	(void)p;
	return false;
}

const struct reclaim_policy reclaim_fifo = { "fifo", fifo_entrance, fifo_candidate, fifo_spares };
