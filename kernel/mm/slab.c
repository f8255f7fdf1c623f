/*
 * slab.c - memory for the kernel's own objects. A slab is one block of frames cut into objects of one cache;
 * free objects are linked through their first word, the chain's head stands in the slab's page record.
 * cache->lock covers the chains and the partial list. In front stands a magazine for each CPU, which only
 * that CPU uses (no preemption in the kernel, and interrupt handlers neither allocate nor free).
 * It comes into being when that CPU first uses the cache;
 * magazines are themselves objects of a cache, the only one that has none in front.
 *
 * A slab's page record: slab is its cache, index the frame's place in the slab, private the chain's head and
 * map_count the number of objects in the chain (no user page table ever shows a slab, so that count is at hand).
 *
 *  S1  A slab is in the partial list iff its chain is not empty, and goes back to the frame allocator when all
 *      its objects are in the chain.
 */
#include "kernel.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "x86/cpu.h"
#include "x86/kernel_map.h"

#define MAGAZINE_SIZE 31                // so that one is four cache lines
#define MAGAZINE_BATCH 15
#define FREED_BYTE 0x6b                 // what a freed object holds in debug builds, behind the chain word

struct slab_magazine {
	u32 nr;
	void *objects[MAGAZINE_SIZE];
} ALIGNED(64);

static struct spinlock caches_lock = SPINLOCK_INIT("slab caches", RANK_SLAB);
static struct list caches = LIST_INIT(caches);          // GUARDED_BY(caches_lock)

static struct slab_cache magazine_cache;

#define NR_SIZES 14                     // what is larger gets frames
static const u32 sizes[NR_SIZES] = { 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048 };
static const char *const size_names[NR_SIZES] = {
	"size-16", "size-32", "size-48", "size-64", "size-96", "size-128", "size-192", "size-256", "size-384",
	"size-512", "size-768", "size-1024", "size-1536", "size-2048" };
static struct slab_cache size_caches[NR_SIZES];
static u8 size_index[1024 / 16 + 1];    // (bytes + 15) / 16 -> cache, for the small ones

void slab_cache_init(struct slab_cache *cache, const char *name, size_t object_size, size_t alignment)
{
	*cache = (struct slab_cache){ .name = name };
	alignment = max(alignment, sizeof(void *));
	object_size = max(object_size, sizeof(void *));
	cache->object_size = (u32)((object_size + alignment - 1) & ~(alignment - 1));
	while ((PAGE_SIZE << cache->slab_order) / cache->object_size < 7 && cache->slab_order < 3)
		cache->slab_order++;
	cache->objects_per_slab = (u32)((PAGE_SIZE << cache->slab_order) / cache->object_size);
	assert(cache->objects_per_slab > 0);
	spin_init(&cache->lock, name, RANK_SLAB);
	list_init(&cache->partial);
	spin_lock(&caches_lock);
	list_push_back(&caches, &cache->link);
	spin_unlock(&caches_lock);
}

static struct page *slab_of(void *object)
{
	struct page *p = pfn_to_page(direct_map_physical(object) >> PAGE_SHIFT);

	assert(p->owner == PAGE_SLAB);
	return p - p->index;            // every frame of a slab knows its place in it
}

// Cuts a new block of frames into a chain. Not under cache->lock: it may sleep.
static struct page *slab_create(struct slab_cache *cache, u32 frame_flags)
{
	struct page *slab = frames_alloc(cache->slab_order, PAGE_SLAB, frame_flags);
	void *chain = NULL;

	if (!slab)
		return NULL;
	char *start = page_address(slab);

	for (u32 i = cache->objects_per_slab; i-- > 0;) {
		void **object = (void **)(start + (size_t)i * cache->object_size);

		if (DEBUG_BUILD)
			memset(object, FREED_BYTE, cache->object_size);
		*object = chain;
		chain = object;
	}
	for (u32 i = 0; i < 1u << cache->slab_order; i++) {
		slab[i].index = i;
		slab[i].slab = cache;
	}
	slab->private = (u64)chain;
	slab->map_count = (i32)cache->objects_per_slab;
	return slab;
}

