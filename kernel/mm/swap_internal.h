#pragma once
/*
 * swap_internal.h - what the files of swap share. swap_lock (spin, RANK_SWAP) covers every area's slots,
 * and which areas are in use; it is taken under page-table locks. swapon_lock (mutex) keeps swapon and swapoff apart.
 */
#include "types.h"
#include "mm/swap.h"
#include "sync/lock.h"

#define SLOT_FULL 0xfffdu               // as many entries as a count can tell

struct block_device;

struct swap_extent {                    // slots [first, first + nr) are blocks [block, block + nr) of the disk
	u32 first, nr;
	u64 block;
};

struct swap_area {
	u32 number;                     // constant
	bool is_active;                 // GUARDED_BY(swap_lock): slots may be given out and read
	bool is_leaving;                // GUARDED_BY(swap_lock): no more are given out
	int priority;                   // constant while active, like all below
	struct file *file;              // held; executed-like: nobody may open it for writing
	struct block_device *device;
	bool is_file;
	struct swap_extent *extents;    // ascending
	u32 nr_extents;
	u32 nr_slots, nr_usable;
	u16 *counts;                    // GUARDED_BY(swap_lock) a word a slot
	u32 *frames;                    // GUARDED_BY(swap_lock) frame + 1 of the slot's page in the swap cache; 0: none
	u32 nr_used, nr_cached;         // GUARDED_BY(swap_lock)
	u32 hand;                       // GUARDED_BY(swap_lock) where the next slot is looked for
};

extern struct spinlock swap_lock;
extern struct swap_area swap_areas[SWAP_AREAS_MAX];

static inline swap_entry_t swap_entry(const struct swap_area *area, u32 slot)
{
	return (swap_entry_t){ area->number | (u64)slot << SWAP_TYPE_BITS };
}

static inline struct swap_area *swap_area_of(swap_entry_t entry)
{
	return &swap_areas[entry.value % (1u << SWAP_TYPE_BITS) % SWAP_AREAS_MAX];
}

static inline u32 swap_slot_of(swap_entry_t entry)
{
	return (u32)(entry.value >> SWAP_TYPE_BITS);
}

u64 swap_block_of(const struct swap_area *area, u32 slot);      // its place on the disk
