/*
 * kernel_map.c - the kernel's own page tables: direct map, kernel image, kernel stacks, device registers.
 *
 * kernel_map_lock covers the tables below the top level once other CPUs run, the list of free stacks and the two
 * ends (next_stack, next_device). Mappings here are only ever added, never changed or removed, so no other CPU has
 * anything to forget: a freed kernel stack stays mapped and is given out again.
 *
 * Nowhere is memory both writable and executable: the direct map is never executable, and where it shows the
 * kernel's text and constants it is read-only like their first home.
 */
#include "x86/kernel_map.h"
#include "boot/bootinfo.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "sync/lock.h"
#include "x86/features.h"
#include "x86/insn.h"

enum {                                  // Intel SDM 3A 4.5
	ENTRY_PRESENT = 1u << 0,
	ENTRY_WRITE = 1u << 1,
	ENTRY_NO_CACHE = 1u << 3 | 1u << 4,     // PWT and PCD: uncached with the PAT as it is at reset
	ENTRY_LARGE = 1u << 7,
	ENTRY_GLOBAL = 1u << 8,
};
#define ENTRY_NO_EXECUTE (1ul << 63)
#define ENTRY_ADDRESS 0x000ffffffffff000ul

#define MAP_CODE (ENTRY_PRESENT | ENTRY_GLOBAL)
#define MAP_CONSTANT (ENTRY_PRESENT | ENTRY_GLOBAL | ENTRY_NO_EXECUTE)
#define MAP_DATA (ENTRY_PRESENT | ENTRY_GLOBAL | ENTRY_NO_EXECUTE | ENTRY_WRITE)
#define MAP_DEVICE (MAP_DATA | ENTRY_NO_CACHE)

#define BOOT_MAP_END (4ul << 30)        // what boot.asm has mapped
#define STACK_FILL 0x57
#define STACK_SLOT (KERNEL_STACK_SIZE + PAGE_SIZE)
#define STACKS_END (STACKS + (1ul << 36))
#define DEVICES_END (DEVICES + (1ul << 36))

extern char kernel_physical_start[], kernel_text_start[], kernel_text_end[], kernel_rodata_end[];
extern char kernel_data_end[], kernel_end[];    // linker.ld
extern char boot_stack_guard[];                 // boot.asm

struct stretch { paddr_t start, end; };

u64 kernel_root;
static u16 top_entries[16];     // constant after kernel_map_init: which of kernel_root's are used
static u32 nr_top_entries;

static struct spinlock kernel_map_lock = SPINLOCK_INIT("kernel map", RANK_KERNEL_MAP);
static struct stretch early[MAX_MEMORY_REGIONS];        // RAM that nobody has yet
static u32 nr_early;
static bool early_is_over;
static paddr_t reachable_end = BOOT_MAP_END;            // the direct map's end
static vaddr_t next_stack = STACKS;                     // GUARDED_BY(kernel_map_lock)
static vaddr_t next_device = DEVICES;                   // GUARDED_BY(kernel_map_lock)
static void *free_stacks;                               // GUARDED_BY(kernel_map_lock) linked through their first word

static paddr_t image_physical(const char *symbol)
{
	return (u64)symbol - KERNEL_BASE;
}

// --- memory before the frame allocator ---

static void early_add(paddr_t start, paddr_t end)
{
	if (start < end && nr_early < MAX_MEMORY_REGIONS)
		early[nr_early++] = (struct stretch){ start, end };
}

// What is RAM, above the first 64 KiB, and not the kernel itself.
static void early_init(void)
{
	paddr_t kernel_first = (u64)kernel_physical_start;
	paddr_t kernel_last = image_physical(kernel_end);

	for (u32 i = 0; i < bootinfo.nr_regions; i++) {
		const struct memory_region *r = &bootinfo.regions[i];
		paddr_t start = max(r->start, LOW_MEMORY_END);

		if (!r->is_ram)
			continue;
		early_add(start, min(r->end, kernel_first));
		early_add(max(start, kernel_last), r->end);
	}
}

void *early_alloc_pages(u64 nr_pages)
{
	u64 size = nr_pages << PAGE_SHIFT;

	assert(!early_is_over);
	for (u32 i = nr_early; i-- > 0;) {              // from above: low memory is what old devices need
		struct stretch *s = &early[i];
		paddr_t end = min(s->end, reachable_end);

		if (s->start >= end || end - s->start < size)
			continue;
		if (end < s->end)                       // the rest lies beyond what is mapped
			early_add(end, s->end);
		s->end = end - size;
		memset(direct_map(s->end), 0, size);
		return direct_map(s->end);
	}
	panic("no %lu pages of memory to start with", nr_pages);
}

