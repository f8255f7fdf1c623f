/*
 * reclaim_two_list.c - seen once, seen again. New pages enter the inactive list, and candidates come from its
 * back only. A candidate that was used once since it came goes round once more; one that was used again moves
 * to the active list. So a big scan, whose pages are used once, washes out only the inactive list. The active
 * list gives up its oldest while it is the longer one: those are watched again from the front of the inactive list.
 *
 * A hot page whose uses lie just too far apart for the inactive list would never become active: it is read,
 * leaves, is read again. The refault distance finds it (mm/workingset.h): it comes back as an active page.
 */
#include "mm/reclaim_policy.h"
#include "mm/page.h"

#define TRIMMED_AT_ONCE 4               // active pages that are looked at for one candidate

static enum lru two_list_entrance(bool was_missed)
{
	return was_missed ? LRU_ACTIVE : LRU_INACTIVE;
}

static void trim_active(void)
{
	for (u32 i = 0; i < TRIMMED_AT_ONCE && lru_lists[LRU_ACTIVE].nr > lru_lists[LRU_INACTIVE].nr; i++) {
		struct page *p = lru_oldest(LRU_ACTIVE);
		bool was_used = page_has(p, PAGE_REFERENCED);

		page_clear(p, PAGE_REFERENCED);
		lru_move(p, was_used ? LRU_ACTIVE : LRU_INACTIVE);
	}
}

static struct page *two_list_candidate(void)
{
	trim_active();
	struct page *p = lru_oldest(LRU_INACTIVE);

	if (p)
		lru_move(p, LRU_INACTIVE);
	return p;
}

// The first use is the one for which it was brought in; the mark that it leaves makes the next one count.
static bool two_list_spares(struct page *p)
{
	if (page_has(p, PAGE_USED_ONCE)) {
		page_clear(p, PAGE_USED_ONCE);
		lru_move(p, LRU_ACTIVE);
	} else {
		page_set(p, PAGE_USED_ONCE);
	}
	return true;
}

const struct reclaim_policy reclaim_two_list = { "two-list", two_list_entrance, two_list_candidate, two_list_spares };
