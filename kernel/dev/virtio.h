#pragma once
/*
 * virtio.h - the transport that all virtio devices share: the modern PCI registers and split
 * virtqueues (Virtual I/O Device (VIRTIO) Version 1.1, sections 2.6 and 4.1). Locking is the
 * driver's: one lock a queue. What the device writes is checked here (ring ids) or handed on
 * unchecked and said to be so (lengths).
 */
#include "types.h"
#include "lib/atomic.h"
#include "dev/pci.h"

#define VIRTIO_VENDOR 0x1af4
#define VIRTIO_MODERN_DEVICE 0x1040     // + device type
#define VIRTQUEUE_MAX_SIZE 128u         // so that the three parts of a ring fit in one frame

enum virtio_feature {                   // bit numbers
	VIRTIO_RING_INDIRECT = 28, VIRTIO_RING_EVENT_INDEX = 29, VIRTIO_VERSION_1 = 32, VIRTIO_ACCESS_PLATFORM = 33,
};
#define VIRTIO_BIT(feature) (1ul << (feature))

struct virtqueue_descriptor {
	u64 address;
	u32 length;
	u16 flags;
	u16 next;
};

enum { DESCRIPTOR_NEXT = 1, DESCRIPTOR_DEVICE_WRITES = 2, DESCRIPTOR_INDIRECT = 4 };

struct virtqueue_used_element { u32 id, length; };

struct virtqueue {
	u16 index, size;                        // constant
	bool has_event_index;                   // constant
	struct virtqueue_descriptor *descriptors;       // the driver's to fill
	volatile u16 *available;                // flags, index, ring[size], used_event
	volatile u16 *used;                     // flags, index; then the elements, then available_event
	volatile struct virtqueue_used_element *used_ring;
	volatile u16 *notify;
	u16 next_available, last_told;          // what we have offered; the device was told up to here
	u16 next_used;                          // what we have taken back
};

struct virtio_common;

struct virtio_device {
	struct pci_device *pci;
	volatile struct virtio_common *common;
	u32 notify_bar, notify_offset, notify_length, notify_multiplier;
	volatile u8 *config;                    // the device type's own registers
	u32 config_length;
	u64 features;                           // agreed upon
};

// Maps the registers and resets the device. 0; -ENODEV when it has no modern interface; -ENOMEM.
int virtio_attach(struct virtio_device *d, struct pci_device *pci) MUST_CHECK;
// Agrees on `wanted` as far as the device has it, VERSION_1 always. -EOPNOTSUPP when the device
// refuses.
int virtio_negotiate(struct virtio_device *d, u64 wanted) MUST_CHECK;
static inline bool virtio_has(const struct virtio_device *d, u32 feature)
{
	return d->features & VIRTIO_BIT(feature);
}
int virtio_set_config_vector(struct virtio_device *d, u16 entry) MUST_CHECK;
void virtio_start(struct virtio_device *d);             // DRIVER_OK
bool virtio_is_broken(const struct virtio_device *d);   // the device asks for a reset
// Gives the device up: after it the device uses no memory of ours. `reset` also before the first
// use.
void virtio_reset(struct virtio_device *d);
void virtio_give_up(struct virtio_device *d);           // status FAILED

// 0, -ENOENT (the device has no such queue), -ENOMEM, -EIO (it did not accept the vector).
int virtqueue_create(struct virtio_device *d, struct virtqueue *q, u16 index, u16 msix_entry) MUST_CHECK;
void virtqueue_offer(struct virtqueue *q, u16 head);    // a chain of descriptors that begins at head
void virtqueue_tell(struct virtqueue *q);               // notifies the device when it wants to be
void virtqueue_tell_again(struct virtqueue *q);         // whether it wants to be or not, and though it was before
void virtqueue_tell_nothing(struct virtqueue *q);       // for tests: as if the notification got lost
enum { VIRTQUEUE_USED_INDEX = 1 };
// Has the device finished one that was not taken yet?
static inline bool virtqueue_has_more(const struct virtqueue *q)
{
	return atomic_load(&q->used[VIRTQUEUE_USED_INDEX]) != q->next_used;
}
// The next finished chain: 1; 0 when there is none; -EIO when the device's answer makes no sense.
// *length is unchecked.
int virtqueue_take(struct virtqueue *q, u16 *head, u32 *length) MUST_CHECK;
// Asks for an interrupt for the next one; true when one has come already.
bool virtqueue_wait_more(struct virtqueue *q);
