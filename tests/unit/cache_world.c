/*
 * cache_world.c - see cache_world.h. The mapping follows mm/fault.c and mm/rmap.c, without page tables.
 */
#include "cache_world.h"
#include "host_threads.h"
#include "kernel.h"
#include "cache/writeback.h"
#include "dev/block.h"
#include "fs/vfs.h"
#include "mm/frame.h"
#include "mm/radix_alloc.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "proc/thread.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include <abi/errno.h>

struct world world;

static u64 nr_frames, nr_nodes, memory = 1 << 20;
static struct mutex inode_lock;

/* --- frames and nodes ----------------------------------------------------------------- */

struct host_page {
	struct page page;
	u8 *bytes;
};

void *page_address(const struct page *p)
{
	return ((const struct host_page *)p)->bytes;
}

struct page *frames_alloc(u32 order, enum page_owner owner, u32 flags)
{
	struct host_page *h = calloc(1, sizeof(*h));

	require(order == 0 && !(flags & FRAME_ZERO));
	h->bytes = malloc(PAGE_SIZE);
	memset(h->bytes, 0xa5, PAGE_SIZE);
	h->page.refs = 1;
	h->page.owner = owner;
	nr_frames++;
	// Memory may be short: others run meanwhile.
	if (host_random() % 4 == 0 && world.is_random)
		host_yield();
	return &h->page;
}

struct page *frame_alloc(enum page_owner owner, u32 flags)
{
	return frames_alloc(0, owner, flags);
}

void page_put(struct page *p)
{
	if (atomic_sub_return(&p->refs, 1) > 0)
		return;
	require(!page_has(p, PAGE_DIRTY | PAGE_WRITEBACK | PAGE_LOCKED) && !p->map_count && !p->cache);
	free(((struct host_page *)p)->bytes);
	free(p);
	nr_frames--;
}

u64 frames_total(void)
{
	return memory;
}

void world_set_memory(u64 nr)
{
	memory = nr;
}

void radix_alloc_init(void)
{
}

struct radix_node *radix_node_alloc(void)
{
	nr_nodes++;
	return malloc(sizeof(struct radix_node));
}

void radix_node_free(struct radix_node *node)
{
	require(host_interrupts_are_open);      // not under cache->lock
	nr_nodes--;
	free(node);
}

void reclaim_add(struct page *p)
{
	require(!page_has(p, PAGE_ON_LRU));
	page_set(p, PAGE_ON_LRU);
}

void reclaim_remove(struct page *p)
{
	require(page_has(p, PAGE_ON_LRU));
	page_clear(p, PAGE_ON_LRU);
}

/* --- what the flusher would need --------------------------------------------------------- */

void inode_mark_dirty(struct inode *ip, u32 what)
{
	(void)ip;
	(void)what;
}

struct superblock *superblock_next(struct superblock *previous)
{
	(void)previous;
	return NULL;
}

bool inodes_write_oldest(struct superblock *sb, u64 not_after_ns)
{
	(void)sb;
	(void)not_after_ns;
	return false;
}

struct block_device *block_device_next(struct block_device *previous)
{
	(void)previous;
	return NULL;
}

static u64 now_ns;

u64 clock_monotonic_ns(void)
{
	return now_ns;
}

u64 clock_coarse_ns(void)
{
	return now_ns;
}

void world_set_clock(u64 ns)
{
	now_ns = ns;
}

int wait_timeout_sleep(struct waiter *w, enum wait_mode mode, u64 deadline_ns)
{
	(void)deadline_ns;
	return wait_sleep(w, mode);
}

struct thread *kernel_thread_create(const char *name, void (*function)(void *argument), void *argument)
{
	(void)name;
	(void)function;
	(void)argument;
	return NULL;
}

/* --- the disk --------------------------------------------------------------------------------- */

static void request(struct page *p, bool is_write)
{
	struct world_request *r = calloc(1, sizeof(*r));

	for (u32 i = 0; i < world.nr_requests; i++)
		require(world.requests[i]->index != p->index);  // never two at a time for one page
	r->page = p;
	r->index = p->index;
	r->is_write = is_write;
	world.requests[world.nr_requests++] = r;
	if (is_write)
		world.nr_writes++;
	else
		world.nr_reads++;
}

static void fill(struct cache *cache, struct page **pages, u32 nr_pages)
{
	require(cache == &world.cache && nr_pages == 1);
	struct page *p = pages[0];

	require(page_has(p, PAGE_LOCKED) && !page_has(p, PAGE_UPTODATE) && p->cache == cache);
	if (world.has_place[p->index]) {
		page_set(p, PAGE_BACKED);
		request(p, false);
		return;
	}
	memset(page_address(p), 0, PAGE_SIZE);
	page_fill_done(p, 0);
}

