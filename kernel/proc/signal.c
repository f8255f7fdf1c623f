/*
 * signal.c - sending, blocking and choosing signals. Delivery to a handler is sigframe.c.
 * process.signal_lock (interrupts closed) covers pending signals of the process and of its threads.
 * What is done with them, which processes may share, is handlers.c.
 * A signal is queued as a record; without memory for one it is pending without details. That of the instruction
 * at hand has its place in the thread: a program that handles its own page faults waits for no record.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "mm/slab.h"
#include "proc/internal.h"
#include "proc/posix_timer.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/smp.h"
#include <abi/wait.h>

static struct slab_cache pending_slab;
struct wait_queue signals_sent = { .waiters = LIST_INIT(signals_sent.waiters) };

#define UNBLOCKABLE (1ul << (SIGKILL - 1) | 1ul << (SIGSTOP - 1))
#define STOPPING (1ul << (SIGSTOP - 1) | 1ul << (SIGTSTP - 1) | 1ul << (SIGTTIN - 1) | 1ul << (SIGTTOU - 1))
#define IGNORED (1ul << (SIGCHLD - 1) | 1ul << (SIGCONT - 1) | 1ul << (SIGURG - 1) | 1ul << (SIGWINCH - 1))
#define FAULTS (1ul << (SIGSEGV - 1) | 1ul << (SIGBUS - 1) | 1ul << (SIGILL - 1) | 1ul << (SIGFPE - 1) | \
		1ul << (SIGTRAP - 1))

void signals_init(void)
{
	slab_cache_init(&pending_slab, "pending signal", sizeof(struct pending_signal), 8);
	signal_handlers_init();
}

void signals_drop_pending(struct list *pending, u64 *mask)
{
	*mask = 0;
	while (!list_is_empty(pending)) {
		struct pending_signal *s = list_first(pending, struct pending_signal, link);

		list_remove(&s->link);
		slab_free(&pending_slab, s);
	}
}

// Drops the pending signals of a set. signal_lock held.
static void drop_set(struct list *pending, u64 *mask, u64 set)
{
	struct pending_signal *s, *following;

	*mask &= ~set;
	list_for_each_safe(s, following, pending, link) {
		if (signal_bit(s->info.si_signo) & set) {
			list_remove(&s->link);
			slab_free(&pending_slab, s);
		}
	}
}

void thread_work_add(struct thread *t, u64 work)
{
	atomic_or(&t->return_work, work);
	sched_wake(t, 1u << THREAD_INTERRUPTIBLE);
	// Running on another CPU in user mode: an interrupt makes it pass through the kernel.
	if (t != current && t->state == THREAD_RUNNABLE && t->cpu != this_cpu()->id)
		smp_reschedule(t->cpu);
}

bool signal_is_pending(struct thread *t)
{
	struct process *p = t->process;

	if (!p || !(((READ_ONCE(t->pending_mask) | READ_ONCE(p->pending_mask)) & ~t->signal_mask) ||
		    READ_ONCE(p->group_exiting)))
		return false;
	// The signal may have been meant for another thread. A call that it interrupts here must pass by
	// signal_deliver all the same, which decides whether the call is restarted.
	if (t == current)
		atomic_or(&t->return_work, WORK_SIGNAL);
	return true;
}

// Does a handler that stands there for the signal mean that it vanishes?
static bool vanishes(const struct process *p, int number, void (*handler)(int))
{
	if (handler == SIG_IGN)
		return true;
	if (handler == SIG_DFL && p->pid == 1)          // process 1 gets only what it asked for
		return true;
	return handler == SIG_DFL && signal_bit(number) & IGNORED && number != SIGCONT;
}

static bool is_ignored(struct process *p, int number)
{
	assert(number >= 1 && number < NSIG);
	return vanishes(p, number, signal_handler_of(p->handlers, number));
}

// process_table_lock and signal_lock held. From the process and from all its threads.
static void drop_everywhere(struct process *p, u64 set)
{
	struct thread *t;

	drop_set(&p->pending, &p->pending_mask, set);
	list_for_each(t, &p->threads, process_link) {
		drop_set(&t->pending, &t->pending_mask, set);
		if (t->fault_signal && signal_bit(t->fault_signal) & set)
			t->fault_signal = 0;
	}
}

// The same locks. What a signal does to others that are pending: SIGCONT and the stop signals cancel each other.
// A thread that has taken a stop signal and has not stopped yet must not do so any more.
static void cancel_opposites(struct process *p, int number)
{
	struct thread *t;

	if (signal_bit(number) & STOPPING)
		drop_everywhere(p, signal_bit(SIGCONT));
	if (number != SIGCONT)
		return;
	drop_everywhere(p, STOPPING);
	list_for_each(t, &p->threads, process_link)
		t->has_taken_stop = false;
}

// signal_lock held. False when it need not be queued: it is pending already (and no real-time signal) or ignored.
static bool enqueue(struct process *p, struct list *pending, u64 *mask, u64 blocked, int number,
		    const struct siginfo *info)
{
	cancel_opposites(p, number);
	if (is_ignored(p, number) && !(blocked & signal_bit(number)))
		return false;
	if (*mask & signal_bit(number) && number < SIGRTMIN)
		return false;
	struct pending_signal *s = slab_alloc_atomic(&pending_slab);

	*mask |= signal_bit(number);
	if (!s)
		return true;
	s->info = info ? *info : (struct siginfo){ .si_code = SI_KERNEL };
	s->info.si_signo = number;
	list_push_back(pending, &s->link);
	return true;
}

// process_table_lock held. A stopped process goes on (SIGCONT), or only so far as to die (SIGKILL).
static void continue_process(struct process *p, int number)
{
	struct thread *t;

	if (number == SIGCONT) {
		if (p->is_stopped) {
			p->was_continued = true;
			p->continue_reported = false;
			p->continue_untold = true;
		}
		process_set_stopped_locked(p, false);
	}
	list_for_each(t, &p->threads, process_link)
		sched_wake(t, 1u << THREAD_STOPPED);
}

// process_table_lock and signal_lock held. Which thread shall take it: one that does not block it.
static struct thread *choose_thread(struct process *p, int number)
{
	struct thread *t;

	list_for_each(t, &p->threads, process_link) {
		if (!(t->signal_mask & signal_bit(number)))
			return t;
	}
	return NULL;
}

// process_table_lock held.
static void send_locked(struct process *p, struct thread *target, int number, const struct siginfo *info)
{
	u64 flag = spin_lock_irq(&p->signal_lock);
	// Under the lock: a thread that opens its mask afterwards looks at what is pending by itself.
	struct thread *t = target ? target : choose_thread(p, number);
	u64 blocked = t ? t->signal_mask | t->awaited_signals : U64_MAX;
	bool is_new = enqueue(p, target ? &target->pending : &p->pending,
			      target ? &target->pending_mask : &p->pending_mask, blocked, number, info);

	spin_unlock_irq(&p->signal_lock, flag);
	if (number == SIGCONT || number == SIGKILL)
		continue_process(p, number);
	if (is_new && t)
		thread_work_add(t, WORK_SIGNAL);
	if (is_new)
		wake_all(&signals_sent);
}

void signal_tell_continued(struct process *p)
{
	spin_lock(&process_table_lock);
	bool is_news = p->continue_untold;

	p->continue_untold = false;
	spin_unlock(&process_table_lock);
	if (is_news)
		process_tell_parent(p, CLD_CONTINUED, SIGCONT);
}

int signal_send_process(struct process *p, int number, const struct siginfo *info)
{
	int error = -ESRCH;

	spin_lock(&process_table_lock);
	if (p->state != PROCESS_GONE) {
		error = 0;
		if (p->state == PROCESS_ALIVE)
			send_locked(p, NULL, number, info);
	}
	spin_unlock(&process_table_lock);
	if (!error && number == SIGCONT)
		signal_tell_continued(p);
	return error;
}

int signal_send_thread(struct thread *t, int number, const struct siginfo *info)
{
	send_locked(t->process, t, number, info);
	return 0;
}

// signal_lock held. The pending signal of the same timer; NULL: none.
static struct pending_signal *find_timer_signal(struct list *pending, const struct siginfo *info)
{
	struct pending_signal *s;

	list_for_each(s, pending, link) {
		if (s->info.si_code == SI_TIMER && s->info.si_fields.timer.timerid == info->si_fields.timer.timerid)
			return s;
	}
	return NULL;
}

void signal_send_timer(struct process *p, int tid, int number, const struct siginfo *info)
{
	spin_lock(&process_table_lock);
	struct thread *t = tid ? thread_find(tid, NULL) : NULL;

	if (p->state != PROCESS_ALIVE || (tid && (!t || t->process != p))) {
		spin_unlock(&process_table_lock);
		return;
	}
	u64 flag = spin_lock_irq(&p->signal_lock);
	struct pending_signal *s = find_timer_signal(t ? &t->pending : &p->pending, info);

	if (s) {
		i64 overrun = (i64)s->info.si_fields.timer.overrun + info->si_fields.timer.overrun + 1;

		s->info.si_fields.timer.overrun = (int)min(overrun, TIMER_OVERRUN_MAX);
	}
	spin_unlock_irq(&p->signal_lock, flag);
	if (!s)
		send_locked(p, t, number, info);
	spin_unlock(&process_table_lock);
}

struct group_send {
	int group, number;
	const struct siginfo *info;
	int nr;
	bool continues;                 // SIGCONT woke somebody: the parents are told afterwards
};

static bool send_to_member(struct process *p, void *argument)
{
	struct group_send *s = argument;

	if (p->group != s->group || p->state != PROCESS_ALIVE)
		return true;
	s->nr++;
	if (s->number == 0)
		return true;
	s->continues |= s->number == SIGCONT && p->is_stopped;
	send_locked(p, NULL, s->number, s->info);
	return true;
}

// Each of those that were stopped has a parent of its own.
static void tell_group_continued(int group)
{
	int pid = 0;

	for (struct process *p; (p = process_next(pid)); process_put(p)) {
		pid = p->pid;
		if (READ_ONCE(p->group) == group)
			signal_tell_continued(p);
	}
}

int signal_send_group(int group, int number, const struct siginfo *info)
{
	struct group_send s = { .group = group, .number = number, .info = info };

	spin_lock(&process_table_lock);
	processes_for_each_locked(send_to_member, &s);
	spin_unlock(&process_table_lock);
	if (s.continues)
		tell_group_continued(group);
	return s.nr ? 0 : -ESRCH;
}

void signal_fault(int number, int code, u64 address, int trap_number, u64 error_code)
{
	struct thread *t = current;
	struct process *p = t->process;
	u64 bit = signal_bit(number), flag = spin_lock_irq(&p->signal_lock);

	// It cannot wait: blocked or ignored, it kills.
	if (unlikely(signal_handler_of(p->handlers, number) == SIG_IGN || t->signal_mask & bit)) {
		struct kernel_sigaction a = signal_action_get(p, number);

		a.handler = SIG_DFL;
		signal_action_set(p, number, &a);
		t->signal_mask &= ~bit;
	}
	if (unlikely(t->pending_mask & bit))
		drop_set(&t->pending, &t->pending_mask, bit);
	t->pending_mask |= bit;
	t->fault_signal = number;
	t->fault_code = code;
	t->fault_address = address;
	t->fault_trap = (u32)trap_number;
	t->fault_error = error_code;
	spin_unlock_irq(&p->signal_lock, flag);
	atomic_or(&t->return_work, WORK_SIGNAL);
}

// signal_lock held. The signal of the instruction at hand, which goes before all others.
static bool take_fault(struct thread *t, u64 allowed, struct siginfo *out)
{
	int number = t->fault_signal;

	if (!number || !(allowed & signal_bit(number)))
		return false;
	t->fault_signal = 0;
	t->pending_mask &= ~signal_bit(number);
	*out = (struct siginfo){ .si_signo = number, .si_code = t->fault_code };
	out->si_fields.fault.addr = (void *)t->fault_address;
	return true;
}

static bool take_from(struct list *pending, u64 *mask, u64 allowed, struct siginfo *out)
{
	u64 ready = *mask & allowed;
	struct pending_signal *s, *following;

	if (!ready)
		return false;
	// Faults first: they belong to the instruction at hand.
	u64 first = ready & FAULTS ? ready & FAULTS : ready;
	int number = __builtin_ctzl(first) + 1;
	bool more = false, found = false;

	*out = (struct siginfo){ .si_signo = number, .si_code = SI_USER };
	list_for_each_safe(s, following, pending, link) {
		if (s->info.si_signo != number)
			continue;
		if (found) {
			more = true;
			break;
		}
		*out = s->info;
		found = true;
		list_remove(&s->link);
		slab_free(&pending_slab, s);
	}
	if (!more)
		*mask &= ~signal_bit(number);
	return true;
}

bool signal_take(u64 allowed, struct siginfo *out)
{
	struct process *p = current_process();
	u64 flag = spin_lock_irq(&p->signal_lock);
	bool taken = take_fault(current, allowed, out) ||
		     take_from(&current->pending, &current->pending_mask, allowed, out) ||
		     take_from(&p->pending, &p->pending_mask, allowed, out);

	current->has_taken_stop = taken && signal_bit(out->si_signo) & STOPPING;
	spin_unlock_irq(&p->signal_lock, flag);
	if (taken && out->si_code == SI_TIMER)
		posix_timer_taken(out->si_fields.timer.timerid, out->si_fields.timer.overrun);
	return taken;
}

void signal_set_mask(u64 mask)
{
	u64 flag = spin_lock_irq(&current_process()->signal_lock);

	current->signal_mask = mask & ~UNBLOCKABLE;
	spin_unlock_irq(&current_process()->signal_lock, flag);
	if (signal_is_pending(current))
		atomic_or(&current->return_work, WORK_SIGNAL);
}

int signal_set_action(int number, const struct kernel_sigaction *fresh, struct kernel_sigaction *old)
{
	struct process *p = current_process();

	if (number < 1 || number >= NSIG || (fresh && UNBLOCKABLE & signal_bit(number)))
		return -EINVAL;
	bool drops = fresh && vanishes(p, number, fresh->handler);

	if (drops)                              // what is pending goes, for every thread
		spin_lock(&process_table_lock);
	u64 flag = spin_lock_irq(&p->signal_lock);

	*old = signal_action_get(p, number);
	if (fresh) {
		struct kernel_sigaction a = *fresh;

		a.mask &= ~UNBLOCKABLE;
		signal_action_set(p, number, &a);
	}
	if (drops)
		drop_everywhere(p, signal_bit(number));
	spin_unlock_irq(&p->signal_lock, flag);
	if (drops)
		spin_unlock(&process_table_lock);
	return 0;
}

// process_table_lock held. May the stop signal that this thread has taken still stop the process?
// Not when SIGCONT came meanwhile; nor does a job that nobody would continue stop, but for SIGSTOP.
static bool may_stop_locked(struct process *p, int number)
{
	u64 flag = spin_lock_irq(&p->signal_lock);
	bool is_current = current->has_taken_stop;

	current->has_taken_stop = false;
	spin_unlock_irq(&p->signal_lock, flag);
	return is_current && (number == SIGSTOP || !group_is_orphaned_locked(p->group, p->session, NULL));
}

// The whole process stops: this thread here, the others when they pass by. Returns when it was continued.
static void stop(int number)
{
	struct process *p = current_process();
	struct thread *t;

	spin_lock(&process_table_lock);
	if (!may_stop_locked(p, number)) {
		spin_unlock(&process_table_lock);
		return;
	}
	bool is_first = !p->is_stopped;

	process_set_stopped_locked(p, true);
	p->stop_signal = number;
	p->stop_reported = false;
	p->was_continued = false;
	list_for_each(t, &p->threads, process_link) {
		if (t != current)
			thread_work_add(t, WORK_SIGNAL);
	}
	spin_unlock(&process_table_lock);
	if (is_first)
		process_tell_parent(p, CLD_STOPPED, number);
	signal_stop_here();
}

// Sleeps while the process is stopped.
void signal_stop_here(void)
{
	struct process *p = current_process();

	for (;;) {
		WRITE_ONCE(current->state, THREAD_STOPPED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (!READ_ONCE(p->is_stopped) || (READ_ONCE(p->pending_mask) | READ_ONCE(current->pending_mask)) &
		    signal_bit(SIGKILL) || READ_ONCE(p->group_exiting)) {
			WRITE_ONCE(current->state, THREAD_RUNNABLE);
			return;
		}
		schedule();
	}
}

void signal_default(int number)
{
	if (signal_bit(number) & IGNORED || (current_process()->pid == 1 && !(signal_bit(number) & FAULTS)))
		return;
	if (signal_bit(number) & STOPPING) {
		stop(number);
		return;
	}
	process_exit(W_EXITCODE(0, number));
}
