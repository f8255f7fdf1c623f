#pragma once
/*
 * block.h - disks, seen as arrays of 4 KiB blocks, and requests to them.
 *
 * A bio asks for a run of whole blocks: page i of the bio is block first_block + i. Submitting
 * never sleeps; done() is called once, possibly from an interrupt, with 0 or a negative errno.
 * Neighbouring requests are merged by the driver's queue where they wait. Between submit and done
 * the submitter leaves the bio alone; the pages may be written to by user stores (the write-back
 * rules allow that).
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
	u64 submitted_ns;
	/* the driver's, while submitted */
	u32 nr_issued;                  // pages that the device has been given
	u32 nr_pending;                 // device requests under way for it
	int error;
	bool is_alone;                  // not to be merged with neighbours (again)
};

struct block_device {
	char name[8];                   // "vda"
	u64 nr_blocks;                  // whole 4 KiB blocks
	u32 number;                     // 0 for vda, 1 for vdb, ...
	bool is_read_only;
	bool has_flush;
	void (*submit)(struct block_device *device, struct bio *bio);   // never sleeps
	struct cache cache;             // the device's blocks as pages
	void *driver;
	u64 nr_reads, nr_writes, nr_flushes, nr_errors, blocks_read, blocks_written;    // atomic
	struct list link;               // all devices
};

void block_room_init(void);             // before the first disk; after slab_init

// Registers a disk whose driver fields are filled in; names it, initialises its cache.
void block_device_add(struct block_device *device);
struct block_device *block_device_find(const char *name);       // by "vda" or "/dev/vda"; NULL
struct block_device *block_device_next(struct block_device *previous);  // NULL: the first; NULL at the end

// With room for nr_pages pointers in bio->pages; the submitter sets them, done and owner.
struct bio *bio_alloc(struct block_device *device, enum bio_op op, blk_t first_block, u32 nr_pages);    // NULL: no memory
void bio_free(struct bio *bio);         // any context
// By the driver: counts the error and calls done. No lock held; any context.
void bio_complete(struct bio *bio, int error);
void bio_submit(struct bio *bio);               // never sleeps; counts
int bio_submit_and_wait(struct bio *bio) MUST_CHECK;    // may sleep; 0 or -EIO; uses done and owner itself
int block_flush(struct block_device *device) MUST_CHECK;        // may sleep: everything written so far is durable

// The cached block, up to date, referenced: give it back with page_put. May sleep. -EIO, -ENOMEM,
// -ENXIO past the end.
int block_get(struct block_device *device, blk_t block, struct page **out) MUST_CHECK;
// For a block that is about to be overwritten whole: no read. Returned locked, zeroed, up to date.
int block_get_new(struct block_device *device, blk_t block, struct page **out) MUST_CHECK;
