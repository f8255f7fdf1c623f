/*
 * fork.c - fork, vfork and clone are one thing: a new thread whose process either is new, with copies of or shares in
 * the parent's parts, or is the caller's own. What is made is undone in reverse order when memory runs out; the child
 * becomes visible and runs only when nothing can fail any more.
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "proc/exec.h"
#include "proc/fork.h"
#include "proc/internal.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "x86/fpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/sched.h>

static int check_arguments(const struct clone_arguments *a)
{
	u64 flags = a->flags;

	if (flags & CLONE_SETTLS && a->tls >= USER_END) // the processor faults on a base that is no address
		return -EPERM;
	if (flags & CLONE_PARENT && !(flags & CLONE_THREAD) && current_process()->pid == 1)
		return -EINVAL;         // a child of nobody could not be waited for
	if (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if (flags & CLONE_SIGHAND && !(flags & CLONE_VM))
		return -EINVAL;
	if (flags & (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
		     CLONE_NEWNET))
		return -EPERM;
	return 0;
}

static int copy_space(struct process *parent, struct process *child, u64 flags)
{
	if (!(flags & CLONE_VM))
		return addrspace_copy(parent->space, &child->space);
	addrspace_hold(parent->space);
	child->space = parent->space;
	return 0;
}

static int copy_parts(struct process *parent, struct process *child, u64 flags)
{
	int error = copy_space(parent, child, flags);

	if (error)
		return error;
	if (flags & CLONE_FILES) {
		atomic_add(&parent->files->refs, 1);
		child->files = parent->files;
	} else {
		child->files = file_table_copy(parent->files);
	}
	if (!child->files)
		goto out_space;
	if (flags & CLONE_SIGHAND) {
		child->handlers = signal_handlers_share(parent);
	} else {
		child->handlers = signal_handlers_copy(parent);
	}
	if (!child->handlers)
		goto out_files;
	mutex_lock(&parent->lock);
	child->cwd = dentry_hold(parent->cwd);
	child->root = dentry_hold(parent->root);
	child->umask = parent->umask;
	child->is_traced = parent->is_traced;
	child->oom_score_adj = parent->oom_score_adj;
	child->executable = executable_share(parent->executable);
	memcpy(child->name, parent->name, sizeof(child->name));
	memcpy(child->limits, parent->limits, sizeof(child->limits));
	mutex_unlock(&parent->lock);
	return 0;

out_files:
	file_table_put(child->files);
out_space:
	addrspace_put(child->space);
	return -ENOMEM;
}

static void drop_parts(struct process *p)
{
	executable_close(p->executable);
	dentry_put(p->root);
	dentry_put(p->cwd);
	signal_handlers_put(p->handlers);
	file_table_put(p->files);
	addrspace_put(p->space);
}

// The thread: registers of the caller, but for rax (0), the stack and TLS that the caller asked for.
static struct thread *copy_thread(struct process *owner, const struct clone_arguments *a, struct trapframe *tf)
{
	struct thread *t = thread_alloc(current->name);

	if (!t)
		return NULL;
	if (fpu_thread_copy(t, current)) {
		thread_free(t);
		return NULL;
	}
	struct trapframe *frame = thread_user_frame(t);

	*frame = *tf;
	frame->rax = 0;
	if (a->stack)
		frame->rsp = a->stack;
	t->space = owner->space;
	t->fs_base = a->flags & CLONE_SETTLS ? a->tls : current->fs_base;
	t->gs_base = current->gs_base;
	t->allowed_cpus = current->allowed_cpus;
	t->nice = current->nice;
	t->slice_ns = current->slice_ns;
	t->signal_mask = current->signal_mask;
	if (!(a->flags & CLONE_VM) || a->flags & CLONE_VFORK) {
		t->alternate_stack = current->alternate_stack;
		t->alternate_stack_size = current->alternate_stack_size;
		t->alternate_stack_flags = current->alternate_stack_flags;
	}
	if (a->flags & CLONE_CHILD_CLEARTID)
		t->clear_child_tid = (u32 __user *)a->child_tid;
	return t;
}

// Enters child and thread into the table. -EINTR-like refusal when the caller's process is on its way out.
static int make_visible(struct process *parent, struct process *child, struct thread *t,
			const struct clone_arguments *a)
{
	spin_lock(&process_table_lock);
	if (parent->group_exiting) {
		spin_unlock(&process_table_lock);
		return -EAGAIN;
	}
	t->tid = number_alloc_locked();
	if (child != parent) {
		child->pid = t->tid;
		child->parent = a->flags & CLONE_PARENT ? parent->parent : parent;
		child->group = parent->group;
		child->session = parent->session;
		child->terminal = parent->terminal;
		child->exit_signal = a->flags & CLONE_PARENT ? parent->exit_signal : (int)a->exit_signal;
		process_enter_locked(child);
	}
	thread_enter_locked(child, t);
	spin_unlock(&process_table_lock);
	return 0;
}

i64 process_clone(struct clone_arguments *a, struct trapframe *tf)
{
	struct process *parent = current_process(), *child = parent;
	int error = check_arguments(a);

	if (error)
		return error;
	if (!(a->flags & CLONE_THREAD)) {
		child = process_alloc();
		if (!child)
			return -ENOMEM;
		error = copy_parts(parent, child, a->flags);
		if (error)
			goto out_process;
	}
	error = -ENOMEM;
	struct thread *t = copy_thread(child, a, tf);

	if (!t)
		goto out_parts;
	struct wait_queue vfork_wait;
	struct vfork_ticket ticket = { .queue = &vfork_wait };

	wait_queue_init(&vfork_wait);
	if (a->flags & CLONE_VFORK)
		t->vfork = &ticket;
	error = make_visible(parent, child, t, a);
	if (error)
		goto out_thread;
	int tid = t->tid;

	// The numbers are stored before the child can run; a bad address is the caller's loss, as on Linux.
	if (a->flags & CLONE_PARENT_SETTID && copy_to_user((void __user *)a->parent_tid, &tid, sizeof(tid)))
		error = 0;
	if (a->flags & CLONE_CHILD_SETTID) {
		t->set_child_tid = (u32 __user *)a->child_tid;
		atomic_or(&t->return_work, WORK_START); // a signal may have come already
	}
	count(COUNTER_FORKS);
	sched_start(t);
	if (a->flags & CLONE_VFORK) {
		wait_event(&vfork_wait, READ_ONCE(ticket.is_released));
		wait_queue_drain(&vfork_wait);
	}
	return tid;

out_thread:
	thread_free(t);
out_parts:
	if (child != parent)
		drop_parts(child);
out_process:
	if (child != parent)
		process_put(child);
	return error;
}

void vfork_release(struct thread *t)
{
	struct vfork_ticket *ticket = t->vfork;

	if (!ticket)
		return;
	t->vfork = NULL;
	wait_release(ticket->queue, &ticket->is_released);      // it was on the parent's stack: gone by now
}