static void store(struct cache *cache, struct page **pages, u32 nr_pages)
{
	world.nr_store_calls++;
	for (u32 i = 0; i < nr_pages; i++) {
		require(pages[i]->cache == cache && page_has(pages[i], PAGE_WRITEBACK) &&
			page_has(pages[i], PAGE_BACKED));
		require(i == 0 || pages[i]->index == pages[i - 1]->index + 1);
		request(pages[i], true);
	}
}

static int reserve(struct cache *cache, struct page *p)
{
	require(cache == &world.cache && page_has(p, PAGE_LOCKED) && page_has(p, PAGE_UPTODATE));
	world.has_place[p->index] = true;
	page_set(p, PAGE_BACKED);
	return 0;
}

static const struct cache_ops ops = { .fill = fill, .store = store, .reserve = reserve };

bool world_answer(u32 which, int error)
{
	if (which >= world.nr_requests)
		return false;
	struct world_request *r = world.requests[which];

	world.nr_requests--;
	for (u32 i = which; i < world.nr_requests; i++)
		world.requests[i] = world.requests[i + 1];
	if (!error && r->is_write)
		memcpy(world.disk[r->index], r->is_picked_up ? r->bytes : page_address(r->page), PAGE_SIZE);
	if (!r->is_write)
		memcpy(page_address(r->page), world.disk[r->index], error ? PAGE_SIZE / 2 : PAGE_SIZE);
	u64 flag = interrupts_close();

	host_cpu.interrupt_depth++;
	if (r->is_write)
		page_store_done(r->page, error);
	else
		page_fill_done(r->page, error);
	host_cpu.interrupt_depth--;
	interrupts_restore(flag);
	free(r);
	return true;
}

void world_answer_all(int error)
{
	while (world_answer(0, error)) {
	}
}

void world_pick_up(pgoff_t index)
{
	for (u32 i = 0; i < world.nr_requests; i++) {
		struct world_request *r = world.requests[i];

		if (r->index == index && r->is_write) {
			memcpy(r->bytes, page_address(r->page), PAGE_SIZE);
			r->is_picked_up = true;
		}
	}
}

/* --- the mapping -------------------------------------------------------------------------------- */

static void hide(pgoff_t index)
{
	struct page *p = world.shown[index].page;

	if (!p)
		return;
	world.nr_shown--;
	world.nr_shown_writable -= world.shown[index].is_writable;
	world.shown[index].page = NULL;
	world.shown[index].is_writable = false;
	atomic_sub(&p->map_count, 1);
	page_put(p);
}

void rmap_unmap(struct cache *cache, u64 first, u64 nr, enum unmap_private how)
{
	require(how == UNMAP_PRIVATE_TOO);
	mutex_lock(&cache->rmap_lock);
	for (u64 i = first; i < WORLD_PAGES && i - first < nr; i++)
		hide(i);
	mutex_unlock(&cache->rmap_lock);
}

void rmap_clean(struct cache *cache, u64 first, u64 nr)
{
	mutex_lock(&cache->rmap_lock);
	for (u64 i = first; i < first + nr; i++) {
		require(!world.shown[i].page || page_has(world.shown[i].page, PAGE_LOCKED));
		world.nr_shown_writable -= world.shown[i].is_writable;
		world.shown[i].is_writable = false;
	}
	mutex_unlock(&cache->rmap_lock);
}

void world_unmap(pgoff_t index)
{
	rmap_unmap(&world.cache, index, 1, UNMAP_PRIVATE_TOO);
}

static bool is_past_end(pgoff_t index)
{
	return index >= PAGE_ALIGN_UP(world.cache.size) >> PAGE_SHIFT;
}

static int fault(pgoff_t index)
{
	struct page *p;

	for (;;) {
		if (is_past_end(index))
			return -EFAULT;
		int error = cache_get(&world.cache, index, &p);

		if (error)
			return error;
		page_lock(p);
		if (p->cache == &world.cache && !is_past_end(index))
			break;
		page_unlock(p);
		page_put(p);
	}
	if (!page_has(p, PAGE_BACKED))
		require(reserve(&world.cache, p) == 0);
	page_mark_dirty(p);
	require(!world.shown[index].page || world.shown[index].page == p);
	if (!world.shown[index].page) {
		page_get(p);
		atomic_add(&p->map_count, 1);
		world.shown[index].page = p;
		world.nr_shown++;
	}
	world.nr_shown_writable += !world.shown[index].is_writable;
	world.shown[index].is_writable = true;
	page_unlock(p);
	page_put(p);
	return 0;
}

int world_store(u64 position, u8 byte)
{
	pgoff_t index = position >> PAGE_SHIFT;
	int error = world.shown[index].is_writable ? 0 : fault(index);

	if (error)
		return error;
	((u8 *)page_address(world.shown[index].page))[position & ~PAGE_MASK] = byte;
	if (position < world.cache.size)
		world.model[position] = byte;
	return 0;
}

