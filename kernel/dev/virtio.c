/*
 * virtio.c - modern virtio over PCI, and split virtqueues. Offering works without a lock shared
 * with the device: we write descriptors, then the ring entry, then the index; the device reads them
 * the other way round. x86 keeps the order of stores and of loads; only "write our index, then read
 * the device's wish" (and back) needs a fence. The device is not trusted: places of registers are
 * checked against their BAR, used ids and the used index against the ring's size. Locks: the
 * driver's.
 */
#include "dev/virtio.h"
#include "kernel.h"
#include "mm/frame.h"
#include "x86/clock.h"
#include <abi/errno.h>

enum virtio_status {
	STATUS_ACKNOWLEDGE = 1, STATUS_DRIVER = 2, STATUS_DRIVER_OK = 4, STATUS_FEATURES_OK = 8,
	STATUS_NEEDS_RESET = 64, STATUS_FAILED = 128,
};

enum { CAPABILITY_COMMON = 1, CAPABILITY_NOTIFY = 2, CAPABILITY_DEVICE = 4 };  // 4.1.4; 3, the ISR, is for INTx only
enum { CAPABILITY_KIND = 3, CAPABILITY_BAR = 4, CAPABILITY_OFFSET = 8, CAPABILITY_LENGTH = 12,
       CAPABILITY_MULTIPLIER = 16 };

#define RESET_LIMIT_US 1000000u
#define NO_VECTOR 0xffff
enum { AVAILABLE_FLAGS, AVAILABLE_INDEX, AVAILABLE_RING };     // words of the available ring
enum { USED_FLAGS, USED_INDEX = VIRTQUEUE_USED_INDEX };        // words of the used ring
enum { AVAILABLE_OFFSET = VIRTQUEUE_MAX_SIZE * 16, USED_OFFSET = AVAILABLE_OFFSET + VIRTQUEUE_MAX_SIZE * 2 + 8 };
static_assert(USED_OFFSET + 4 + VIRTQUEUE_MAX_SIZE * 8 + 2 <= PAGE_SIZE, "a ring in one frame");
static_assert(USED_OFFSET % 4 == 0, "2.6: the used ring's alignment");
#define USED_NO_NOTIFY 1

struct virtio_common {                  // 4.1.4.3
	u32 device_feature_select, device_feature;
	u32 driver_feature_select, driver_feature;
	u16 msix_config, num_queues;
	u8 device_status, config_generation;
	u16 queue_select, queue_size, queue_msix_vector, queue_enable, queue_notify_off;
	u32 queue_descriptors_low, queue_descriptors_high;
	u32 queue_available_low, queue_available_high;
	u32 queue_used_low, queue_used_high;
};
static_assert(sizeof(struct virtio_common) == 56, "virtio 1.1, 4.1.4.3");

/* --- registers -------------------------------------------------------------- */

// Finds the first usable capability of that kind; its offset in configuration space, or 0.
static u8 find_registers(struct pci_device *pci, u8 kind, u32 *bar, u32 *offset, u32 *length)
{
	u8 at = 0;

	while ((at = pci_find_capability(pci, PCI_CAPABILITY_VENDOR, at))) {
		if (pci_read8(pci, at + CAPABILITY_KIND) != kind || pci_read8(pci, at + CAPABILITY_BAR) >= PCI_NR_BARS)
			continue;
		*bar = pci_read8(pci, at + CAPABILITY_BAR);
		*offset = pci_read32(pci, at + CAPABILITY_OFFSET);
		*length = pci_read32(pci, at + CAPABILITY_LENGTH);
		return at;
	}
	return 0;
}

int virtio_attach(struct virtio_device *d, struct pci_device *pci)
{
	u32 bar, offset, length;
	u8 at;

	*d = (struct virtio_device){ .pci = pci };
	if (!find_registers(pci, CAPABILITY_COMMON, &bar, &offset, &length) || length < sizeof(struct virtio_common))
		return -ENODEV;
	pci_enable(pci);
	d->common = (volatile struct virtio_common *)pci_map_bar(pci, bar, offset, sizeof(struct virtio_common));
	at = find_registers(pci, CAPABILITY_NOTIFY, &d->notify_bar, &d->notify_offset, &d->notify_length);
	if (!d->common || !at)
		return -ENODEV;
	d->notify_multiplier = pci_read32(pci, at + CAPABILITY_MULTIPLIER);
	if (find_registers(pci, CAPABILITY_DEVICE, &bar, &offset, &length)) {
		d->config_length = min(length, (u32)PAGE_SIZE);
		d->config = pci_map_bar(pci, bar, offset, d->config_length);
	}
	if (!d->config)
		return -ENODEV;
	virtio_reset(d);
	d->common->device_status = STATUS_ACKNOWLEDGE;
	d->common->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER;
	return 0;
}

void virtio_reset(struct virtio_device *d)
{
	d->common->device_status = 0;
	for (u32 us = 0; d->common->device_status != 0; us++) {
		if (us == RESET_LIMIT_US) {
			printk("virtio: %02x:%02x.%u does not come out of its reset\n", d->pci->bus, d->pci->slot,
			       d->pci->function);
			return;
		}
		clock_delay_us(1);
	}
}

void virtio_give_up(struct virtio_device *d)
{
	d->common->device_status = d->common->device_status | STATUS_FAILED;
}

bool virtio_is_broken(const struct virtio_device *d)
{
	return d->common->device_status & STATUS_NEEDS_RESET;
}

