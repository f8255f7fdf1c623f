/*
 * hugetlb.c - the pool of blocks of 2 MiB for MAP_HUGETLB. pool_lock covers the pool and the taking of blocks
 * out of it; that a block comes free is seen from its frames' references (H5), without a lock.
 * A private page that is stored to after fork is copied in a piece of 4 KiB, like any other:
 * unlike on Linux a child needs no block of the pool for that, and cannot fail for want of one.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/frame.h"
#include "mm/fault_internal.h"
#include "mm/huge.h"
#include "mm/hugetlb.h"
#include "sync/look.h"
#include "proc/process.h"
#include "x86/cpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/mman.h>

#define POOL_MAX 1024                   // blocks: 2 GiB
#define ONLY_SIZE 21                    // log2 of the only size of a block

static struct mutex pool_lock;
static struct page *pool[POOL_MAX];     // GUARDED_BY(pool_lock): first frames
static u64 nr_pool;                     // GUARDED_BY(pool_lock)

void hugetlb_init(void)
{
	mutex_init(&pool_lock, "hugetlb pool", RANK_RMAP);
}

static bool is_free(const struct page *head)
{
	for (u32 i = 0; i < HUGE_PAGES; i++) {
		if (atomic_load(&head[i].refs) != 1)
			return false;
	}
	return true;
}

int hugetlb_check_map(vaddr_t hint, u64 *length, u32 flags, bool has_file)
{
	u32 size = flags >> MAP_HUGE_SHIFT & MAP_HUGE_MASK;

	if (has_file || (size && size != ONLY_SIZE))
		return -EINVAL;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE) && hint & (HUGE_SIZE - 1))
		return -EINVAL;
	if (!*length || *length > USER_END)
		return *length ? -ENOMEM : -EINVAL;
	*length = (*length + HUGE_SIZE - 1) & ~(HUGE_SIZE - 1);
	return 0;
}

// pool_lock held. A free block becomes one with a user; what its frames hold is still the last one's.
static struct page *take_block(u64 *cursor)
{
	for (; *cursor < nr_pool; (*cursor)++) {
		struct page *head = pool[*cursor];

		if (!is_free(head))
			continue;
		huge_get(head);
		(*cursor)++;
		return head;
	}
	return NULL;
}

static void clear(struct page *head)
{
	for (u32 i = 0; i < HUGE_PAGES; i++)
		page_zero(page_address(head + i));
}

int hugetlb_take(u64 length, struct hugetlb_blocks *out)
{
	u64 cursor = 0;
	struct page *head;

	*out = (struct hugetlb_blocks){ 0 };
	mutex_lock(&pool_lock);
	while (out->nr < length / HUGE_SIZE && (head = take_block(&cursor))) {
		head->private = (u64)out->first;
		out->first = head;
		out->nr++;
	}
	mutex_unlock(&pool_lock);
	if (out->nr < length / HUGE_SIZE) {
		hugetlb_give_back(out);
		return -ENOMEM;
	}
	for (head = out->first; head; head = (struct page *)head->private)
		clear(head);
	return 0;
}

static struct page *next_block(struct hugetlb_blocks *blocks)
{
	struct page *head = blocks->first;

	blocks->first = (struct page *)head->private;
	blocks->nr--;
	head->private = 0;
	return head;
}

void hugetlb_give_back(struct hugetlb_blocks *blocks)
{
	while (blocks->nr)
		huge_put(next_block(blocks));
}

// Shows a block that nobody shows. Its references go to the entry, or back when there is no place.
static int show_block(struct addrspace *as, struct area *a, vaddr_t va, struct page *head)
{
	for (u32 i = 0; i < HUGE_PAGES; i++) {
		head[i].family = as->family;
		head[i].anon_index = (va >> PAGE_SHIFT) + i;
	}
	area_note_private_page(a);
	huge_map_count_add(head, 1);
	resident_add(as, RESIDENT_ANON, HUGE_PAGES);
	int error = pgtable_huge_enter(as, va,
				       pte_make(head, a->flags, a->flags & AREA_WRITE ? PTE_WRITABLE : PTE_READ_ONLY));

	if (error) {
		resident_sub(as, RESIDENT_ANON, HUGE_PAGES);
		huge_map_count_add(head, -1);
		huge_put(head);
	}
	return error;
}

int hugetlb_show(struct addrspace *as, struct area *a, vaddr_t start, struct hugetlb_blocks *blocks)
{
	int error = 0;

	for (vaddr_t va = start; blocks->nr && !error; va += HUGE_SIZE)
		error = show_block(as, a, va, next_block(blocks));
	return error;
}

enum fault_result hugetlb_fault(struct addrspace *as, struct area *a, struct fault *f)
{
	struct hugetlb_blocks one;
	vaddr_t va = huge_align_down(f->address);

	if (look_is_on())
		return FAULT_NO_MEMORY;         // the pool's lock may sleep: again with the space's own
	if (hugetlb_take(HUGE_SIZE, &one)) {
		f->error = -ENOMEM;
		return FAULT_IO;
	}
	count(COUNTER_ZERO_FILLS);
	process_count(COUNT_ZERO_FILLS);
	int error = show_block(as, a, va, next_block(&one));

	f->need = NEED_NOTHING;
	return !error ? FAULT_OK : error == -ENOMEM ? FAULT_NO_MEMORY : FAULT_RETRY;
}

/* --- the size of the pool ----------------------------------------------------- */

u64 hugetlb_pool_size(void)
{
	return READ_ONCE(nr_pool);
}

u64 hugetlb_pool_free(void)
{
	u64 nr = 0;

	mutex_lock(&pool_lock);
	for (u64 i = 0; i < nr_pool; i++)
		nr += is_free(pool[i]);
	mutex_unlock(&pool_lock);
	return nr;
}

// pool_lock held.
static bool grow(void)
{
	struct page *head = nr_pool < POOL_MAX ? huge_take_block(NULL, 0, FRAME_OPTIONAL) : NULL;

	if (!head)
		return false;
	for (u32 i = 0; i < HUGE_PAGES; i++)
		page_set(head + i, PAGE_POOL);
	pool[nr_pool++] = head;
	return true;
}

// pool_lock held. A free block leaves; false: all are in use.
static bool shrink(void)
{
	for (u64 i = nr_pool; i-- > 0;) {
		struct page *head = pool[i];

		if (!is_free(head))
			continue;
		pool[i] = pool[--nr_pool];
		for (u32 j = 0; j < HUGE_PAGES; j++)
			page_clear(head + j, PAGE_POOL);
		huge_put(head);
		return true;
	}
	return false;
}

void hugetlb_set_pool_size(u64 nr)
{
	mutex_lock(&pool_lock);
	while (nr_pool < nr && grow())
		continue;
	while (nr_pool > nr && shrink())
		continue;
	mutex_unlock(&pool_lock);
}
