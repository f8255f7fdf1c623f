/*
 * area_look.c - looking at the areas of a space: the search in a tree that may change meanwhile, and who must wait
 * for whom. A search reads as->areas_version before and after: odd, or not the same, and the tree was being changed,
 * so what was found counts for nothing. Nodes stay in memory (L1), so even a search that went astray reads areas,
 * though it may go round in a circle: its steps are counted.
 */
#include "kernel.h"
#include "mm/addrspace.h"
#include "mm/area.h"
#include "mm/area_look.h"
#include "x86/insn.h"

#define TRIES 4                         // then it is quicker to wait for the lock
#define STEPS_MAX 48                    // a tree of AREAS_MAX nodes is at most 34 high

static struct area *search(struct addrspace *as, vaddr_t address)
{
	struct rb_node *n = READ_ONCE(as->areas.root);

	for (u32 steps = 0; n && steps < STEPS_MAX; steps++) {
		struct area *a = rb_entry(n, struct area, node);

		if (address >= READ_ONCE(a->end))
			n = READ_ONCE(n->right);
		else if (address < READ_ONCE(a->start))
			n = READ_ONCE(n->left);
		else
			return a;
	}
	return NULL;
}

// Is any of it? A fault may show what lies around its address, as far as the area reaches.
static bool is_closed(struct addrspace *as, const struct area *a)
{
	return READ_ONCE(a->start) < READ_ONCE(as->closed_end) && READ_ONCE(a->end) > READ_ONCE(as->closed_start);
}

struct area *look_find(struct addrspace *as, vaddr_t address)
{
	for (u32 i = 0; i < TRIES; i++) {
		u32 version = atomic_load(&as->areas_version);
		struct area *a = search(as, address);

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(version & 1) && READ_ONCE(as->areas_version) == version)
			return a && !is_closed(as, a) ? a : NULL;
	}
	return NULL;
}

void looks_wait_in(struct addrspace *as)
{
	debug_assert(rwlock_is_write_held(&as->lock) && !look_is_on());
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        // before we see who has the space loaded
	u64 others = atomic_load(&as->cpu_set) & ~(1ul << this_cpu()->id);

	if (unlikely(others))
		looks_wait(others);
}

void looks_close(struct addrspace *as, vaddr_t start, vaddr_t end)
{
	WRITE_ONCE(as->closed_start, start);
	WRITE_ONCE(as->closed_end, end);
	looks_wait_in(as);
}

void looks_open(struct addrspace *as)
{
	atomic_store(&as->closed_end, 0);
}
