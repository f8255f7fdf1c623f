/*
 * interval_test.c - intervals at random against a look at every one of them; and how few nodes a search looks at when
 * thousands do not overlap.
 */
// BUILD: kernel/lib/rbtree.c
#include "lib/interval.h"

// Every look at a node goes through rb_entry: counted here, so the code under test is part of this file.
static u64 nr_looks;
#undef rb_entry
#define rb_entry(n, type, member) (nr_looks++, container_of(n, type, member))
#include "lib/interval.c"

#define NR 200
#define RANGE 1000

static struct interval items[NR];
static bool is_in[NR];
static struct interval_tree tree;

static void toggle(int n)
{
	if (is_in[n]) {
		interval_remove(&tree, &items[n]);
	} else {
		items[n].first = host_random() % RANGE;
		items[n].last = items[n].first + (host_random() & 3 ? host_random() % 20 : host_random() % RANGE);
		interval_insert(&tree, &items[n]);
	}
	is_in[n] = !is_in[n];
}

// Each interval that overlaps is named once, in order of its first, and no other is.
static void compare(u64 first, u64 last)
{
	bool is_named[NR] = { false };
	u64 previous = 0;

	for (struct interval *i = interval_first(&tree, first, last); i; i = interval_next(i, first, last)) {
		require(!is_named[i - items] && i->first >= previous);
		is_named[i - items] = true;
		previous = i->first;
	}
	for (int n = 0; n < NR; n++)
		require(is_named[n] == (is_in[n] && items[n].first <= last && items[n].last >= first));
}

static void test_random(void)
{
	for (int round = 0; round < 20000; round++) {
		toggle((int)(host_random() % NR));
		u64 first = host_random() % (RANGE + 100);

		compare(first, first + host_random() % 30);
	}
	require(rb_is_valid(&tree.tree));
	compare(0, U64_MAX);
	ok(true, "20,000 random changes and questions agree with a look at everything");
	for (int n = 0; n < NR; n++)
		if (is_in[n])
			toggle(n);
	ok(interval_tree_is_empty(&tree) && !interval_first(&tree, 0, U64_MAX), "an empty tree names nothing");
}

#define MANY 10000

static void test_many(void)
{
	static struct interval many[MANY];
	u64 worst = 0;

	for (u64 n = 0; n < MANY; n++) {
		many[n].first = many[n].last = n * 2;
		interval_insert(&tree, &many[n]);
	}
	for (u64 n = 0; n < MANY; n++) {
		nr_looks = 0;
		require(interval_first(&tree, n * 2, n * 2) == &many[n] && !interval_next(&many[n], n * 2, n * 2));
		require(!interval_first(&tree, n * 2 + 1, n * 2 + 1));
		worst = max(worst, nr_looks);
	}
	printf("# at most %lu looks among %u intervals\n", worst, MANY);
	ok(worst < 200, "10,000 intervals that do not overlap are not looked at");
	for (u64 n = 0; n < MANY; n++)
		interval_remove(&tree, &many[n]);
	ok(interval_tree_is_empty(&tree), "and all leave");
}

int main(void)
{
	test_random();
	test_many();
	return tap_end();
}