void early_alloc_hand_over(void (*f)(pfn_t first, u64 nr_frames))
{
	assert(!early_is_over);
	early_is_over = true;
	for (u32 i = 0; i < nr_early; i++)
		if (early[i].start < early[i].end)
			f(early[i].start >> PAGE_SHIFT, (early[i].end - early[i].start) >> PAGE_SHIFT);
}

// --- page tables ---

// A cleared table; its physical address, or 0.
static paddr_t table_alloc(void)
{
	if (!early_is_over)
		return direct_map_physical(early_alloc_pages(1));
	struct page *p = frame_alloc(PAGE_KERNEL, FRAME_ZERO | FRAME_ATOMIC);

	return p ? page_to_physical(p) : 0;
}

// The entry for va at the given level (0: 4 KiB pages, 1: 2 MiB, 2: 1 GiB); makes the tables above. NULL: no memory.
static u64 *entry_at(vaddr_t va, u32 level)
{
	u64 *table = direct_map(kernel_root);

	for (u32 at = 3; at > level; at--) {
		u64 *entry = &table[va >> (PAGE_SHIFT + 9 * at) & 511];

		if (!*entry) {
			paddr_t below = table_alloc();

			if (!below)
				return NULL;
			*entry = below | ENTRY_PRESENT | ENTRY_WRITE;
		}
		assert(!(*entry & ENTRY_LARGE));
		table = direct_map(*entry & ENTRY_ADDRESS);
	}
	return &table[va >> (PAGE_SHIFT + 9 * level) & 511];
}

static u32 largest_level(vaddr_t va, paddr_t physical, u64 size)
{
	u32 level = features.has_1g_pages ? 2 : 1;

	for (; level > 0; level--) {
		u64 page = PAGE_SIZE << (9 * level);

		if (((va | physical) & (page - 1)) == 0 && size >= page)
			break;
	}
	return level;
}

// Maps [va, va + size) to [physical, ...) with the largest pages that fit. False: no memory.
static bool map_range(vaddr_t va, paddr_t physical, u64 size, u64 flags)
{
	while (size) {
		u32 level = largest_level(va, physical, size);
		u64 page = PAGE_SIZE << (9 * level);
		u64 *entry = entry_at(va, level);

		if (!entry)
			return false;
		assert(*entry == 0);
		*entry = physical | flags | (level ? ENTRY_LARGE : 0);
		va += page;
		physical += page;
		size -= page;
	}
	return true;
}

static void map_image_part(const char *start, const char *end, u64 flags)
{
	if (!map_range((vaddr_t)start, image_physical(start), (u64)(end - start), flags))
		panic("no memory for the kernel's page tables");
}

static void map_direct_part(paddr_t start, paddr_t end, u64 flags)
{
	if (!map_range(DIRECT_MAP + start, start, end - start, flags))
		panic("no memory for the kernel's page tables");
}

// The end of what the direct map must show: all RAM, and tables of the firmware between.
static paddr_t memory_end(void)
{
	paddr_t end = 0;

	for (u32 i = 0; i < bootinfo.nr_regions; i++)
		if (bootinfo.regions[i].is_ram)
			end = bootinfo.regions[i].end;
	return (end + (2ul << 20) - 1) & ~((2ul << 20) - 1);
}

static void note_top_entries(void)
{
	const u64 *top = direct_map(kernel_root);

	for (u16 i = 256; i < 512; i++) {
		if (!top[i])
			continue;
		assert(nr_top_entries < ARRAY_SIZE(top_entries));
		top_entries[nr_top_entries++] = i;
	}
}

void kernel_map_share(u64 *top)
{
	const u64 *from = direct_map(kernel_root);

	for (u32 i = 0; i < nr_top_entries; i++)
		top[top_entries[i]] = from[top_entries[i]];
}

void kernel_map_unshare(u64 *top)
{
	for (u32 i = 0; i < nr_top_entries; i++)
		top[top_entries[i]] = 0;
}

void kernel_map_init(void)
{
	paddr_t end = memory_end();
	paddr_t constants_start = image_physical(kernel_text_start);
	paddr_t constants_end = image_physical(kernel_rodata_end);

	early_init();
	kernel_root = table_alloc();
	// The top-level entries that will ever be used: address spaces copy them once.
	if (!entry_at(DIRECT_MAP, 2) || !entry_at(STACKS, 2) || !entry_at(DEVICES, 2) || !entry_at(KERNEL_BASE, 2))
		panic("no memory for the kernel's page tables");

	map_direct_part(0, constants_start, MAP_DATA);
	map_direct_part(constants_start, constants_end, MAP_CONSTANT);
	map_direct_part(constants_end, end, MAP_DATA);
	map_image_part(kernel_text_start, kernel_text_end, MAP_CODE);
	map_image_part(kernel_text_end, kernel_rodata_end, MAP_CONSTANT);
	map_image_part(kernel_rodata_end, boot_stack_guard, MAP_DATA);
	map_image_part(boot_stack_guard + PAGE_SIZE, kernel_data_end, MAP_DATA);
	map_image_part(kernel_data_end, kernel_end, MAP_CONSTANT);
	note_top_entries();
	write_cr3(kernel_root);
	reachable_end = end;
}

