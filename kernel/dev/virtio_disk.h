#pragma once
/*
 * virtio_disk.h - what the two halves of the virtio disk's driver share:
 * requests (virtio_request.c), and the device with its interrupts (virtio_block.c). For them only.
 */
#include "types.h"
#include "dev/block.h"
#include "dev/queue.h"
#include "dev/virtio.h"
#include "proc/timer.h"
#include "sync/lock.h"

#define MAX_SLOTS 32u
#define MAX_SEGMENTS 252u                       // pieces of memory in one request, so that it fits in a frame
#define TABLE_SIZE (MAX_SEGMENTS + 2)           // header, pages, status
#define SECTOR_SHIFT 9
#define SECTORS_PER_BLOCK (BLOCK_SIZE >> SECTOR_SHIFT)

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
	u32 loses_each;                 // constant; debug: each so manieth notification and interrupt is lost; 0: none
	u32 nr_told, nr_heard;          // GUARDED_BY(lock) for that
};

// block_device.submit: the bios wait, and go to the device as slots are free.
void disk_submit(struct block_device *device, struct list *bios);

/* lock held; bios that are over go to `finished`, for disk_finish */
void disk_serve(struct disk *d, struct list *finished); // takes what the device has answered, and gives it what waits
// It is not to be used any more: all it has or would get has failed.
void disk_die(struct disk *d, struct list *finished, const char *why);
void disk_keep_watch(struct disk *d);                   // the timer runs while requests are under way
bool disk_is_idle(const struct disk *d);
bool disk_loses(const struct disk *d, u32 *nr);         // for tests: does what QEMU's missing fence does

void disk_finish(struct list *finished);                // completes them. The lock is not held
void disk_watch(struct timer *t);                       // the timer's function
