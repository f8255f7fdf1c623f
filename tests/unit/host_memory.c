/*
 * host_memory.c - see host_memory.h. The spin locks and the lock check are the kernel's own.
 */
#include "host_memory.h"
#include "kernel.h"
#include "boot/bootinfo.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "proc/thread.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"

u8 host_memory[HOST_FRAMES * PAGE_SIZE] ALIGNED(PAGE_SIZE);
struct cpu host_cpu;
u32 nr_cpus = MAX_CPUS;
bool host_interrupts_are_open = true;
struct bootinfo bootinfo = {
	.nr_regions = 2,
	.regions = { { 0, HOST_HOLE * PAGE_SIZE, true }, { HOST_HOLE_END * PAGE_SIZE, HOST_FRAMES * PAGE_SIZE, true } },
};
u64 reclaim_low_mark, reclaim_min_mark, host_reclaims, host_reclaim_tries;

static struct thread the_thread;

void *page_address(const struct page *p)
{
	return host_memory + page_to_physical(p);
}

void page_zero(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

void *early_alloc_pages(u64 nr_pages)
{
	return calloc(nr_pages, PAGE_SIZE);
}

void early_alloc_hand_over(void (*f)(pfn_t first, u64 nr_frames))
{
	f(HOST_FIRST, HOST_HOLE - HOST_FIRST);
	f(HOST_HOLE_END, HOST_FRAMES - HOST_HOLE_END);
}

void reclaim_set_marks(u64 nr_frames)
{
	reclaim_low_mark = nr_frames / 64;
}

void reclaim_wake(void)
{
}

bool reclaim_direct(u32 tries, u64 nr_wanted)
{
	require(nr_wanted > 0);
	host_reclaims++;
	return tries < host_reclaim_tries;
}

void swap_cache_unshown(struct page *p)
{
	(void)p;
}

void reclaim_remove(struct page *p)
{
	(void)p;
	require(false);                 // no page here is on its lists
}

void host_memory_start(void)
{
	host_cpu.running = &the_thread;
	frames_init();
}
