/*
 * audit.c - does everything that is counted agree with what is there? Walks the areas and page tables of every address
 * space, noting how often each frame is shown, then every frame's record, and compares: map counts, references, owners,
 * the places of cached pages, the resident counts, the dirty tags, the free frames.
 * Nothing is stopped meanwhile. A disagreement that is gone when the audit is run again was somebody at work; one that
 * stays is a bug. audit_lock keeps two audits apart.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "debug/audit.h"
#include "fs/tmpfs.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/commit.h"
#include "mm/fault.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "proc/process.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/kernel_map.h"
#include "x86/pgtable.h"

#define ROUNDS 20                       // how often a disagreement may be somebody at work
#define LINES_MAX 20

static struct mutex audit_lock;

struct audit {
	u16 *shown;                     // how many entries show frame n
	void (*report)(void *owner, const char *line);
	void *owner;
	u64 nr_problems;
	struct addrspace *space;        // the one being walked
	struct area *area;
	i64 nr_anon, nr_file, nr_swapped;
	u64 nr_committed;               // pages of areas with AREA_COMMITTED, of all spaces
	u16 *named[SWAP_AREAS_MAX];     // how many entries name slot n; NULL: no such area
	u32 nr_slots[SWAP_AREAS_MAX];
};

static struct audit audit;              // GUARDED_BY(audit_lock)
static u64 round_number;                // GUARDED_BY(audit_lock)

static void problem(const char *format, ...) PRINTF_LIKE(1, 2);
static void problem(const char *format, ...)
{
	char line[160];
	va_list args;

	if (audit.nr_problems++ >= LINES_MAX || !audit.report)
		return;
	va_start(args, format);
	format_string_v(line, sizeof(line), format, args);
	va_end(args);
	audit.report(audit.owner, line);
}

static void table_problem(const char *what, u64 seen, u64 expected)
{
	problem("audit: %s: %lu seen, %lu recorded", what, seen, expected);
}

static void check_cache_entry(vaddr_t va, struct page *p, pte_t e)
{
	struct area *a = audit.area;
	pgoff_t index = area_page(a, va);

	if (p->cache != a->cache || p->index != index)
		problem("audit: %lx shows page %lu of another file or place (area shows %lu)", va, p->index, index);
	if (pte_is_writable(e) && !(a->flags & AREA_SHARED))
		problem("audit: %lx: a private area may write to the file's page", va);
	if (pte_is_writable(e) && !page_has(p, PAGE_DIRTY))
		problem("audit: %lx is writable but page %lu is clean (C4)", va, p->index);
}

static void note_swap_entry(vaddr_t va, u64 value)
{
	u32 number = value % (1u << SWAP_TYPE_BITS);
	u64 slot = value >> SWAP_TYPE_BITS;

	if (number >= SWAP_AREAS_MAX || !slot || slot >= audit.nr_slots[number])
		problem("audit: %lx names slot %lu of swap area %u, which is not there", va, slot, number);
	else
		audit.named[number][slot]++;
}

static void note_file_slot(swap_entry_t entry)
{
	if (swap_count(entry) != SWAP_SLOT_FILE)
		problem("audit: a file has slot %#lx, which is not a file's (T1)", entry.value);
	note_swap_entry(0, entry.value);
}

static int check_entry(struct pte_slot *slot, vaddr_t va, void *argument)
{
	pte_t e = *slot->entry;         // of 4 KiB, or a part of a huge one (H1)

	(void)argument;
	if (pte_is_swap(e)) {
		audit.nr_swapped++;
		note_swap_entry(va, pte_swap_value(e));
		return 0;
	}
	if (!pte_is_present(e)) {
		problem("audit: %lx: an entry that is neither present nor empty", va);
		return 0;
	}
	struct page *p = pte_page(e);

	if (page_to_pfn(p) >= nr_page_records) {
		problem("audit: %lx shows frame %#lx, which is no RAM", va, page_to_pfn(p));
		return 0;
	}
	if (pte_is_writable(e) && !(audit.area->flags & AREA_WRITE))
		problem("audit: %lx is writable in an area that is not", va);
	if (p == zero_page)
		return 0;
	audit.shown[page_to_pfn(p)]++;
	if (p->owner == PAGE_CACHE) {
		audit.nr_file++;
		check_cache_entry(va, p, e);
	} else if (p->owner == PAGE_ANON) {
		audit.nr_anon++;
		if (audit.area->flags & AREA_SHARED || p->family != audit.space->family)
			problem("audit: %lx: a private page in a shared area or of a foreign family", va);
	} else {
		problem("audit: %lx shows a frame whose owner is %u", va, p->owner);
	}
	return 0;
}

static void check_space(struct addrspace *as)
{
	vaddr_t covered = 0;

	audit.space = as;
	audit.nr_committed += as->nr_pages_committed;
	audit.nr_anon = audit.nr_file = audit.nr_swapped = 0;
	if (!areas_are_valid(as))
		problem("audit: areas overlap, or their gaps or counts are wrong (A1, A2)");
	for (struct rb_node *n = rb_first(&as->areas); n; n = rb_next(n)) {
		struct area *a = rb_entry(n, struct area, node);

		audit.area = a;
		if (pgtable_has_entries(as, covered, a->start))
			problem("audit: an entry between areas, below %lx", a->start);
		pgtable_look(as, a->start, a->end, check_entry, NULL);
		covered = a->end;
	}
	pgtable_audit(as, table_problem);
	u64 nr_anon = resident_read(as, RESIDENT_ANON), nr_file = resident_read(as, RESIDENT_FILE);

	if ((u64)audit.nr_anon != nr_anon || (u64)audit.nr_file != nr_file)
		problem("audit: resident: %ld private, %ld of files seen; %lu, %lu recorded",
			audit.nr_anon, audit.nr_file, nr_anon, nr_file);
	if (audit.nr_swapped != as->nr_swapped)
		problem("audit: %ld swap entries seen, %ld recorded", audit.nr_swapped, as->nr_swapped);
}

static void check_spaces(void)
{
	struct process *p;

	round_number++;
	for (int pid = 0; (p = process_next(pid)); process_put(p)) {
		struct addrspace *as = addrspace_of_process(pid = p->pid);

		if (!as)
			continue;
		if (as->audit_round != round_number) {
			as->audit_round = round_number;
			read_lock(&as->lock);
			check_space(as);
			read_unlock(&as->lock);
		}
		addrspace_put(as);
	}
	u64 nr_committed = audit.nr_committed + tmpfs_promised_pages();

	if (nr_committed != commit_total())
		problem("audit: %lu promised pages seen, %lu counted (K1)", nr_committed, commit_total());
}

static void check_cached_page(struct page *p)
{
	struct cache *cache = p->cache;
	pfn_t n = page_to_pfn(p);

	if (!cache)
		return;                 // taken out of its cache; somebody still holds it
	u64 flag = spin_lock_irq(&cache->lock);

	if (radix_find(&cache->pages, p->index) != p)
		problem("audit: frame %#lx is not at its place %lu of its cache (C1)", n, p->index);
	else if (radix_tag_get(&cache->pages, p->index, RADIX_TAG_DIRTY) != page_has(p, PAGE_DIRTY) ||
		 radix_tag_get(&cache->pages, p->index, RADIX_TAG_WRITEBACK) != page_has(p, PAGE_WRITEBACK))
		problem("audit: frame %#lx: tags and flags disagree (C3)", n);
	else if (cache->ops->swap_place && p->private && swap_count((swap_entry_t){ p->private }) != SWAP_SLOT_FILE)
		problem("audit: frame %#lx: its slot is not a file's (T2)", n);
	else if (page_has(p, PAGE_STUCK) && !page_has(p, PAGE_DIRTY))
		problem("audit: frame %#lx is clean, and yet its write has failed", n);
	spin_unlock_irq(&cache->lock, flag);
	i32 expected = 1 + audit.shown[n] + (page_has(p, PAGE_PINNED) ? 1 : 0);

	if (p->refs != expected && !page_has(p, PAGE_WRITEBACK | PAGE_LOCKED))
		problem("audit: cached frame %#lx: %d references, %u mappings", n, p->refs, audit.shown[n]);
}

static void check_frames(void)
{
	u64 nr_free = 0;

	for (pfn_t n = 0; n < nr_page_records; n++) {
		struct page *p = pfn_to_page(n);

		if (p->owner == PAGE_FREE) {
			nr_free++;
			if (p->refs || audit.shown[n])
				problem("audit: free frame %#lx: %d references, %u mappings (P1)",
					n, p->refs, audit.shown[n]);
			continue;
		}
		if (p->owner != PAGE_CACHE && p->owner != PAGE_ANON)
			continue;
		if (p->map_count != audit.shown[n])
			problem("audit: frame %#lx: map count %d, %u entries show it (P2)",
				n, p->map_count, audit.shown[n]);
		if (p->owner == PAGE_CACHE)
			check_cached_page(p);
		else if (p->refs != audit.shown[n] + (page_has(p, PAGE_POOL | PAGE_SWAPCACHE) ? 1 : 0))  // H5, W2
			problem("audit: private frame %#lx: %d references, %u mappings", n, p->refs, audit.shown[n]);
	}
	if (nr_free != frames_free_count())
		problem("audit: %lu free frames seen, %lu counted", nr_free, frames_free_count());
}

/* --- swap: W1 and W2 ---------------------------------------------------------- */

