/*
 * block.c - disks and requests to them, whatever drives them; and each disk's cache, whose pages
 * are its blocks. Devices are only ever added, at boot, under devices_lock. What
 * happens to a bio behind device->submit is the driver's.
 *
 * FLUSH is asked for only where a write has ended since the last one that succeeded began.
 */
#include "dev/block.h"
#include "debug/counters.h"
#include "kernel.h"
#include "lib/string.h"
#include "proc/process.h"
#include "sync/lock.h"
#include "sync/wait.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include <abi/errno.h>

#define ERRORS_TOLD 64u                 // log lines about failed requests, then every 1024th

void (*bio_tracer)(const struct bio *bio, int error);   // atomic

static struct spinlock devices_lock = SPINLOCK_INIT("block devices", RANK_DEVICE);
static struct list devices = LIST_INIT(devices);        // GUARDED_BY(devices_lock)
static u32 nr_devices;                                  // GUARDED_BY(devices_lock)

/* --- bios ------------------------------------------------------------------- */

static void count_bio(struct bio *bio)
{
	switch (bio->op) {
	case BIO_READ:
		count_add(COUNTER_PAGES_READ, bio->nr_pages);
		count_add(COUNTER_PGPGIN, bio->nr_pages * (PAGE_SIZE / 1024));
		process_count(COUNT_DISK_READS);
		break;
	case BIO_WRITE:
		count_add(COUNTER_PAGES_WRITTEN, bio->nr_pages);
		count_add(COUNTER_PGPGOUT, bio->nr_pages * (PAGE_SIZE / 1024));
		process_count(COUNT_DISK_WRITES);
		break;
	case BIO_FLUSH:
		break;
	}
}

void block_count_issued(struct block_device *d, enum bio_op op, u64 now_ns)
{
	static const enum counter counters[] = {
		[BIO_READ] = COUNTER_DISK_READS, [BIO_WRITE] = COUNTER_DISK_WRITES, [BIO_FLUSH] = COUNTER_DISK_FLUSHES,
	};

	count(counters[op]);
	if (!d->nr_in_flight++)
		d->busy_since_ns = now_ns;
}

void block_count_ended(struct block_device *d, const struct bio *first, u32 nr_bios, u32 nr_pages, u64 now_ns)
{
	struct block_stats *s = &d->stats[first->op];

	s->nr_requests++;
	s->nr_joined += nr_bios - 1;
	s->nr_blocks += nr_pages;
	s->ns += now_ns - min(first->submitted_ns, now_ns);
	if (!--d->nr_in_flight)
		d->busy_ns += now_ns - d->busy_since_ns;
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

static void prepare(struct bio *bio)
{
	const struct thread *me = current;

	bio->submitted_ns = clock_monotonic_ns();
	bio->issued_ns = 0;
	bio->nr_issued = bio->nr_pending = 0;
	bio->error = 0;
	bio->is_alone = false;
	bio->joined = NULL;
	bio->nr_joined = 0;
	bio->tid = me->tid;
	if (unlikely(READ_ONCE(bio_tracer)))
		string_copy(bio->who, me->name, sizeof(bio->who));
}

void bio_submit(struct bio *bio)
{
	struct block_device *d = bio->device;
	struct plug *plug = current->plug;
	struct list bios = LIST_INIT(bios);
	int error = bio_check(d, bio);

	prepare(bio);
	if (error) {
		bio_complete(bio, error);
		return;
	}
	count_bio(bio);
	if (plug && !this_cpu()->interrupt_depth) {
		plug_add(plug, bio);
		return;
	}
	list_push_back(&bios, &bio->link);
	d->submit(d, &bios);
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
	if (bio->op == BIO_WRITE)
		atomic_add(&d->nr_written, 1);
	if (unlikely(READ_ONCE(bio_tracer)))
		bio_tracer(bio, error);
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
	u64 nr_written = atomic_load(&device->nr_written), nr_flushed;

	if (!device->has_flush || nr_written == atomic_load(&device->nr_flushed))
		return 0;
	list_init(&bio.link);
	int error = bio_submit_and_wait(&bio);

	for (nr_flushed = atomic_load(&device->nr_flushed); !error && nr_flushed < nr_written &&
	     !atomic_compare_exchange(&device->nr_flushed, nr_flushed, nr_written);)
		nr_flushed = atomic_load(&device->nr_flushed);
	return error;
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

static void transfer(struct cache *cache, struct page **pages, u32 nr_pages, enum bio_op op)
{
	struct block_device *d = container_of(cache, struct block_device, cache);

	while (nr_pages > 0) {
		u32 n = min(nr_pages, (u32)BIO_MAX_PAGES);
		struct bio *bio = bio_alloc_surely(d, op, pages[0]->index, n);

		for (u32 i = 0; i < n; i++)
			bio->pages[i] = pages[i];
		bio->done = op == BIO_READ ? fill_done : store_done;
		bio_submit(bio);
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