void world_overwrite(pgoff_t index, u8 byte)
{
	struct page *p;

	mutex_lock(&inode_lock);
	u64 start = index << PAGE_SHIFT;

	if (start + PAGE_SIZE <= world.cache.size && cache_get_locked(&world.cache, index, &p) == 0) {
		require(p->cache == &world.cache && p->index == index);
		memset(page_address(p), byte, PAGE_SIZE);
		memset(world.model + start, byte, PAGE_SIZE);
		page_set(p, PAGE_UPTODATE);
		require(reserve(&world.cache, p) == 0);
		page_mark_dirty(p);
		page_unlock(p);
		page_put(p);
	}
	mutex_unlock(&inode_lock);
}

void world_set_size(u64 size)
{
	struct page *last = NULL;

	mutex_lock(&inode_lock);
	u64 old = world.cache.size;

	// The new end lies inside a page: it is brought in, so that its tail can be zeroed.
	if (size < old && size & ~PAGE_MASK && cache_get(&world.cache, size >> PAGE_SHIFT, &last)) {
		mutex_unlock(&inode_lock);
		return;
	}
	if (size < old)
		memset(world.model + size, 0, sizeof(world.model) - size);
	cache_set_size(&world.cache, size);
	if (size < old) {
		for (pgoff_t i = PAGE_ALIGN_UP(size) >> PAGE_SHIFT; i < WORLD_PAGES; i++) {
			world.has_place[i] = false;
			memset(world.disk[i], 0xee, PAGE_SIZE);
		}
		cache_truncate_pages(&world.cache, size);       // what came in before the places were gone
	}
	if (last)
		page_put(last);
	mutex_unlock(&inode_lock);
}

/* --- beginning, checks, end --------------------------------------------------------------------------- */

void world_begin(u64 nr_pages)
{
	require(nr_frames == 0 && nr_nodes == 0);
	memset(&world, 0, sizeof(world));
	mutex_init(&inode_lock, "inode.lock", RANK_INODE);
	cache_init(&world.cache, &ops, NULL, nr_pages * PAGE_SIZE);
	for (u64 i = 0; i < WORLD_PAGES / 2; i++)
		world.has_place[i] = true;
	memory = 1 << 20;
}

void world_end(void)
{
	world_check();
	require(world.nr_requests == 0);
	for (pgoff_t i = 0; i < WORLD_PAGES; i++)
		hide(i);
	cache_destroy(&world.cache);
	host_forget_threads();
	require(nr_frames == 0 && nr_nodes == 0 && nr_dirty_pages == 0 && nr_writeback_pages == 0);
}

static void check_page(struct page *p, pgoff_t index)
{
	struct cache *cache = &world.cache;

	require(p->cache == cache && p->index == index && p->refs >= 1 && page_has(p, PAGE_ON_LRU));   // C1
	require(radix_tag_get(&cache->pages, index, RADIX_TAG_DIRTY) == page_has(p, PAGE_DIRTY));      // C3
	require(radix_tag_get(&cache->pages, index, RADIX_TAG_WRITEBACK) == page_has(p, PAGE_WRITEBACK));
	require(!page_has(p, PAGE_DIRTY | PAGE_WRITEBACK) || page_has(p, PAGE_UPTODATE));
	require(p->map_count == (world.shown[index].page == p));
}

void world_check(void)
{
	struct cache *cache = &world.cache;
	u64 nr_dirty = 0, nr_writeback = 0;
	pgoff_t index = 0;

	for (struct page *p; (p = radix_next(&cache->pages, index, U64_MAX, &index)); index++) {
		check_page(p, index);
		nr_dirty += page_has(p, PAGE_DIRTY);
		nr_writeback += page_has(p, PAGE_WRITEBACK);
	}
	require(nr_dirty == cache->nr_dirty && nr_writeback == cache->nr_writeback);
	require(nr_dirty == nr_dirty_pages && nr_writeback == nr_writeback_pages);
	for (pgoff_t i = 0; i < WORLD_PAGES; i++) {
		struct page *p = world.shown[i].page;

		if (!p)
			continue;
		require(p->cache == cache && p->index == i && page_has(p, PAGE_UPTODATE));      // C2, C6
		require(!world.shown[i].is_writable || page_has(p, PAGE_DIRTY));                // C4
	}
}

void world_compare(void)
{
	for (u64 i = 0; i < world.cache.size; i++) {
		pgoff_t index = i >> PAGE_SHIFT;

		require(world.model[i] == (world.has_place[index] ? world.disk[index][i & ~PAGE_MASK] : 0));
	}
}
