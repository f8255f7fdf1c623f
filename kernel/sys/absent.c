/*
 * absent.c - the calls for what this system does not have: extended attributes, sockets, policies of scheduling other
 * than the usual one. They answer as a Linux does whose file system or kernel was made without them, so that a program
 * takes its other way; an unknown call (ENOSYS) would make `ls -l` complain of every file. Arguments are still checked.
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "proc/process.h"
#include "sys/arguments.h"
#include "sys/calls.h"
#include "x86/cpu.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/sched.h>

/* --- extended attributes ---------------------------------------------------- */

static i64 answer_for_path(const char __user *path, u32 flags, i64 answer)
{
	struct target t;
	int error = target_get(AT_FDCWD, path, flags, &t);

	if (error)
		return error;
	target_put(&t);
	return answer;
}

static i64 answer_for_fd(int fd, i64 answer)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	file_put(f);
	return answer;
}

i64 sys_no_attribute(const char __user *path)
{
	return answer_for_path(path, 0, -EOPNOTSUPP);
}

i64 sys_no_link_attribute(const char __user *path)
{
	return answer_for_path(path, TARGET_NO_FOLLOW, -EOPNOTSUPP);
}

i64 sys_no_file_attribute(int fd)
{
	return answer_for_fd(fd, -EOPNOTSUPP);
}

// The list of a file's attributes is empty: 0 bytes long.
i64 sys_listxattr(const char __user *path)
{
	return answer_for_path(path, 0, 0);
}

i64 sys_llistxattr(const char __user *path)
{
	return answer_for_path(path, TARGET_NO_FOLLOW, 0);
}

i64 sys_flistxattr(int fd)
{
	return answer_for_fd(fd, 0);
}

/* --- sockets ---------------------------------------------------------------- */

// socket, socketpair: no family of addresses is known.
i64 sys_no_socket(void)
{
	return -EAFNOSUPPORT;
}

// Every other call on sockets: no descriptor is one.
i64 sys_not_a_socket(int fd)
{
	return answer_for_fd(fd, -ENOTSOCK);
}

/* --- scheduling: everybody is SCHED_OTHER, on every processor ---------------- */

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

// A thread may be asked onto processors of which one is there; it goes on to run on all.
i64 sys_sched_setaffinity(int pid, u32 size, const u64 __user *user)
{
	u64 mask = 0;
	i64 error = find_thread(pid);

	if (error)
		return error;
	if (copy_from_user(&mask, user, min((size_t)size, sizeof(mask))))
		return -EFAULT;
	return mask & ((1ul << nr_cpus) - 1) ? 0 : -EINVAL;
}

// Where the caller was a moment ago.
i64 sys_getcpu(u32 __user *cpu, u32 __user *node)
{
	u32 id = this_cpu()->id, zero = 0;

	if (cpu && copy_to_user(cpu, &id, sizeof(id)))
		return -EFAULT;
	return node && copy_to_user(node, &zero, sizeof(zero)) ? -EFAULT : 0;
}

// nice: 20 - 0, as the call itself counts.
i64 sys_getpriority(int which, int who)
{
	if (which < 0 || which > 2)
		return -EINVAL;
	i64 error = which == 0 ? find_thread(who) : 0;

	return error ? error : 20;
}

i64 sys_setpriority(int which, int who, int nice)
{
	(void)nice;
	i64 result = sys_getpriority(which, who);

	return result < 0 ? result : 0;
}
