/*
 * area_test.c - the areas of an address space against a model with one entry a page: random insertions, removals,
 * splits, merges and moved ends, the search for gaps, and how many nodes a search looks at among 100,000 areas.
 */
// BUILD: kernel/lib/rbtree.c kernel/lib/interval.c
#include "kernel.h"
#include "lib/rbtree.h"

// Every look at a node goes through rb_entry: counted here, so the code under test is part of this file.
static u64 nr_looks;
#undef rb_entry
#define rb_entry(n, type, member) (nr_looks++, container_of(n, type, member))
#include "mm/area.c"

#define NR_PAGES 512
#define FIRST (MMAP_LOWEST >> PAGE_SHIFT)
#define FILES 3

/* --- what area.c stands on ------------------------------------------------------- */

static u64 nr_objects, fail_allocation;
static struct inode inodes[FILES];
static struct file files[FILES];
static int file_refs[FILES];

void slab_cache_init(struct slab_cache *cache, const char *name, size_t object_size, size_t alignment)
{
	(void)alignment;
	cache->name = name;
	cache->object_size = (u32)object_size;
}

void *slab_alloc(struct slab_cache *cache)
{
	if (fail_allocation && --fail_allocation == 0)
		return NULL;
	nr_objects++;
	return malloc(cache->object_size);
}

void slab_free(struct slab_cache *cache, void *object)
{
	(void)cache;
	nr_objects--;
	free(object);
}

struct file *file_hold(struct file *f)
{
	file_refs[f - files]++;
	return f;
}

void file_put(struct file *f)
{
	file_refs[f - files]--;
}

void looks_wait_in(struct addrspace *as)   // one thread: nobody looks
{
	(void)as;
}

void mutex_lock(struct mutex *l)
{
	require(!l->owner);
	l->owner = (struct thread *)l;
}

void mutex_unlock(struct mutex *l)
{
	require(l->owner);
	l->owner = NULL;
}

/* --- the model: one entry a page --------------------------------------------------- */

struct model {
	bool is_mapped, is_first;       // is_first: an area starts here
	u32 flags;
	int file;                       // -1: anonymous
	pgoff_t index;                  // page of the file
};

static struct model model[NR_PAGES + 1];        // the last one is never mapped
static struct addrspace space;

static vaddr_t address_of(u64 page)
{
	return (FIRST + page) << PAGE_SHIFT;
}

static bool follows(u64 page)                   // is this page the continuation of the one before?
{
	return page > 0 && model[page].is_mapped && model[page - 1].is_mapped && !model[page].is_first;
}

static bool is_alike(u64 page)
{
	if (page == 0)
		return false;
	const struct model *a = &model[page - 1], *b = &model[page];

	return a->is_mapped && b->is_mapped && a->flags == b->flags && a->file == b->file && a->index + 1 == b->index;
}

// The space agrees with the model, page by page and area by area.
static void compare(void)
{
	u32 nr = 0, nr_pages = 0;

	require(rb_is_valid(&space.areas));
	for (u64 i = 0; i < NR_PAGES; i++) {
		struct area *a = area_find(&space, address_of(i) + host_random() % PAGE_SIZE);

		nr_pages += model[i].is_mapped;
		require(!a == !model[i].is_mapped);
		if (!a)
			continue;
		require(a->flags == model[i].flags && a->file == (model[i].file < 0 ? NULL : &files[model[i].file]));
		require(area_page(a, address_of(i)) == model[i].index);
		require((a->start == address_of(i)) == !follows(i));
		require((a->end == address_of(i + 1)) == !follows(i + 1));
		nr += a->start == address_of(i);
	}
	require(nr == space.nr_areas && nr == nr_objects && nr_pages == space.nr_pages_mapped);
	for (int f = 0; f < FILES; f++) {
		struct interval_tree *tree = &inodes[f].cache.areas;
		int linked = 0;

		for (struct interval *i = interval_first(tree, 0, U64_MAX); i;
		     i = interval_next(i, 0, U64_MAX), linked++) {
			struct area *a = container_of(i, struct area, pages);

			require(a->file == &files[f] && i->first == area_first(a) &&
				i->last == area_page(a, a->end - 1));
		}
		require(linked == file_refs[f]);        // A3
	}
}

