/*
 * sched.c - which thread runs. One queue of runnable threads a CPU, first come, first served; the running thread is not
 * on it. runqueue.lock (interrupts closed) covers the queue and the states of its threads. It is held across the switch
 * itself and released by whoever runs next on that CPU: until then nobody else can take the thread that leaves, whose
 * registers are not all on its stack yet.
 *
 * A thread that goes to sleep while nobody else wants the CPU stays on it and halts it itself:
 * when what it waits for comes first, as a disk's answer mostly does, nothing was switched.
 * The idle thread is for CPUs whose last thread has ended.
 *
 *  R1  A thread is on a queue iff it is RUNNABLE and not running.
 *  R2  A sleeping thread is made runnable only under the lock of the queue of the CPU on which it last ran.
 */
#include "dev/block.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "sync/look.h"
#include "proc/cpu_alarm.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/fpu.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"
#include "x86/smp.h"
#include "x86/switch.h"
#include "x86/tlb.h"

#define MSR_FS_BASE 0xc0000100
#define MSR_KERNEL_GS_BASE 0xc0000102   // the user's GS while the kernel's is in use

struct runqueue {
	struct spinlock lock;           // RANK_RUNQUEUE, interrupts closed
	struct list threads;            // GUARDED_BY(lock)
	u32 nr;                         // GUARDED_BY(lock); read by thieves without
	struct thread *running;         // GUARDED_BY(lock)
	struct thread *leaving;         // set by the thread that switches away, read by the next
} ALIGNED(64);

static struct runqueue queues[MAX_CPUS];

void sched_init_cpu(void)
{
	struct cpu *cpu = this_cpu();
	struct runqueue *q = &queues[cpu->id];

	spin_init(&q->lock, "runqueue.lock", RANK_RUNQUEUE);
	list_init(&q->threads);
	cpu->runqueue = q;
	q->running = cpu->idle;
	cpu->idle->cpu = cpu->id;
}

// q->lock held.
static void enqueue(struct runqueue *q, struct thread *t)
{
	t->on_queue = true;
	list_push_back(&q->threads, &t->run_link);
	q->nr++;
}

static void take_off(struct runqueue *q, struct thread *t)
{
	list_remove(&t->run_link);
	t->on_queue = false;
	q->nr--;
}

static struct thread *dequeue(struct runqueue *q)
{
	if (list_is_empty(&q->threads))
		return NULL;
	struct thread *t = list_first(&q->threads, struct thread, run_link);

	take_off(q, t);
	return t;
}

// other->lock held. The first that may run here.
static struct thread *dequeue_for_us(struct runqueue *other)
{
	struct thread *t;
	u64 here = 1ul << this_cpu()->id;

	list_for_each(t, &other->threads, run_link) {
		if (t->allowed_cpus & here) {
			take_off(other, t);
			return t;
		}
	}
	return NULL;
}

// Our queue is empty: the first thread of the longest other one. Their locks are only tried, ours is held.
static struct thread *steal(struct runqueue *mine)
{
	struct runqueue *longest = NULL;

	for (u32 i = 0; i < nr_cpus; i++) {
		struct runqueue *q = &queues[i];

		if (q != mine && READ_ONCE(q->nr) && (!longest || q->nr > longest->nr))
			longest = q;
	}
	if (!longest || !spin_try_lock(&longest->lock))
		return NULL;
	struct thread *t = dequeue_for_us(longest);

	if (t)                                  // before a waker can take the lock and believe it is still there (R2)
		WRITE_ONCE(t->cpu, this_cpu()->id);
	spin_unlock(&longest->lock);
	return t;
}

static u32 choose_cpu(struct thread *t);
static void put_on_cpu(struct thread *t, u32 cpu);

// The first thing on the other side of a switch: the queue's lock, and the end of a thread that died.
static void finish_switch(void)
{
	struct runqueue *q = this_cpu()->runqueue;
	struct thread *left = q->leaving;
	bool is_dead = left && left->state == THREAD_DEAD, moves = left && left->must_move;

	q->leaving = NULL;
	if (unlikely(moves)) {                  // runnable, on no queue, and no longer running: ours alone to place
		left->must_move = false;
		WRITE_ONCE(left->cpu, choose_cpu(left));
	}
	spin_unlock(&q->lock);
	if (is_dead)
		thread_free(left);
	else if (unlikely(moves))
		put_on_cpu(left, left->cpu);
}

static void load_user_state(struct cpu *cpu, struct thread *from, struct thread *to)
{
	u64 top = (u64)to->stack + KERNEL_STACK_SIZE;

	segs_set_kernel_stack(cpu, top);
	if (to->space)
		addrspace_activate(to->space);
	if (to->fpu) {
		write_msr(MSR_FS_BASE, to->fs_base);
		write_msr(MSR_KERNEL_GS_BASE, to->gs_base);
	}
	fpu_switch(from, to);
}