// --- device registers ---

void *kernel_map_device(paddr_t start, size_t nr_bytes)
{
	paddr_t first = PAGE_ALIGN_DOWN(start);
	u64 size = PAGE_ALIGN_UP(start + nr_bytes) - first;
	vaddr_t va = 0;

	spin_lock(&kernel_map_lock);
	// Keep the offset within a large page, so that a large window gets large pages.
	u64 large = size >= 2ul << 20 ? 2ul << 20 : PAGE_SIZE;
	vaddr_t place = ((next_device + large - 1) & ~(large - 1)) + (first & (large - 1));

	if (size < DEVICES_END - place && map_range(place, first, size, MAP_DEVICE)) {
		va = place;
		next_device = place + size;
	}
	spin_unlock(&kernel_map_lock);
	return va ? (void *)(va + (start - first)) : NULL;
}

bool kernel_map_shows(paddr_t start, size_t nr_bytes)
{
	return start < reachable_end && nr_bytes <= reachable_end - start;
}

bool kernel_map_is_image(paddr_t at)
{
	return at >= (u64)kernel_physical_start && at < image_physical(kernel_end);
}

bool kernel_map_has(vaddr_t va)
{
	paddr_t at = kernel_root;

	if (va < DIRECT_MAP || !at)
		return at == 0 && va >= DIRECT_MAP;     // the boot tables: no way to know
	for (u32 level = 4; level-- > 0;) {
		u64 entry = ((u64 *)direct_map(at))[va >> (PAGE_SHIFT + 9 * level) & 511];

		if (!(entry & ENTRY_PRESENT))
			return false;
		if (entry & ENTRY_LARGE)
			return true;
		at = entry & ENTRY_ADDRESS;
	}
	return true;
}

// --- kernel stacks ---

// Maps fresh frames above a page that stays empty. NULL: no memory (frames already mapped are used next time).
static void *stack_map(void) REQUIRES(kernel_map_lock)
{
	vaddr_t stack = next_stack + PAGE_SIZE;

	if (next_stack + STACK_SLOT > STACKS_END)
		return NULL;
	for (vaddr_t va = stack; va < stack + KERNEL_STACK_SIZE; va += PAGE_SIZE) {
		u64 *entry = entry_at(va, 0);

		if (!entry)
			return NULL;
		if (*entry)                             // left by an attempt that ran out of memory
			continue;
		struct page *p = frame_alloc(PAGE_KERNEL, FRAME_ATOMIC);

		if (!p)
			return NULL;
		*entry = page_to_physical(p) | MAP_DATA;
	}
	next_stack += STACK_SLOT;
	return (void *)stack;
}

// Debug builds fill stacks, and tell at the end of each thread how deep the deepest so far has been.
static void stack_fill(void *stack)
{
	memset(stack, STACK_FILL, KERNEL_STACK_SIZE);
}

static void stack_measure(const void *stack)
{
	static u32 most = KERNEL_STACK_SIZE / 2;        // less is not worth a word
	const u8 *byte = stack;
	u32 untouched = 0;

	while (untouched < KERNEL_STACK_SIZE && byte[untouched] == STACK_FILL)
		untouched++;
	if (KERNEL_STACK_SIZE - untouched > most) {
		most = KERNEL_STACK_SIZE - untouched;
		printk("kernel_map: a thread has used %u of its %lu bytes of stack\n", most, KERNEL_STACK_SIZE);
	}
}

void *kernel_stack_alloc(void)
{
	spin_lock(&kernel_map_lock);
	void *stack = free_stacks;

	if (stack)
		free_stacks = *(void **)stack;
	else
		stack = stack_map();
	spin_unlock(&kernel_map_lock);
	if (DEBUG_BUILD && stack)
		stack_fill(stack);
	return stack;
}

void kernel_stack_free(void *stack)
{
	if (DEBUG_BUILD)
		stack_measure(stack);
	spin_lock(&kernel_map_lock);
	*(void **)stack = free_stacks;
	free_stacks = stack;
	spin_unlock(&kernel_map_lock);
}

u64 kernel_stacks_frames(void)
{
	return (READ_ONCE(next_stack) - STACKS) / STACK_SLOT * (KERNEL_STACK_SIZE / PAGE_SIZE);
}

bool kernel_stack_guard_hit(vaddr_t address)
{
	if (address >= (vaddr_t)boot_stack_guard && address < (vaddr_t)boot_stack_guard + PAGE_SIZE)
		return true;
	return address >= STACKS && address < next_stack && (address - STACKS) % STACK_SLOT < PAGE_SIZE;
}
