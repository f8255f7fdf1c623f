/*
 * reclaim_clock.c - the second chance: pages stand in a ring, a hand goes round it, and a page that was used since the
 * hand last passed stays for another round. The ring is one list: the hand is at its back, and what it passes
 * goes to the front. It keeps what is in use, but a scan that is longer than memory makes every round so short
 * that a page must be used very often to be seen.
 */
#include "mm/reclaim_policy.h"

static enum lru clock_entrance(bool was_missed)
{
	(void)was_missed;
	return LRU_INACTIVE;
}

static struct page *clock_candidate(void)
{
	struct page *p = lru_oldest(LRU_INACTIVE);

	if (p)
		lru_move(p, LRU_INACTIVE);      // the hand moves on
	return p;
}

static bool clock_spares(struct page *p)
{
	(void)p;                                // it is behind the hand already
	return true;
}

const struct reclaim_policy reclaim_clock = { "clock", clock_entrance, clock_candidate, clock_spares };
