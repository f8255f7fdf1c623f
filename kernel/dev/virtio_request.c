/*
 * virtio_request.c - requests to a virtio disk (virtio 1.1, section 5.2). A slot is one request
 * under way: a chain of descriptors, either through a table of its own (indirect descriptors)
 * or through a fixed part of the ring. Bios wait in a sorted queue (queue.h); when a slot is free, the next
 * of them and its neighbours on the disk become one request. All requests of one go are told to the device by one
 * notification, and only when it has said that it wants to hear of them:
 * under emulation a notification costs as much as some thousand instructions.
 *
 *      bio_submit -> (plug) -> queue -> slot (one bio, a part of one, or several)
 *                 -> device -> interrupt -> bio_complete
 *
 * disk->lock (RANK_DEVICE, interrupts closed) covers the virtqueue, the slots and the waiting bios;
 * bios are completed without it. A request that fails after we, or perhaps the device's maker, have
 * merged it with its neighbours is asked again bio by bio, each alone with the device, so that a
 * bad sector hurts only its own bio.
 *
 *  V1  A slot has bios iff the device owns it; a bio is in the queue iff nr_issued < nr_pages (or it is a flush
 *      that no slot has).
 *
 * A device that breaks the protocol is reset, and every request from then on fails with -EIO.
 */
#include "dev/virtio_disk.h"
#include "kernel.h"
#include "x86/clock.h"
#include "x86/kernel_map.h"
#include <abi/errno.h>

#define WATCH_NS 50000000ul

enum { TYPE_READ = 0, TYPE_WRITE = 1, TYPE_FLUSH = 4 };
enum { STATUS_OK = 0, STATUS_IO_ERROR = 1, STATUS_UNSUPPORTED = 2, STATUS_NONE = 0xff };

/* --- building a request ----------------------------------------------------- */

// Where the pages of a request go: the descriptors of the slot.
struct chain {
	struct disk *disk;
	struct virtqueue_descriptor *table;
	u32 first;                      // the ring index of table[0], or 0 in a table of its own
	u32 nr;
};

static paddr_t physical(const volatile void *p)
{
	return direct_map_physical((const void *)p);
}

static void chain_add(struct chain *c, paddr_t address, u32 length, u16 flags)
{
	if (c->nr > 0) {
		c->table[c->nr - 1].flags |= DESCRIPTOR_NEXT;
		c->table[c->nr - 1].next = (u16)(c->first + c->nr);
	}
	c->table[c->nr++] = (struct virtqueue_descriptor){ .address = address, .length = length, .flags = flags };
}

// Adds one page, to the descriptor before it when they are neighbours in memory. False: no room for
// another.
static bool chain_add_page(struct chain *c, struct page *p, u16 flags)
{
	paddr_t address = page_to_physical(p);
	struct virtqueue_descriptor *last = &c->table[c->nr - 1];

	if (c->nr > 1 && last->address + last->length == address &&
	    last->length + PAGE_SIZE <= c->disk->max_segment_size) {
		last->length += PAGE_SIZE;
		return true;
	}
	if (c->nr - 1 == c->disk->max_segments)         // one is the header
		return false;
	chain_add(c, address, PAGE_SIZE, flags);
	return true;
}

// Puts as much of the bio as fits into the slot. The bio leaves the queue when all of it is issued.
static void slot_add_bio(struct disk *d, struct slot *s, struct chain *c, struct bio *bio)
{
	u16 flags = bio->op == BIO_READ ? DESCRIPTOR_DEVICE_WRITES : 0;

	while (bio->nr_issued < bio->nr_pages && s->nr_pages < REQUEST_MAX_PAGES) {
		if (!chain_add_page(c, bio->pages[bio->nr_issued], flags))
			break;
		bio->nr_issued++;
		s->nr_pages++;
	}
	bio->nr_pending++;
	if (s->nr_bios++)
		s->last->joined = bio;
	else
		s->first = bio;
	s->last = bio;
	if (bio->nr_issued == bio->nr_pages)
		bio_queue_take(&d->waiting, bio);
}

static void slot_add_neighbours(struct disk *d, struct slot *s, struct chain *c)
{
	struct bio *next;

	while (s->last->nr_issued == s->last->nr_pages &&
	       (next = bio_queue_neighbour(&d->waiting, s->last, s->nr_pages)) &&
	       c->nr - 1 + next->nr_pages <= d->max_segments)
		slot_add_bio(d, s, c, next);
}

