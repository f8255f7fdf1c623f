#pragma once
/*
 * frame.h - physical frames: a buddy allocator, and a small stock of single frames for each CPU.
 * Freed frames are poisoned in debug builds, and checked when they leave again.
 */
#include "types.h"
#include "mm/page.h"

#define FRAME_MAX_ORDER 10              // 4 MiB

enum frame_flags {
	FRAME_ZERO = 1u << 0,           // cleared
	FRAME_ATOMIC = 1u << 1,         // must not sleep: no reclaim, may use the last reserve
	FRAME_OPTIONAL = 1u << 2,       // must not sleep either: no reclaim, and the reserve is left to others
};

void frames_init(void);
// 2^order frames, referenced once, owner as given; NULL when there is none.
// Without FRAME_ATOMIC it may sleep (reclaim), but not in a look (sync/look.h).
struct page *frames_alloc(u32 order, enum page_owner owner, u32 flags) MUST_CHECK;
void frames_free(struct page *first, u32 order);        // refs must be 1; any context with interrupts open

struct page *frame_alloc(enum page_owner owner, u32 flags) MUST_CHECK;  // one, from this CPU's stock
// One whose bytes are all zero again: the next that is wanted cleared need not be. refs must be 1; as frames_free.
void frame_free_zeroed(struct page *p);

u64 frames_total(void);                 // RAM the allocator was given
u64 frames_free_count(void);
u64 frames_listed_count(void);          // free for any CPU: without what the CPUs keep in their stocks

void page_zero(void *page);             // clears, copies one page, page-aligned (x86/page_zero.asm)
void page_copy(void *to, const void *from);
