/*
 * memory.c - what physical memory is used for: meminfo and vmstat as texts, kpagecount and kpageflags as words a frame.
 */
#include "cache/writeback.h"
#include "debug/counters.h"
#include "dev/block.h"
#include "fs/proc/procfs.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/page.h"
#include "x86/pgtable.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "proc/process.h"
#include <abi/errno.h>

#define KIB_PER_PAGE (PAGE_SIZE / 1024)

struct usage {                          // in pages
	u64 anonymous, huge, tables, cached, mapped, buffers;
};

// The first of 512 frames that a huge entry shows.
static bool is_huge_head(const struct page *p)
{
	return READ_ONCE(p->owner) == PAGE_ANON && READ_ONCE(p->nr_huge) > 0;
}

// Looks at every frame: the only count of who owns what that cannot be wrong.
static struct usage usage_now(void)
{
	struct usage u = { 0 };

	for (pfn_t n = 0; n < nr_page_records; n++) {
		struct page *p = pfn_to_page(n);

		switch (READ_ONCE(p->owner)) {
		case PAGE_ANON:
			if (page_has(p, PAGE_POOL))     // HugePages_Total counts those
				break;
			u.anonymous++;
			u.huge += is_huge_head(p) ? HUGE_PAGES : 0;
			break;
		case PAGE_TABLE:
			u.tables++;
			break;
		case PAGE_CACHE:
			u.cached++;
			u.mapped += READ_ONCE(p->map_count) > 0;
			break;
		default:
			break;
		}
	}
	for (struct block_device *d = block_device_next(NULL); d; d = block_device_next(d))
		u.buffers += READ_ONCE(d->cache.pages.nr_items);
	return u;
}

static void show_kib(struct text *t, const char *name, u64 nr_pages)
{
	size_t start = t->length;

	text_printf(t, "%s:", name);
	text_pad(t, start, 16);
	text_printf(t, "%8lu kB\n", nr_pages * KIB_PER_PAGE);
}

// The pool of MAP_HUGETLB. A mapping has taken its blocks, so none is promised that is still here.
static void show_pool(struct text *t)
{
	u64 nr = hugetlb_pool_size();

	text_printf(t, "HugePages_Total:   %5lu\nHugePages_Free:    %5lu\n"
		    "HugePages_Rsvd:        0\nHugePages_Surp:        0\n", nr, hugetlb_pool_free());
	show_kib(t, "Hugepagesize", HUGE_PAGES);
	show_kib(t, "Hugetlb", nr * HUGE_PAGES);
}

int proc_show_meminfo(struct text *t, const struct proc_target *target)
{
	struct usage u = usage_now();
	u64 free = frames_free_count(), slab = slab_total_bytes() / PAGE_SIZE;

	(void)target;
	show_kib(t, "MemTotal", frames_total());
	show_kib(t, "MemFree", free);
	show_kib(t, "MemAvailable",
		 free + u.cached - min(u.cached, u.mapped + nr_dirty_pages + tmpfs_resident_pages()));
	show_kib(t, "Buffers", u.buffers);
	show_kib(t, "Cached", u.cached - min(u.cached, u.buffers));
	show_kib(t, "SwapCached", swap_cached_pages());
	show_kib(t, "Active", reclaim_list_size(true));
	show_kib(t, "Inactive", reclaim_list_size(false));
	show_kib(t, "Unevictable", reclaim_nr_kept());
	show_kib(t, "SwapTotal", swap_total_pages());
	show_kib(t, "SwapFree", swap_free_pages());
	show_kib(t, "Dirty", nr_dirty_pages);
	show_kib(t, "Writeback", nr_writeback_pages);
	show_kib(t, "AnonPages", u.anonymous);
	show_kib(t, "AnonHugePages", u.huge);
	show_kib(t, "Mapped", u.mapped);
	show_kib(t, "Shmem", tmpfs_resident_pages());
	show_kib(t, "Slab", slab);
	show_kib(t, "PageTables", u.tables);
	show_kib(t, "CommitLimit", commit_limit());
	show_kib(t, "Committed_AS", commit_total());
	show_pool(t);
	return 0;
}

int proc_show_vmstat(struct text *t, const struct proc_target *target)
{
	struct usage u = usage_now();

	(void)target;
	text_printf(t, "nr_free_pages %lu\nnr_inactive_file %lu\nnr_active_file %lu\nnr_anon_pages %lu\n"
		    "nr_anon_transparent_hugepages %lu\nnr_mapped %lu\nnr_shmem %lu\nnr_file_pages %lu\n"
		    "nr_dirty %lu\nnr_dirty_stuck %lu\nnr_writeback %lu\nnr_page_table_pages %lu\nnr_slab_pages %lu\n",
		    frames_free_count(), reclaim_list_size(false), reclaim_list_size(true), u.anonymous,
		    u.huge / HUGE_PAGES, u.mapped, tmpfs_resident_pages(), u.cached,
		    nr_dirty_pages, nr_stuck_pages, nr_writeback_pages, u.tables, slab_total_bytes() / PAGE_SIZE);
	for (enum counter c = 0; c < NR_COUNTERS; c++)
		text_printf(t, "%s %lu\n", counter_name(c), counter_read(c));
	return 0;
}

