/*
 * oom.c - memory and swap are gone: somebody must go, so that the others can go on. It is the process that has most:
 * pages resident, swapped, and of page tables, shifted by its oom_score_adj (thousandths of all
 * memory; -1000: never). Process 1 is never chosen.
 *
 * The hard part is not the choice but the wait. The victim may sleep for a lock that the caller holds.
 * So nobody waits for ever: a caller whose victim does not die in time fails, and gives up his locks on the way out.
 * A fault holds none, and simply tries again. What the victim needs to die it takes from the reserve
 * below the min mark (mm/frame.c).
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/frame.h"
#include "mm/oom.h"
#include "mm/reclaim.h"
#include "mm/swap.h"
#include "proc/process.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/cpu.h"

#define WAIT_NS (2ul * 1000000000)
#define STEP_NS 5000000ul
#define KIB_PER_PAGE (PAGE_SIZE / 1024)

struct sums {
	u64 resident, swapped, tables;
};

static u64 victim_until_ns;             // atomic: somebody was killed, and may have this long to give his memory back
static bool has_nobody;                 // the last search found nobody to kill

// False: it has no memory, or is dying.
static bool sums_of(struct process *p, struct sums *out)
{
	spin_lock(&process_table_lock);
	struct addrspace *as = p->state == PROCESS_ALIVE ? p->space : NULL;     // stays while we hold the lock

	if (as)
		*out = (struct sums){ addrspace_resident(as), (u64)max(READ_ONCE(as->nr_swapped), 0l), as->nr_tables };
	spin_unlock(&process_table_lock);
	return as && !(READ_ONCE(p->pending_mask) & 1ul << (SIGKILL - 1)) && !READ_ONCE(p->group_exiting);
}

static u64 badness(struct process *p, struct sums *s)
{
	i64 adjust = READ_ONCE(p->oom_score_adj);

	if (p->pid == 1 || adjust == -1000 || !sums_of(p, s))
		return 0;
	i64 points = (i64)(s->resident + s->swapped + s->tables) +
		     adjust * (i64)(frames_total() + swap_total_pages()) / 1000;

	return points > 0 ? (u64)points : 1;
}

u64 oom_badness(struct process *p)
{
	struct sums s;

	return badness(p, &s);
}

// Referenced; NULL: there is nobody.
static struct process *choose(struct sums *out)
{
	struct process *worst = NULL, *p;
	u64 most = 0;

	for (int pid = 0; (p = process_next(pid)); process_put(p)) {
		struct sums s;
		u64 points = badness(p, &s);

		pid = p->pid;
		if (points <= most)
			continue;
		if (worst)
			process_put(worst);
		process_hold(p);
		worst = p;
		most = points;
		*out = s;
	}
	return worst;
}

static void kill_and_tell(struct process *p, const struct sums *s)
{
	printk("out of memory: %lu of %lu KiB of RAM and %lu of %lu KiB of swap are free; "
	       "process %d (%s) has most and is killed: %lu KiB resident, %lu KiB swapped, %lu KiB of page tables\n",
	       frames_free_count() * KIB_PER_PAGE, frames_total() * KIB_PER_PAGE, swap_free_pages() * KIB_PER_PAGE,
	       swap_total_pages() * KIB_PER_PAGE, p->pid, p->name, s->resident * KIB_PER_PAGE,
	       s->swapped * KIB_PER_PAGE, s->tables * KIB_PER_PAGE);
	count(COUNTER_OOM_KILL);
	signal_send_process(p, SIGKILL, NULL);
}

static bool wait_for_room(void)
{
	while (clock_monotonic_ns() < atomic_load(&victim_until_ns)) {
		if (frames_listed_count() > reclaim_low_mark)
			return true;
		(void)!sleep_until(clock_monotonic_ns() + STEP_NS, WAIT_UNINTERRUPTIBLE);
	}
	return frames_listed_count() > reclaim_min_mark;
}

bool oom_relieve(void)
{
	u64 now = clock_monotonic_ns(), until = atomic_load(&victim_until_ns);
	struct sums s;

	if (!current->process || current_must_die())
		return false;
	// One victim at a time: who comes while it dies waits for it.
	if (now < until || !atomic_compare_exchange(&victim_until_ns, until, now + WAIT_NS))
		return wait_for_room();
	struct process *p = choose(&s);

	WRITE_ONCE(has_nobody, !p);
	if (!p) {
		atomic_store(&victim_until_ns, 0);
		return false;
	}
	kill_and_tell(p, &s);
	bool is_mine = p == current_process();

	process_put(p);
	return !is_mine && wait_for_room();
}

bool oom_fault_may_retry(void)
{
	return !current_must_die() && !READ_ONCE(has_nobody);
}
