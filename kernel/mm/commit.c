/*
 * commit.c - how much memory may be promised, in three ways (the modes of commit.h). The count is each CPU's own,
 * so that mmap and munmap add to a word of theirs and read one that hardly ever changes: commit_unasked_pages,
 * which says for the mode that holds how large a promise is granted without any sum (all, in mode 1;
 * none, in mode 2). Only mode 2 adds the CPUs' counts up.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/hugetlb.h"
#include "mm/swap.h"
#include "x86/pgtable.h"

#define KIB_PER_PAGE (PAGE_SIZE / 1024)
#define USER_RESERVE_MAX_KIB (128ul << 10)

struct commit_settings commit_settings = { .mode = COMMIT_GUESS, .ratio = 50 };
u64 commit_unasked_pages = U64_MAX;

void commit_init(void)
{
	commit_settings.user_reserve_kbytes = min(frames_total() * KIB_PER_PAGE / 32, USER_RESERVE_MAX_KIB);
	commit_settings_changed();
}

void commit_settings_changed(void)
{
	u64 nr = 0;

	switch ((enum commit_mode)commit_settings.mode) {
	case COMMIT_GUESS:
		nr = frames_total() + swap_total_pages();
		break;
	case COMMIT_ALWAYS:
		nr = U64_MAX;
		break;
	case COMMIT_STRICT:
		break;
	}
	WRITE_ONCE(commit_unasked_pages, nr);
}

u64 commit_total(void)
{
	i64 nr = 0;

	for (u32 i = 0; i < MAX_CPUS; i++)
		nr += READ_ONCE(cpus[i].committed);
	return nr > 0 ? (u64)nr : 0;
}

u64 commit_limit(void)
{
	u64 memory = frames_total() - min(frames_total(), hugetlb_pool_size() * HUGE_PAGES);
	u64 kbytes = READ_ONCE(commit_settings.kbytes);

	return (kbytes ? kbytes / KIB_PER_PAGE : memory * READ_ONCE(commit_settings.ratio) / 100) + swap_total_pages();
}

bool commit_is_refused(const struct addrspace *as, u64 nr_pages)
{
	u64 limit = commit_limit();

	if (READ_ONCE(commit_settings.mode) != COMMIT_STRICT)
		return nr_pages > READ_ONCE(commit_unasked_pages);
	if (as)
		limit -= min(limit, min(as->nr_pages_mapped / 32,
					READ_ONCE(commit_settings.user_reserve_kbytes) / KIB_PER_PAGE));
	return commit_total() + nr_pages >= limit;
}
