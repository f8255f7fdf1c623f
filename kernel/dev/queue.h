#pragma once
/*
 * queue.h - the bios of one disk that wait for their turn: in what order they go, and which go together.
 * A driver owns one and covers it with its own lock; nothing here sleeps or calls back.
 */
#include "types.h"
#include "dev/block.h"

#define REQUEST_MAX_PAGES 256u          // what joined bios may come to: 1 MiB
#define SWEEP_MAX 256u                  // bios of one sweep over the disk: then those behind it have their turn

struct bio_queue {
	struct list sorted[2];          // bio.link, ascending: what the sweep will still meet, and what it has passed
	u32 now;                        // which of the two is the sweep's
	struct list flushes;
	struct list lonely;             // bio.is_alone: each waits until the disk has nothing else
	u32 nr;                         // bios in all of them
	blk_t position;                 // where the sweep is
	u32 nr_swept;                   // bios taken in this sweep
	bool flush_is_out;              // the disk has one: those that come meanwhile wait, and go as one
};

void bio_queue_init(struct bio_queue *q);
void bio_queue_add(struct bio_queue *q, struct bio *bio);
// Which goes next; it stays in the queue. is_idle: the disk has nothing. NULL: none may go now.
struct bio *bio_queue_next(struct bio_queue *q, bool is_idle);
// The neighbour on the disk that may go in one request with `last` (and others, nr_pages together), whole. NULL: none.
struct bio *bio_queue_neighbour(struct bio_queue *q, const struct bio *last, u32 nr_pages);
// It has been issued whole, and leaves.
void bio_queue_take(struct bio_queue *q, struct bio *bio);
// It fails before it is issued whole; it may have left already.
void bio_queue_remove(struct bio_queue *q, struct bio *bio);
// Any of those that wait, for a driver that gives up: it leaves. NULL: none is left.
struct bio *bio_queue_drain(struct bio_queue *q);
