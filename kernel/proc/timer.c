/*
 * timer.c - things to do later. Each CPU has a tree of timers by deadline and asks its clock for the next one; a tick
 * every TICK_NS ends time slices. The queue's lock (interrupts closed) covers the tree; a timer's function runs without
 * it, named in `running` so that timer_cancel can wait for its end.
 */
#include "kernel.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "proc/timer.h"
#include "sync/lock.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include <abi/errno.h>

#define TICK_NS 5000000ul

struct timer_queue {
	struct spinlock lock;           // RANK_TIMER, interrupts closed
	struct rb_tree timers;          // GUARDED_BY(lock) by deadline
	struct timer *running;          // GUARDED_BY(lock)
	u64 next_tick_ns;
} ALIGNED(64);

static struct timer_queue queues[MAX_CPUS];

void timers_init_cpu(void)
{
	struct timer_queue *q = &queues[this_cpu()->id];

	spin_init(&q->lock, "timer queue", RANK_TIMER);
	this_cpu()->timer_queue = q;
	u64 flag = interrupts_close();

	timer_program_next();
	interrupts_restore(flag);
}

static void insert(struct timer_queue *q, struct timer *t)
{
	struct rb_node **link = &q->timers.root, *parent = NULL;

	while (*link) {
		parent = *link;
		link = t->deadline_ns < rb_entry(parent, struct timer, node)->deadline_ns ?
			&parent->left : &parent->right;
	}
	rb_insert(&q->timers, &t->node, parent, link);
	t->is_armed = true;
}

void timer_arm(struct timer *t, u64 deadline_ns, void (*function)(struct timer *t))
{
	struct timer_queue *q;
	u64 flag = interrupts_close();

	q = this_cpu()->timer_queue;
	t->cpu = this_cpu()->id;
	t->deadline_ns = deadline_ns;
	t->function = function;
	spin_lock(&q->lock);
	insert(q, t);
	bool is_first = rb_first(&q->timers) == &t->node;

	spin_unlock(&q->lock);
	if (is_first && deadline_ns < q->next_tick_ns)
		timer_program_next();
	interrupts_restore(flag);
}

void timer_cancel(struct timer *t)
{
	struct timer_queue *q = &queues[t->cpu];

	for (;;) {
		u64 flag = spin_lock_irq(&q->lock);

		if (t->is_armed) {
			rb_remove(&q->timers, &t->node);
			t->is_armed = false;
		}
		bool is_running = q->running == t;

		spin_unlock_irq(&q->lock, flag);
		if (!is_running)
			return;
		cpu_pause();
	}
}

void timer_program_next(void)
{
	struct timer_queue *q = this_cpu()->timer_queue;
	u64 now = clock_monotonic_ns();

	spin_lock(&q->lock);
	struct rb_node *first = rb_first(&q->timers);
	u64 deadline = first ? rb_entry(first, struct timer, node)->deadline_ns : U64_MAX;

	spin_unlock(&q->lock);
	if (q->next_tick_ns <= now)
		q->next_tick_ns = now + TICK_NS;
	clock_program(min(deadline, q->next_tick_ns));
}

void timer_interrupt(void)
{
	struct timer_queue *q = this_cpu()->timer_queue;
	u64 now = clock_monotonic_ns();

	spin_lock(&q->lock);
	for (struct rb_node *n; (n = rb_first(&q->timers));) {
		struct timer *t = rb_entry(n, struct timer, node);

		if (t->deadline_ns > now)
			break;
		rb_remove(&q->timers, n);
		t->is_armed = false;
		q->running = t;
		spin_unlock(&q->lock);
		t->function(t);                 // t may be gone afterwards
		spin_lock(&q->lock);
		q->running = NULL;
	}
	spin_unlock(&q->lock);
	sched_tick();
	timer_program_next();
}

struct sleeper {
	struct timer timer;
	struct thread *thread;
	bool has_fired;
};

static void wake_sleeper(struct timer *t)
{
	struct sleeper *s = container_of(t, struct sleeper, timer);

	WRITE_ONCE(s->has_fired, true);
	sched_wake(s->thread, WAKE_NORMAL);
}

int wait_timeout_sleep(struct waiter *w, enum wait_mode mode, u64 deadline_ns)
{
	struct sleeper s = { .thread = current };

	if (deadline_ns == U64_MAX)
		return wait_sleep(w, mode);
	timer_arm(&s.timer, deadline_ns, wake_sleeper);
	int error = wait_sleep(w, mode);

	timer_cancel(&s.timer);
	if (READ_ONCE(w->was_woken))
		return 0;
	return error ? error : s.has_fired ? -ETIMEDOUT : 0;
}

int sleep_until(u64 deadline_ns, enum wait_mode mode)
{
	struct wait_queue nobody_wakes;
	int error = 0;

	wait_queue_init(&nobody_wakes);
	while (!error && clock_monotonic_ns() < deadline_ns) {
		struct waiter w;

		wait_begin(&nobody_wakes, &w, mode);
		error = wait_timeout_sleep(&w, mode, deadline_ns);
		wait_end(&nobody_wakes, &w);
	}
	return error == -EINTR ? -EINTR : 0;
}
