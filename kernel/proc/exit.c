/*
 * exit.c - the end of threads and processes. (The parent that waits for it: wait.c.)
 * A process ends in two steps: its last thread gives up everything that costs memory and becomes a ZOMBIE, which is a
 * number and a status; the parent's wait takes those away. Orphans go to process 1.
 */
#include "kernel.h"
#include "dev/terminal.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "mm/addrspace.h"
#include "mm/slab.h"
#include "proc/alarm.h"
#include "proc/cpu_alarm.h"
#include "proc/exec.h"
#include "proc/futex.h"
#include "proc/internal.h"
#include "proc/posix_timer.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/wait.h>

// Everything that the process holds but its number; its last thread runs this.
static void give_up_parts(struct process *p)
{
	if (p->alarm)
		alarm_free(p);
	if (p->cpu_alarms)
		cpu_alarms_free(p);
	posix_timers_delete_all(p);
	mutex_lock(&p->lock);                   // /proc/PID/fd looks under it
	struct file_table *files = p->files;
	struct dentry *cwd = p->cwd, *root = p->root;
	struct file *executable = p->executable;

	p->files = NULL;
	p->cwd = p->root = NULL;
	p->executable = NULL;
	mutex_unlock(&p->lock);
	file_table_put(files);
	dentry_put(cwd);
	dentry_put(root);
	executable_close(executable);

	struct addrspace *as = p->space;

	spin_lock(&process_table_lock);         // addrspace_of_process looks under it
	process_note_peak_locked(p, as);
	p->space = NULL;
	spin_unlock(&process_table_lock);
	current->space = NULL;
	addrspace_put(as);
}

// process_table_lock held. Children of the dead go to process 1; whether one of them is a zombie already.
static bool orphan_children(struct process *p)
{
	struct process *init = NULL, *child, *following;
	bool has_zombie = false;

	list_for_each_safe(child, following, &p->children, sibling_link) {
		if (!init)
			init = process_find_locked(1);
		list_remove(&child->sibling_link);
		child->parent = init;
		child->exit_signal = SIGCHLD;
		list_push_back(&init->children, &child->sibling_link);
		has_zombie |= child->state == PROCESS_ZOMBIE;
	}
	return has_zombie;
}

static struct siginfo child_info(struct process *p, int code, int status)
{
	struct siginfo info = { .si_signo = SIGCHLD, .si_code = code };

	info.si_fields.child.pid = p->pid;
	info.si_fields.child.status = status;
	return info;
}

// process_table_lock held. What the parent has said about SIGCHLD; one that has ended itself has nothing to say.
static struct kernel_sigaction child_action(struct process *parent)
{
	struct kernel_sigaction a = { 0 };

	if (parent->state != PROCESS_ALIVE)
		return a;
	u64 flag = spin_lock_irq(&parent->signal_lock);

	a = signal_action_get(parent, SIGCHLD);
	spin_unlock_irq(&parent->signal_lock, flag);
	return a;
}

void process_tell_parent(struct process *p, int code, int status)
{
	struct siginfo info = child_info(p, code, status);

	spin_lock(&process_table_lock);
	struct process *parent = p->parent;
	bool is_end = code == CLD_EXITED || code == CLD_KILLED || code == CLD_DUMPED;
	int number = is_end ? p->exit_signal : SIGCHLD;

	if (parent) {
		process_hold(parent);
		if (!is_end && child_action(parent).flags & SA_NOCLDSTOP)
			number = 0;
	}
	spin_unlock(&process_table_lock);
	if (!parent)
		return;
	if (number && number < NSIG)            // clone takes any byte for it
		signal_send_process(parent, number, &info);
	wake_all(&parent->child_wait);
	process_put(parent);
}

// process_table_lock held. Does the parent not want to know? Then no zombie stays (SIGCHLD ignored, or SA_NOCLDWAIT).
static bool parent_ignores(struct process *parent)
{
	struct kernel_sigaction a = child_action(parent);

	return a.handler == SIG_IGN || a.flags & SA_NOCLDWAIT;
}

static void time_add(struct timeval *to, const struct timeval *from)
{
	to->tv_usec += from->tv_usec;
	to->tv_sec += from->tv_sec + to->tv_usec / 1000000;
	to->tv_usec %= 1000000;
}

void usage_add(struct rusage *to, const struct rusage *from)
{
	time_add(&to->ru_utime, &from->ru_utime);
	time_add(&to->ru_stime, &from->ru_stime);
	to->ru_maxrss = max(to->ru_maxrss, from->ru_maxrss);
	to->ru_minflt += from->ru_minflt;
	to->ru_majflt += from->ru_majflt;
	to->ru_inblock += from->ru_inblock;
	to->ru_oublock += from->ru_oublock;
	to->ru_nvcsw += from->ru_nvcsw;
	to->ru_nivcsw += from->ru_nivcsw;
}

// The record leaves the table; its number may be used again.
void process_reap(struct process *p)
{
	spin_lock(&process_table_lock);
	process_leave_locked(p);
	p->state = PROCESS_GONE;
	spin_unlock(&process_table_lock);
	u64 flag = spin_lock_irq(&p->signal_lock);

	signals_drop_pending(&p->pending, &p->pending_mask);
	struct signal_handlers *handlers = p->handlers;

	p->handlers = NULL;                     // /proc/PID/status looks under the lock
	spin_unlock_irq(&p->signal_lock, flag);
	signal_handlers_put(handlers);
	process_put(p);
}

