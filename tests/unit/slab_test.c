/*
 * slab_test.c - the slab allocator on the real frame allocator:
 * objects of many sizes are taken and given back at random on several CPUs, none overlaps another,
 * alignment holds, memory goes back to the frames, and misuse stops the machine.
 */
// BUILD: -DDEBUG -iquote tests/unit/host tests/unit/host_memory.c
// BUILD: kernel/mm/slab.c kernel/mm/frame.c kernel/sync/spinlock.c
// BUILD: kernel/sync/lockcheck.c
#include "host_memory.h"
#include "kernel.h"
#include "mm/frame.h"
#include "mm/slab.h"

int fork(void);
int waitpid(int pid, int *status, int options);

#define NR_OBJECTS 4000
#define MAGAZINE 31                     // what one CPU may keep of a cache

struct object {
	u8 *bytes;
	u32 size;
	struct slab_cache *cache;       // NULL: kmalloc
	u8 pattern;
};

static struct slab_cache small, odd, aligned, large, *const caches[] = { &small, &odd, &aligned, &large };
static struct object objects[NR_OBJECTS];
static u32 nr_objects;

static void random_cpu(void)
{
	host_cpu.id = (u32)(host_random() % MAX_CPUS);
}

static void hold(u8 *bytes, u32 size, struct slab_cache *cache)
{
	struct object *o = &objects[nr_objects++];

	*o = (struct object){ bytes, size, cache, (u8)host_random() };
	memset(bytes, o->pattern, size);
}

static bool is_whole(const struct object *o)
{
	return o->bytes[0] == o->pattern && memcmp(o->bytes, o->bytes + 1, o->size - 1) == 0;
}

static void take_cache(void)
{
	struct slab_cache *c = caches[host_random() % ARRAY_SIZE(caches)];
	u8 *bytes = host_random() & 1 ? slab_alloc(c) : host_random() & 1 ? slab_alloc_atomic(c) : slab_alloc_zeroed(c);

	if (bytes)
		hold(bytes, c->object_size, c);
}

static void take_size(void)
{
	u32 size = host_random() % 16 ? 1 + (u32)(host_random() % 3000) : 1 + (u32)(host_random() % 40000);
	bool is_zeroed = host_random() & 1;
	u8 *bytes = is_zeroed ? kmalloc_zeroed(size) : kmalloc(size);

	if (!bytes)
		return;
	require(((u64)bytes & 15) == 0);
	for (u32 i = 0; is_zeroed && i < size; i++)
		require(bytes[i] == 0);
	hold(bytes, size, NULL);
}

static void give(u32 which)
{
	struct object o = objects[which];

	require(is_whole(&o));
	objects[which] = objects[--nr_objects];
	if (o.cache)
		slab_free(o.cache, o.bytes);
	else
		kfree(o.bytes);
}

static void test_random(void)
{
	for (u32 round = 0; round < 60000; round++) {
		bool wants_more = round / 3000 % 2 == 0 ? host_random() % 4 : host_random() % 4 == 0;

		random_cpu();
		if (wants_more && nr_objects < NR_OBJECTS)
			(host_random() & 1 ? take_cache : take_size)();
		else if (nr_objects)
			give((u32)(host_random() % nr_objects));
		require(slab_total_bytes() <= (frames_total() - frames_free_count()) * PAGE_SIZE);
	}
	for (u32 i = 0; i < nr_objects; i++)
		require(is_whole(&objects[i]));
	ok(true, "60,000 random steps: no object touches another");
	while (nr_objects)
		give(nr_objects - 1);
}

static void test_alignment(void)
{
	bool is_aligned = true;

	for (int i = 0; i < 200; i++) {
		hold(slab_alloc(&aligned), aligned.object_size, &aligned);
		is_aligned &= ((u64)objects[nr_objects - 1].bytes & 63) == 0;
	}
	ok(is_aligned && aligned.object_size == 128, "an alignment is kept, the size rounded up to it");
	while (nr_objects)
		give(nr_objects - 1);
	ok(odd.object_size == 24 && small.object_size == 8,
	   "small objects have room for a pointer, odd sizes are rounded");
}