// Fills the slot with the bio and its neighbours, and offers it to the device.
static void slot_issue(struct disk *d, u32 number, struct bio *bio, u64 now)
{
	static const u32 types[] = { [BIO_READ] = TYPE_READ, [BIO_WRITE] = TYPE_WRITE, [BIO_FLUSH] = TYPE_FLUSH };
	struct slot *s = &d->slots[number];
	struct request *r = s->request;
	u16 head = (u16)(number * d->slot_stride);
	struct chain c = { .disk = d };

	c.table = d->is_indirect ? r->table : d->queue.descriptors + head;
	c.first = d->is_indirect ? 0 : head;
	s->nr_bios = s->nr_pages = 0;
	s->first_block = bio->first_block + bio->nr_issued;
	s->is_alone = bio->is_alone;
	s->had_neighbour = false;
	r->header.type = types[bio->op];
	r->header.reserved = 0;
	r->header.sector = bio->op == BIO_FLUSH ? 0 : s->first_block * SECTORS_PER_BLOCK;
	r->status = STATUS_NONE;
	chain_add(&c, physical(&r->header), sizeof(r->header), 0);
	slot_add_bio(d, s, &c, bio);
	slot_add_neighbours(d, s, &c);
	bio->issued_ns = now;
	bio->nr_joined = s->nr_bios;
	chain_add(&c, physical(&r->status), 1, DESCRIPTOR_DEVICE_WRITES);
	if (d->is_indirect)
		d->queue.descriptors[head] = (struct virtqueue_descriptor){
			.address = physical(r->table), .length = c.nr * 16, .flags = DESCRIPTOR_INDIRECT };
	virtqueue_offer(&d->queue, head);
	block_count_issued(&d->block, bio->op, now);
}

bool disk_is_idle(const struct disk *d)
{
	return d->free_slots == (u32)((1ul << d->nr_slots) - 1);
}

bool disk_loses(const struct disk *d, u32 *nr)
{
	return DEBUG_BUILD && d->loses_each && ++*nr % d->loses_each == 0;
}

void disk_keep_watch(struct disk *d)
{
	if (d->is_watched || disk_is_idle(d))
		return;
	d->is_watched = true;
	timer_arm(&d->watch, clock_monotonic_ns() + WATCH_NS, disk_watch);
}

// Lock held: gives the device what waits, as far as slots are free. A bio that is to be alone waits
// for its turn, and the others for its end.
static void issue_waiting(struct disk *d)
{
	u64 now = 0;

	while (d->free_slots && !d->has_lone_bio) {
		struct bio *bio = bio_queue_next(&d->waiting, disk_is_idle(d));
		u32 number = (u32)__builtin_ctz(d->free_slots);

		if (!bio)
			break;
		now = now ? now : clock_monotonic_ns();
		d->has_lone_bio = bio->is_alone;
		d->free_slots &= ~(1u << number);
		slot_issue(d, number, bio, now);
	}
	if (disk_loses(d, &d->nr_told))
		virtqueue_tell_nothing(&d->queue);
	else
		virtqueue_tell(&d->queue);
	disk_keep_watch(d);
}

void disk_submit(struct block_device *device, struct list *bios)
{
	struct disk *d = device->driver;
	struct bio *bio, *following;
	u64 flag = spin_lock_irq(&d->lock);
	bool is_dead = d->is_dead;

	list_for_each_safe(bio, following, bios, link) {
		if (is_dead)
			continue;
		list_remove(&bio->link);
		bio_queue_add(&d->waiting, bio);
	}
	if (!is_dead)
		issue_waiting(d);
	spin_unlock_irq(&d->lock, flag);
	list_for_each_safe(bio, following, bios, link) {        // only a dead disk leaves any
		list_remove(&bio->link);
		bio_complete(bio, -EIO);
	}
}

/* --- the end of a request --------------------------------------------------- */

// The answer to a request. The status byte is the device's word; a read must also have brought its
// bytes.
static int slot_error(struct slot *s, u32 length)
{
	struct request *r = s->request;
	u64 writable = (r->header.type == TYPE_READ ? s->nr_pages * PAGE_SIZE : 0) + 1;

	if (r->status == STATUS_UNSUPPORTED)
		return -EOPNOTSUPP;
	return r->status == STATUS_OK && length == writable ? 0 : -EIO;
}

