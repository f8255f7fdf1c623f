/*
 * reclaim_test.c - the orders in which pages leave, page by page: the lists are the test's own, and a page was
 * used when the test says so.
 */
// BUILD: kernel/mm/reclaim_two_list.c kernel/mm/reclaim_clock.c kernel/mm/reclaim_fifo.c
#include "kernel.h"
#include "mm/page.h"
#include "mm/reclaim_policy.h"

#define NR_PAGES 12u

struct lru_list lru_lists[NR_LRU];
static struct page pages[NR_PAGES];

/* --- reclaim.c's part ----------------------------------------------------------- */

static void link_page(struct page *p, enum lru to)
{
	if (to == LRU_ACTIVE)
		page_set(p, PAGE_ACTIVE);
	list_push_front(&lru_lists[to].pages, &p->link);
	lru_lists[to].nr++;
}

static bool is_active(u32 i)
{
	return page_has(&pages[i], PAGE_ACTIVE);
}

struct page *lru_oldest(enum lru which)
{
	struct list *all = &lru_lists[which].pages;

	return list_is_empty(all) ? NULL : list_last(all, struct page, link);
}

void lru_move(struct page *p, enum lru to)
{
	list_remove(&p->link);
	lru_lists[page_has(p, PAGE_ACTIVE) ? LRU_ACTIVE : LRU_INACTIVE].nr--;
	page_clear(p, PAGE_ACTIVE);
	link_page(p, to);
}

/* --- the test's ------------------------------------------------------------------- */

// Pages 0 to nr - 1 have come in, in this order.
static void begin(const struct reclaim_policy *policy, u32 nr)
{
	for (u32 i = 0; i < NR_LRU; i++) {
		list_init(&lru_lists[i].pages);
		lru_lists[i].nr = 0;
	}
	for (u32 i = 0; i < nr; i++) {
		pages[i] = (struct page){ .flags = 0 };
		list_init(&pages[i].link);
		link_page(&pages[i], policy->entrance(false));
	}
}

static i32 candidate(const struct reclaim_policy *policy)
{
	struct page *p = policy->candidate();

	return p ? (i32)(p - pages) : -1;
}

// The next candidates are these.
static bool are_next(const struct reclaim_policy *policy, u32 nr, const i32 *expected)
{
	for (u32 i = 0; i < nr; i++) {
		i32 seen = candidate(policy);

		if (seen != expected[i]) {
			printk("candidate %u: expected page %d, seen %d\n", i, expected[i], seen);
			return false;
		}
	}
	return true;
}
#define NEXT(policy, ...) are_next(policy, sizeof((i32[]){ __VA_ARGS__ }) / sizeof(i32), (i32[]){ __VA_ARGS__ })

// Used twice: a page of the active list.
static void activate(u32 i)
{
	require(reclaim_two_list.spares(&pages[i]) && reclaim_two_list.spares(&pages[i]) && is_active(i));
}

static void test_two_list(void)
{
	const struct reclaim_policy *two = &reclaim_two_list;

	begin(two, 4);
	ok(NEXT(two, 0, 1, 2, 3, 0), "two-list: the oldest first, and round again");
	ok(two->spares(&pages[1]) && !is_active(1), "the first use brings another round");
	ok(two->spares(&pages[1]) && is_active(1), "the second the active list");
	ok(NEXT(two, 2, 3, 0, 2), "from which no candidate comes");
	ok(two->entrance(true) == LRU_ACTIVE && two->entrance(false) == LRU_INACTIVE, "who was missed enters there");
	begin(two, 0);
	ok(candidate(two) == -1, "where nothing is, nothing leaves");
}

static void test_trim(void)
{
	const struct reclaim_policy *two = &reclaim_two_list;

	begin(two, 4);
	activate(0);
	activate(1);
	ok(NEXT(two, 2, 3, 2) && is_active(0) && is_active(1), "the active list keeps all while it is not longer");
	begin(two, 6);
	for (u32 i = 0; i < 5; i++)
		activate(i);
	ok(NEXT(two, 5, 0, 1, 5) && is_active(2) && is_active(4) && !is_active(0) && !is_active(1),
	   "else its oldest go to the front of the inactive list");
	begin(two, 6);
	for (u32 i = 0; i < 5; i++)
		activate(i);
	page_set(&pages[0], PAGE_REFERENCED);
	(void)candidate(two);
	ok(is_active(0) && !page_has(&pages[0], PAGE_REFERENCED) && !is_active(1) && !is_active(2),
	   "but those that were used meanwhile, which go round once more there");
	begin(two, 8);
	for (u32 i = 0; i < 8; i++)
		activate(i);
	ok(NEXT(two, 0, 1, 2, 3, 0) && lru_lists[LRU_ACTIVE].nr == 4, "all active: trimmed until the lists are even");
}

static void test_others(void)
{
	begin(&reclaim_fifo, 3);
	ok(NEXT(&reclaim_fifo, 0, 1, 2) && !reclaim_fifo.spares(&pages[0]), "fifo: the oldest first, used or not");
	begin(&reclaim_clock, 3);
	ok(NEXT(&reclaim_clock, 0, 1, 2, 0) && reclaim_clock.spares(&pages[0]), "clock: round it goes, and use saves");
	ok(reclaim_fifo.entrance(true) == LRU_INACTIVE && reclaim_clock.entrance(true) == LRU_INACTIVE,
	   "both have one list");
}

int main(void)
{
	test_two_list();
	test_trim();
	test_others();
	return tap_end();
}
