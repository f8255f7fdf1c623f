/*
 * virtio_block.c - the virtio disk (virtio 1.1, section 5.2) as a device:
 * what it offers, its one queue, its interrupts, and the block device that it becomes.
 * Requests stand in virtio_request.c, with the lock that covers all of it.
 *
 * One queue serves all CPUs: under emulation one thread of the host serves all queues,
 * so several would only be several locks.
 *
 * Whether a notification or an interrupt is wanted stands in memory, which is sound only where a store
 * is seen before the next load. QEMU before 8.1 leaves such fences out when the machine has one processor,
 * though another thread of the host serves the disk; so one is lost now and then, and nobody would ever move again.
 * While requests are under way a timer looks at the ring without being asked, and asks the device to do the same.
 */
#include "dev/virtio_block.h"
#include "boot/bootinfo.h"
#include "dev/virtio_disk.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include <abi/errno.h>

#define DEVICE_BLOCK 0x1042
#define DEVICE_BLOCK_TRANSITIONAL 0x1001        // legacy id, but it may have the modern interface as well

enum { FEATURE_SIZE_MAX = 1, FEATURE_SEG_MAX = 2, FEATURE_READ_ONLY = 5, FEATURE_BLOCK_SIZE = 6, FEATURE_FLUSH = 9 };
enum { CONFIG_CAPACITY = 0, CONFIG_SIZE_MAX = 8, CONFIG_SEG_MAX = 12, CONFIG_BLOCK_SIZE = 20 };
enum { VECTOR_CONFIG, VECTOR_QUEUE };

/* --- interrupts, and their absence ------------------------------------------ */

static void queue_interrupt(void *owner)
{
	struct disk *d = owner;
	struct list finished = LIST_INIT(finished);
	u64 flag = spin_lock_irq(&d->lock);

	if (!disk_loses(d, &d->nr_heard))
		disk_serve(d, &finished);
	spin_unlock_irq(&d->lock, flag);
	disk_finish(&finished);
}

void disk_watch(struct timer *t)
{
	struct disk *d = container_of(t, struct disk, watch);
	struct list finished = LIST_INIT(finished);
	u64 flag = spin_lock_irq(&d->lock);

	d->is_watched = false;
	if (!d->is_dead) {
		disk_serve(d, &finished);
		if (!disk_is_idle(d))
			virtqueue_tell_again(&d->queue);
		disk_keep_watch(d);
	}
	spin_unlock_irq(&d->lock, flag);
	disk_finish(&finished);
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
	disk_finish(&finished);
}

/* --- set-up ----------------------------------------------------------------- */

bool virtio_block_matches(const struct pci_device *pci)
{
	return pci->vendor == VIRTIO_VENDOR &&
	       (pci->device == DEVICE_BLOCK || pci->device == DEVICE_BLOCK_TRANSITIONAL);
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
	d->max_segment_size = virtio_has(v, FEATURE_SIZE_MAX) ? config_read32(d, CONFIG_SIZE_MAX) :
			      REQUEST_MAX_PAGES * PAGE_SIZE;
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
