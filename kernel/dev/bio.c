/*
 * bio.c - memory for requests to disks. A bio is wanted exactly when memory is short (write-back), and given back in an
 * interrupt, where the slab may not be used. So freed bios go to a stock, which allocation tops up and trims,
 * and of which a few are kept for bad times: whoever writes pages back gets one from there, or waits until one
 * that is under way ends. So write-back goes on without any memory, which reclaim and swap depend on.
 * stock_lock (RANK_DEVICE, interrupts closed) covers the stock.
 */
#include "dev/block.h"
#include "kernel.h"
#include "mm/slab.h"
#include "sync/lock.h"
#include "sync/wait.h"

#define STOCK_RESERVE 16u               // kept for when the slab has none
#define STOCK_MAX 64u

// A bio with an array for the longest request.
struct long_bio {
	struct bio bio;
	struct page *pages[BIO_MAX_PAGES];
};

// Two kinds: short ones use bio.inline_pages.
struct stock {
	struct slab_cache slab;
	struct list free;               // GUARDED_BY(stock_lock) bio.link
	u32 nr_free;                    // GUARDED_BY(stock_lock)
};

static struct spinlock stock_lock = SPINLOCK_INIT("bio stock", RANK_DEVICE);
static struct wait_queue stock_wait = { .waiters = LIST_INIT(stock_wait.waiters) };      // for a bio to come back
static struct stock short_bios, long_bios;

static void stock_put(struct stock *s, struct bio *bio)
{
	u64 flag = spin_lock_irq(&stock_lock);

	list_push_front(&s->free, &bio->link);
	s->nr_free++;
	spin_unlock_irq(&stock_lock, flag);
	wake_all(&stock_wait);
}

// One from the stock when more than `keep` are there.
static struct bio *stock_get(struct stock *s, u32 keep)
{
	u64 flag = spin_lock_irq(&stock_lock);
	struct bio *bio = NULL;

	if (s->nr_free > keep) {
		bio = list_first(&s->free, struct bio, link);
		list_remove(&bio->link);
		s->nr_free--;
	}
	spin_unlock_irq(&stock_lock, flag);
	return bio;
}

static void stock_init(struct stock *s, const char *name, size_t size)
{
	slab_cache_init(&s->slab, name, size, 16);
	list_init(&s->free);
	for (u32 i = 0; i < STOCK_RESERVE; i++) {
		struct bio *bio = slab_alloc(&s->slab);

		if (bio)
			stock_put(s, bio);
	}
}

void block_room_init(void)
{
	stock_init(&short_bios, "bio", sizeof(struct bio));
	stock_init(&long_bios, "long_bio", sizeof(struct long_bio));
}

static struct stock *stock_of(u32 nr_pages)
{
	return nr_pages <= ARRAY_SIZE(((struct bio *)0)->inline_pages) ? &short_bios : &long_bios;
}

static void set_up(struct bio *bio, struct block_device *device, enum bio_op op, blk_t first_block, u32 nr_pages)
{
	*bio = (struct bio){ .device = device, .op = op, .first_block = first_block, .nr_pages = nr_pages };
	bio->pages = stock_of(nr_pages) == &short_bios ? bio->inline_pages :
		     container_of(bio, struct long_bio, bio)->pages;
	list_init(&bio->link);
}

struct bio *bio_alloc(struct block_device *device, enum bio_op op, blk_t first_block, u32 nr_pages)
{
	struct stock *s = stock_of(nr_pages);
	struct bio *surplus, *bio;

	if (nr_pages > BIO_MAX_PAGES)
		return NULL;
	surplus = stock_get(s, STOCK_MAX);
	bio = stock_get(s, STOCK_RESERVE);
	if (surplus)
		slab_free(&s->slab, surplus);
	if (!bio)
		bio = slab_alloc(&s->slab);
	if (!bio)
		bio = stock_get(s, 0);
	if (bio)
		set_up(bio, device, op, first_block, nr_pages);
	return bio;
}

struct bio *bio_alloc_surely(struct block_device *device, enum bio_op op, blk_t first_block, u32 nr_pages)
{
	struct bio *bio = bio_alloc(device, op, first_block, nr_pages);

	assert(nr_pages <= BIO_MAX_PAGES);
	if (!bio) {
		wait_event(&stock_wait, (bio = stock_get(stock_of(nr_pages), 0)));
		set_up(bio, device, op, first_block, nr_pages);
	}
	return bio;
}

void bio_free(struct bio *bio)
{
	stock_put(bio->pages == bio->inline_pages ? &short_bios : &long_bios, bio);
}