// The parent learns of it; a parent that ignores SIGCHLD never sees a zombie, not even for a moment.
static void become_zombie(struct process *p, int status)
{
	bool is_killed = WIFSIGNALED(status);
	struct process *init;

	spin_lock(&process_table_lock);
	bool init_has_work = orphan_children(p);
	struct process *parent = p->parent;
	bool is_unwanted = parent && p->exit_signal == SIGCHLD && parent_ignores(parent);

	process_set_stopped_locked(p, false);
	p->exit_status = status;
	p->state = is_unwanted ? PROCESS_GONE : PROCESS_ZOMBIE;
	process_hold(p);
	if (parent)
		process_hold(parent);
	spin_unlock(&process_table_lock);
	if (init_has_work && (init = process_find(1))) {
		wake_all(&init->child_wait);
		process_put(init);
	}
	process_tell_parent(p, is_killed ? CLD_KILLED : CLD_EXITED, is_killed ? WTERMSIG(status) : WEXITSTATUS(status));
	if (is_unwanted) {
		process_reap(p);
		wake_all(&parent->child_wait);
	}
	if (parent)
		process_put(parent);
	process_put(p);
}

// Stores 0 where the C library asked for it, and wakes who joins this thread.
static void clear_child_tid(struct thread *t)
{
	u32 zero = 0;

	if (!t->clear_child_tid)
		return;
	if (copy_to_user(t->clear_child_tid, &zero, sizeof(zero)) == 0)
		futex_wake_address((u64)t->clear_child_tid, 1);
	t->clear_child_tid = NULL;
}

// process_table_lock held, t is out of the list: no signal can reach it any more.
// What the process has pending may have been meant for t to take: the others look.
static void drop_own_signals(struct process *p, struct thread *t)
{
	u64 flag = spin_lock_irq(&p->signal_lock);
	struct thread *other;

	signals_drop_pending(&t->pending, &t->pending_mask);
	spin_unlock_irq(&p->signal_lock, flag);
	if (!READ_ONCE(p->pending_mask))
		return;
	list_for_each(other, &p->threads, process_link)
		thread_work_add(other, WORK_SIGNAL);
}

void thread_exit(int status)
{
	struct thread *t = current;
	struct process *p = t->process;

	if (p) {
		if (t->robust_list)
			robust_list_leave(t);
		clear_child_tid(t);
		vfork_release(t);
		kfree(t->call_record);          // of a call that did not return
		t->call_record = NULL;
		process_hold(p);                // unless we are the last it may be gone at any moment from here on

		// Who leaves last ends the process. The threads leave the list only here.
		spin_lock(&process_table_lock);
		thread_leave_locked(p, t);
		drop_own_signals(p, t);
		struct cpu_times times = thread_cpu_times(t);

		p->dead_threads_time_ns += times.total_ns;
		p->dead_threads_system_ns += times.system_ns;
		t->cpu_time_ns = t->system_time_ns = 0;
		bool is_last = p->nr_threads == 0;
		// Without exit_group the last to leave says how the process ended, as on Linux since 6.0.
		int final_status = p->group_exiting ? p->exit_status : status;

		spin_unlock(&process_table_lock);
		wake_all(&p->child_wait);       // process_kill_other_threads waits here too
		if (is_last) {
			if (p->pid == 1)
				panic("init ended with status %#x", final_status);
			terminal_leader_exits(p);       // when it leads a session
			give_up_parts(p);
			groups_lose(p);
			spin_lock(&process_table_lock);
			process_take_counts_locked(p, t);       // what that took
			spin_unlock(&process_table_lock);
			t->process = NULL;
			become_zombie(p, final_status);
		} else {
			t->space = NULL;
			t->process = NULL;
		}
		process_put(p);
	}
	assert(t->nr_held == 0);
	interrupts_close();
	t->state = THREAD_DEAD;
	schedule();
	panic("a dead thread runs");
}

// Tells every other thread of the process to end. False when another thread has done so before.
static bool doom_others(struct process *p, int status)
{
	struct thread *t;

	spin_lock(&process_table_lock);
	bool is_first = !p->group_exiting;

	if (is_first) {
		p->group_exiting = true;
		p->exit_status = status;
	}
	list_for_each(t, &p->threads, process_link) {
		if (t == current)
			continue;
		thread_work_add(t, WORK_SIGNAL);
		sched_wake(t, 1u << THREAD_STOPPED);
	}
	spin_unlock(&process_table_lock);
	return is_first;
}

void process_exit(int status)
{
	(void)doom_others(current_process(), status);
	thread_exit(status);
}

int process_kill_other_threads(void)
{
	struct process *p = current_process();

	if (!doom_others(p, 0))
		return -EINTR;          // another thread was faster: its exit or exec is our end
	wait_event(&p->child_wait, READ_ONCE(p->nr_threads) == 1);
	spin_lock(&process_table_lock);
	p->group_exiting = false;
	process_take_number_locked(p, current);
	spin_unlock(&process_table_lock);
	return 0;
}