static void swap_begin(void)
{
	for (u32 n = 0; n < SWAP_AREAS_MAX; n++) {
		u32 nr = swap_area_slots(n);

		audit.named[n] = nr ? kmalloc_zeroed(nr * sizeof(u16)) : NULL;
		audit.nr_slots[n] = audit.named[n] ? nr : 0;
	}
}

static void check_slot(u32 number, u32 slot)
{
	swap_entry_t entry = { number | (u64)slot << SWAP_TYPE_BITS };
	u32 count = swap_count(entry), named = audit.named[number][slot];
	struct page *p = swap_cache_find(entry);

	if (count != SWAP_SLOT_BAD && named != (count == SWAP_SLOT_FILE ? 1 : count))
		problem("audit: slot %u of swap area %u: count %u, %u entries name it (W1)",
			slot, number, count, named);
	if (p && (p->owner != PAGE_ANON || !page_has(p, PAGE_SWAPCACHE) || p->private != entry.value))
		problem("audit: slot %u of swap area %u: its page is another's (W2)", slot, number);
	if (p)
		page_put(p);
}

static void swap_end(void)
{
	for (u32 n = 0; n < SWAP_AREAS_MAX; n++) {
		for (u32 slot = 1; slot < audit.nr_slots[n]; slot++)
			check_slot(n, slot);
		kfree(audit.named[n]);
	}
}

static u64 run_once(void (*report)(void *owner, const char *line), void *owner)
{
	u64 bytes = PAGE_ALIGN_UP(nr_page_records * sizeof(u16));
	u32 order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	struct page *p = order <= FRAME_MAX_ORDER ? frames_alloc(order, PAGE_KERNEL, FRAME_ZERO) : NULL;

	if (!p)
		return 0;               // no memory to look with
	audit = (struct audit){ .shown = page_address(p), .report = report, .owner = owner };
	swap_begin();
	check_spaces();
	tmpfs_visit_slots(note_file_slot);
	check_frames();
	swap_end();
	frames_free(p, order);
	return audit.nr_problems;
}

u64 audit_run(void (*report)(void *owner, const char *line), void *owner)
{
	u64 nr = 0;

	mutex_lock(&audit_lock);
	for (u32 i = 0; i < ROUNDS && (nr = run_once(NULL, NULL)); i++)
		sleep_until(clock_monotonic_ns() + 5000000, WAIT_UNINTERRUPTIBLE);
	if (nr)
		nr = run_once(report, owner);
	mutex_unlock(&audit_lock);
	return nr;
}

void audit_init(void)
{
	mutex_init(&audit_lock, "audit", RANK_PROCESS);
}
