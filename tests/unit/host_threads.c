/*
 * host_threads.c - see host_threads.h. Wait queues, locks and the lock check are the kernel's own; here stand only
 * schedule and sched_wake.
 */
#include "host_threads.h"
#include "host_fiber.h"
#include "kernel.h"
#include "proc/sched.h"
#include "proc/thread.h"
#include "x86/cpu.h"
#include "x86/irq.h"

#define NR_THREADS 64

struct host_thread {
	struct thread thread;
	struct fiber *fiber;
	void (*function)(void *argument);
	void *argument;
	bool has_ended;
};

struct cpu host_cpu;
u32 nr_cpus = 1;
bool host_interrupts_are_open = true;

static struct thread main_thread;
static struct fiber *main_fiber;
static struct host_thread *threads[NR_THREADS];
static u32 nr_threads;

static struct host_thread *me(void)
{
	require(host_cpu.running != &main_thread);      // the test itself must not sleep
	return container_of(host_cpu.running, struct host_thread, thread);
}

static void leave(void)
{
	fiber_switch(me()->fiber, main_fiber);
}

void schedule(void)
{
	lockcheck_may_sleep();
	leave();
}

void host_yield(void)
{
	schedule();
}

bool sched_wake(struct thread *t, u32 state_mask)
{
	bool was_asleep = t->state != THREAD_RUNNABLE && 1u << t->state & state_mask;

	if (was_asleep)
		t->state = THREAD_RUNNABLE;
	return was_asleep;
}

bool signal_is_pending(struct thread *t)
{
	(void)t;
	return false;
}

static void begin(void *argument)
{
	struct host_thread *t = argument;

	t->function(t->argument);
	require(t->thread.nr_held == 0);
	t->has_ended = true;
	t->thread.state = THREAD_DEAD;
	leave();
}

void host_threads_start(void)
{
	main_fiber = fiber_of_caller();
	host_cpu.running = &main_thread;
}

struct host_thread *host_thread(void (*f)(void *argument), void *argument)
{
	struct host_thread *t = calloc(1, sizeof(*t));

	require(nr_threads < NR_THREADS);
	t->function = f;
	t->argument = argument;
	t->fiber = fiber_create(begin, t);
	threads[nr_threads++] = t;
	return t;
}

void host_run_threads(void)
{
	for (;;) {
		struct host_thread *ready[NR_THREADS];
		u32 nr = 0;

		for (u32 i = 0; i < nr_threads; i++) {
			if (threads[i]->thread.state == THREAD_RUNNABLE)
				ready[nr++] = threads[i];
		}
		if (!nr)
			return;
		struct host_thread *t = ready[host_random() % nr];

		host_cpu.running = &t->thread;
		fiber_switch(main_fiber, t->fiber);
		host_cpu.running = &main_thread;
		require(host_cpu.nr_spinlocks_held == 0 && host_interrupts_are_open);
	}
}

bool host_has_ended(const struct host_thread *t)
{
	return t->has_ended;
}

u32 host_nr_threads(void)
{
	u32 nr = 0;

	for (u32 i = 0; i < nr_threads; i++)
		nr += !threads[i]->has_ended;
	return nr;
}

void host_forget_threads(void)
{
	while (nr_threads) {
		struct host_thread *t = threads[--nr_threads];

		require(t->has_ended);
		fiber_free(t->fiber);
		free(t);
	}
}
