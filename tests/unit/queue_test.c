/*
 * queue_test.c - the order in which waiting bios go to a disk, and which go together.
 */
// BUILD: kernel/dev/queue.c
#include "dev/queue.h"

static struct bio_queue queue;
static struct bio bios[600];

static struct bio *add(u32 i, enum bio_op op, blk_t first, u32 nr_pages)
{
	bios[i] = (struct bio){ .op = op, .first_block = first, .nr_pages = nr_pages };
	list_init(&bios[i].link);
	bio_queue_add(&queue, &bios[i]);
	return &bios[i];
}

// The driver's part: takes the next and all that join it. How many; the first in *first.
static u32 take(struct bio **first, bool is_idle)
{
	struct bio *last = *first = bio_queue_next(&queue, is_idle), *next;
	u32 nr = 1, nr_pages;

	if (!last)
		return 0;
	nr_pages = last->nr_issued = last->nr_pages;
	bio_queue_take(&queue, last);
	while ((next = bio_queue_neighbour(&queue, last, nr_pages))) {
		nr_pages += next->nr_issued = next->nr_pages;
		bio_queue_take(&queue, next);
		last = next;
		nr++;
	}
	require(nr_pages <= REQUEST_MAX_PAGES);
	return nr;
}

static void test_merge(void)
{
	struct bio *first;

	bio_queue_init(&queue);
	add(0, BIO_WRITE, 20, 4);
	add(1, BIO_WRITE, 24, 1);               // behind it
	add(2, BIO_WRITE, 18, 2);               // before it
	add(3, BIO_READ, 25, 1);                // another kind
	add(4, BIO_WRITE, 40, 1);
	ok(take(&first, true) == 3 && first == &bios[2],
	   "neighbours go together, before and behind, whoever came first");
	ok(take(&first, false) == 1 && first == &bios[3], "reads and writes do not");
	ok(take(&first, false) == 1 && first == &bios[4] && take(&first, false) == 0, "nor what has a gap between");
	for (u32 i = 0; i < 300; i++)
		add(i, BIO_WRITE, 1000 + i, 1);
	ok(take(&first, false) == 256 && take(&first, false) == 44, "a request has 256 pages at most");
	struct bio *part = add(0, BIO_READ, 10, 100);

	add(1, BIO_READ, 110, 1);
	require(bio_queue_next(&queue, false) == part);
	part->nr_issued = 50;
	ok(bio_queue_next(&queue, false) == part && queue.nr == 2, "what is issued in parts stays until the last");
	ok(take(&first, false) == 2, "which others may join");
}

static void test_sweep(void)
{
	struct bio *first;

	bio_queue_init(&queue);
	add(0, BIO_READ, 500, 1);
	require(take(&first, false) == 1);
	add(1, BIO_READ, 100, 1);
	add(2, BIO_READ, 900, 1);
	add(3, BIO_READ, 700, 1);
	add(4, BIO_READ, 50, 1);
	ok(take(&first, false) == 1 && first == &bios[3] && take(&first, false) == 1 && first == &bios[2],
	   "a sweep goes up from where it is");
	ok(take(&first, false) == 1 && first == &bios[4] && take(&first, false) == 1 && first == &bios[1],
	   "what lies behind comes with the next");
	add(0, BIO_READ, 0, 1);
	u32 nr = 0;

	for (u32 i = 1; i < 590; i++) {         // a stream that always stays ahead
		add(i, BIO_READ, 1000 + 2 * i, 1);
		require(take(&first, false) == 1);
		nr++;
		if (first == &bios[0])
			break;
	}
	ok(first == &bios[0] && nr <= SWEEP_MAX + 1, "a stream ahead of the sweep starves nobody");
}

static void test_flush(void)
{
	struct bio *first;

	bio_queue_init(&queue);
	add(0, BIO_FLUSH, 0, 0);
	ok(take(&first, false) == 1 && first->op == BIO_FLUSH, "a flush goes at once");
	add(1, BIO_FLUSH, 0, 0);
	add(2, BIO_FLUSH, 0, 0);
	add(3, BIO_WRITE, 5, 1);
	ok(take(&first, false) == 1 && first == &bios[3], "while it is out others wait, but writes do not");
	ok(take(&first, true) == 0, "so that they");
	queue.flush_is_out = false;
	ok(take(&first, true) == 2 && first == &bios[1], "go as one when it is back");
}

static void test_lonely(void)
{
	struct bio *first;

	bio_queue_init(&queue);
	add(0, BIO_READ, 5, 1);
	require(take(&first, true) == 1);
	bios[0].is_alone = true;
	bios[0].nr_issued = 0;
	bio_queue_add(&queue, &bios[0]);
	add(1, BIO_READ, 6, 1);
	ok(take(&first, false) == 0, "what is to be alone waits until the disk is idle, and the others behind it");
	ok(take(&first, true) == 1 && first == &bios[0], "and takes nobody along");
	add(2, BIO_FLUSH, 0, 0);
	u32 nr = 0;

	while (bio_queue_drain(&queue))
		nr++;
	ok(nr == 2 && queue.nr == 0, "a disk that is given up gives all back");
}

int main(void)
{
	test_merge();
	test_sweep();
	test_flush();
	test_lonely();
	return tap_end();
}