void thread_load_user_bases(void)
{
	u64 flag = interrupts_close();

	write_msr(MSR_FS_BASE, current->fs_base);
	write_msr(MSR_KERNEL_GS_BASE, current->gs_base);
	interrupts_restore(flag);
}

static void switch_to(struct runqueue *q, struct thread *from, struct thread *to)
{
	struct cpu *cpu = this_cpu();
	u64 now = clock_monotonic_ns();

	from->cpu_time_ns += now - from->started_ns;
	to->started_ns = now;
	to->slice_end_ns = now + to->slice_ns;
	to->cpu = cpu->id;
	cpu->running = to;
	q->running = to;
	q->leaving = from;
	count(COUNTER_CONTEXT_SWITCHES);
	if (to != cpu->idle)
		load_user_state(cpu, from, to);
	else
		fpu_switch(from, to);
	switch_context(&from->saved_rsp, to->saved_rsp);
	finish_switch();
}

// q->lock held, the queue is ours. NULL: nobody wants to run.
static struct thread *take_next(struct runqueue *q)
{
	struct thread *next = dequeue(q);

	return next ? next : steal(q);
}

// Interrupts closed, before and after. Halts this CPU, unless there is a thread for it, until an interrupt has come.
static void halt(struct cpu *cpu)
{
	WRITE_ONCE(cpu->is_idle, true);
	// Who has queued or woken a thread since sees us idle, or we see the thread.
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	// STI takes effect after the next instruction: no wake-up fits between the look and the halt (SDM 2B STI).
	if (!READ_ONCE(cpu->runqueue->nr) &&
	    (cpu->running == cpu->idle || READ_ONCE(cpu->running->state) != THREAD_RUNNABLE)) {
		u64 now = clock_monotonic_ns();

		WRITE_ONCE(cpu->halted_since_ns, now);          // the interrupt ends it
		if (cpu->running != cpu->idle && !cpu->running->rest_since_ns)
			WRITE_ONCE(cpu->running->rest_since_ns, now);
		cpu_wait_interrupt();
		interrupts_close();
	}
	WRITE_ONCE(cpu->is_idle, false);
}

// q->lock held, interrupts closed. We are asleep, and nobody else wants the CPU: waits for either. Who runs next.
static struct thread *rest(struct runqueue *q, struct thread *me)
{
	struct cpu *cpu = this_cpu();
	u64 halted_before = cpu->halted_ns;
	struct thread *next = NULL;

	while (!next) {
		spin_unlock(&q->lock);
		halt(cpu);
		spin_lock(&q->lock);
		next = me->state == THREAD_RUNNABLE ? me : take_next(q);
	}
	me->started_ns += cpu->halted_ns - halted_before;       // sleep is no processor time
	WRITE_ONCE(me->rest_since_ns, 0);
	if (likely(me->allowed_cpus & 1ul << cpu->id))          // else it must leave, and was told so
		atomic_and(&me->return_work, ~(u64)WORK_RESCHEDULE);    // another CPU asked for what was done here
	return next;
}

void schedule(void)
{
	struct thread *me = current;

	if (DEBUG_BUILD && (this_cpu()->nr_spinlocks_held || look_is_on()))
		lockcheck_may_sleep();
	if (unlikely(me->plug))
		block_unplug_now(me);
	u64 flag = interrupts_close();
	struct runqueue *q = this_cpu()->runqueue;

	spin_lock(&q->lock);
	atomic_and(&me->return_work, ~(u64)WORK_RESCHEDULE);
	if (me->state == THREAD_RUNNABLE && me != this_cpu()->idle) {
		if (likely(me->allowed_cpus & 1ul << this_cpu()->id))
			enqueue(q, me);
		else
			me->must_move = true;   // on no queue until it has left this CPU: finish_switch
	}
	struct thread *next = take_next(q);

	if (!next && me->state != THREAD_RUNNABLE && me->state != THREAD_DEAD)
		next = rest(q, me);
	if (!next)
		next = this_cpu()->idle;
	if (next == me)
		spin_unlock(&q->lock);
	else
		switch_to(q, me, next);
	interrupts_restore(flag);
}

void sched_yield(void)
{
	struct runqueue *q = this_cpu()->runqueue;

	if (READ_ONCE(q->nr))
		schedule();
}

void thread_started(void)
{
	finish_switch();
}

// An idle CPU, ours first; else where the thread last ran.
static u32 choose_cpu(struct thread *t)
{
	u32 last = t->cpu;
	u64 allowed = t->allowed_cpus;

	if (allowed & 1ul << last && cpus[last].is_idle)
		return last;
	for (u32 i = 0; i < nr_cpus; i++) {
		if (allowed & 1ul << i && READ_ONCE(cpus[i].is_idle) && !READ_ONCE(queues[i].nr))
			return i;
	}
	return allowed & 1ul << last ? last : (u32)__builtin_ctzl(allowed);
}

