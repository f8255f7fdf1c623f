#pragma once
/*
 * commit.h - memory that was promised: what all programs together could still ask for without asking again.
 * Private memory that may be stored to counts with its whole size, from mmap, brk, fork or the mprotect
 * that makes it writable until it is unmapped (areas with AREA_COMMITTED); shared memory without a name
 * with its whole size, as long as it exists; a page of another file of tmpfs from its first store.
 * MAP_NORESERVE keeps an area out of this, but for COMMIT_STRICT.
 *
 *  K1  The sum of all CPUs' cpu.committed is the number of pages of all areas with AREA_COMMITTED, and of tmpfs. Who
 *      changes an area's size or flags, or such a file's pages, changes it by the same (area.c, protect.c, fs/tmpfs).
 *
 * Whether a promise is refused is asked before it is given, with nothing reserved in between:
 * two who ask at once may both be told yes, and the limit be passed by that much.
 * (Source: Linux's Documentation/mm/overcommit-accounting.rst, proc(5).)
 */
#include "types.h"
#include "x86/cpu.h"

struct addrspace;

enum commit_mode {                      // /proc/sys/vm/overcommit_memory
	COMMIT_GUESS = 0,               // only what could not be had even if nobody else had anything is refused
	COMMIT_ALWAYS = 1,              // nothing is refused
	COMMIT_STRICT = 2,              // no more is promised than swap, and a part of memory, can hold
	COMMIT_MODE_MAX = COMMIT_STRICT,
};

// Set by /proc/sys/vm: overcommit_memory, overcommit_ratio (percent of memory), overcommit_kbytes (instead,
// if not 0), and user_reserve_kbytes (what one program leaves for the others in mode 2, at most 1/32 of its size).
struct commit_settings { u64 mode, ratio, kbytes, user_reserve_kbytes; };
extern struct commit_settings commit_settings;
// Constant between two calls of commit_settings_changed: a promise of so many pages at once needs no closer look.
extern u64 commit_unasked_pages;

void commit_init(void);                 // after frames_init
void commit_settings_changed(void);     // also when swap comes or goes. Never sleeps
u64 commit_total(void);                 // Committed_AS, in pages
u64 commit_limit(void);                 // CommitLimit, in pages
bool commit_is_refused(const struct addrspace *as, u64 nr_pages);       // the closer look. as NULL: for no process

static inline bool commit_is_strict(void)
{
	return commit_unasked_pages == 0;
}

// So many pages more (or, negative, fewer) are promised. No context but a thread's.
static inline void commit_add(i64 nr_pages)
{
	this_cpu()->committed += nr_pages;
}

// Would so many pages more be too many? as: whose they would be.
static inline bool commit_exceeds(const struct addrspace *as, u64 nr_pages)
{
	return unlikely(nr_pages > commit_unasked_pages) && commit_is_refused(as, nr_pages);
}