static void model_set(u64 from, u64 to, u32 flags, int file, pgoff_t index)
{
	for (u64 i = from; i < to; i++)
		model[i] = (struct model){ true, i == from, flags, file, index + (i - from) };
}

static void model_clear(u64 from, u64 to)
{
	for (u64 i = from; i < to; i++)
		model[i].is_mapped = false;
}

static u64 page_of(vaddr_t va)
{
	return (va >> PAGE_SHIFT) - FIRST;
}

static u64 gap_end(u64 page)                    // first mapped page at or behind it
{
	while (page < NR_PAGES && !model[page].is_mapped)
		page++;
	return page;
}

static void insert_some(void)
{
	u64 from = host_random() % NR_PAGES, to = gap_end(from);

	if (to == from)
		return;
	to = from + 1 + host_random() % min(to - from, 12ul);
	int file = (int)(host_random() % (FILES + 1)) - 1;
	u32 flags = AREA_READ | (host_random() & 1 ? AREA_WRITE : 0);
	// Offsets that often continue the neighbour's, so that merges happen.
	pgoff_t index = file < 0 || host_random() & 1 ? FIRST + from : host_random() % 100;
	struct area *a = area_alloc(&space, address_of(from), address_of(to), flags,
				    file < 0 ? NULL : &files[file], index);

	area_enter_cache(a);
	area_insert(&space, a, area_find_from(&space, a->start));
	model_set(from, to, flags, file, index);
}

// New private memory right below or above others, or on its own:
// a neighbour grows where it is alike, and then the next one, too.
static void extend_some(void)
{
	u64 from = host_random() % NR_PAGES, limit = gap_end(from);

	if (limit == from)
		return;
	u64 to = host_random() & 1 ? limit : from + 1 + host_random() % (limit - from);
	u32 flags = AREA_READ | (host_random() & 1 ? AREA_WRITE : 0);

	while (host_random() & 1 && from > 0 && !model[from - 1].is_mapped)
		from--;
	bool is_extended = area_extend(&space, address_of(from), address_of(to), flags,
				       area_find_from(&space, address_of(from)));

	model_set(from, to, flags, -1, FIRST + from);
	bool below = is_alike(from), above = is_alike(to);

	require(is_extended == (below || above));
	if (!is_extended)
		model_clear(from, to);
	if (below)
		model[from].is_first = false;
	if (above)
		model[to].is_first = false;
}

static struct area *random_area(void)
{
	return area_find_from(&space, address_of(host_random() % NR_PAGES));
}

static void remove_and_free(struct area *a, vaddr_t end)
{
	struct list dead = LIST_INIT(dead);

	area_remove(&space, a, end, &dead);
	while (!list_is_empty(&dead)) {
		a = list_first(&dead, struct area, dead_link);
		area_leave_cache(a);
		list_remove(&a->dead_link);
		area_free(a);
	}
}

// One area, or a row of them.
static void remove_some(void)
{
	struct area *a = random_area();

	if (!a)
		return;
	struct area *last = a;

	for (u64 more = host_random() % 4; more && area_next(last); more--)
		last = area_next(last);
	model_clear(page_of(a->start), page_of(last->end));
	remove_and_free(a, last->start + 1);
}

static void split_some(void)
{
	struct area *a = random_area();

	if (!a || a->end - a->start == PAGE_SIZE)
		return;
	vaddr_t at = a->start + (1 + host_random() % (((a->end - a->start) >> PAGE_SHIFT) - 1)) * PAGE_SIZE;

	if (host_random() % 16 == 0) {
		fail_allocation = 1;
		require(area_split(&space, a, at) == -ENOMEM);
		return;
	}
	require(area_split(&space, a, at) == 0);
	model[page_of(at)].is_first = true;
}

