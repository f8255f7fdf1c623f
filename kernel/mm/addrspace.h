#pragma once
/*
 * addrspace.h - what one process sees: areas and the page tables that follow from them.
 * Two counts: users (threads and holders that may look inside) and refs (users together, CPUs whose CR3 still points
 * at it, the family list). Areas and page tables go with the last user, the struct and the top table with the last ref.
 */
#include "types.h"
#include "lib/list.h"
#include "lib/rbtree.h"
#include "sync/lock.h"
#include "mm/area.h"
#include "mm/commit.h"
#include "mm/page.h"
#include "x86/cpu.h"

#define AREAS_MAX 65530                 // /proc/sys/vm/max_map_count
#define MMAP_LOWEST 0x10000ul           // nothing is mapped below, not even with MAP_FIXED
#define STACK_GUARD_GAP (256 * PAGE_SIZE)

struct family {                         // the address spaces that came from one exec by fork
	i32 refs;                       // atomic: its address spaces
	struct mutex lock;              // RANK_RMAP
	struct list spaces;             // GUARDED_BY(lock) addrspace.family_link
};

struct page;

// Pages shown: what one CPU has added and taken away, which may be less than nothing.
// Only that CPU writes to it, never in an interrupt.
enum resident { RESIDENT_ANON, RESIDENT_FILE, NR_RESIDENT };
struct resident_counts { i64 nr[NR_RESIDENT]; } ALIGNED(64);

struct addrspace {
	i32 users, refs;                // atomic
	struct rwlock lock;             // RANK_ADDRSPACE
	struct rb_tree areas;           // GUARDED_BY(lock); looks read it, too (mm/area_look.h)
	u32 areas_version;              // GUARDED_BY(lock); odd while the tree changes
	vaddr_t closed_start, closed_end;       // GUARDED_BY(lock) looks stay out of [closed_start, closed_end)
	u32 nr_areas;                   // GUARDED_BY(lock)
	vaddr_t areas_end;              // GUARDED_BY(lock) where the last area ends; 0: there is none
	u64 nr_pages_mapped;            // GUARDED_BY(lock) size of all areas: RLIMIT_AS, VmSize
	u64 nr_pages_committed;         // GUARDED_BY(lock) of those, areas with AREA_COMMITTED: see mm/commit.h
	bool locks_future, locks_on_fault;      // GUARDED_BY(lock) mlockall(MCL_FUTURE), MCL_ONFAULT
	u64 root;                       // physical address of the top-level table; constant
	struct spinlock table_lock;     // RANK_PAGETABLE: tables above the last level
	u64 nr_tables;                  // atomic
	struct list spare_tables;       // GUARDED_BY(table_lock): one for each huge entry, for when it is split
	bool never_huge;                // prctl(PR_SET_THP_DISABLE); kept by fork and exec
	// GUARDED_BY(lock) an empty table, for the 2 MiB from kept_table_start on, which no area reaches.
	bool keeps_table;
	vaddr_t kept_table_start;       // GUARDED_BY(lock) (it may be reached again, or gone: who frees it looks)
	struct list dead_tables;        // GUARDED_BY(lock): tables that are freed after the flush
	i64 nr_swapped;                 // atomic: swap entries in its page tables (VmSwap)
	u64 peak_resident;              // the most pages shown, as far as seen: see addrspace_note_peak
	u32 nr_flushes_pending;         // atomic: entries were made smaller and not every CPU has forgotten them yet
	u64 cpu_set;                    // atomic: bit n: CPU n may have entries of it in its TLB
	struct family *family;
	struct list family_link;        // GUARDED_BY(family->lock)
	u64 audit_round;                // the last audit that has seen it (debug/audit.c)
	/* set by exec, then by brk; GUARDED_BY(lock) */
	vaddr_t mmap_top;               // search for free ranges goes down from here
	vaddr_t code_start, code_end, data_start, data_end, heap_start, heap_end, stack_start;
	vaddr_t arguments_start, arguments_end, environment_start, environment_end;
	u64 auxv[40];                   // for /proc/PID/auxv
	u32 nr_auxv;
	struct resident_counts resident[];      // for each CPU; their sum is right (RSS)
};

void addrspaces_init(void);
struct addrspace *addrspace_create(struct family *family);      // NULL family: a new one. NULL: no memory
int addrspace_copy(struct addrspace *from, struct addrspace **out) MUST_CHECK;  // fork. May sleep. -ENOMEM
struct family *family_of_page(struct page *p);  // of a private page, referenced; NULL: no page table shows it any more
void family_put(struct family *family);
void addrspace_hold(struct addrspace *as);      // a user
void addrspace_put(struct addrspace *as);       // the last user: unmaps everything. May sleep
void addrspace_ref_put(struct addrspace *as);   // the last reference frees the struct; never sleeps
void addrspace_activate(struct addrspace *as);  // loads it on this CPU; interrupts closed (context switch)
struct addrspace *addrspace_of_process(int pid);        // a user reference, for /proc; NULL
u64 resident_read(const struct addrspace *as, enum resident which);     // may be a moment old
u64 addrspace_resident(const struct addrspace *as);     // both together
u64 addrspace_peak(const struct addrspace *as);         // the most that it ever was
void addrspace_note_peak(struct addrspace *as);         // before pages go: only then it could be forgotten

// as->lock held for writing: areas with AREA_COMMITTED have so many pages more (fewer) now (K1).
static inline void addrspace_promise(struct addrspace *as, i64 nr_pages)
{
	as->nr_pages_committed += (u64)nr_pages;
	commit_add(nr_pages);
}

static inline void resident_add(struct addrspace *as, enum resident which, u64 nr_pages)
{
	as->resident[cpu_number()].nr[which] += (i64)nr_pages;
}

static inline void resident_sub(struct addrspace *as, enum resident which, u64 nr_pages)
{
	as->resident[cpu_number()].nr[which] -= (i64)nr_pages;
}

static inline enum resident resident_kind(const struct page *p)
{
	return p->owner == PAGE_ANON ? RESIDENT_ANON : RESIDENT_FILE;
}
