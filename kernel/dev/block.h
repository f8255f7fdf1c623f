#pragma once
/*
 * block.h - disks, seen as arrays of 4 KiB blocks, and requests to them.
 *
 * A bio asks for a run of whole blocks: page i of the bio is block first_block + i. Submitting
 * never sleeps; done() is called once, possibly from an interrupt, with 0 or a negative errno.
 * Between submit and done the submitter leaves the bio alone; the pages may be written to by user
 * stores (the write-back rules allow that). Bios that wait are sorted, and neighbours go to the
 * device as one request (queue.h).
 *
 * A thread that is about to submit several says so: between block_plug and block_unplug its bios are
 * kept back, and go to their disks together, with one notification. They also go when it sleeps.
 *
 * Each device has a cache, whose pages are the device's blocks: file-system metadata lives there
 * and nowhere else.
 */
#include "types.h"
#include "lib/list.h"
#include "cache/cache.h"

#define BLOCK_SIZE PAGE_SIZE
#define DISK_MAJOR 254                  // device numbers: one disk takes 16 minors
#define DISK_MINORS 16
#define BIO_MAX_PAGES 128               // 512 KiB

struct page;
struct thread;
struct block_device;

enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH };

struct bio {
	struct block_device *device;
	enum bio_op op;
	blk_t first_block;
	u32 nr_pages;                   // 0 for BIO_FLUSH
	struct page **pages;            // = inline_pages, or the submitter's own array
	struct page *inline_pages[4];
	void (*done)(struct bio *bio, int error);       // any context, must not sleep
	void *owner;                    // the submitter's
	struct list link;               // the queue's, while submitted
	u64 submitted_ns, issued_ns;
	int tid;                        // who submitted it
	char who[16];                   // its name, while requests are traced (iotrace.h)
	/* the driver's, while submitted */
	u32 nr_issued;                  // pages that the device has been given
	u32 nr_pending;                 // device requests under way for it
	int error;
	bool is_alone;                  // not to be merged with neighbours (again)
	struct bio *joined;             // the next bio of the same request
	u32 nr_joined;                  // bios of its request, in the first of them
};

// What /proc/diskstats tells of one kind of request.
struct block_stats {
	u64 nr_requests;                // ended
	u64 nr_joined;                  // bios that needed no request of their own
	u64 nr_blocks;
	u64 ns;                         // sum over requests, from submission to end
};

// Bios that a thread keeps back.
struct plug {
	struct list bios;               // bio.link
	u32 nr;
};

struct block_device {
	char name[8];                   // "vda"
	u64 nr_blocks;                  // whole 4 KiB blocks
	u32 number;                     // 0 for vda, 1 for vdb, ...
	bool is_read_only;
	bool has_flush;
	// Never sleeps; takes all of bio.link from the list.
	void (*submit)(struct block_device *device, struct list *bios);
	struct cache cache;             // the device's blocks as pages
	void *driver;
	u64 nr_errors;                  // atomic
	u64 nr_written, nr_flushed;     // atomic; writes that have ended; those that the last flush has made durable
	struct block_stats stats[3];    // GUARDED_BY(the driver's lock) by enum bio_op
	u32 nr_in_flight;               // GUARDED_BY(the driver's lock) requests
	u64 busy_since_ns, busy_ns;     // GUARDED_BY(the driver's lock)
	struct list link;               // all devices
};

void block_room_init(void);             // before the first disk; after slab_init

// Registers a disk whose driver fields are filled in; names it, initialises its cache.
void block_device_add(struct block_device *device);
struct block_device *block_device_find(const char *name);       // by "vda" or "/dev/vda"; NULL
struct block_device *block_device_next(struct block_device *previous);  // NULL: the first; NULL at the end

// With room for nr_pages pointers in bio->pages; the submitter sets them, done and owner. NULL: no memory.
struct bio *bio_alloc(struct block_device *device, enum bio_op op, blk_t first_block, u32 nr_pages);
// The same, but waits for one that others give back when there is no memory: the reserve sees to it that some
// are under way. May sleep; not for who holds bios that have not been submitted, for those nobody gives back.
struct bio *bio_alloc_surely(struct block_device *device, enum bio_op op, blk_t first_block, u32 nr_pages);
void bio_free(struct bio *bio);         // any context
// By the driver: counts the error and calls done. No lock held; any context.
void bio_complete(struct bio *bio, int error);
void bio_submit(struct bio *bio);               // never sleeps; counts
// By the driver, with its lock held: a request of that many bios goes out; has ended.
void block_count_issued(struct block_device *device, enum bio_op op, u64 now_ns);
void block_count_ended(struct block_device *device, const struct bio *first, u32 nr_bios, u32 nr_pages, u64 now_ns);
// Nested pairs count as the outermost.
void block_plug(struct plug *plug);
void block_unplug(struct plug *plug);           // never sleeps
void block_unplug_now(struct thread *t);        // by the scheduler: current is about to sleep
void plug_add(struct plug *plug, struct bio *bio);      // by bio_submit: current's plug
// While not NULL, called as bios end: iotrace.c's.
extern void (*bio_tracer)(const struct bio *bio, int error);
int bio_submit_and_wait(struct bio *bio) MUST_CHECK;    // may sleep; 0 or -EIO; uses done and owner itself
// Everything whose write has ended so far is durable. No request where no write has ended since the last. May sleep.
int block_flush(struct block_device *device) MUST_CHECK;

// The cached block, up to date, referenced: give it back with page_put. May sleep. -EIO, -ENOMEM,
// -ENXIO past the end.
int block_get(struct block_device *device, blk_t block, struct page **out) MUST_CHECK;
// For a block that is about to be overwritten whole: no read. Returned locked, zeroed, up to date.
int block_get_new(struct block_device *device, blk_t block, struct page **out) MUST_CHECK;