static void slab_adopt(struct slab_cache *cache, struct page *slab)
{
	list_push_front(&cache->partial, &slab->link);
	cache->nr_slabs++;
}

// cache->lock held; the partial list is not empty.
static void *take_object(struct slab_cache *cache)
{
	struct page *slab = list_first(&cache->partial, struct page, link);
	void **object = (void **)slab->private;

	slab->private = (u64)*object;
	if (--slab->map_count == 0)
		list_remove(&slab->link);
	return object;
}

// cache->lock held. Returns the slab when it is empty and shall be freed (outside the lock).
static struct page *give_object(struct slab_cache *cache, void *object)
{
	struct page *slab = slab_of(object);

	*(void **)object = (void *)slab->private;
	slab->private = (u64)object;
	if (slab->map_count++ == 0)
		list_push_front(&cache->partial, &slab->link);
	if (slab->map_count < (i32)cache->objects_per_slab)
		return NULL;
	list_remove(&slab->link);
	cache->nr_slabs--;
	return slab;
}

// This CPU's; NULL: it has none yet.
static struct slab_magazine *magazine(struct slab_cache *cache)
{
	return cache->magazines[cpu_number()];
}

// An object from the slabs themselves. May sleep and come back on another CPU.
static void *take_slow(struct slab_cache *cache, u32 frame_flags)
{
	void *object = NULL;

	spin_lock(&cache->lock);
	if (list_is_empty(&cache->partial)) {
		spin_unlock(&cache->lock);
		struct page *slab = slab_create(cache, frame_flags);

		spin_lock(&cache->lock);
		if (slab)
			slab_adopt(cache, slab);
	}
	if (!list_is_empty(&cache->partial)) {
		object = take_object(cache);
		cache->nr_objects++;
	}
	spin_unlock(&cache->lock);
	return object;
}

static void give_slow(struct slab_cache *cache, void *object)
{
	spin_lock(&cache->lock);
	struct page *empty = give_object(cache, object);

	cache->nr_objects--;
	spin_unlock(&cache->lock);
	if (empty) {
		empty->map_count = 0;
		frames_free(empty, cache->slab_order);
	}
}

// This CPU's, made if need be. NULL: no memory. May sleep, as the flags say, and come back on another CPU.
static struct slab_magazine *magazine_create(struct slab_cache *cache, u32 frame_flags)
{
	struct slab_magazine *fresh = take_slow(&magazine_cache, frame_flags);

	if (!fresh)
		return magazine(cache);
	if (magazine(cache)) {                  // the CPU where we woke up has got one meanwhile
		give_slow(&magazine_cache, fresh);
		return magazine(cache);
	}
	fresh->nr = 0;
	return cache->magazines[cpu_number()] = fresh;
}

// Puts a batch into this CPU's magazine. False: no memory. May sleep, and come back on a CPU that has no magazine.
static bool magazine_fill(struct slab_cache *cache, u32 frame_flags)
{
	void *first = take_slow(cache, frame_flags);
	struct slab_magazine *m = magazine(cache);

	if (!first)
		return false;
	if (!m || m->nr == MAGAZINE_SIZE) {
		give_slow(cache, first);
		return true;
	}
	m->objects[m->nr++] = first;
	spin_lock(&cache->lock);
	while (m->nr < MAGAZINE_BATCH && !list_is_empty(&cache->partial)) {
		m->objects[m->nr++] = take_object(cache);
		cache->nr_objects++;
	}
	spin_unlock(&cache->lock);
	return true;
}

static void magazine_drain(struct slab_cache *cache, struct slab_magazine *m, u32 keep)
{
	while (m->nr > keep)
		give_slow(cache, m->objects[--m->nr]);
}

static void check_freed(struct slab_cache *cache, void *object)
{
	u8 *byte = object;

	for (u32 i = sizeof(void *); i < cache->object_size; i++) {
		if (byte[i] != FREED_BYTE)
			panic("slab %s: object %p was written to after it was freed (byte %u)", cache->name, object, i);
	}
}

// Until this CPU has a magazine with an object in it. NULL: no memory.
static struct slab_magazine *__attribute__((noinline)) magazine_stock(struct slab_cache *cache, u32 frame_flags)
{
	struct slab_magazine *m = magazine(cache);

