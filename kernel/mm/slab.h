#pragma once
/*
 * slab.h - memory for the kernel's own objects: a cache a type, and kmalloc by size class.
 */
#include "types.h"
#include "lib/list.h"
#include "sync/lock.h"
#include "x86/cpu.h"

struct slab_cache {
	const char *name;
	u32 object_size;                // rounded up to its alignment
	u32 objects_per_slab;
	u32 slab_order;
	struct spinlock lock;           // RANK_SLAB
	struct list partial;            // GUARDED_BY(lock) slabs with a free object
	u64 nr_slabs, nr_objects;       // GUARDED_BY(lock)
	struct list link;               // all caches
	struct slab_magazine *magazines[MAX_CPUS];      // a stock for each CPU; NULL until it first uses the cache
};

void slab_init(void);
void slab_cache_init(struct slab_cache *cache, const char *name, size_t object_size, size_t alignment);
void *slab_alloc(struct slab_cache *cache) MUST_CHECK;          // not cleared; NULL when out of memory. May sleep
void *slab_alloc_atomic(struct slab_cache *cache) MUST_CHECK;   // never sleeps: under spin locks
void *slab_alloc_zeroed(struct slab_cache *cache) MUST_CHECK;
void slab_free(struct slab_cache *cache, void *object);         // never sleeps; not from interrupts

void *kmalloc(size_t nr_bytes) MUST_CHECK;                      // to 4 MiB; 16-, above 2 KiB page-aligned. May sleep
void *kmalloc_zeroed(size_t nr_bytes) MUST_CHECK;
void kfree(void *object);                                       // NULL is allowed
u64 slab_total_bytes(void);
struct slab_cache *slab_cache_next(struct slab_cache *previous);        // for /proc/slabinfo; NULL: the first
