/*
 * loadavg.c - how many threads wanted to run, averaged over 1, 5 and 15 minutes: every five seconds each
 * average moves a little towards the number of the moment. Written by the timer only; readers see whole words.
 */
#include "fs/proc/procfs.h"
#include "kernel.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/timer.h"
#include "x86/clock.h"

#define PERIOD_NS 5000000000ul
#define FRACTION_BITS 11
#define ONE (1ul << FRACTION_BITS)

static struct timer timer;
static u64 averages[3];
static const u64 decay[3] = { 1884, 2014, 2037 };       // ONE * exp(-5 s / 1, 5, 15 minutes)

static void sample(struct timer *t)
{
	u64 running, total;

	sched_load(&running, &total);
	for (u32 i = 0; i < 3; i++)
		WRITE_ONCE(averages[i], (averages[i] * decay[i] + running * ONE * (ONE - decay[i])) >> FRACTION_BITS);
	timer_arm(t, clock_monotonic_ns() + PERIOD_NS, sample);
}

void proc_loadavg_start(void)
{
	timer_arm(&timer, clock_monotonic_ns() + PERIOD_NS, sample);
}

static int newest_pid(void)
{
	struct process *p;
	int pid = 0;

	while ((p = process_next(pid))) {
		pid = p->pid;
		process_put(p);
	}
	return pid;
}

int proc_show_loadavg(struct text *t, const struct proc_target *target)
{
	u64 running, total;

	(void)target;
	for (u32 i = 0; i < 3; i++) {
		u64 a = READ_ONCE(averages[i]) + ONE / 200;     // rounded

		text_printf(t, "%lu.%02lu ", a >> FRACTION_BITS, (a & (ONE - 1)) * 100 >> FRACTION_BITS);
	}
	sched_load(&running, &total);
	text_printf(t, "%lu/%lu %d\n", running, total, newest_pid());
	return 0;
}
