/*
 * fault.c - the answer to every page fault, in one room: find the area, refuse or choose a verb, act, and when
 * something must be fetched first, let go of every lock, fetch it, and look again from the start.
 *
 *                              page absent, read/exec     page absent, write        page present, write
 *   private anonymous          ZERO (the zero page)       ZERO (a frame of its own) COPY, or writable when alone
 *   private file               MAP read-only              COPY of the cache's page  COPY, or writable when alone
 *   shared (file or anonymous) MAP read-only              DIRTY                     DIRTY (reserve, mark, writable)
 *   swapped out                SWAP: from the swap cache or the disk, whatever the area
 *   the entry allows it        RACE: another thread was faster, or this CPU remembered an old entry
 *
 * A round is a look (mm/area_look.h), or, when that comes to nothing, under addrspace.lock for reading.
 * In neither anything waits for the disk: a page that is absent, locked or without a place on disk is named
 * in the fault (need), and fault_prepare gets it ready with nothing held. The page stays referenced until
 * the fault is over, so that the next round finds it.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "cache/writeback.h"
#include "debug/faultlog.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/fault_internal.h"
#include "mm/huge.h"
#include "mm/area_look.h"
#include "mm/mmap.h"
#include "mm/oom.h"
#include "mm/swap.h"
#include "proc/process.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/pgtable.h"
#include "x86/tlb.h"
#include <abi/errno.h>

static enum fault_result check_access(const struct area *a, const struct fault *f)
{
	if (!a)
		return FAULT_NO_AREA;
	// x86 cannot grant writing or executing without reading.
	u32 granted = a->flags & (AREA_WRITE | AREA_EXEC) ? a->flags | AREA_READ : a->flags;

	return granted & f->access ? FAULT_OK : FAULT_NO_PERMISSION;
}

bool fault_install(struct addrspace *as, struct fault *f, struct page *p, struct found *found, pte_t fresh)
{
	struct pte_slot *slot = &found->slot;

	if (likely(slot->entry)) {
		pgtable_slot_relock(slot);
	} else if (pgtable_slot_lock(as, f->address, true, slot)) {
		f->error = -ENOMEM;
		return false;
	}
	bool is_same = slot->entry->bits == found->entry.bits;

	if (is_same) {
		struct page *before = pte_is_none(found->entry) ? zero_page : pte_page(found->entry);

		if (p != zero_page) {
			atomic_add(&p->map_count, 1);
			resident_add(as, resident_kind(p), 1);
		}
		// P2 holds at every moment in which the table is not locked: truncation relies on it.
		if (before != zero_page) {
			atomic_sub(&before->map_count, 1);
			resident_sub(as, resident_kind(before), 1);
		}
		pte_set(slot, fresh);
	}
	pgtable_slot_unlock(slot);
	return is_same;
}

static enum fault_verb choose_verb(const struct area *a, const struct fault *f, pte_t found)
{
	bool is_write = f->access & FAULT_WRITE;

	if (pte_allows(found, f->access))
		return VERB_RACE;
	if (unlikely(pte_is_swap(found)))
		return VERB_SWAP;
	if (!pte_is_none(found) && !is_write)
		return VERB_RACE;       // mprotect rewrites entries: only this CPU's memory of the old is in the way
	if (a->flags & AREA_SHARED)
		return is_write ? VERB_DIRTY : VERB_MAP;
	if (!pte_is_none(found))
		return VERB_COPY;
	if (!a->cache)
		return VERB_ZERO;
	return is_write ? VERB_COPY : VERB_MAP;
}

static enum fault_result act(struct addrspace *as, struct area *a, struct fault *f)
{
	struct found found = { 0 };

	if (likely(pgtable_slot_find(as, f->address, &found.slot))) {
		found.entry = READ_ONCE(*found.slot.entry);
	} else {
		pte_t huge = pgtable_huge_at(as, f->address);

		if (!pte_is_none(huge))
			return huge_fault_present(as, a, f, huge);
	}
	f->need = NEED_NOTHING;
	f->verb = choose_verb(a, f, found.entry);
	switch (f->verb) {
	case VERB_ZERO:
		return fault_zero(as, a, f, &found);
	case VERB_MAP:
		return fault_map(as, a, f, &found);
	case VERB_DIRTY:
		return fault_dirty(as, a, f, &found);
	case VERB_COPY:
		return pte_is_none(found.entry) ? fault_copy_absent(as, a, f, &found) :
						  fault_copy_present(as, a, f, &found);
	case VERB_SWAP:
		return fault_swap(as, a, f, &found);
	case VERB_RACE:
	case VERB_NONE:
		break;
	}
	count(COUNTER_RACE_FAULTS);
	tlb_flush_page_local(PAGE_ALIGN_DOWN(f->address));
	return FAULT_OK;
}

static enum readahead_how readahead_how(u32 advice)
{
	return advice & AREA_RANDOM ? READAHEAD_RANDOM :
	       advice & AREA_SEQUENTIAL ? READAHEAD_SEQUENTIAL : READAHEAD_FAULT;
}

// Between two rounds, no lock held: waits for what the fault needs.
static enum fault_result fault_prepare(struct fault *f)
{
	int error = 0;

	switch (f->need) {
	case NEED_NOTHING:
		break;
	case NEED_FILL:
		f->did_io = true;
		if (f->page)
			page_put(f->page);
		f->page = NULL;
		error = readahead_get(f->cache, &f->file->readahead, readahead_how(f->advice), f->index, 1, &f->page);
		file_put_later(f->file);        // the next round may find another file there
		f->file = NULL;
		break;
	case NEED_READ_AHEAD:
		readahead_met(f->cache, &f->file->readahead, f->index, f->page);
		file_put_later(f->file);
		f->file = NULL;
		break;
	case NEED_SWAP:
		f->did_io = true;
		if (f->page)
			page_put(f->page);
		error = swap_read((swap_entry_t){ f->index }, &f->page);
		break;
	case NEED_UNLOCK:
		page_wait_unlocked(f->page);
		break;
	case NEED_RESERVE:
		page_lock(f->page);
		if (f->page->cache && !page_has(f->page, PAGE_BACKED))
			error = f->page->cache->ops->reserve(f->page->cache, f->page);
		page_unlock(f->page);
		break;
	}
	f->error = error;
	if (error)
		return error == -ENOMEM ? FAULT_NO_MEMORY : FAULT_IO;
	return FAULT_RETRY;
}

static void finish(struct fault *f)
{
	bool is_major = f->did_io;

	if (f->page)
		page_put(f->page);
	if (f->file)
		file_put_later(f->file);
	f->page = NULL;
	f->file = NULL;
	count(COUNTER_PGFAULT);
	if (is_major)
		count(COUNTER_PGMAJFAULT);
	process_count(is_major ? COUNT_MAJOR_FAULTS : COUNT_MINOR_FAULTS);
	faultlog_add(f);
	// A fault of the kernel's own copy may hold locks that the flusher needs.
	if (f->verb == VERB_DIRTY && f->result == FAULT_OK && f->from_user)
		writeback_throttle();
}

// A round without a lock, beside other threads that fault, map and unmap.
// False: nothing came of it, and whether there is an area, whether the access is allowed and whether there
// is memory must be asked for with the lock, and patience.
static bool resolve_in_look(struct addrspace *as, struct fault *f)
{
	bool is_answered = false;

	if (unlikely(this_cpu()->active_space != as))
		return false;           // another process's memory, by /proc
	look_begin();
	struct area *a = look_find(as, f->address);

	if (likely(a && check_access(a, f) == FAULT_OK)) {
		f->result = act(as, a, f);
		is_answered = f->result != FAULT_NO_MEMORY;
	}
	look_end();
	return is_answered;
}

static void resolve_locked(struct addrspace *as, struct fault *f)
{
	f->error = 0;
	read_lock(&as->lock);
	struct area *a = area_find(as, f->address);

	f->result = check_access(a, f);
	if (f->result == FAULT_OK)
		f->result = act(as, a, f);
	read_unlock(&as->lock);
}

enum fault_result fault_resolve(struct addrspace *as, struct fault *f)
{
	f->page = NULL;
	f->file = NULL;
	f->did_io = false;
	f->error = 0;
	f->verb = VERB_NONE;
	do {
		if (!resolve_in_look(as, f))
			resolve_locked(as, f);
		if (f->result == FAULT_NO_AREA && stack_grow(as, f->address) == 0)
			f->result = FAULT_RETRY;
		else if (f->result == FAULT_RETRY)
			f->result = fault_prepare(f);
		// Nothing is held here: another process was killed for want of memory, or will be.
		if (unlikely(f->result == FAULT_NO_MEMORY) && f->from_user && oom_fault_may_retry())
			f->result = FAULT_RETRY;
	} while (f->result == FAULT_RETRY);
	finish(f);
	return f->result;
}

const char *fault_result_name(enum fault_result r)
{
	static const char *const names[] = { "ok", "retry", "no area", "no permission", "past the end",
					     "I/O error", "no memory" };

	return r < ARRAY_SIZE(names) ? names[r] : "?";
}

const char *fault_verb_name(enum fault_verb v)
{
	static const char *const names[] = { "none", "zero", "map", "dirty", "copy", "swap", "race" };

	return v < ARRAY_SIZE(names) ? names[v] : "?";
}
