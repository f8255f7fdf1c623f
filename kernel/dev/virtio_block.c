/*
 * virtio_block.c - the virtio disk (virtio 1.1, section 5.2). One queue; a slot is one request
 * under way: a chain of descriptors, either through a table of its own (indirect descriptors)
 * or through a fixed part of the ring. Bios wait in a sorted queue (queue.h); when a slot is free, the next
 * of them and its neighbours on the disk become one request. All requests of one go are told to the device by one
 * notification, and only when it has said that it wants to hear of them: under emulation a notification costs as much as
 * some thousand instructions.
 *
 *      bio_submit -> (plug) -> queue -> slot (one bio, a part of one, or several) -> device -> interrupt -> bio_complete
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
 *
 * Whether a notification or an interrupt is wanted stands in memory, which is sound only where a store is seen before the
 * next load. QEMU before 8.1 leaves such fences out when the machine has one processor, though another thread of the host
 * serves the disk; so one is lost now and then, and nobody would ever move again. While requests are under way a timer
 * looks at the ring without being asked, and asks the device to do the same.
 */
#include "dev/virtio_block.h"
#include "boot/bootinfo.h"
#include "dev/block.h"
#include "dev/queue.h"
#include "dev/virtio.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/timer.h"
#include "sync/lock.h"
#include "x86/clock.h"
#include <abi/errno.h>

#define DEVICE_BLOCK 0x1042
#define DEVICE_BLOCK_TRANSITIONAL 0x1001        // legacy id, but it may have the modern interface as well
#define MAX_SLOTS 32u
#define MAX_SEGMENTS 252u                       // pieces of memory in one request, so that it fits in a frame
#define TABLE_SIZE (MAX_SEGMENTS + 2)           // header, pages, status
#define WATCH_NS 50000000ul
#define SECTOR_SHIFT 9
#define SECTORS_PER_BLOCK (BLOCK_SIZE >> SECTOR_SHIFT)

enum { FEATURE_SIZE_MAX = 1, FEATURE_SEG_MAX = 2, FEATURE_READ_ONLY = 5, FEATURE_BLOCK_SIZE = 6, FEATURE_FLUSH = 9 };
enum { TYPE_READ = 0, TYPE_WRITE = 1, TYPE_FLUSH = 4 };
enum { STATUS_OK = 0, STATUS_IO_ERROR = 1, STATUS_UNSUPPORTED = 2, STATUS_NONE = 0xff };
enum { CONFIG_CAPACITY = 0, CONFIG_SIZE_MAX = 8, CONFIG_SEG_MAX = 12, CONFIG_BLOCK_SIZE = 20 };
enum { VECTOR_CONFIG, VECTOR_QUEUE };

// What the device reads and writes of one request; one frame.
struct request {
	struct virtqueue_descriptor table[TABLE_SIZE];  // when indirect
	struct { u32 type, reserved; u64 sector; } header;
	volatile u8 status;
};
static_assert(sizeof(struct request) <= PAGE_SIZE, "a request in one frame");

struct slot {
	struct request *request;        // constant
	struct bio *first, *last;       // GUARDED_BY(disk->lock) those that it carries, linked by bio.joined,
	u32 nr_bios;                    // GUARDED_BY(disk->lock) so many
	u32 nr_pages;                   // GUARDED_BY(disk->lock)
	blk_t first_block;              // GUARDED_BY(disk->lock)
	bool is_alone;                  // GUARDED_BY(disk->lock) the device had nothing else
	bool had_neighbour;             // GUARDED_BY(disk->lock) one that failed while the device had both
};

struct disk {
	struct block_device block;
	struct virtio_device virtio;
	u32 max_segments;               // constant: data descriptors in a request
	u32 max_segment_size;           // constant, bytes
	u32 slot_stride;                // constant: ring descriptors a slot; 1 when indirect
	bool is_indirect;               // constant
	u32 nr_slots;                   // constant
	struct spinlock lock;
	struct virtqueue queue;         // GUARDED_BY(lock)
	struct slot slots[MAX_SLOTS];   // GUARDED_BY(lock)
	u32 free_slots;                 // GUARDED_BY(lock) a bit a slot
	struct bio_queue waiting;       // GUARDED_BY(lock)
	bool has_lone_bio;              // GUARDED_BY(lock) the device has one that is_alone, and nothing else
	bool is_dead;                   // GUARDED_BY(lock)
	struct timer watch;
	bool is_watched;                // GUARDED_BY(lock) the timer is armed
	u32 loses_each;                 // constant; debug builds: each so manieth notification and interrupt is lost; 0: none
	u32 nr_told, nr_heard;          // GUARDED_BY(lock) for that
};

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

static bool is_idle(struct disk *d)
{
	return d->free_slots == (u32)((1ul << d->nr_slots) - 1);
}