int virtio_negotiate(struct virtio_device *d, u64 wanted)
{
	volatile struct virtio_common *c = d->common;
	u64 offered;

	c->device_feature_select = 0;
	offered = c->device_feature;
	c->device_feature_select = 1;
	offered |= (u64)c->device_feature << 32;
	if (!(offered & VIRTIO_BIT(VIRTIO_VERSION_1)))
		return -EOPNOTSUPP;
	// Without an IOMMU that is in use, "the platform's addresses" are physical ones.
	wanted |= VIRTIO_BIT(VIRTIO_VERSION_1) | VIRTIO_BIT(VIRTIO_ACCESS_PLATFORM);
	d->features = offered & wanted;
	c->driver_feature_select = 0;
	c->driver_feature = (u32)d->features;
	c->driver_feature_select = 1;
	c->driver_feature = (u32)(d->features >> 32);
	c->device_status = STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK;
	return c->device_status & STATUS_FEATURES_OK ? 0 : -EOPNOTSUPP;
}

int virtio_set_config_vector(struct virtio_device *d, u16 entry)
{
	d->common->msix_config = entry;
	return d->common->msix_config == entry ? 0 : -EIO;
}

void virtio_start(struct virtio_device *d)
{
	d->common->device_status = d->common->device_status | STATUS_DRIVER_OK;
}

/* --- queues ----------------------------------------------------------------- */

static void set_place(volatile u32 *low, volatile u32 *high, paddr_t place)
{
	*low = (u32)place;
	*high = (u32)(place >> 32);
}

static volatile u16 *notify_register(struct virtio_device *d, u16 queue_offset)
{
	u64 offset = (u64)queue_offset * d->notify_multiplier;

	if (offset + 2 > d->notify_length)
		return NULL;
	return (volatile u16 *)pci_map_bar(d->pci, d->notify_bar, d->notify_offset + offset, 2);
}

// The largest size that device and frame allow; a power of two. 0: no such queue.
static u16 choose_size(volatile struct virtio_common *c)
{
	u16 offered = c->queue_size, size = VIRTQUEUE_MAX_SIZE;

	while (size > offered)
		size /= 2;
	return size;
}

int virtqueue_create(struct virtio_device *d, struct virtqueue *q, u16 index, u16 msix_entry)
{
	volatile struct virtio_common *c = d->common;
	struct page *frame;
	u8 *memory;

	c->queue_select = index;
	*q = (struct virtqueue){ .index = index, .has_event_index = virtio_has(d, VIRTIO_RING_EVENT_INDEX) };
	q->size = choose_size(c);
	q->notify = notify_register(d, c->queue_notify_off);
	if (!q->size || !q->notify)
		return -ENOENT;
	c->queue_msix_vector = msix_entry;
	if (c->queue_msix_vector != msix_entry)
		return -EIO;
	frame = frames_alloc(0, PAGE_KERNEL, FRAME_ZERO);
	if (!frame)
		return -ENOMEM;
	memory = page_address(frame);
	q->descriptors = (struct virtqueue_descriptor *)memory;
	q->available = (volatile u16 *)(memory + AVAILABLE_OFFSET);
	q->used = (volatile u16 *)(memory + USED_OFFSET);
	q->used_ring = (volatile struct virtqueue_used_element *)(memory + USED_OFFSET + 4);
	c->queue_size = q->size;
	set_place(&c->queue_descriptors_low, &c->queue_descriptors_high, page_to_physical(frame));
	set_place(&c->queue_available_low, &c->queue_available_high, page_to_physical(frame) + AVAILABLE_OFFSET);
	set_place(&c->queue_used_low, &c->queue_used_high, page_to_physical(frame) + USED_OFFSET);
	c->queue_enable = 1;
	return 0;
}

void virtqueue_offer(struct virtqueue *q, u16 head)
{
	q->available[AVAILABLE_RING + q->next_available % q->size] = head;
	q->next_available++;
	atomic_store(&q->available[AVAILABLE_INDEX], q->next_available);
}

void virtqueue_tell(struct virtqueue *q)
{
	u16 new = q->next_available, old = q->last_told;
	bool wants;

	if (new == old)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        // our index before their wish; 2.6.7.2
	if (q->has_event_index) {
		u16 event = *(volatile u16 *)&q->used_ring[q->size];

		wants = (u16)(new - event - 1) < (u16)(new - old);
	} else {
		wants = !(q->used[USED_FLAGS] & USED_NO_NOTIFY);
	}
	q->last_told = new;
	if (wants)
		*q->notify = q->index;
}

void virtqueue_tell_again(struct virtqueue *q)
{
	q->last_told = q->next_available;
	*q->notify = q->index;
}

void virtqueue_tell_nothing(struct virtqueue *q)
{
	q->last_told = q->next_available;
}

int virtqueue_take(struct virtqueue *q, u16 *head, u32 *length)
{
	u16 index = atomic_load(&q->used[USED_INDEX]);
	volatile struct virtqueue_used_element *e = &q->used_ring[q->next_used % q->size];

	if (index == q->next_used)
		return 0;
	u32 id = e->id;                 // once: the device could change it

	if ((u16)(index - q->next_used) > q->size || id >= q->size)
		return -EIO;
	*head = (u16)id;
	*length = e->length;
	q->next_used++;
	return 1;
}

bool virtqueue_wait_more(struct virtqueue *q)
{
	if (q->has_event_index)
		q->available[AVAILABLE_RING + q->size] = q->next_used;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        // our wish before their index
	return virtqueue_has_more(q);
}
