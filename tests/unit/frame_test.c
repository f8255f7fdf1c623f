/*
 * frame_test.c - the frame allocator against a map of owners: blocks of all orders are taken and given back at
 * random on several CPUs; no two overlap, all are aligned and inside RAM, and in the end everything has joined again.
 */
// BUILD: -DDEBUG -iquote tests/unit/host tests/unit/host_memory.c
// BUILD: kernel/mm/frame.c kernel/sync/spinlock.c kernel/sync/lockcheck.c
#include "host_memory.h"
#include "kernel.h"
#include "mm/frame.h"
#include "mm/reclaim.h"

int fork(void);
int waitpid(int pid, int *status, int options);

#define NR_BLOCKS (HOST_FRAMES + 1)

struct block {
	struct page *page;
	u32 order;
	u8 pattern;
};

static struct block blocks[NR_BLOCKS];
static u32 nr_blocks;
static bool is_taken[HOST_FRAMES];
static u64 nr_taken;

static bool is_ram(pfn_t n)
{
	return n >= HOST_FIRST && n < HOST_FRAMES && (n < HOST_HOLE || n >= HOST_HOLE_END);
}

// Enters the block into the model; false: there was none.
static bool take(u32 order, u32 flags)
{
	struct page *p = frames_alloc(order, PAGE_KERNEL, flags);

	if (!p)
		return false;
	pfn_t n = page_to_pfn(p);

	require(!(n & ((1ul << order) - 1)) && p->order == order && p->refs == 1 && p->map_count == 0 && p->flags == 0);
	for (pfn_t i = n; i < n + (1ul << order); i++) {
		require(is_ram(i) && !is_taken[i] && pfn_to_page(i)->owner == PAGE_KERNEL && pfn_to_page(i)->refs == 1);
		is_taken[i] = true;
	}
	nr_taken += 1ul << order;
	if (flags & FRAME_ZERO) {
		for (u64 i = 0; i < PAGE_SIZE << order; i++)
			require(((u8 *)page_address(p))[i] == 0);
	}
	struct block *b = &blocks[nr_blocks++];

	*b = (struct block){ p, order, (u8)host_random() };
	memset(page_address(p), b->pattern, PAGE_SIZE << order);
	return true;
}

static void give(u32 which)
{
	struct block b = blocks[which];
	pfn_t n = page_to_pfn(b.page);
	u8 *bytes = page_address(b.page);

	require(bytes[0] == b.pattern && memcmp(bytes, bytes + 1, (PAGE_SIZE << b.order) - 1) == 0);
	for (pfn_t i = n; i < n + (1ul << b.order); i++)
		is_taken[i] = false;
	nr_taken -= 1ul << b.order;
	blocks[which] = blocks[--nr_blocks];
	if (host_random() & 1) {
		page_get(b.page);
		page_put(b.page);
		page_put(b.page);
	} else {
		frames_free(b.page, b.order);
	}
}

static void random_cpu(void)
{
	host_cpu.id = (u32)(host_random() % MAX_CPUS);
}

static u32 random_order(void)
{
	return host_random() % 4 ? 0 : (u32)(host_random() % (FRAME_MAX_ORDER + 1));
}

// How many blocks of an order can be had now, on one CPU; they are given back.
static u32 count_blocks(u32 order)
{
	u32 before = nr_blocks;

	while (take(order, FRAME_ATOMIC)) {
	}
	u32 nr = nr_blocks - before;

	while (nr_blocks > before)
		give(nr_blocks - 1);
	return nr;
}

// Single frames that the CPUs keep do not join. Every CPU takes all it can get,
// and CPU 0 gives all back from the lowest on: what its stock keeps is the same every time.
static void settle_stocks(void)
{
	struct page *p;

	for (host_cpu.id = 0; host_cpu.id < MAX_CPUS; host_cpu.id++) {
		while (take(0, FRAME_ATOMIC)) {
		}
	}
	host_cpu.id = 0;
	require(frames_free_count() == 0 && nr_taken == frames_total());
	nr_blocks = 0;
	nr_taken = 0;
	for (pfn_t n = 0; n < HOST_FRAMES; n++) {
		p = pfn_to_page(n);
		if (is_taken[n])
			frames_free(p, 0);
		is_taken[n] = false;
	}
}

static void test_random(void)
{
	u64 start = frames_free_count(), round;

	for (round = 0; round < 40000; round++) {
		// Fills up and empties in turns.
		bool wants_more = round / 2000 % 2 == 0 ? host_random() % 4 : host_random() % 4 == 0;

		random_cpu();
		if (wants_more)
			take(random_order(), host_random() % 8 ? FRAME_ATOMIC : FRAME_ATOMIC | FRAME_ZERO);
		else if (nr_blocks)
			give((u32)(host_random() % nr_blocks));
		require(frames_free_count() + nr_taken == start);
	}
	ok(true, "40,000 random steps: no overlap, nothing lost");
	while (nr_blocks) {
		random_cpu();
		give((u32)(host_random() % nr_blocks));
	}
	ok(frames_free_count() == start, "all is free again");
}