// For tests: does what QEMU's missing fence does.
static bool is_lost(struct disk *d, u32 *nr)
{
	return DEBUG_BUILD && d->loses_each && ++*nr % d->loses_each == 0;
}

static void watch(struct timer *t);

// Lock held.
static void keep_watch(struct disk *d)
{
	if (d->is_watched || is_idle(d))
		return;
	d->is_watched = true;
	timer_arm(&d->watch, clock_monotonic_ns() + WATCH_NS, watch);
}

// Lock held: gives the device what waits, as far as slots are free. A bio that is to be alone waits
// for its turn, and the others for its end.
static void issue_waiting(struct disk *d)
{
	u64 now = 0;

	while (d->free_slots && !d->has_lone_bio) {
		struct bio *bio = bio_queue_next(&d->waiting, is_idle(d));
		u32 number = (u32)__builtin_ctz(d->free_slots);

		if (!bio)
			break;
		now = now ? now : clock_monotonic_ns();
		d->has_lone_bio = bio->is_alone;
		d->free_slots &= ~(1u << number);
		slot_issue(d, number, bio, now);
	}
	if (is_lost(d, &d->nr_told))
		virtqueue_tell_nothing(&d->queue);
	else
		virtqueue_tell(&d->queue);
	keep_watch(d);
}

static void disk_submit(struct block_device *device, struct list *bios)
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
		if (!bio->nr_pending && bio->nr_issued == bio->nr_pages && (bio->op != BIO_FLUSH || list_is_empty(&bio->link)))
			list_push_back(finished, &bio->link);
	}
	s->nr_bios = 0;
	d->free_slots |= 1u << number;
}

// Lock held. The device is not to be used any more: whatever it has or would get has failed.
static void disk_die(struct disk *d, struct list *finished, const char *why)
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

static void finish(struct list *finished)
{
	struct bio *bio, *following;

	list_for_each_safe(bio, following, finished, link) {
		list_remove(&bio->link);
		bio_complete(bio, bio->error);
	}
}

// Lock held.
static void serve(struct disk *d, struct list *finished)
{
	do {
		take_answers(d, finished);
		if (d->is_dead)
			break;
		if (d->waiting.nr)
			issue_waiting(d);
		else
			keep_watch(d);
	} while (virtqueue_wait_more(&d->queue));
}

static void queue_interrupt(void *owner)
{
	struct disk *d = owner;
	struct list finished = LIST_INIT(finished);
	u64 flag = spin_lock_irq(&d->lock);

	if (!is_lost(d, &d->nr_heard))
		serve(d, &finished);
	spin_unlock_irq(&d->lock, flag);
	finish(&finished);
}

static void watch(struct timer *t)
{
	struct disk *d = container_of(t, struct disk, watch);
	struct list finished = LIST_INIT(finished);
	u64 flag = spin_lock_irq(&d->lock);

	d->is_watched = false;
	if (!d->is_dead) {
		serve(d, &finished);
		if (!is_idle(d))
			virtqueue_tell_again(&d->queue);
		keep_watch(d);
	}
	spin_unlock_irq(&d->lock, flag);
	finish(&finished);
}

// The configuration changed: of interest only when it says that the device has failed.
static void config_interrupt(void *owner)
{
	struct disk *d = owner;
	struct list finished = LIST_INIT(finished);
	u64 flag = spin_lock_irq(&d->lock);

	if (!d->is_dead && virtio_is_broken(&d->virtio))
		disk_die(d, &finished, "it asks for a reset");
	spin_unlock_irq(&d->lock, flag);
	finish(&finished);
}

/* --- set-up ----------------------------------------------------------------- */

bool virtio_block_matches(const struct pci_device *pci)
{
	return pci->vendor == VIRTIO_VENDOR && (pci->device == DEVICE_BLOCK || pci->device == DEVICE_BLOCK_TRANSITIONAL);
}

static u32 config_read32(struct disk *d, u32 offset)
{
	if (offset + 4 > d->virtio.config_length)
		return 0;
	return *(volatile u32 *)(d->virtio.config + offset);
}

