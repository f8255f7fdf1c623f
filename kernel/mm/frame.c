/*
 * frame.c - physical frames. Free blocks of 2^order frames stand in one list an order; a block that is
 * freed joins its buddy (the block whose number differs in bit `order` only) while that is free too.
 * frames_lock covers the lists and the records of free frames. Before it stand the CPUs' own stocks of
 * single frames, which only their CPU touches: a thread in the kernel is not preempted, and interrupt
 * handlers neither allocate nor free.
 *
 * A page table that is freed has no entry left: it is all zero, and so a table is mostly made from another. Such frames
 * stand in a second, smaller stock of the CPU, for who wants a cleared one, and for all when there is no other.
 *
 *  F1  A frame in a list or a stock has owner FREE and refs 0; every other frame has refs > 0.
 *  F2  Free blocks are naturally aligned and never stand beside a free buddy of the same order.
 */
#include "kernel.h"

#include "lib/string.h"
#include "mm/frame.h"
#include "sync/look.h"
#include "mm/reclaim.h"
#include "proc/process.h"
#include "x86/cpu.h"
#include "boot/bootinfo.h"
#include "x86/kernel_map.h"

#define STOCK_MAX 64                    // frames a CPU keeps for itself
#define STOCK_BATCH 32                  // moved to or from the lists at a time
#define STOCK_ORDER 5                   // the largest block that goes into a stock whole: STOCK_BATCH frames
#define POISON 0x5aa55aa5deadf4eeul     // what a freed frame holds in debug builds
#define IS_POISONED 1ul                 // page.private of such a frame; memory that was never used is not poisoned
#define IS_ZEROED 2ul                   // page.private of a frame that was freed all zero, in debug builds
#define ZEROED_MAX 16                   // of those a CPU keeps: two small processes' page tables

struct frame_cache {
	u32 nr, nr_zeroed;
	struct page *stock[STOCK_MAX];
	struct page *zeroed[ZEROED_MAX];        // their bytes are all zero
} ALIGNED(64);

struct page *page_array;
pfn_t nr_page_records;

static struct spinlock frames_lock = SPINLOCK_INIT("frames", RANK_FRAMES);
static struct list free_lists[FRAME_MAX_ORDER + 1];     // GUARDED_BY(frames_lock)
static u64 nr_free_listed;                              // GUARDED_BY(frames_lock)
static u64 nr_total;                                    // constant after frames_init
static struct frame_cache stocks[MAX_CPUS];

