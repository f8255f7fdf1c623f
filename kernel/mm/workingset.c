/*
 * workingset.c - the times at which pages left, in a table of fixed size. A page's name (cache and index,
 * or its place in swap) is hashed to one word, which keeps some bits of the name and the eviction clock;
 * a newer page overwrites an older one. So nothing grows with the size of what was read, nothing has to be cleaned
 * up behind a file that is gone, and the worst that an overwritten word does is to let a page start as a new one.
 *
 * The table comes into being frame by frame with the first evictions: a machine that never lacks memory has none of it.
 * Words are read and written without a lock; a torn pair of accesses is a lost note, too.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/frame.h"
#include "mm/page.h"
#include "mm/workingset.h"
#include "x86/cpu.h"

#define WORDS_IN_FRAME (PAGE_SIZE / sizeof(u32))
#define MAX_FRAMES 512u                 // 2 MiB: half a million notes
#define CLOCK_BITS 20
#define CLOCK_MASK ((1u << CLOCK_BITS) - 1)

static u32 *table[MAX_FRAMES];          // atomic; each entry is set once
static u64 eviction_clock;              // atomic

static u64 word_mask;                   // the number of words, less one; 0: not asked for yet, constant afterwards

// As many words as there are frames of RAM, rounded up: who left longer ago would not have fitted anyhow.
static NOINLINE u64 choose_word_mask(void)
{
	u64 n = WORDS_IN_FRAME;

	while (n < frames_total() && n < MAX_FRAMES * WORDS_IN_FRAME)
		n *= 2;
	WRITE_ONCE(word_mask, n - 1);
	return n - 1;
}

static u64 name_of(const struct page *p)
{
	u64 owner = p->owner == PAGE_CACHE ? (u64)p->cache : 1;
	u64 index = p->owner == PAGE_CACHE ? p->index : p->private;

	return (owner * 0x9e3779b97f4a7c15ul ^ index) * 0xff51afd7ed558ccdul;
}

// Its word; NULL when the table has no frame there (and makes is false, or there is no memory).
static u32 *word_of(u64 name, bool makes)
{
	u64 mask = READ_ONCE(word_mask);
	u64 word = (name >> 20) & (likely(mask) ? mask : choose_word_mask());
	u32 **frame = &table[word / WORDS_IN_FRAME];

	if (!atomic_load(frame) && makes) {
		struct page *p = frame_alloc(PAGE_KERNEL, FRAME_ZERO | FRAME_ATOMIC);

		if (p && !atomic_compare_exchange(frame, NULL, (u32 *)page_address(p)))
			page_put(p);
	}
	u32 *words = atomic_load(frame);

	return words ? &words[word % WORDS_IN_FRAME] : NULL;
}

// Never 0, which is an empty word.
static u32 tag_of(u64 name)
{
	return ((u32)(name >> 52) | 1) << CLOCK_BITS;
}

void workingset_evicted(const struct page *p)
{
	u64 name = name_of(p);
	u32 *word = word_of(name, true);
	u32 now = (u32)atomic_add_return(&eviction_clock, 1) & CLOCK_MASK;

	if (word)
		WRITE_ONCE(*word, tag_of(name) | now);
}

bool workingset_was_missed(const struct page *p, u64 reach)
{
	u64 name = name_of(p);
	u32 *word = word_of(name, false);
	u32 note = word ? READ_ONCE(*word) : 0;

	if ((note & ~CLOCK_MASK) != tag_of(name))
		return false;
	u32 distance = ((u32)atomic_load(&eviction_clock) - note) & CLOCK_MASK;

	WRITE_ONCE(*word, 0);
	count(COUNTER_WORKINGSET_REFAULT);
	count_add(COUNTER_WORKINGSET_DISTANCE, distance);
	if (distance > reach)
		return false;
	count(COUNTER_WORKINGSET_ACTIVATE);
	return true;
}
