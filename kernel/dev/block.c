/*
 * block.c - disks and requests to them, whatever drives them; and each disk's cache, whose pages
 * are its blocks. The hard part is memory: a bio is wanted exactly when memory is short
 * (write-back), and given back in an interrupt, where the slab may not be used. So freed bios go to
 * a stock, which allocation tops up and trims, and of which a few are kept for bad times.
 * stock_lock (RANK_DEVICE, interrupts closed) covers the stock; devices are only ever added, at
 * boot, under devices_lock.
 */
#include "dev/block.h"
#include "debug/counters.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sync/lock.h"
#include "sync/wait.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include <abi/errno.h>

#define STOCK_RESERVE 16u               // kept for when the slab has none
#define STOCK_MAX 64u
#define ERRORS_TOLD 64u                 // log lines about failed requests, then every 1024th

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
static struct stock short_bios, long_bios;

static struct spinlock devices_lock = SPINLOCK_INIT("block devices", RANK_DEVICE);
static struct list devices = LIST_INIT(devices);        // GUARDED_BY(devices_lock)
static u32 nr_devices;                                  // GUARDED_BY(devices_lock)

/* --- bios ------------------------------------------------------------------- */

static void stock_put(struct stock *s, struct bio *bio)
{
	u64 flag = spin_lock_irq(&stock_lock);

	list_push_front(&s->free, &bio->link);
	s->nr_free++;
	spin_unlock_irq(&stock_lock, flag);
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

struct bio *bio_alloc(struct block_device *device, enum bio_op op, blk_t first_block, u32 nr_pages)
{
	struct stock *s = nr_pages <= ARRAY_SIZE(((struct bio *)0)->inline_pages) ? &short_bios : &long_bios;
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
	if (!bio)
		return NULL;
	*bio = (struct bio){ .device = device, .op = op, .first_block = first_block, .nr_pages = nr_pages };
	bio->pages = s == &short_bios ? bio->inline_pages : container_of(bio, struct long_bio, bio)->pages;
	list_init(&bio->link);
	return bio;
}

void bio_free(struct bio *bio)
{
	stock_put(bio->pages == bio->inline_pages ? &short_bios : &long_bios, bio);
}

static void count_bio(struct block_device *d, struct bio *bio)
{
	switch (bio->op) {
	case BIO_READ:
		count(COUNTER_DISK_READS);
		count_add(COUNTER_PAGES_READ, bio->nr_pages);
		count_add(COUNTER_PGPGIN, bio->nr_pages * (PAGE_SIZE / 1024));
		process_count(COUNT_DISK_READS);
		atomic_add(&d->nr_reads, 1);
		atomic_add(&d->blocks_read, bio->nr_pages);
		break;
	case BIO_WRITE:
		count(COUNTER_DISK_WRITES);
		count_add(COUNTER_PAGES_WRITTEN, bio->nr_pages);
		count_add(COUNTER_PGPGOUT, bio->nr_pages * (PAGE_SIZE / 1024));
		process_count(COUNT_DISK_WRITES);
		atomic_add(&d->nr_writes, 1);
		atomic_add(&d->blocks_written, bio->nr_pages);
		break;
	case BIO_FLUSH:
		count(COUNTER_DISK_FLUSHES);
		atomic_add(&d->nr_flushes, 1);
		break;
	}
}

static int bio_check(struct block_device *d, struct bio *bio)
{
	if (bio->op == BIO_FLUSH)
		return bio->nr_pages ? -EINVAL : 0;
	if (!bio->nr_pages || bio->nr_pages > BIO_MAX_PAGES)
		return -EINVAL;
	if (bio->first_block >= d->nr_blocks || bio->nr_pages > d->nr_blocks - bio->first_block)
		return -EIO;
	return bio->op == BIO_WRITE && d->is_read_only ? -EROFS : 0;
}

void bio_submit(struct bio *bio)
{
	struct block_device *d = bio->device;
	int error = bio_check(d, bio);

	bio->submitted_ns = clock_monotonic_ns();
	bio->nr_issued = bio->nr_pending = 0;
	bio->error = 0;
	bio->is_alone = false;
	if (error) {
		bio_complete(bio, error);
		return;
	}
	count_bio(d, bio);
	d->submit(d, bio);
}

void bio_complete(struct bio *bio, int error)
{
	static const char *const verbs[] = { "read", "write", "flush" };
	struct block_device *d = bio->device;

	if (error) {
		u64 n = atomic_add_return(&d->nr_errors, 1);

		count(COUNTER_DISK_ERRORS);
		if (n <= ERRORS_TOLD || n % 1024 == 0)
			printk("block: %s: %s of %u blocks at %lu failed, error %d\n", d->name, verbs[bio->op],
			       bio->nr_pages, bio->first_block, error);
	}
	bio->done(bio, error);
}

struct bio_ticket {
	struct wait_queue queue;
	bool is_done;
	int error;
};

static void ticket_done(struct bio *bio, int error)
{
	struct bio_ticket *t = bio->owner;

	t->error = error;
	wait_release(&t->queue, &t->is_done);   // the ticket may be gone after this
}

int bio_submit_and_wait(struct bio *bio)
{
	struct bio_ticket t = { .is_done = false };

	wait_queue_init(&t.queue);
	bio->owner = &t;
	bio->done = ticket_done;
	bio_submit(bio);
	wait_event(&t.queue, READ_ONCE(t.is_done));
	wait_queue_drain(&t.queue);
	return t.error;
}

int block_flush(struct block_device *device)
{
	struct bio bio = { .device = device, .op = BIO_FLUSH };

	if (!device->has_flush)
		return 0;
	list_init(&bio.link);
	return bio_submit_and_wait(&bio);
}

/* --- the device's blocks as pages ------------------------------------------- */

static void fill_done(struct bio *bio, int error)
{
	for (u32 i = 0; i < bio->nr_pages; i++)
		page_fill_done(bio->pages[i], error);
	bio_free(bio);
}

static void store_done(struct bio *bio, int error)
{
	pages_store_done(bio->pages, bio->nr_pages, error);
	bio_free(bio);
}

typedef void (*page_done)(struct page *p, int error);

static void transfer(struct cache *cache, struct page **pages, u32 nr_pages, enum bio_op op)
{
	struct block_device *d = container_of(cache, struct block_device, cache);
	page_done one_done = op == BIO_READ ? page_fill_done : page_store_done;

	while (nr_pages > 0) {
		u32 n = min(nr_pages, (u32)BIO_MAX_PAGES);
		struct bio *bio = bio_alloc(d, op, pages[0]->index, n);

		if (bio) {
			for (u32 i = 0; i < n; i++)
				bio->pages[i] = pages[i];
			bio->done = op == BIO_READ ? fill_done : store_done;
			bio_submit(bio);
		} else {
			for (u32 i = 0; i < n; i++)
				one_done(pages[i], -ENOMEM);
		}
		pages += n;
		nr_pages -= n;
	}
}

static void block_fill(struct cache *cache, struct page **pages, u32 nr_pages)
{
	transfer(cache, pages, nr_pages, BIO_READ);
}

static void block_store(struct cache *cache, struct page **pages, u32 nr_pages)
{
	transfer(cache, pages, nr_pages, BIO_WRITE);
}

static const struct cache_ops block_cache_ops = { .fill = block_fill, .store = block_store };

int block_get(struct block_device *device, blk_t block, struct page **out)
{
	if (block >= device->nr_blocks)
		return -ENXIO;
	return cache_get(&device->cache, block, out);
}

int block_get_new(struct block_device *device, blk_t block, struct page **out)
{
	if (block >= device->nr_blocks)
		return -ENXIO;
	int error = cache_get_locked(&device->cache, block, out);

	if (error)
		return error;
	memset(page_address(*out), 0, BLOCK_SIZE);
	page_set(*out, PAGE_UPTODATE);
	return 0;
}

/* --- the devices ------------------------------------------------------------ */

void block_device_add(struct block_device *device)
{
	cache_init(&device->cache, &block_cache_ops, NULL, device->nr_blocks * BLOCK_SIZE);
	device->cache.page_lock_rank = RANK_META_PAGE;
	u64 flag = spin_lock_irq(&devices_lock);

	device->number = nr_devices++;
	string_copy(device->name, "vd?", sizeof(device->name));
	device->name[2] = (char)('a' + device->number % 26);
	list_push_back(&devices, &device->link);
	spin_unlock_irq(&devices_lock, flag);
}

struct block_device *block_device_next(struct block_device *previous)
{
	struct list *next = previous ? READ_ONCE(previous->link.next) : READ_ONCE(devices.next);

	return next == &devices ? NULL : list_entry(next, struct block_device, link);
}

struct block_device *block_device_find(const char *name)
{
	struct block_device *d = NULL;

	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	while ((d = block_device_next(d)))
		if (strcmp(d->name, name) == 0)
			return d;
	return NULL;
}
