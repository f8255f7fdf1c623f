#pragma once
/*
 * cache_world.h - one file with its cache, for tests of the page cache: a disk whose requests are answered by
 * the test, a mapping that shows pages, and a model of what the file should hold.
 */
#include "types.h"
#include "cache/cache.h"

#define WORLD_PAGES 24

struct world_request {
	struct page *page;
	pgoff_t index;
	bool is_write, is_picked_up;
	u8 bytes[PAGE_SIZE];            // what was picked up
};

struct world {
	struct cache cache;
	u8 disk[WORLD_PAGES][PAGE_SIZE];
	bool has_place[WORLD_PAGES];    // on the disk; otherwise a hole
	struct { struct page *page; bool is_writable; } shown[WORLD_PAGES];     // the one shared mapping
	u32 nr_shown, nr_shown_writable;
	struct world_request *requests[WORLD_PAGES * 2];        // oldest first
	u32 nr_requests;
	u64 nr_reads, nr_writes, nr_store_calls;
	bool is_random;                 // allocations sleep now and then: only threads may allocate
	u8 model[WORLD_PAGES * PAGE_SIZE];
};

extern struct world world;

void world_begin(u64 nr_pages);         // a file of that size; its first half has places on the disk
void world_end(void);                   // nothing may be left behind
void world_set_clock(u64 ns);
void world_set_memory(u64 nr_frames);   // what the marks of write-back are taken from
bool world_answer(u32 which, int error);        // the disk answers one request; false: there is none
void world_answer_all(int error);
void world_pick_up(pgoff_t index);      // the disk reads the bytes that are to be written now, and answers later
void world_check(void);                 // C1 to C4, C6
void world_compare(void);               // the disk has what the model has

// In threads. A store through the mapping: faults where the page is not shown writable. -EFAULT past the end, -EIO.
int world_store(u64 position, u8 byte);
void world_set_size(u64 size);          // as a file system does it
void world_unmap(pgoff_t index);
void world_overwrite(pgoff_t index, u8 byte);   // write() of a whole page, when it lies inside the file
