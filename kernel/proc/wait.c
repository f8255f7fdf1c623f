/*
 * wait.c - a parent learns what became of its children: wait4 and waitid.
 * Whoever finds a zombie first claims it (GONE) under process_table_lock, and reaps it without;
 * stops and continuations are told once. With WNOWAIT all stays as it is.
 */
#include "kernel.h"
#include "proc/internal.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "sync/wait.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/wait.h>

#define INFO_TOLD offsetof(struct siginfo, si_fields.child.pad)
#define KIND_OPTIONS (__WNOTHREAD | __WALL | __WCLONE)

struct wait_request {
	int which, id;                  // P_PID, P_PGID or P_ALL
	u32 options;                    // with WEXITED where ends count
};

struct wait_answer {
	struct process *child;          // referenced
	int status;                     // as wait4 gives it
	int code;                       // CLD_*
	bool is_reaped;                 // a zombie, claimed by us
};

// Children whose end is told by another signal than SIGCHLD are waited for only on request.
static bool matches(const struct process *child, const struct wait_request *r)
{
	if (!(r->options & __WALL) && (child->exit_signal != SIGCHLD) != !!(r->options & __WCLONE))
		return false;
	if (r->which == P_PID)
		return child->pid == r->id;
	return r->which == P_ALL || child->group == r->id;
}

// process_table_lock held. Has the child something to tell?
static bool ask(struct process *child, const struct wait_request *r, struct wait_answer *out)
{
	bool keeps = r->options & WNOWAIT;

	if (child->state == PROCESS_ZOMBIE) {
		if (!keeps)
			child->state = PROCESS_GONE;
		out->is_reaped = !keeps;
		out->status = child->exit_status;
		out->code = WIFSIGNALED(out->status) ? CLD_KILLED : CLD_EXITED;
	} else if (child->is_stopped && r->options & WUNTRACED && !child->stop_reported) {
		child->stop_reported = !keeps;
		out->status = W_STOPCODE(child->stop_signal);
		out->code = CLD_STOPPED;
	} else if (child->was_continued && !child->continue_reported && r->options & WCONTINUED) {
		child->continue_reported = !keeps;
		out->status = W_CONTINUED;
		out->code = CLD_CONTINUED;
	} else {
		return false;
	}
	process_hold(child);
	out->child = child;
	return true;
}

enum found { FOUND_NOTHING, FOUND_CHILD, FOUND_EVENT };

// FOUND_CHILD: there are some, but none has anything to tell yet.
static enum found look(const struct wait_request *r, struct wait_answer *out)
{
	struct process *child;
	enum found result = FOUND_NOTHING;

	*out = (struct wait_answer){ .child = NULL };
	spin_lock(&process_table_lock);
	list_for_each(child, &current_process()->children, sibling_link) {
		if (!matches(child, r) || child->state == PROCESS_GONE)
			continue;
		if (child->state == PROCESS_ZOMBIE && !(r->options & WEXITED))
			continue;               // it will never stop or go on again
		result = FOUND_CHILD;
		if (ask(child, r, out)) {
			result = FOUND_EVENT;
			break;
		}
	}
	spin_unlock(&process_table_lock);
	return result;
}

// Waits for something to tell. 1; 0: WNOHANG, and nothing; -ECHILD, -ERESTARTSYS.
static int wait_for(const struct wait_request *r, struct wait_answer *out)
{
	struct process *me = current_process();

	for (;;) {
		struct waiter w;

		wait_begin(&me->child_wait, &w, WAIT_INTERRUPTIBLE);
		enum found found = look(r, out);
		int error = 0;

		if (found == FOUND_CHILD && !(r->options & WNOHANG))
			error = wait_sleep(&w, WAIT_INTERRUPTIBLE);
		wait_end(&me->child_wait, &w);
		if (found == FOUND_EVENT)
			return 1;
		if (found == FOUND_NOTHING)
			return -ECHILD;
		if (r->options & WNOHANG)
			return 0;
		if (error)
			return -ERESTARTSYS;
	}
}

// What the child has used; a zombie's use becomes the parent's, and its record goes.
// The reference on the child is given back.
static void settle(const struct wait_answer *a, struct rusage *usage)
{
	process_fill_usage(a->child, usage);
	if (a->is_reaped) {
		usage_add(usage, &a->child->children_usage);
		spin_lock(&process_table_lock);
		usage_add(&current_process()->children_usage, usage);
		spin_unlock(&process_table_lock);
		process_reap(a->child);
	}
	process_put(a->child);
}

static int own_group(void)
{
	spin_lock(&process_table_lock);
	int group = current_process()->group;

	spin_unlock(&process_table_lock);
	return group;
}

i64 process_wait(int pid, int __user *status_out, int options, struct rusage __user *usage_out)
{
	struct wait_request r = { .which = pid == -1 ? P_ALL : pid > 0 ? P_PID : P_PGID, .id = pid,
				  .options = (u32)options | WEXITED };
	struct wait_answer a;
	struct rusage usage;

	if ((u32)options & ~(u32)(WNOHANG | WUNTRACED | WCONTINUED | KIND_OPTIONS))
		return -EINVAL;
	if (pid == (int)0x80000000)
		return -ESRCH;
	if (pid == 0)
		r.id = own_group();
	else if (pid < -1)
		r.id = -pid;
	int found = wait_for(&r, &a);

	if (found <= 0)
		return found;
	pid = a.child->pid;
	settle(&a, &usage);
	if (status_out && copy_to_user(status_out, &a.status, sizeof(a.status)))
		return -EFAULT;
	if (usage_out && copy_to_user(usage_out, &usage, sizeof(usage)))
		return -EFAULT;
	return pid;
}

static int check_id(int which, int id, struct wait_request *r)
{
	if (which != P_ALL && which != P_PID && which != P_PGID)
		return -EINVAL;                 // P_PIDFD: there are none
	if ((which == P_PID && id <= 0) || (which == P_PGID && id < 0))
		return -EINVAL;
	if (r->options & ~(u32)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | KIND_OPTIONS) ||
	    !(r->options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	r->which = which;
	r->id = which == P_PGID && !id ? own_group() : id;
	return 0;
}

static int code_status(const struct wait_answer *a)
{
	switch (a->code) {
	case CLD_EXITED:
		return WEXITSTATUS(a->status);
	case CLD_KILLED:
		return WTERMSIG(a->status);
	case CLD_STOPPED:
		return WSTOPSIG(a->status);
	}
	return SIGCONT;
}

i64 process_wait_id(int which, int id, struct siginfo __user *info_out, int options, struct rusage __user *usage_out)
{
	struct wait_request r = { .options = (u32)options };
	struct siginfo info = { 0 };
	struct wait_answer a;
	struct rusage usage;
	int found = check_id(which, id, &r);

	if (!found)
		found = wait_for(&r, &a);
	if (found < 0)
		return found;
	if (found) {
		info.si_signo = SIGCHLD;
		info.si_code = a.code;
		info.si_fields.child.pid = a.child->pid;
		info.si_fields.child.status = code_status(&a);
		settle(&a, &usage);
		if (usage_out && copy_to_user(usage_out, &usage, sizeof(usage)))
			return -EFAULT;
	}
	// Of a siginfo only as much as the call tells:
	// nobody has room for more, and with WNOHANG and no child it is zeros.
	return info_out && copy_to_user(info_out, &info, INFO_TOLD) ? -EFAULT : 0;
}