void page_copy(void *to, const void *from)
{
	u64 count = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

static void poison(struct page *p)
{
	u64 *word = page_address(p);

	for (u64 i = 0; i < PAGE_SIZE / 8; i++)
		word[i] = POISON;
	p->private = IS_POISONED;
}

static void check_poison(struct page *p)
{
	u64 *word = page_address(p), left = p->private == IS_ZEROED ? 0 : POISON;

	for (u64 i = 0; p->private && i < PAGE_SIZE / 8; i++) {
		if (word[i] != left)
			panic("frame %#lx was written to after it was freed: word %lu is %#lx",
			      page_to_pfn(p), i, word[i]);
	}
}

// frames_lock held. Joins the block with its free buddies and lists the result.
static void list_block(struct page *p, u32 order)
{
	pfn_t n = page_to_pfn(p);

	nr_free_listed += 1ul << order;
	while (order < FRAME_MAX_ORDER) {
		pfn_t buddy_number = n ^ (1ul << order);
		struct page *buddy = pfn_to_page(buddy_number);

		if (buddy_number >= nr_page_records || buddy->owner != PAGE_FREE ||
		    buddy->order != order || !page_has(buddy, PAGE_ON_LRU))
			break;
		page_clear(buddy, PAGE_ON_LRU);
		list_remove(&buddy->link);
		n &= ~(1ul << order);
		order++;
	}
	p = pfn_to_page(n);
	p->order = (u8)order;
	page_set(p, PAGE_ON_LRU);       // "heads a block in a free list"
	list_push_front(&free_lists[order], &p->link);
}

// frames_lock held. A block of that order, off the lists; the rest of a larger one goes back. NULL: none.
static struct page *unlist_block(u32 order)
{
	u32 from = order;

	while (from <= FRAME_MAX_ORDER && list_is_empty(&free_lists[from]))
		from++;
	if (from > FRAME_MAX_ORDER)
		return NULL;

	struct page *p = list_first(&free_lists[from], struct page, link);

	list_remove(&p->link);
	page_clear(p, PAGE_ON_LRU);
	nr_free_listed -= 1ul << order;
	while (from > order) {
		from--;
		struct page *half = p + (1ul << from);

		half->order = (u8)from;
		page_set(half, PAGE_ON_LRU);
		list_push_front(&free_lists[from], &half->link);
	}
	return p;
}

// frames_lock held. Lists nr frames one after the other, in blocks as large as their numbers allow.
static void list_frames(struct page *first, u64 nr)
{
	pfn_t n = page_to_pfn(first);

	while (nr) {
		u32 order = 0;

		while (order < FRAME_MAX_ORDER && !(n & (1ul << order)) && (2ul << order) <= nr)
			order++;
		list_block(pfn_to_page(n), order);
		n += 1ul << order;
		nr -= 1ul << order;
	}
}

// Fills the stock with whole blocks, the smallest first: large ones stay whole for those who need them.
// Down to the reserve, which only those may use who cannot reclaim. Near it one frame at a time:
// a stock is everybody's, so what goes there of the reserve would be taken by those who ought to wait.
static void stock_fill(struct frame_cache *stock, u64 reserve)
{
	spin_lock(&frames_lock);
	while (stock->nr < STOCK_BATCH && nr_free_listed > reserve) {
		bool is_scarce = nr_free_listed <= reclaim_min_mark + STOCK_BATCH;
		u32 order = 0;

		if (is_scarce && stock->nr)
			break;
		while (!is_scarce && order < STOCK_ORDER && list_is_empty(&free_lists[order]))
			order++;
		struct page *p = unlist_block(order);

		if (!p)
			break;
		// The lowest is taken first: memory that is touched in order is then freed in order, as whole blocks.
		for (u32 i = 1u << order; i-- > 0;)
			stock->stock[stock->nr++] = p + i;
	}
	spin_unlock(&frames_lock);
}

// Gives the oldest of the stock back; frames that follow one another, up or down, go as one.
static void stock_drain(struct frame_cache *stock, u32 nr)
{
	struct page **s = stock->stock;

	spin_lock(&frames_lock);
	for (u32 i = 0, run; i < nr; i += run) {
		i64 step = i + 1 < nr && s[i + 1] == s[i] - 1 ? -1 : 1;

		for (run = 1; i + run < nr && s[i + run] == s[i] + step * (i64)run;)
			run++;
		list_frames(step < 0 ? s[i + run - 1] : s[i], run);
	}
	spin_unlock(&frames_lock);
	stock->nr -= nr;
	for (u32 i = 0; i < stock->nr; i++)
		s[i] = s[nr + i];
}

static struct page *take(u32 order, u64 reserve)
{
	spin_lock(&frames_lock);
	struct page *p = nr_free_listed >= reserve + (1ul << order) ? unlist_block(order) : NULL;
	spin_unlock(&frames_lock);
	return p;
}

// Whoever makes room, and who is about to give all that he has: they must not wait for others who make room.
static bool may_use_reserve(void)
{
	return current && (current->is_reclaiming || current_must_die());
}

// The stock had none. May sleep and come back on another CPU.
static struct page *__attribute__((noinline)) take_single_slow(u32 flags)
{
	if (!(flags & FRAME_ATOMIC) && nr_free_listed < reclaim_low_mark)
		reclaim_wake();
	u64 reserve = flags & FRAME_ATOMIC ? 0 : reclaim_min_mark;

	for (u32 tries = 0;; tries++) {
		struct frame_cache *stock = &stocks[cpu_number()];

		if (!stock->nr)
			stock_fill(stock, reserve);
		if (stock->nr)
			return stock->stock[--stock->nr];
		if (stock->nr_zeroed)
			return stock->zeroed[--stock->nr_zeroed];
		if (reserve && may_use_reserve()) {
			reserve = 0;
			continue;
		}
		if (flags & (FRAME_ATOMIC | FRAME_OPTIONAL) || look_is_on() || !reclaim_direct(tries, 1))
			return NULL;
	}
}

static inline void check_taken(struct page *p, u32 order)
{
	if (DEBUG_BUILD && (p->owner != PAGE_FREE || p->refs != 0))
		panic("frame %#lx is given out: owner %u, %d references, flags %x, map count %d",
		      page_to_pfn(p), p->owner, p->refs, p->flags, p->map_count);
	if (DEBUG_BUILD) {
		for (u32 i = 0; i < 1u << order; i++)
			check_poison(p + i);
	}
}

// The first frame's record as a new owner finds it.
static inline void begin_use(struct page *p, u32 order, enum page_owner owner)
{
	p->flags = 0;
	p->refs = 1;
	p->map_count = 0;
	p->owner = (u8)owner;
	p->order = (u8)order;
	p->error = 0;
	p->cache = NULL;
	p->index = 0;
	p->private = 0;
	list_init(&p->link);
}

struct page *frame_alloc(enum page_owner owner, u32 flags)
{
	struct frame_cache *stock = &stocks[cpu_number()];
	bool is_zeroed = flags & FRAME_ZERO && stock->nr_zeroed;
	struct page *p;

	if (is_zeroed)
		p = stock->zeroed[--stock->nr_zeroed];
	else
		p = likely(stock->nr) ? stock->stock[--stock->nr] : take_single_slow(flags);
	if (!p)
		return NULL;
	check_taken(p, 0);
	begin_use(p, 0, owner);
	count(COUNTER_PGALLOC);
	if (flags & FRAME_ZERO && !is_zeroed)
		page_zero(page_address(p));
	return p;
}

struct page *frames_alloc(u32 order, enum page_owner owner, u32 flags)
{
	struct page *p;

	assert(order <= FRAME_MAX_ORDER);
	if (order == 0)
		return frame_alloc(owner, flags);
	if (!(flags & FRAME_ATOMIC) && nr_free_listed < reclaim_low_mark)
		reclaim_wake();
	u64 reserve = flags & FRAME_ATOMIC ? 0 : reclaim_min_mark;

	for (u32 tries = 0; !(p = take(order, reserve)); tries++) {
		if (reserve && may_use_reserve()) {
			reserve = 0;
			continue;
		}
		if (flags & (FRAME_ATOMIC | FRAME_OPTIONAL) || look_is_on() || !reclaim_direct(tries, 1ul << order))
			return NULL;
	}
	debug_assert(!(flags & FRAME_ZERO && look_is_on()));     // it takes long, and a look ends soon
	check_taken(p, order);
	begin_use(p, order, owner);
	for (u32 i = 1; i < 1u << order; i++) {
		p[i].owner = (u8)owner;
		p[i].refs = 1;
		p[i].flags = 0;
		p[i].map_count = 0;
	}
	count_add(COUNTER_PGALLOC, 1ul << order);
	if (flags & FRAME_ZERO) {
		for (u32 i = 0; i < 1u << order; i++)
			page_zero(page_address(p + i));
	}
	return p;
}

static inline void mark_one_free(struct page *p)
{
	p->owner = PAGE_FREE;
	p->flags = 0;
	p->refs = 0;
	p->order = 0;
	p->private = 0;
}

// The records say FREE, the bytes of used memory are poisoned; then the block may be listed.
static void mark_free(struct page *p, u32 order, bool was_used)
{
	for (u32 i = 0; i < 1u << order; i++) {
		p[i].owner = PAGE_FREE;
		p[i].flags = 0;
		p[i].refs = 0;
		p[i].order = 0;
		p[i].private = 0;
		if (DEBUG_BUILD && was_used)
			poison(p + i);
	}
	p->order = (u8)order;
}

// A single frame, whose last reference has gone, into this CPU's stock.
static inline void free_single(struct frame_cache *stock, struct page *p)
{
	assert(p->map_count == 0);      // P2
	debug_assert(!page_has(p, PAGE_LOCKED | PAGE_ON_LRU) && list_is_empty(&p->link));
	mark_one_free(p);
	if (DEBUG_BUILD)
		poison(p);
	if (unlikely(stock->nr == STOCK_MAX))
		stock_drain(stock, STOCK_BATCH);
	stock->stock[stock->nr++] = p;
}

void frames_free(struct page *first, u32 order)
{
	assert(first->refs == 1 && first->map_count == 0);      // P2
	count_add(COUNTER_PGFREE, 1ul << order);
	if (order == 0) {
		free_single(&stocks[cpu_number()], first);
		return;
	}
	debug_assert(!page_has(first, PAGE_LOCKED | PAGE_ON_LRU));
	mark_free(first, order, true);
	spin_lock(&frames_lock);
	list_block(first, order);
	spin_unlock(&frames_lock);
}

void frame_free_zeroed(struct page *p)
{
	struct frame_cache *stock = &stocks[cpu_number()];

	assert(p->refs == 1 && p->map_count == 0);      // P2
	if (stock->nr_zeroed == ZEROED_MAX) {
		frames_free(p, 0);
		return;
	}
	count(COUNTER_PGFREE);
	mark_one_free(p);
	if (DEBUG_BUILD)
		p->private = IS_ZEROED;
	stock->zeroed[stock->nr_zeroed++] = p;
}

void page_free_last(struct page *p)
{
	if (page_has(p, PAGE_ON_LRU))           // private memory leaves the lists only now
		reclaim_remove(p);
	if (likely(!p->order)) {
		count(COUNTER_PGFREE);
		free_single(&stocks[cpu_number()], p);
		return;
	}
	p->refs = 1;
	frames_free(p, p->order);
}

void page_put(struct page *p)
{
	i32 left = atomic_sub_return(&p->refs, 1);

	assert(left >= 0);
	if (left == 0)
		page_free_last(p);
}

void pages_put(struct page **pages, u32 nr)
{
	struct frame_cache *stock = &stocks[cpu_number()];
	u32 nr_freed = 0;

	for (u32 i = 0; i < nr; i++) {
		struct page *p = pages[i];
		i32 left = atomic_sub_return(&p->refs, 1);

		assert(left >= 0);
		if (left) {
			if (left == 1 && unlikely(page_has(p, PAGE_SWAPCACHE)))
				swap_cache_unshown(p);
			continue;
		}
		if (unlikely(p->order || page_has(p, PAGE_ON_LRU))) {
			page_free_last(p);
			continue;
		}
		free_single(stock, p);
		nr_freed++;
	}
	count_add(COUNTER_PGFREE, nr_freed);
}

static void hand_over(pfn_t first, u64 nr_frames)
{
	nr_total += nr_frames;
	for (u64 i = 0; i < nr_frames; i++)
		mark_free(pfn_to_page(first + i), 0, false);
	spin_lock(&frames_lock);
	list_frames(pfn_to_page(first), nr_frames);
	spin_unlock(&frames_lock);
}

void frames_init(void)
{
	paddr_t top = 0;

	for (u32 i = 0; i < bootinfo.nr_regions; i++) {
		if (bootinfo.regions[i].is_ram)
			top = max(top, bootinfo.regions[i].end);
	}
	nr_page_records = top >> PAGE_SHIFT;
	u64 bytes = nr_page_records * sizeof(struct page);

	page_array = early_alloc_pages(PAGE_ALIGN_UP(bytes) >> PAGE_SHIFT);
	for (pfn_t n = 0; n < nr_page_records; n++) {
		page_array[n].owner = PAGE_RESERVED;
		page_array[n].refs = 1;
	}
	for (u32 order = 0; order <= FRAME_MAX_ORDER; order++)
		list_init(&free_lists[order]);
	early_alloc_hand_over(hand_over);
	reclaim_set_marks(nr_total);
	printk("frames: %lu KiB free in %lu KiB of address range, %lu KiB of records\n",
	       nr_total * 4, nr_page_records * 4, bytes / 1024);
}

u64 frames_total(void)
{
	return nr_total;
}

u64 frames_listed_count(void)
{
	return READ_ONCE(nr_free_listed);
}

u64 frames_free_count(void)
{
	u64 n = READ_ONCE(nr_free_listed);

	for (u32 i = 0; i < nr_cpus; i++)
		n += stocks[i].nr + stocks[i].nr_zeroed;
	return n;
}
