/*
 * swap_io.c - between slots and the disk. Pages that leave together are written in requests of neighbouring slots.
 * A page that is wanted back is read with its neighbours: of the eight slots around it those that are in use
 * and not in memory, as they left together and are likely to be wanted together. Requests are made of what
 * bio_alloc keeps for bad times.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "dev/block.h"
#include "mm/frame.h"
#include "mm/page.h"
#include "mm/reclaim.h"
#include "mm/swap_internal.h"
#include "proc/deferred.h"
#include "proc/process.h"
#include "sync/wait.h"
#include "x86/cpu.h"
#include <abi/errno.h>

#define READ_CLUSTER 8u                 // slots, naturally aligned

u64 swap_block_of(const struct swap_area *area, u32 slot)
{
	u32 low = 0, high = area->nr_extents;

	while (high - low > 1) {
		u32 middle = (low + high) / 2;

		if (area->extents[middle].first <= slot)
			low = middle;
		else
			high = middle;
	}
	return area->extents[low].block + (slot - area->extents[low].first);
}

static u64 block_of_page(const struct page *p)
{
	swap_entry_t entry = { p->private };

	return swap_block_of(swap_area_of(entry), swap_slot_of(entry));
}

// How many of the pages, from the first on, lie side by side on one disk.
static u32 run_length(struct page **pages, u32 nr)
{
	swap_entry_t first = { pages[0]->private };
	u32 n = 1;

	while (n < nr && n < BIO_MAX_PAGES &&
	       swap_area_of((swap_entry_t){ pages[n]->private }) == swap_area_of(first) &&
	       block_of_page(pages[n]) == block_of_page(pages[n - 1]) + 1)
		n++;
	return n;
}

// A request for these pages; NULL: no memory.
static struct bio *request(struct page **pages, u32 nr, enum bio_op op)
{
	struct block_device *device = swap_area_of((swap_entry_t){ pages[0]->private })->device;
	struct bio *bio = bio_alloc(device, op, block_of_page(pages[0]), nr);

	for (u32 i = 0; bio && i < nr; i++)
		bio->pages[i] = pages[i];
	return bio;
}

/* --- out -------------------------------------------------------------------- */

struct write_ticket {
	struct wait_queue queue;
	u32 nr_pending;                 // atomic: requests, and one for the submitter
	bool is_done;
};

static void write_done(struct bio *bio, int error)
{
	struct write_ticket *t = bio->owner;

	for (u32 i = 0; i < bio->nr_pages && !error; i++) {
		if (bio->pages[i]->owner == PAGE_CACHE)
			cache_swapped_out(bio->pages[i]);
		else
			page_clear(bio->pages[i], PAGE_DIRTY);
	}
	bio_free(bio);
	if (atomic_sub_return(&t->nr_pending, 1) == 0)
		wait_release(&t->queue, &t->is_done);   // the ticket may be gone after this
}

void swap_write(struct page **pages, u32 nr)
{
	struct write_ticket t = { .nr_pending = 1 };

	wait_queue_init(&t.queue);
	for (u32 i = 0, n; i < nr; i += n) {
		n = run_length(pages + i, nr - i);
		struct bio *bio = request(pages + i, n, BIO_WRITE);

		if (!bio)
			continue;               // they stay DIRTY, and their turn comes again
		bio->owner = &t;
		bio->done = write_done;
		atomic_add(&t.nr_pending, 1);
		count_add(COUNTER_PSWPOUT, n);
		bio_submit(bio);
	}
	if (atomic_sub_return(&t.nr_pending, 1) != 0)
		wait_event(&t.queue, READ_ONCE(t.is_done));
	wait_queue_drain(&t.queue);
}

/* --- in --------------------------------------------------------------------- */

static struct spinlock failed_lock = SPINLOCK_INIT("failed reads", RANK_DEVICE);
static struct list failed_reads = LIST_INIT(failed_reads);      // GUARDED_BY(failed_lock) bio.link
static void read_singly(struct deferred *d);
static struct deferred reading_singly = { .function = read_singly, .link = LIST_INIT(reading_singly.link) };

