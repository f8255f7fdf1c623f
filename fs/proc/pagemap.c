/*
 * pagemap.c - /proc/PID/pagemap: a word for each page of the address space, in Linux's format: bit 63 present, bit 62
 * swapped out, bit 61 a page of a file or shared memory, bit 56 shown exactly once;
 * bits 0 to 54 the frame's number, or of a swapped page the area's (0 to 4) and the slot's (5 to 54).
 */
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "x86/pgtable.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define WORDS_AT_ONCE 64
#define PAGEMAP_PRESENT (1ul << 63)
#define PAGEMAP_SWAP (1ul << 62)        // bits 0 to 4: the area, from 5 on the slot: as a swap entry has them
#define PAGEMAP_FILE (1ul << 61)
#define PAGEMAP_EXCLUSIVE (1ul << 56)

struct window {
	vaddr_t start;
	u64 words[WORDS_AT_ONCE];
};

static int enter_word(struct pte_slot *slot, vaddr_t va, void *argument)
{
	struct window *w = argument;
	struct page *p;
	u64 word;

	if (pte_is_swap(*slot->entry))
		w->words[(va - w->start) >> PAGE_SHIFT] = PAGEMAP_SWAP | pte_swap_value(*slot->entry);
	if (!pte_is_present(*slot->entry))
		return 0;
	p = pte_page(*slot->entry);
	word = PAGEMAP_PRESENT | page_to_pfn(p);
	if (p->owner == PAGE_CACHE)
		word |= PAGEMAP_FILE;
	if (p != zero_page && READ_ONCE(p->map_count) == 1)
		word |= PAGEMAP_EXCLUSIVE;
	w->words[(va - w->start) >> PAGE_SHIFT] = word;
	return 0;
}

// The target's pid was checked at open, but it may have gone since.
static ssize_t read_words(struct addrspace *as, struct iobuf *to, u64 *position)
{
	struct window w;
	ssize_t done = 0;

	while (to->remaining && *position / sizeof(u64) < USER_END >> PAGE_SHIFT) {
		u64 first = *position / sizeof(u64);
		u64 nr = min(to->remaining / sizeof(u64), (u64)WORDS_AT_ONCE);
		size_t copied;

		nr = min(nr, (USER_END >> PAGE_SHIFT) - first);
		w.start = first << PAGE_SHIFT;
		memset(w.words, 0, sizeof(w.words));
		read_lock(&as->lock);
		pgtable_look(as, w.start, w.start + (nr << PAGE_SHIFT), enter_word, &w);
		read_unlock(&as->lock);
		copied = iobuf_put(to, w.words, nr * sizeof(u64));
		*position += copied;
		done += (ssize_t)copied;
		if (copied < nr * sizeof(u64))
			return done ? done : -EFAULT;
	}
	return done;
}

static ssize_t pagemap_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct addrspace *as;
	ssize_t result;

	if (*position % sizeof(u64) || to->remaining % sizeof(u64))
		return -EINVAL;
	as = addrspace_of_process(proc_target_of(f)->pid);
	if (!as)
		return 0;
	result = read_words(as, to, position);
	addrspace_put(as);
	return result;
}

const struct file_ops proc_pagemap_ops = { .read = pagemap_read };