static void merge_some(void)
{
	struct area *a = random_area();

	if (!a)
		return;
	u64 from = page_of(a->start), to = page_of(a->end);
	bool below = is_alike(from), above = is_alike(to);

	a = area_merge(&space, a);
	if (below)
		model[from].is_first = false;
	if (above)
		model[to].is_first = false;
	require(a->start <= address_of(from) && a->end >= address_of(to));
}

static void move_end(void)
{
	struct area *a = random_area();

	if (!a)
		return;
	u64 from = page_of(a->start), to = page_of(a->end), limit = gap_end(to);
	u64 end = from + 1 + host_random() % (limit - from);
	struct model first = model[from];

	area_set_end(&space, a, address_of(end));
	model_clear(from, to);
	model_set(from, end, first.flags, first.file, first.index);
}

static void move_start(void)
{
	struct area *a = random_area();

	if (!a)
		return;
	u64 from = page_of(a->start), to = page_of(a->end), lowest = from;
	struct model first = model[from];

	while (lowest > 0 && !model[lowest - 1].is_mapped && from - lowest < first.index)
		lowest--;
	u64 start = lowest + host_random() % (to - lowest);

	area_set_start(&space, a, address_of(start));
	model_clear(from, to);
	model_set(start, to, first.flags, first.file, first.index + start - from);
}

// The highest free range of that size in [low, high), by looking at every page; 0: none.
static vaddr_t model_gap(u64 size, u64 low, u64 high)
{
	u64 nr = 0;

	for (u64 i = high; i-- > low;) {
		nr = model[i].is_mapped ? 0 : nr + 1;
		if (nr == size)
			return address_of(i);
	}
	return 0;
}

static void search_gap(void)
{
	u64 size = 1 + host_random() % 20, low = host_random() % NR_PAGES;
	u64 high = low + host_random() % (NR_PAGES - low + 1);
	struct area *above;
	vaddr_t found = area_find_gap(&space, size << PAGE_SHIFT, address_of(low), address_of(high), &above);

	require(found == model_gap(size, low, high));
	require(!found || above == area_find_from(&space, found));
}

static void (*const actions[])(void) = {
	insert_some, insert_some, extend_some, extend_some, remove_some, split_some, merge_some,
	move_end, move_start, search_gap,
};

static void test_random(void)
{
	for (int round = 0; round < 60000; round++) {
		actions[host_random() % ARRAY_SIZE(actions)]();
		if (round % 20 == 0)
			compare();
	}
	compare();
	ok(true, "60,000 random changes agree with the model");
	while (space.nr_areas) {
		struct area *a = random_area();

		if (!a)
			continue;
		remove_and_free(a, a->end);
	}
	ok(nr_objects == 0 && space.nr_pages_mapped == 0 && !file_refs[0] && !file_refs[1], "nothing is left behind");
}

static struct area *add(u64 from, u64 to, u32 flags)
{
	struct area *a = area_alloc(&space, address_of(from), address_of(to), flags, NULL, FIRST + from);

	area_insert(&space, a, area_find_from(&space, a->start));
	return a;
}

static void remove_all(void)
{
	for (struct area *a; (a = area_find_from(&space, 0));) {
		remove_and_free(a, a->end);
	}
}

static void test_validity(void)
{
	struct area *a = add(10, 20, AREA_READ), *b = add(20, 30, AREA_READ);

	ok(areas_are_valid(&space), "what is valid is found valid");
	b->gap = PAGE_SIZE;
	ok(!areas_are_valid(&space), "a wrong gap is found");
	b->gap = 0;
	a->end = address_of(21);
	ok(!areas_are_valid(&space), "an overlap is found");
	a->end = address_of(20);
	ok(area_merge(&space, b) == a && a->end == address_of(30) && areas_are_valid(&space),
	   "neighbours that are alike merge");
	remove_all();
}

