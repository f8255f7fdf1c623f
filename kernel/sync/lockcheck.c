/*
 * lockcheck.c - the order of locks, checked while debug builds run. Spinning locks are noted with the CPU
 * (nothing sleeps with one held), sleeping ones with the thread. A lock may be taken when its rank is above
 * every rank held by both; otherwise the machine stops and both call sites are named.
 *
 * An interrupt begins a chain of its own: what the interrupted code holds is no order for the handler. What makes
 * that safe is checked instead, by rank, from what was ever seen:
 *   - a lock that handlers take is never taken with interrupts open;
 *   - with such a lock held, no lock is taken that is elsewhere taken with interrupts open (its holder could be
 *     interrupted by a handler that waits for ours).
 */
#include "kernel.h"
#include "sync/lock.h"
#include "lib/atomic.h"
#include "x86/cpu.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "proc/thread.h"

#define FIRST_SPINNING_RANK RANK_DENTRY

// Before the first CPU's set-up (segs_init_cpu) GS leads nowhere, and there is nobody to race with.
static bool is_ready(void)
{
	return nr_cpus != 0 && current;
}

static void complain(const char *name, u8 rank, void *site, const char *other, u8 other_rank, void *other_site)
{
	panic("lock order: taking %s (rank %u) at %p while %s (rank %u) taken at %p is held",
	      name, rank, site, other, other_rank, other_site);
}

enum { TAKEN_OPEN = 1, TAKEN_IN_INTERRUPT = 2 };
static u8 rank_use[256];                // atomic: how locks of each rank were ever taken

static void note_use(const char *name, u8 rank, void *site, bool is_open, u32 depth)
{
	u8 use = rank_use[rank] | (depth ? TAKEN_IN_INTERRUPT : is_open ? TAKEN_OPEN : 0);

	if (use != rank_use[rank])
		atomic_or(&rank_use[rank], use);
	if (use == (TAKEN_OPEN | TAKEN_IN_INTERRUPT))
		panic("%s (rank %u) at %p: interrupts take this rank, and it is taken with interrupts open",
		      name, rank, site);
}

static void check_spinning(const struct cpu *cpu, const void *lock, const char *name, u8 rank,
			   bool same_rank_allowed, void *site)
{
	for (u32 i = 0; i < cpu->nr_spinlocks_held; i++) {
		bool is_same_chain = cpu->held[i].depth == cpu->interrupt_depth;
		bool is_wrong = cpu->held[i].rank > rank || (cpu->held[i].rank == rank && !same_rank_allowed) ||
			((rank_use[cpu->held[i].rank] & TAKEN_IN_INTERRUPT) && (rank_use[rank] & TAKEN_OPEN));

		if (cpu->held[i].lock == lock || (is_same_chain && is_wrong))
			complain(name, rank, site, cpu->held[i].name, cpu->held[i].rank, cpu->held[i].site);
	}
}

// A sleeping lock.
static void note_held(struct thread *t, const void *lock, const char *name, u8 rank, void *site)
{
	assert(t->nr_held < ARRAY_SIZE(t->held));
	u32 n = t->nr_held++;

	t->held[n].lock = lock;
	t->held[n].name = name;
	t->held[n].rank = rank;
	t->held[n].site = site;
}

void lockcheck_acquire(const void *lock, const char *name, u8 rank, bool same_rank_allowed, void *site)
{
	if (!is_ready())
		return;

	u64 flag = interrupts_close();
	struct cpu *cpu = this_cpu();
	struct thread *t = current;

	assert(rank != 0);              // a lock that was never initialised
	if (rank >= FIRST_SPINNING_RANK)
		note_use(name, rank, site, flag & RFLAGS_IF, cpu->interrupt_depth);
	check_spinning(cpu, lock, name, rank, same_rank_allowed, site);
	if (!cpu->interrupt_depth) {
		for (u32 i = 0; i < t->nr_held; i++) {
			if (t->held[i].lock == lock ||
			    (!same_rank_allowed && t->held[i].rank >= rank))
				complain(name, rank, site, t->held[i].name, t->held[i].rank, t->held[i].site);
		}
	}
	if (rank >= FIRST_SPINNING_RANK) {
		assert(cpu->nr_spinlocks_held < ARRAY_SIZE(cpu->held));
		u32 n = cpu->nr_spinlocks_held++;
		cpu->held[n].lock = lock;
		cpu->held[n].name = name;
		cpu->held[n].rank = rank;
		cpu->held[n].depth = (u8)cpu->interrupt_depth;
		cpu->held[n].site = site;
	} else {
		note_held(t, lock, name, rank, site);
	}
	interrupts_restore(flag);
}

void lockcheck_note_read(const void *lock, const char *name, u8 rank, void *site)
{
	if (is_ready())
		note_held(current, lock, name, rank, site);
}

void lockcheck_release(const void *lock)
{
	if (!is_ready())
		return;

	u64 flag = interrupts_close();
	struct cpu *cpu = this_cpu();
	struct thread *t = current;

	for (u32 i = cpu->nr_spinlocks_held; i-- > 0;) {
		if (cpu->held[i].lock == lock) {
			cpu->held[i] = cpu->held[--cpu->nr_spinlocks_held];
			goto out;
		}
	}
	for (u32 i = t->nr_held; i-- > 0;) {
		if (t->held[i].lock == lock) {
			t->held[i] = t->held[--t->nr_held];
			goto out;
		}
	}
out:
	interrupts_restore(flag);
}

void lockcheck_may_sleep(void)
{
	if (!is_ready())
		return;
	struct cpu *cpu = this_cpu();

	if (cpu->nr_spinlocks_held)
		panic("sleeping while %s taken at %p is held", cpu->held[0].name, cpu->held[0].site);
	assert(interrupts_are_open());
	assert(!cpu->interrupt_depth);
	assert(!(cpu->look & 1));
}