// Lock held; the slot failed. Had the device its neighbour on the disk as well? QEMU merges such
// two, and fails both.
static bool find_neighbours(struct disk *d, struct slot *s)
{
	for (u32 i = 0; i < d->nr_slots; i++) {
		struct slot *other = &d->slots[i];
		bool is_same_kind = other->request->header.type == s->request->header.type;
		bool is_behind = other->first_block == s->first_block + s->nr_pages;
		bool is_before = s->first_block == other->first_block + other->nr_pages;

		if (!(d->free_slots & 1u << i) && other != s && is_same_kind && (is_behind || is_before))
			s->had_neighbour = other->had_neighbour = true;
	}
	return s->had_neighbour;
}

// Lock held.
static void ask_again(struct disk *d, struct bio *bio)
{
	bio_queue_remove(&d->waiting, bio);     // when a part of it is still there
	bio->nr_issued = 0;
	bio->error = 0;
	bio->is_alone = true;
	bio->joined = NULL;
	bio_queue_add(&d->waiting, bio);
}

// Lock held: the device has finished the slot. Bios that are over go to `finished`.
static void slot_end(struct disk *d, u32 number, int error, struct list *finished, u64 now)
{
	struct slot *s = &d->slots[number];
	bool asks_again = error && !d->is_dead && !s->is_alone && (find_neighbours(d, s) || s->nr_bios > 1);
	struct bio *bio = s->first, *next;

	if (s->is_alone)
		d->has_lone_bio = false;
	if (bio->op == BIO_FLUSH)
		d->waiting.flush_is_out = false;
	block_count_ended(&d->block, bio, s->nr_bios, s->nr_pages, now);
	for (u32 i = 0; i < s->nr_bios; i++, bio = next) {
		next = bio->joined;
		bio->nr_pending--;
		if (asks_again && !bio->is_alone)
			ask_again(d, bio);
		else if (error && !asks_again)
			bio->error = error;
		if (!bio->nr_pending && bio->nr_issued == bio->nr_pages &&
		    (bio->op != BIO_FLUSH || list_is_empty(&bio->link)))
			list_push_back(finished, &bio->link);
	}
	s->nr_bios = 0;
	d->free_slots |= 1u << number;
}

void disk_die(struct disk *d, struct list *finished, const char *why)
{
	if (d->is_dead)
		return;
	printk("virtio_block: %s: %s; the disk is given up\n", d->block.name, why);
	d->is_dead = true;
	virtio_reset(&d->virtio);
	virtio_give_up(&d->virtio);
	for (struct bio *bio; (bio = bio_queue_drain(&d->waiting));) {
		bio->error = -EIO;
		bio->nr_issued = bio->nr_pages;
		if (!bio->nr_pending)
			list_push_back(finished, &bio->link);
	}
	for (u32 i = 0; i < d->nr_slots; i++)
		if (!(d->free_slots & 1u << i))
			slot_end(d, i, -EIO, finished, clock_monotonic_ns());
}

// Lock held.
static void take_answers(struct disk *d, struct list *finished)
{
	u64 now = 0;
	u32 length;
	u16 head;
	int more = 0;

	while (!d->is_dead && virtqueue_has_more(&d->queue) && (more = virtqueue_take(&d->queue, &head, &length)) > 0) {
		u32 number = head / d->slot_stride;

		if (head % d->slot_stride || number >= d->nr_slots || d->free_slots & 1u << number) {
			more = -EIO;
			break;
		}
		now = now ? now : clock_monotonic_ns();
		slot_end(d, number, slot_error(&d->slots[number], length), finished, now);
	}
	if (more < 0)
		disk_die(d, finished, "it answered what was not asked");
}

void disk_finish(struct list *finished)
{
	struct bio *bio, *following;

	list_for_each_safe(bio, following, finished, link) {
		list_remove(&bio->link);
		bio_complete(bio, bio->error);
	}
}

void disk_serve(struct disk *d, struct list *finished)
{
	do {
		take_answers(d, finished);
		if (d->is_dead)
			break;
		if (d->waiting.nr)
			issue_waiting(d);
		else
			disk_keep_watch(d);
	} while (virtqueue_wait_more(&d->queue));
}