	while (!m || !m->nr) {
		if (!m ? !magazine_create(cache, frame_flags) : !magazine_fill(cache, frame_flags))
			return NULL;
		m = magazine(cache);
	}
	return m;
}

static void *alloc(struct slab_cache *cache, u32 frame_flags)
{
	struct slab_magazine *m = magazine(cache);

	if (unlikely(!m || !m->nr))
		m = magazine_stock(cache, frame_flags);
	if (unlikely(!m))
		return NULL;
	void *object = m->objects[--m->nr];

	if (DEBUG_BUILD)
		check_freed(cache, object);
	return object;
}

void *slab_alloc(struct slab_cache *cache)
{
	return alloc(cache, 0);
}

void *slab_alloc_atomic(struct slab_cache *cache)
{
	return alloc(cache, FRAME_ATOMIC);
}

void *slab_alloc_zeroed(struct slab_cache *cache)
{
	void *object = slab_alloc(cache);

	return object ? memset(object, 0, cache->object_size) : NULL;
}

void slab_free(struct slab_cache *cache, void *object)
{
	struct slab_magazine *m = magazine(cache);

	debug_assert(slab_of(object)->slab == cache);
	if (DEBUG_BUILD)
		memset(object, FREED_BYTE, cache->object_size);
	if (unlikely(!m))
		m = magazine_create(cache, FRAME_ATOMIC);
	if (unlikely(!m)) {
		give_slow(cache, object);
		return;
	}
	if (m->nr == MAGAZINE_SIZE)
		magazine_drain(cache, m, MAGAZINE_SIZE - MAGAZINE_BATCH);
	m->objects[m->nr++] = object;
}

void slab_init(void)
{
	slab_cache_init(&magazine_cache, "magazine", sizeof(struct slab_magazine), 64);
	for (u32 i = 0; i < NR_SIZES; i++)
		slab_cache_init(&size_caches[i], size_names[i], sizes[i], 16);
	for (u32 n = 0, i = 0; n < ARRAY_SIZE(size_index); n++) {
		while (sizes[i] < n * 16)
			i++;
		size_index[n] = (u8)i;
	}
}

static struct slab_cache *cache_for(size_t nr_bytes)
{
	if (nr_bytes <= 1024)
		return &size_caches[size_index[(nr_bytes + 15) / 16]];
	for (u32 i = size_index[64]; i < NR_SIZES; i++) {
		if (nr_bytes <= sizes[i])
			return &size_caches[i];
	}
	return NULL;
}

void *kmalloc(size_t nr_bytes)
{
	struct slab_cache *cache = cache_for(nr_bytes);
	u32 order = 0;

	if (cache)
		return slab_alloc(cache);
	while (order <= FRAME_MAX_ORDER && (PAGE_SIZE << order) < nr_bytes)
		order++;
	if (order > FRAME_MAX_ORDER)
		return NULL;
	struct page *p = frames_alloc(order, PAGE_KERNEL, 0);

	return p ? page_address(p) : NULL;
}

void *kmalloc_zeroed(size_t nr_bytes)
{
	void *object = kmalloc(nr_bytes);

	return object ? memset(object, 0, nr_bytes) : NULL;
}

void kfree(void *object)
{
	if (!object)
		return;
	struct page *p = pfn_to_page(direct_map_physical(object) >> PAGE_SHIFT);

	if (p->owner == PAGE_SLAB) {
		slab_free(p->slab, object);
		return;
	}
	assert(p->owner == PAGE_KERNEL && page_address(p) == object);
	frames_free(p, p->order);
}

struct slab_cache *slab_cache_next(struct slab_cache *previous)
{
	struct list *next = previous ? previous->link.next : caches.next;

	return next == &caches ? NULL : list_entry(next, struct slab_cache, link);
}

u64 slab_total_bytes(void)
{
	u64 bytes = 0;

	for (struct slab_cache *c = slab_cache_next(NULL); c; c = slab_cache_next(c))
		bytes += c->nr_slabs * (PAGE_SIZE << c->slab_order);
	return bytes;
}