// Many objects of one cache, given back in an order of which the magazines keep little.
static void test_return(void)
{
	struct slab_cache *c = &large;
	u64 free_before, slabs_before;

	random_cpu();
	slab_free(c, slab_alloc(c));            // the magazines exist
	free_before = frames_free_count();
	slabs_before = c->nr_slabs;
	for (u32 i = 0; i < 1000; i++)
		hold(slab_alloc(c), c->object_size, c);
	ok(c->nr_slabs - slabs_before >= 1000 / c->objects_per_slab - MAGAZINE, "a thousand objects take their slabs");
	for (u32 round = 0; nr_objects; round++) {
		if (round % 7 == 0)
			random_cpu();
		give((u32)(host_random() % nr_objects));
	}
	u64 kept = free_before - frames_free_count();

	printf("# %lu frames are kept for the magazines' objects\n", kept);
	ok(kept <= (u64)MAX_CPUS * MAGAZINE << c->slab_order,
	   "their memory goes back to the frames, but for the magazines");
	ok(c->nr_slabs <= MAX_CPUS * MAGAZINE + 1, "the cache knows it");
}

static void test_magazines(void)
{
	u8 *mine, *other;

	host_cpu.id = 0;
	mine = slab_alloc(&small);
	slab_free(&small, mine);
	ok(slab_alloc(&small) == mine, "a CPU gets back the object that it freed last");
	slab_free(&small, mine);
	host_cpu.id = 3;
	other = slab_alloc(&small);
	ok(other != mine, "another CPU does not get it");
	slab_free(&small, mine);                // freed elsewhere than taken
	slab_free(&small, other);
}

static void test_limits(void)
{
	host_cpu.id = 0;
	ok(!kmalloc(5ul << 20), "more than 4 MiB is refused");
	void *block = kmalloc(1ul << 20);

	ok(block && ((u64)block & (PAGE_SIZE - 1)) == 0, "a large block is one of frames");
	kfree(block);
	kfree(NULL);
	u32 before = nr_objects;

	for (u8 *bytes; nr_objects < NR_OBJECTS && (bytes = kmalloc(16384));)
		hold(bytes, 16384, NULL);
	for (u8 *bytes; nr_objects < NR_OBJECTS && (bytes = slab_alloc_atomic(&large));)
		hold(bytes, large.object_size, &large);
	ok(nr_objects < NR_OBJECTS && !kmalloc(16384), "without memory the answer is NULL");
	while (nr_objects > before)
		give(nr_objects - 1);
	void *again = kmalloc(16384);

	ok(again != NULL, "and afterwards there is some");
	kfree(again);
}

static bool stops(void (*f)(void))      // in a child
{
	int status = 0, pid = fork();

	if (pid == 0) {
		f();
		exit(0);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

static void write_after_free(void)
{
	u8 *object = slab_alloc(&odd);

	slab_free(&odd, object);
	object[20] = 1;
	object = slab_alloc(&odd);
}

static void free_into_another(void)
{
	slab_free(&small, slab_alloc(&odd));
}

static void free_what_is_none(void)
{
	struct page *p = frame_alloc(PAGE_CACHE, 0);

	kfree(page_address(p));
}

int main(void)
{
	host_memory_start();
	slab_init();
	slab_cache_init(&small, "small", 3, 1);
	slab_cache_init(&odd, "odd", 21, 1);
	slab_cache_init(&aligned, "aligned", 70, 64);
	slab_cache_init(&large, "large", 5000, 16);
	test_random();
	test_alignment();
	test_return();
	test_magazines();
	test_limits();
	ok(stops(write_after_free), "a write to a freed object is found");
	ok(stops(free_into_another), "an object cannot be freed into another cache");
	ok(stops(free_what_is_none), "kfree of something else stops the machine");
	return tap_end();
}