// The page lock goes with the request. The swap cache's reference, or that of the file's cache, keeps the page:
// it is taken out only with the lock held. A slot that cannot be read hurts its own page only:
// a longer request is made again page by page.
static void read_done(struct bio *bio, int error)
{
	if (error && bio->nr_pages > 1) {
		u64 flag = spin_lock_irq(&failed_lock);

		list_push_back(&failed_reads, &bio->link);
		spin_unlock_irq(&failed_lock, flag);
		deferred_queue(&reading_singly);
		return;
	}
	for (u32 i = 0; i < bio->nr_pages; i++)
		page_fill_done(bio->pages[i], error);
	bio_free(bio);
}

static void read_run(struct page **pages, u32 nr)
{
	struct bio *bio = request(pages, nr, BIO_READ);

	if (!bio) {
		for (u32 i = 0; i < nr; i++)
			page_fill_done(pages[i], -ENOMEM);
		return;
	}
	bio->done = read_done;
	count_add(COUNTER_PSWPIN, nr);
	bio_submit(bio);
}

void swap_fill(struct page **pages, u32 nr)
{
	for (u32 i = 0, n; i < nr; i += n) {
		n = run_length(pages + i, nr - i);
		read_run(pages + i, n);
	}
}

static void read_singly(struct deferred *d)
{
	struct bio *bio = NULL;

	(void)d;
	do {
		u64 flag = spin_lock_irq(&failed_lock);

		bio = list_is_empty(&failed_reads) ? NULL : list_first(&failed_reads, struct bio, link);
		if (bio)
			list_remove(&bio->link);
		spin_unlock_irq(&failed_lock, flag);
		for (u32 i = 0; bio && i < bio->nr_pages; i++)
			read_run(&bio->pages[i], 1);
		if (bio)
			bio_free(bio);
	} while (bio);
}

// A new page in the swap cache for the slot, locked. -EEXIST: somebody else has one there, or nobody wants it. -ENOMEM.
static int new_page(swap_entry_t entry, u32 flags, struct page **out)
{
	struct page *p = frame_alloc(PAGE_ANON, flags);

	if (!p)
		return -ENOMEM;
	page_set(p, PAGE_LOCKED);
	if (!swap_cache_fill(p, entry)) {
		page_clear(p, PAGE_LOCKED);
		page_put(p);
		return -EEXIST;
	}
	reclaim_add(p);
	*out = p;
	return 0;
}

// Is the neighbour's slot in use, and would it only be read for nothing?
static bool is_worth_reading(swap_entry_t entry)
{
	return swap_is_named(entry) && frames_listed_count() > reclaim_low_mark;
}

static void read_cluster(swap_entry_t wanted, struct page *p)
{
	struct swap_area *area = swap_area_of(wanted);
	struct page *pages[READ_CLUSTER];
	u32 start = swap_slot_of(wanted) & ~(READ_CLUSTER - 1), nr = 0;

	for (u32 slot = start; slot < start + READ_CLUSTER && slot < area->nr_slots; slot++) {
		swap_entry_t entry = swap_entry(area, slot);

		if (entry.value == wanted.value)
			pages[nr++] = p;
		else if (is_worth_reading(entry) && new_page(entry, FRAME_ATOMIC, &pages[nr]) == 0)
			nr++;
	}
	swap_fill(pages, nr);
}

// The entry's page, referenced, maybe still being read; *is_new: by us. NULL in *out: nobody names the slot any more.
static int start_read(swap_entry_t entry, struct page **out, bool *is_new)
{
	*is_new = false;
	while (!(*out = swap_cache_find(entry)) && swap_is_named(entry)) {
		int error = new_page(entry, 0, out);

		if (error == -EEXIST)
			continue;
		if (error)
			return error;
		page_get(*out);
		read_cluster(entry, *out);
		*is_new = true;
		break;
	}
	return 0;
}

// The next who asks tries the disk again.
static int failure_of(struct page *p)
{
	int error = p->error;

	page_lock(p);
	if (page_has(p, PAGE_FAILED))
		(void)!swap_cache_try_evict(p);
	page_unlock(p);
	page_put(p);
	return error ? error : -EIO;
}

int swap_read(swap_entry_t entry, struct page **out)
{
	for (;;) {
		struct page *p;
		bool is_new;
		int error = start_read(entry, &p, &is_new);

		*out = NULL;
		if (error || !p)
			return error;
		page_wait_unlocked(p);
		if (!page_has(p, PAGE_FAILED)) {
			*out = p;
			return 0;
		}
		error = failure_of(p);
		if (is_new)
			return error;           // else it was read ahead, or for somebody else: that is no answer to us
	}
}
