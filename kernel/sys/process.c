/*
 * process.c - system calls about processes and threads.
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/exec.h"
#include "proc/fork.h"
#include "proc/internal.h"
#include "mm/swap.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "sys/calls.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/prctl.h>
#include <abi/sched.h>
#include <abi/sysinfo.h>
#include <abi/utsname.h>
#include <abi/wait.h>

// All of it: these calls are FRAME_CALLs of the table.
static struct trapframe *frame(void)
{
	return thread_user_frame(current);
}

i64 sys_fork(void)
{
	struct clone_arguments a = { .exit_signal = SIGCHLD };

	return process_clone(&a, frame());
}

i64 sys_vfork(void)
{
	struct clone_arguments a = { .flags = CLONE_VM | CLONE_VFORK, .exit_signal = SIGCHLD };

	return process_clone(&a, frame());
}

i64 sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls)
{
	struct clone_arguments a = { .flags = flags & ~(u64)CSIGNAL, .exit_signal = flags & CSIGNAL, .stack = stack,
				     .tls = tls, .parent_tid = parent_tid, .child_tid = child_tid };

	return process_clone(&a, frame());
}

i64 sys_clone3(const struct clone_args __user *user, u64 size)
{
	struct clone_args c = { 0 };

	if (size < 64)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (copy_from_user(&c, user, min(size, sizeof(c))))
		return -EFAULT;
	if (c.flags & (CSIGNAL | CLONE_PIDFD | CLONE_DETACHED) || c.set_tid_size || c.exit_signal > CSIGNAL ||
	    (c.stack == 0) != (c.stack_size == 0))
		return -EINVAL;
	struct clone_arguments a = { .flags = c.flags, .exit_signal = c.exit_signal, .tls = c.tls,
				     .stack = c.stack ? c.stack + c.stack_size : 0,
				     .parent_tid = c.parent_tid, .child_tid = c.child_tid };

	return process_clone(&a, frame());
}

i64 sys_execve(const char __user *path, const u64 __user *argv, const u64 __user *envp)
{
	struct exec_strings arguments, environment;
	char *name = kmalloc(PATH_LENGTH_MAX);
	i64 error = name ? copy_string_from_user(name, path, PATH_LENGTH_MAX) : -ENOMEM;

	if (error < 0)
		goto out_name;
	error = exec_strings_init(&arguments);
	if (error)
		goto out_name;
	error = exec_strings_init(&environment);
	if (error)
		goto out_arguments;
	error = exec_strings_from_user(&arguments, argv);
	if (!error)
		error = exec_strings_from_user(&environment, envp);
	if (!error && arguments.nr == 0)
		error = exec_strings_add(&arguments, "");       // as Linux does since 5.18
	if (!error)
		error = process_exec(current_process()->cwd, name, &arguments, &environment);
	exec_strings_free(&environment);
out_arguments:
	exec_strings_free(&arguments);
out_name:
	kfree(name);
	if (!error)
		syscall_return_whole_frame(0);
	return error;
}

i64 sys_exit(int status)
{
	thread_exit(W_EXITCODE(status, 0));
}

i64 sys_exit_group(int status)
{
	process_exit(W_EXITCODE(status, 0));
}

i64 sys_wait4(int pid, int __user *status, int options, struct rusage __user *usage)
{
	return process_wait(pid, status, options, usage);
}

i64 sys_waitid(int which, int id, struct siginfo __user *info, int options, struct rusage __user *usage)
{
	return process_wait_id(which, id, info, options, usage);
}

i64 sys_getpid(void)
{
	return current_process()->pid;
}

i64 sys_gettid(void)
{
	return current->tid;
}

i64 sys_getppid(void)
{
	spin_lock(&process_table_lock);
	int pid = current_process()->parent ? current_process()->parent->pid : 0;
	spin_unlock(&process_table_lock);
	return pid;
}

// Everybody is root.
i64 sys_get_zero(void)
{
	return 0;
}

// Sets a user or group to root's number, which it is; to any other: there is none.
i64 sys_set_id(u32 a, u32 b, u32 c)
{
	u32 none = U32_MAX;

	return (a && a != none) || (b && b != none) || (c && c != none) ? -EINVAL : 0;
}

i64 sys_set_two_ids(u32 a, u32 b)
{
	return sys_set_id(a, b, 0);
}

i64 sys_set_one_id(u32 id)
{
	return sys_set_id(id, 0, 0);
}

i64 sys_getresuid(u32 __user *real, u32 __user *effective, u32 __user *saved)
{
	u32 zero = 0;

	if (copy_to_user(real, &zero, 4) || copy_to_user(effective, &zero, 4) || copy_to_user(saved, &zero, 4))
		return -EFAULT;
	return 0;
}

i64 sys_getgroups(int size, u32 __user *list)
{
	(void)list;
	return size < 0 ? -EINVAL : 0;
}

static i64 with_process(int pid, i64 (*f)(struct process *p, u64 argument), u64 argument)
{
	i64 result = -ESRCH;

	spin_lock(&process_table_lock);
	struct process *p = pid ? process_find_locked(pid) : current_process();

	if (p)
		result = f(p, argument);
	spin_unlock(&process_table_lock);
	return result;
}

static bool group_is_in_session(int group, int session)
{
	struct process *p = process_find_locked(group);

	return p && p->group == group && p->session == session;
}

static i64 set_group(struct process *p, u64 argument)
{
	int group = (int)argument ? (int)argument : p->pid;
	struct process *me = current_process();

	if (p != me && p->parent != me)
		return -ESRCH;
	if (p != me && p->has_execed)
		return -EACCES;
	if (p->session != me->session || p->session == p->pid)
		return -EPERM;
	if (group != p->pid && !group_is_in_session(group, p->session))
		return -EPERM;
	p->group = group;
	return 0;
}

i64 sys_setpgid(int pid, int group)
{
	return group < 0 || pid < 0 ? -EINVAL : with_process(pid, set_group, (u64)group);
}

static i64 get_group(struct process *p, u64 argument)
{
	(void)argument;
	return p->group;
}

static i64 get_session(struct process *p, u64 argument)
{
	(void)argument;
	return p->session;
}

i64 sys_getpgid(int pid)
{
	return with_process(pid, get_group, 0);
}

i64 sys_getpgrp(void)
{
	return with_process(0, get_group, 0);
}

i64 sys_getsid(int pid)
{
	return with_process(pid, get_session, 0);
}

i64 sys_setsid(void)
{
	struct process *me = current_process();
	i64 result = -EPERM;

	spin_lock(&process_table_lock);
	if (me->group != me->pid) {
		me->group = me->session = me->pid;
		me->terminal = NULL;
		result = me->pid;
	}
	spin_unlock(&process_table_lock);
	return result;
}

i64 sys_sched_yield(void)
{
	sched_yield();
	return 0;
}

i64 sys_set_tid_address(u32 __user *address)
{
	current->clear_child_tid = address;
	return current->tid;
}

i64 sys_arch_prctl(int code, u64 address)
{
	switch (code) {
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		if (address >= USER_END)
			return -EPERM;
		if (code == ARCH_SET_FS)
			current->fs_base = address;
		else
			current->gs_base = address;
		thread_load_user_bases();
		return 0;
	case ARCH_GET_FS:
		return copy_to_user((void *)address, &current->fs_base, 8);
	case ARCH_GET_GS:
		return copy_to_user((void *)address, &current->gs_base, 8);
	}
	return -EINVAL;
}

i64 sys_prctl(int option, u64 argument)
{
	char name[16];

	switch (option) {
	case PR_GET_NAME:
		return copy_to_user((void *)argument, current->name, sizeof(current->name));
	case PR_SET_NAME: {
		ssize_t n = copy_string_from_user(name, (void *)argument, sizeof(name));

		if (n == -EFAULT)
			return n;
		name[sizeof(name) - 1] = 0;
		string_copy(current->name, name, sizeof(current->name));
		return 0;
	}
	case PR_SET_PDEATHSIG:
	case PR_SET_DUMPABLE:
	case PR_SET_NO_NEW_PRIVS:
		return 0;
	case PR_GET_DUMPABLE:
		return 1;
	case PR_SET_THP_DISABLE:
		current_process()->space->never_huge = argument;
		return 0;
	case PR_GET_THP_DISABLE:
		return current_process()->space->never_huge;
	}
	return -EINVAL;
}

i64 sys_uname(struct utsname __user *out)
{
	struct utsname name = { .sysname = "Lectern", .nodename = "lectern", .release = "6.1.0-lectern",
				.version = "#1 SMP", .machine = "x86_64", .domainname = "(none)" };

	return copy_to_user(out, &name, sizeof(name));
}

i64 sys_sysinfo(struct sysinfo __user *out)
{
	struct sysinfo info = { .uptime = (long)(clock_monotonic_ns() / 1000000000), .totalram = frames_total(),
				.freeram = frames_free_count(), .totalswap = swap_total_pages(),
				.freeswap = swap_free_pages(), .procs = (u16)threads_count(), .mem_unit = PAGE_SIZE };

	return copy_to_user(out, &info, sizeof(info));
}

i64 sys_getrusage(int who, struct rusage __user *out)
{
	struct rusage usage;

	switch (who) {
	case RUSAGE_SELF:
	case 1:                         // RUSAGE_THREAD: counts are kept for the process
		process_fill_usage(current_process(), &usage);
		break;
	case RUSAGE_CHILDREN:
		spin_lock(&process_table_lock);
		usage = current_process()->children_usage;
		spin_unlock(&process_table_lock);
		break;
	default:
		return -EINVAL;
	}
	return copy_to_user(out, &usage, sizeof(usage));
}

i64 sys_prlimit64(int pid, u32 which, const struct rlimit __user *fresh, struct rlimit __user *old)
{
	struct rlimit wanted, was;
	struct process *p = pid ? process_find(pid) : current_process();
	i64 error = 0;

	if (!p)
		return -ESRCH;
	if (!pid)
		process_hold(p);
	if (which >= ARRAY_SIZE(p->limits))
		error = -EINVAL;
	else if (fresh && copy_from_user(&wanted, fresh, sizeof(wanted)))
		error = -EFAULT;
	else if (fresh && (wanted.rlim_cur > wanted.rlim_max))
		error = -EINVAL;
	else if (fresh && which == RLIMIT_NOFILE && wanted.rlim_max > FILES_MAX)
		error = -EPERM;
	if (!error) {
		mutex_lock(&p->lock);
		was = p->limits[which];
		if (fresh)
			p->limits[which] = wanted;
		mutex_unlock(&p->lock);
		if (old && copy_to_user(old, &was, sizeof(was)))
			error = -EFAULT;
	}
	process_put(p);
	return error;
}

i64 sys_getrlimit(u32 which, struct rlimit __user *out)
{
	return sys_prlimit64(0, which, NULL, out);
}

i64 sys_setrlimit(u32 which, const struct rlimit __user *in)
{
	return sys_prlimit64(0, which, in, NULL);
}
