/*
 * queue.c - in what order waiting bios go to a disk. Like a lift that only goes up: a sweep meets the bios in ascending
 * order, and what comes in behind it waits for the next one.
 * So neighbours meet in the list and go as one request, whoever came first.
 * A sweep ends after SWEEP_MAX bios at the latest, so that a stream of bios just ahead of it starves nobody.
 *
 * One flush is out at a time. Those that come meanwhile could not be served by it, since writes may have ended after it
 * began; they all go as one when it is back.
 *
 * The lists are covered by the driver's lock. A bio is in exactly one of them until it has been issued whole.
 */
#include "dev/queue.h"
#include "kernel.h"

void bio_queue_init(struct bio_queue *q)
{
	*q = (struct bio_queue){ .position = 0 };
	list_init(&q->sorted[0]);
	list_init(&q->sorted[1]);
	list_init(&q->flushes);
	list_init(&q->lonely);
}

static struct list *sweep_of(struct bio_queue *q)
{
	return &q->sorted[q->now];
}

static struct list *behind_of(struct bio_queue *q)
{
	return &q->sorted[!q->now];
}

// Most bios come in order: looked for from the end.
static void insert_sorted(struct list *head, struct bio *bio)
{
	struct list *at = head->previous;

	while (at != head && list_entry(at, struct bio, link)->first_block > bio->first_block)
		at = at->previous;
	list_push_front(at, &bio->link);        // behind `at`
}

void bio_queue_add(struct bio_queue *q, struct bio *bio)
{
	q->nr++;
	if (bio->is_alone)
		list_push_back(&q->lonely, &bio->link);
	else if (bio->op == BIO_FLUSH)
		list_push_back(&q->flushes, &bio->link);
	else
		insert_sorted(bio->first_block >= q->position ? sweep_of(q) : behind_of(q), bio);
}

// The sweep has met all, or enough: the next one begins with what it has passed.
static void turn_back(struct bio_queue *q)
{
	q->now = !q->now;
	q->nr_swept = 0;
	q->position = list_is_empty(sweep_of(q)) ? 0 : list_first(sweep_of(q), struct bio, link)->first_block;
}

struct bio *bio_queue_next(struct bio_queue *q, bool is_idle)
{
	if (!q->nr)
		return NULL;
	if (!list_is_empty(&q->lonely))
		return is_idle ? list_first(&q->lonely, struct bio, link) : NULL;
	if (!list_is_empty(&q->flushes) && !q->flush_is_out)
		return list_first(&q->flushes, struct bio, link);
	if (list_is_empty(sweep_of(q)) || (q->nr_swept >= SWEEP_MAX && !list_is_empty(behind_of(q))))
		turn_back(q);
	return list_is_empty(sweep_of(q)) ? NULL : list_first(sweep_of(q), struct bio, link);
}

struct bio *bio_queue_neighbour(struct bio_queue *q, const struct bio *last, u32 nr_pages)
{
	struct list *from = last->op == BIO_FLUSH ? &q->flushes : sweep_of(q);

	if (last->is_alone || list_is_empty(from))
		return NULL;
	struct bio *bio = list_first(from, struct bio, link);

	if (bio->op == BIO_FLUSH)
		return bio;
	return bio->op == last->op && bio->first_block == last->first_block + last->nr_pages && !bio->nr_issued &&
	       nr_pages + bio->nr_pages <= REQUEST_MAX_PAGES ? bio : NULL;
}

void bio_queue_remove(struct bio_queue *q, struct bio *bio)
{
	q->nr -= !list_is_empty(&bio->link);
	list_remove(&bio->link);
}

void bio_queue_take(struct bio_queue *q, struct bio *bio)
{
	bio_queue_remove(q, bio);
	if (bio->op == BIO_FLUSH) {
		q->flush_is_out = true;
	} else if (!bio->is_alone) {
		q->position = bio->first_block + bio->nr_pages;
		q->nr_swept++;
	}
}

struct bio *bio_queue_drain(struct bio_queue *q)
{
	struct list *lists[] = { &q->sorted[0], &q->sorted[1], &q->flushes, &q->lonely };

	for (u32 i = 0; i < ARRAY_SIZE(lists); i++) {
		if (!list_is_empty(lists[i])) {
			struct bio *bio = list_first(lists[i], struct bio, link);

			bio_queue_remove(q, bio);
			return bio;
		}
	}
	return NULL;
}