static void count_orders(u32 nr[])
{
	settle_stocks();
	for (u32 order = 1; order <= FRAME_MAX_ORDER; order++)
		nr[order] = count_blocks(order);
}

static void test_joins(const u32 at_first[])
{
	u32 now[FRAME_MAX_ORDER + 1];
	bool is_same = true;

	count_orders(now);
	for (u32 order = 1; order <= FRAME_MAX_ORDER; order++) {
		printf("# order %u: %u blocks, %u at first\n", order, now[order], at_first[order]);
		is_same &= now[order] == at_first[order];
	}
	ok(is_same, "what is free has joined to the same blocks as at first");
	// So many of each order that the large blocks are split, and one of them only in part.
	for (u32 order = 1; order < 9; order++) {
		while (nr_blocks < at_first[order] - 1)
			require(take(order, FRAME_ATOMIC));
		while (nr_blocks)
			give(nr_blocks - 1);
		is_same &= count_blocks(9) == at_first[9];
	}
	ok(is_same, "a piece of a large block joins with the rest of it");
}

static void test_stock(void)
{
	struct page *p;

	host_cpu.id = 1;
	p = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC);
	frames_free(p, 0);
	ok(frame_alloc(PAGE_KERNEL, FRAME_ATOMIC) == p, "a CPU gets back the frame that it freed last");
	frames_free(p, 0);
	host_cpu.id = 2;
	struct page *other = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC);

	ok(other != p, "another CPU does not get it");
	frames_free(other, 0);
}

static void test_exhaustion(void)
{
	host_cpu.id = 0;
	while (take(1, FRAME_ATOMIC)) {
	}
	u64 before = host_reclaims;

	ok(!frames_alloc(1, PAGE_KERNEL, FRAME_ATOMIC) && host_reclaims == before,
	   "an atomic request does not reclaim");
	host_reclaim_tries = 3;
	ok(!frames_alloc(1, PAGE_KERNEL, 0) && host_reclaims == before + 4,
	   "another asks for memory until nothing is left");
	host_reclaim_tries = 0;
	while (nr_blocks)
		give(nr_blocks - 1);
}

// In a child, since it shall stop the machine. True: it did.
static bool stops(void (*f)(void))
{
	int status = 0, pid = fork();

	if (pid == 0) {
		f();
		exit(0);
	}
	waitpid(pid, &status, 0);
	return status != 0;
}

static void free_twice(void)
{
	struct page *p = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC);

	frames_free(p, 0);
	frames_free(p, 0);
}

static bool is_all_zero(const struct page *p)
{
	const u64 *word = page_address(p);
	u64 all = 0;

	for (u32 i = 0; i < PAGE_SIZE / 8; i++)
		all |= word[i];
	return !all;
}

// All that this CPU can get one by one, and back again.
static u64 count_single(void)
{
	static struct page *taken[HOST_FRAMES];
	u64 nr = 0;

	while ((taken[nr] = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC)))
		nr++;
	for (u64 i = 0; i < nr; i++)
		frames_free(taken[i], 0);
	return nr;
}

static void test_zeroed(void)
{
	u64 nr_free = frames_free_count(), nr_single = count_single();
	struct page *a = frame_alloc(PAGE_TABLE, FRAME_ATOMIC | FRAME_ZERO);

	frame_free_zeroed(a);
	ok(frames_free_count() == nr_free, "a frame that is freed all zero is free");
	struct page *b = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC);
	struct page *c = frame_alloc(PAGE_TABLE, FRAME_ATOMIC | FRAME_ZERO);

	ok(b != a && c == a && is_all_zero(c), "who wants a cleared frame gets it, and nobody else");
	frames_free(b, 0);
	frame_free_zeroed(c);
	ok(count_single() == nr_single && frames_free_count() == nr_free, "but when there is no other, anybody does");
}

static void write_after_free_zeroed(void)
{
	struct page *p = frame_alloc(PAGE_TABLE, FRAME_ATOMIC | FRAME_ZERO);

	frame_free_zeroed(p);
	((u8 *)page_address(p))[100] = 1;
	p = frame_alloc(PAGE_TABLE, FRAME_ATOMIC | FRAME_ZERO);
}

static void write_after_free(void)
{
	struct page *p = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC);

	frames_free(p, 0);
	((u8 *)page_address(p))[100] = 1;
	p = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC);
}

static void free_mapped(void)
{
	struct page *p = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC);

	p->map_count = 1;
	page_put(p);
}

int main(void)
{
	u32 at_first[FRAME_MAX_ORDER + 1];

	host_memory_start();
	ok(frames_total() == HOST_FRAMES - HOST_FIRST - (HOST_HOLE_END - HOST_HOLE) &&
	   frames_free_count() == frames_total(), "all RAM is free, the hole is not");
	count_orders(at_first);
	test_random();
	test_joins(at_first);
	test_stock();
	test_exhaustion();
	test_zeroed();
	ok(stops(free_twice), "freeing twice stops the machine");
	ok(stops(write_after_free), "a write to a freed frame is found");
	ok(stops(write_after_free_zeroed), "a write to one that was freed all zero, too");
	ok(stops(free_mapped), "a mapped frame cannot be freed");
	return tap_end();
}