// A thread has become runnable there.
static void end_halt_of(u32 cpu)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);        // against halt's: it sees the thread, or we see it idle
	if (cpu != this_cpu()->id && READ_ONCE(cpus[cpu].is_idle))
		smp_reschedule(cpu);
}

static void put_on_cpu(struct thread *t, u32 cpu)
{
	struct runqueue *q;

	for (;;) {
		q = &queues[cpu];
		spin_lock(&q->lock);
		WRITE_ONCE(t->cpu, cpu);
		if (likely(t->allowed_cpus & 1ul << cpu))
			break;
		cpu = choose_cpu(t);            // sched_set_allowed was faster than we
		WRITE_ONCE(t->cpu, cpu);
		spin_unlock(&q->lock);
	}
	enqueue(q, t);
	spin_unlock(&q->lock);
	end_halt_of(cpu);
}

void sched_set_allowed(struct thread *t, u64 allowed)
{
	u64 flag = interrupts_close();
	bool is_queued = false, is_running = false;

	for (;;) {
		struct runqueue *q = &queues[READ_ONCE(t->cpu)];

		spin_lock(&q->lock);
		if (q != &queues[t->cpu]) {     // it moved while we took the lock
			spin_unlock(&q->lock);
			continue;
		}
		t->allowed_cpus = allowed;
		if (!(allowed & 1ul << t->cpu)) {
			is_running = q->running == t;
			is_queued = !is_running && t->on_queue;
			if (is_queued)
				take_off(q, t);
		}
		spin_unlock(&q->lock);
		break;
	}
	if (is_queued)                          // runnable, on no queue: ours alone
		put_on_cpu(t, choose_cpu(t));
	if (is_running) {
		atomic_or(&t->return_work, WORK_RESCHEDULE);
		if (t != current)
			smp_reschedule(t->cpu);
	}
	interrupts_restore(flag);
}

void sched_set_nice(struct thread *t, int nice)
{
	t->nice = (i8)nice;
	WRITE_ONCE(t->slice_ns, SLICE_NS / 20 * (u64)(20 - nice));
}

void sched_start(struct thread *t)
{
	u64 flag = interrupts_close();

	t->cpu = this_cpu()->id;
	t->state = THREAD_RUNNABLE;
	put_on_cpu(t, choose_cpu(t));
	interrupts_restore(flag);
}

bool sched_wake(struct thread *t, u32 state_mask)
{
	u64 flag = interrupts_close();
	bool is_woken = false, is_off_cpu = false;
	u32 target = 0;

	for (;;) {
		struct runqueue *q = &queues[READ_ONCE(t->cpu)];

		spin_lock(&q->lock);
		if (q != &queues[t->cpu]) {     // it moved while we took the lock
			spin_unlock(&q->lock);
			continue;
		}
		target = t->cpu;
		if (state_mask & (1u << t->state) && t->state != THREAD_RUNNABLE) {
			is_woken = true;
			is_off_cpu = q->running != t;   // else it will not sleep after all; or has halted its CPU
			WRITE_ONCE(t->state, THREAD_RUNNABLE);
			// Its CPU changes under the old one's lock: no other waker looks there (R2).
			if (is_off_cpu) {
				target = choose_cpu(t);
				WRITE_ONCE(t->cpu, target);
			}
		}
		spin_unlock(&q->lock);
		break;
	}
	// RUNNABLE, on no queue and not running: it is ours alone to place.
	if (is_off_cpu)
		put_on_cpu(t, target);
	else if (is_woken)
		end_halt_of(target);
	interrupts_restore(flag);
	return is_woken;
}

// Since the last tick, or since it began to run, the thread has been where this tick has found it.
static void note_kind_of_time(struct cpu *cpu, struct thread *me)
{
	u64 now = clock_monotonic_ns(), since = max(me->started_ns, cpu->last_tick_ns);

	if (!cpu->interrupted_user && !me->rest_since_ns)
		WRITE_ONCE(me->system_time_ns, me->system_time_ns + (now - since));
	cpu->last_tick_ns = now;
}

void sched_tick(void)
{
	struct thread *me = current;

	note_kind_of_time(this_cpu(), me);
	if (me == this_cpu()->idle || me->rest_since_ns)
		return;
	tlb_tick();
	if (me->process && unlikely(READ_ONCE(me->process->cpu_alarms)))
		cpu_alarms_tick(me->process);
	if (READ_ONCE(this_cpu()->runqueue->nr) && clock_monotonic_ns() >= me->slice_end_ns)
		atomic_or(&me->return_work, WORK_RESCHEDULE);
}

void sched_idle(void)
{
	for (;;) {
		schedule();
		interrupts_close();
		halt(this_cpu());
		interrupts_open();
	}
}

void sched_load(u64 *running, u64 *total)
{
	*running = 0;
	for (u32 i = 0; i < nr_cpus; i++)
		*running += queues[i].nr + (queues[i].running != cpus[i].idle && !cpus[i].is_idle);
	*total = threads_count();
}