static int read_config(struct disk *d)
{
	struct virtio_device *v = &d->virtio;
	u64 capacity = config_read32(d, CONFIG_CAPACITY) | (u64)config_read32(d, CONFIG_CAPACITY + 4) << 32;
	u32 block_size = virtio_has(v, FEATURE_BLOCK_SIZE) ? config_read32(d, CONFIG_BLOCK_SIZE) : 512;
	u32 segments = virtio_has(v, FEATURE_SEG_MAX) ? config_read32(d, CONFIG_SEG_MAX) : 1;

	if (block_size > BLOCK_SIZE) {
		printk("virtio_block: blocks of %u bytes are too large for us\n", block_size);
		return -EINVAL;
	}
	d->max_segment_size = virtio_has(v, FEATURE_SIZE_MAX) ? config_read32(d, CONFIG_SIZE_MAX) : REQUEST_MAX_PAGES * PAGE_SIZE;
	if (d->max_segment_size < PAGE_SIZE) {
		printk("virtio_block: segments of at most %u bytes are too small for us\n", d->max_segment_size);
		return -EINVAL;
	}
	d->max_segments = min(max(segments, 1u), MAX_SEGMENTS);
	d->block.nr_blocks = capacity / SECTORS_PER_BLOCK;
	d->block.is_read_only = virtio_has(v, FEATURE_READ_ONLY);
	d->block.has_flush = virtio_has(v, FEATURE_FLUSH);
	return 0;
}

// How the ring is shared among slots.
static int make_slots(struct disk *d)
{
	u32 size = d->queue.size;

	d->is_indirect = virtio_has(&d->virtio, VIRTIO_RING_INDIRECT);
	d->slot_stride = d->is_indirect ? 1 : max(3u, min((u32)TABLE_SIZE, size / 8));
	if (!d->is_indirect)
		d->max_segments = min(d->max_segments, d->slot_stride - 2);
	d->nr_slots = min(size / d->slot_stride, MAX_SLOTS);
	if (!d->nr_slots)
		return -EINVAL;
	for (u32 i = 0; i < d->nr_slots; i++) {
		struct page *frame = frames_alloc(0, PAGE_KERNEL, FRAME_ZERO);

		if (!frame)
			return -ENOMEM;
		d->slots[i].request = page_address(frame);
		d->free_slots |= 1u << i;
	}
	return 0;
}

static int connect_interrupts(struct disk *d)
{
	struct pci_device *pci = d->virtio.pci;
	int error = pci_msix_start(pci);

	if (!error)
		error = pci_msix_connect(pci, VECTOR_CONFIG, config_interrupt, d);
	if (!error)
		error = pci_msix_connect(pci, VECTOR_QUEUE, queue_interrupt, d);
	if (!error)
		error = virtio_set_config_vector(&d->virtio, VECTOR_CONFIG);
	return error;
}

// disk_loses=N
static u32 read_loses_each(void)
{
	char value[16];
	u64 each = 0;

	if (DEBUG_BUILD && command_line_get("disk_loses", value, sizeof(value)))
		(void)!string_to_u64(value, 0, &each);
	return (u32)each;
}

static int disk_start(struct disk *d, struct pci_device *pci)
{
	u64 wanted = VIRTIO_BIT(VIRTIO_RING_INDIRECT) | VIRTIO_BIT(VIRTIO_RING_EVENT_INDEX) |
		     VIRTIO_BIT(FEATURE_SIZE_MAX) | VIRTIO_BIT(FEATURE_SEG_MAX) | VIRTIO_BIT(FEATURE_READ_ONLY) |
		     VIRTIO_BIT(FEATURE_BLOCK_SIZE) | VIRTIO_BIT(FEATURE_FLUSH);
	int error = virtio_attach(&d->virtio, pci);

	if (error)
		return error;
	error = virtio_negotiate(&d->virtio, wanted);
	if (!error)
		error = read_config(d);
	if (!error)
		error = connect_interrupts(d);
	if (!error)
		error = virtqueue_create(&d->virtio, &d->queue, 0, VECTOR_QUEUE);
	if (!error)
		error = make_slots(d);
	if (error) {
		virtio_give_up(&d->virtio);
		return error;
	}
	virtio_start(&d->virtio);
	return 0;
}

void virtio_block_add(struct pci_device *pci)
{
	struct disk *d = kmalloc_zeroed(sizeof(*d));
	int error = -ENOMEM;

	if (d) {
		spin_init(&d->lock, "virtio disk", RANK_DEVICE);
		bio_queue_init(&d->waiting);
		d->block.submit = disk_submit;
		d->block.driver = d;
		d->loses_each = read_loses_each();
		error = disk_start(d, pci);
	}
	if (error) {                    // what it had of our memory is lost: the device may know it
		printk("virtio_block: the disk at %02x:%02x.%u cannot be used, error %d%s\n", pci->bus, pci->slot,
		       pci->function, error, error == -ENODEV ? " (no modern interface or no MSI-X)" : "");
		return;
	}
	block_device_add(&d->block);
	printk("virtio_block: %s: %lu MiB%s%s, %u requests at once%s\n", d->block.name,
	       d->block.nr_blocks * BLOCK_SIZE >> 20, d->block.is_read_only ? ", read-only" : "",
	       d->block.has_flush ? "" : ", no cache to flush", d->nr_slots, d->is_indirect ? "" : " (short ones)");
}
