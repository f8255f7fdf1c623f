/*
 * sched.c - system calls about who runs when and where.
 * Every thread is SCHED_OTHER: a policy is checked, and the others are refused.
 * A nice value makes the time slice longer or shorter, and the processors that a thread may run on are kept.
 */
#include "kernel.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "sys/calls.h"
#include "x86/cpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/resource.h>
#include <abi/sched.h>

/* --- policies --------------------------------------------------------------- */

// 0 if there is such a process or thread; 0 stands for the caller.
static i64 find_thread(int pid)
{
	if (pid < 0)
		return -EINVAL;
	if (!pid)
		return 0;
	spin_lock(&process_table_lock);
	bool is_there = thread_find(pid, NULL);
	spin_unlock(&process_table_lock);
	return is_there ? 0 : -ESRCH;
}

i64 sys_sched_getscheduler(int pid)
{
	i64 error = find_thread(pid);

	return error ? error : SCHED_OTHER;
}

i64 sys_sched_setscheduler(int pid, int policy, const struct sched_param __user *user)
{
	struct sched_param wanted;
	i64 error = find_thread(pid);

	if (error)
		return error;
	if (copy_from_user(&wanted, user, sizeof(wanted)))
		return -EFAULT;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return wanted.sched_priority < 1 || wanted.sched_priority > 99 ? -EINVAL : -EPERM;
	return (policy != SCHED_OTHER && policy != SCHED_BATCH) || wanted.sched_priority ? -EINVAL : 0;
}

i64 sys_sched_getparam(int pid, struct sched_param __user *user)
{
	struct sched_param usual = { 0 };
	i64 error = find_thread(pid);

	if (error)
		return error;
	return copy_to_user(user, &usual, sizeof(usual)) ? -EFAULT : 0;
}

i64 sys_sched_setparam(int pid, const struct sched_param __user *user)
{
	return sys_sched_setscheduler(pid, SCHED_OTHER, user);
}

i64 sys_sched_get_priority_max(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return 99;
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : -EINVAL;
}

i64 sys_sched_get_priority_min(int policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return 1;
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : -EINVAL;
}

/* --- processors ------------------------------------------------------------- */

i64 sys_sched_setaffinity(int pid, u32 size, const u64 __user *user)
{
	u64 mask = 0;

	if (copy_from_user(&mask, user, min((size_t)size, sizeof(mask))))
		return -EFAULT;
	i64 error = find_thread(pid);

	mask &= (1ul << nr_cpus) - 1;
	if (error || !mask)
		return error ? error : -EINVAL;
	spin_lock(&process_table_lock);
	struct thread *t = pid ? thread_find(pid, NULL) : current;

	if (t)
		sched_set_allowed(t, mask);
	spin_unlock(&process_table_lock);
	if (t == current)
		sched_point();                  // to where it may be
	return t ? 0 : -ESRCH;
}

i64 sys_sched_getaffinity(int pid, u32 size, u64 __user *user)
{
	i64 error = find_thread(pid);
	u64 mask;

	if (size < 8 || size & 7)
		return -EINVAL;
	if (error)
		return error;
	spin_lock(&process_table_lock);
	struct thread *t = pid ? thread_find(pid, NULL) : current;

	mask = t ? t->allowed_cpus & ((1ul << nr_cpus) - 1) : 0;
	spin_unlock(&process_table_lock);
	if (!t)
		return -ESRCH;
	return copy_to_user(user, &mask, sizeof(mask)) ? -EFAULT : (i64)sizeof(mask);
}

// Where the caller was a moment ago.
i64 sys_getcpu(u32 __user *cpu, u32 __user *node)
{
	u32 id = this_cpu()->id, zero = 0;

	if (cpu && copy_to_user(cpu, &id, sizeof(id)))
		return -EFAULT;
	return node && copy_to_user(node, &zero, sizeof(zero)) ? -EFAULT : 0;
}

/* --- nice values ------------------------------------------------------------ */

struct nice_request {
	int which, who, nice;
	bool sets;
	int best;                       // the lowest value seen
	bool found;
};

static void one_thread(struct thread *t, struct nice_request *r)
{
	if (r->sets)
		sched_set_nice(t, r->nice);
	r->best = min(r->best, (int)t->nice);
	r->found = true;
}

static void one_process(struct process *p, struct nice_request *r)
{
	struct thread *t;

	if (p->state != PROCESS_ALIVE || (r->which == PRIO_PGRP && p->group != r->who))
		return;
	list_for_each(t, &p->threads, process_link)
		one_thread(t, r);
}

// Everybody is root, so PRIO_USER is about all or none. -EINVAL, -ESRCH.
static int for_those(struct nice_request *r)
{
	int pid = 0;

	r->best = 20;
	if (r->which != PRIO_PROCESS && r->which != PRIO_PGRP && r->which != PRIO_USER)
		return -EINVAL;
	if (r->which == PRIO_PROCESS) {
		spin_lock(&process_table_lock);
		struct thread *t = r->who ? thread_find(r->who, NULL) : current;

		if (t)
			one_thread(t, r);
		spin_unlock(&process_table_lock);
		return r->found ? 0 : -ESRCH;
	}
	if (r->which == PRIO_PGRP && !r->who)
		r->who = current_process()->group;
	for (struct process *p; (r->which != PRIO_USER || !r->who) && (p = process_next(pid)); process_put(p)) {
		pid = p->pid;
		spin_lock(&process_table_lock);
		one_process(p, r);
		spin_unlock(&process_table_lock);
	}
	return r->found ? 0 : -ESRCH;
}

// The best of those meant, as 20 - nice: so that it is no error.
i64 sys_getpriority(int which, int who)
{
	struct nice_request r = { .which = which, .who = who };
	int error = for_those(&r);

	return error ? error : 20 - r.best;
}

i64 sys_setpriority(int which, int who, int nice)
{
	struct nice_request r = { .which = which, .who = who, .nice = max(-20, min(nice, 19)), .sets = true };

	return for_those(&r);
}