static void test_limits(void)
{
	struct area *a = add(0, 100, AREA_READ);

	space.nr_areas = AREAS_MAX;
	ok(area_split(&space, a, address_of(50)) == -ENOMEM, "no split past the limit");
	ok(area_cut(&space, a, address_of(50)) == 0, "a cut is not limited");
	space.nr_areas = 2;
	ok(areas_are_valid(&space), "both parts are in order");
	remove_all();
	ok(area_find_gap(&space, PAGE_SIZE, MMAP_LOWEST, USER_END, NULL) == USER_END - PAGE_SIZE,
	   "an empty space offers its top");
	ok(area_find_gap(&space, USER_END, MMAP_LOWEST, USER_END, NULL) == 0, "more than there is does not fit");
	a = add(400, 402, AREA_READ | AREA_GROWS_DOWN);
	vaddr_t top = address_of(402), found = area_find_gap(&space, PAGE_SIZE, MMAP_LOWEST, top, NULL);

	ok(found == a->start - STACK_GUARD_GAP - PAGE_SIZE, "below a stack its guard gap stays free");
	remove_all();
}

static u32 bits_of(u64 n)
{
	u32 bits = 0;

	for (; n; n >>= 1)
		bits++;
	return bits;
}

#define MANY 100000

static u64 worst;

static void measure(void)
{
	worst = max(worst, nr_looks);
	nr_looks = 0;
}

// One page each with one page between, in random order;
// nothing looks at more nodes than a small multiple of the height.
static void test_many(void)
{
	static u32 order[MANY];
	// A red-black tree is at most 2 log n high; a change goes up once or twice.
	u64 bound = 8 * 2 * bits_of(MANY);

	for (u32 i = 0; i < MANY; i++) {
		u32 j = (u32)(host_random() % (i + 1));

		order[i] = order[j];
		order[j] = i;
	}
	worst = 0;
	for (u32 i = 0; i < MANY; i++) {
		nr_looks = 0;
		add(2ul * order[i], 2ul * order[i] + 1, AREA_READ);
		measure();
	}
	printf("# insertion: at most %lu looks among %u areas\n", worst, MANY);
	ok(worst < bound, "100,000 areas: an insertion looks at few");
	ok(areas_are_valid(&space), "all are in order");
	worst = nr_looks = 0;
	for (u32 i = 0; i < MANY; i++) {
		u64 page = host_random() % (2ul * MANY);

		require((area_find(&space, address_of(page)) == NULL) == (page & 1));
		measure();
	}
	ok(worst < bound / 4, "a search looks at fewer");
	worst = nr_looks = 0;
	for (u32 i = 0; i < 2000; i++) {
		u64 low = host_random() % (2ul * MANY), high = low + host_random() % (2ul * MANY - low);

		// One page fits often, two never: both must be found out quickly.
		vaddr_t found = area_find_gap(&space, PAGE_SIZE, address_of(low), address_of(high), NULL);

		require(!found || (page_of(found) & 1 && page_of(found) >= low && page_of(found) < high));
		measure();
		require(area_find_gap(&space, 2 * PAGE_SIZE, address_of(low), address_of(high), NULL) == 0);
		measure();
	}
	printf("# gap: at most %lu looks\n", worst);
	ok(worst < bound, "a search for a gap too");
	worst = nr_looks = 0;
	for (u32 i = 0; i < MANY; i++) {
		struct area *a = area_find(&space, address_of(2ul * order[i]));

		remove_and_free(a, a->end);
		measure();
	}
	ok(worst < bound && nr_objects == 0, "and a removal");
}

int main(void)
{
	areas_init();
	for (int f = 0; f < FILES; f++) {
		files[f].inode = &inodes[f];
	}
	test_random();
	test_validity();
	test_limits();
	test_many();
	return tap_end();
}