/* --- a word for each frame -------------------------------------------------- */

#define WORDS_AT_ONCE 64

enum kernel_page_flag {                 // bits of /proc/kpageflags (Linux's Documentation/admin-guide/mm/pagemap.rst)
	KPF_LOCKED = 0, KPF_ERROR = 1, KPF_REFERENCED = 2, KPF_UPTODATE = 3, KPF_DIRTY = 4,
	KPF_LRU = 5, KPF_ACTIVE = 6, KPF_SLAB = 7, KPF_WRITEBACK = 8, KPF_BUDDY = 10, KPF_MMAP = 11,
	KPF_ANON = 12, KPF_SWAPBACKED = 14, KPF_COMPOUND_HEAD = 15, KPF_COMPOUND_TAIL = 16,
	KPF_HUGE = 17, KPF_NOPAGE = 20, KPF_THP = 22, KPF_ZERO_PAGE = 24, KPF_PGTABLE = 26,
};

static u64 frame_count(struct page *p)
{
	i32 n = READ_ONCE(p->map_count);

	return n > 0 && (p->owner == PAGE_CACHE || p->owner == PAGE_ANON) ? (u64)n : 0;
}

// A frame is a part of a huge page while an entry of 2 MiB shows it.
static u64 huge_flags(struct page *p)
{
	u64 kind = page_has(p, PAGE_POOL) ? 1ul << KPF_HUGE : 1ul << KPF_THP;

	if (is_huge_head(p))
		return kind | 1ul << KPF_COMPOUND_HEAD;
	if (is_huge_head(pfn_to_page(page_to_pfn(p) & ~(HUGE_PAGES - 1ul))))
		return kind | 1ul << KPF_COMPOUND_TAIL;
	return 0;
}

static u64 owner_flags(struct page *p)
{
	switch (READ_ONCE(p->owner)) {
	case PAGE_FREE:
		return 1ul << KPF_BUDDY;
	case PAGE_TABLE:
		return 1ul << KPF_PGTABLE;
	case PAGE_SLAB:
		return 1ul << KPF_SLAB;
	case PAGE_ANON:
		return 1ul << KPF_ANON | 1ul << KPF_SWAPBACKED | 1ul << KPF_UPTODATE | huge_flags(p);
	case PAGE_RESERVED:
		return 1ul << KPF_NOPAGE;
	default:
		return 0;
	}
}

static u64 frame_flags(struct page *p)
{
	static const struct { u32 flag; u8 bit; } pairs[] = {
		{ PAGE_LOCKED, KPF_LOCKED }, { PAGE_FAILED, KPF_ERROR }, { PAGE_REFERENCED, KPF_REFERENCED },
		{ PAGE_UPTODATE, KPF_UPTODATE }, { PAGE_DIRTY, KPF_DIRTY }, { PAGE_ON_LRU, KPF_LRU },
		{ PAGE_ACTIVE, KPF_ACTIVE }, { PAGE_WRITEBACK, KPF_WRITEBACK },
	};
	u64 result = owner_flags(p);

	if (p->owner == PAGE_CACHE)
		for (u32 i = 0; i < ARRAY_SIZE(pairs); i++)
			if (page_has(p, pairs[i].flag))
				result |= 1ul << pairs[i].bit;
	if (frame_count(p))
		result |= 1ul << KPF_MMAP;
	if (p == zero_page)
		result |= 1ul << KPF_ZERO_PAGE;
	return result;
}

static ssize_t frames_read(struct iobuf *to, u64 *position, u64 (*word)(struct page *p))
{
	u64 words[WORDS_AT_ONCE];
	ssize_t done = 0;

	if (*position % sizeof(u64) || to->remaining % sizeof(u64))
		return -EINVAL;
	while (to->remaining) {
		u64 first = *position / sizeof(u64);
		u64 nr = min(to->remaining / sizeof(u64), (u64)WORDS_AT_ONCE);
		size_t copied;

		if (first >= nr_page_records)
			break;
		nr = min(nr, nr_page_records - first);
		for (u64 i = 0; i < nr; i++)
			words[i] = word(pfn_to_page(first + i));
		copied = iobuf_put(to, words, nr * sizeof(u64));
		*position += copied;
		done += (ssize_t)copied;
		if (copied < nr * sizeof(u64))
			return done ? done : -EFAULT;
	}
	return done;
}

static ssize_t kpagecount_read(struct file *f, struct iobuf *to, u64 *position)
{
	(void)f;
	return frames_read(to, position, frame_count);
}

static ssize_t kpageflags_read(struct file *f, struct iobuf *to, u64 *position)
{
	(void)f;
	return frames_read(to, position, frame_flags);
}

const struct file_ops proc_kpagecount_ops = { .read = kpagecount_read };
const struct file_ops proc_kpageflags_ops = { .read = kpageflags_read };
