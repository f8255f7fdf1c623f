/*
 * table.c - from a system call's number to its function. Numbers are Linux's (abi/syscall.h). entry.asm counts the
 * call and jumps through the table; a number that is not here answers ENOSYS, is counted, and named once in the log.
 */
#include "debug/calllog.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sys/calls.h"
#include "lib/atomic.h"
#include "x86/cpu.h"
#include "x86/switch.h"
#include "x86/trapframe.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/syscall.h>

#define CALL_AS(name, function) [SYS_##name] = (system_call)(void *)sys_##function
#define CALL(name) CALL_AS(name, name)
#define FRAME_CALL(name) CALL_AS(name, name##_with_frame)      // entry.asm

u64 nr_unknown_calls;

static i64 unknown(void)
{
	static u64 named[NR_SYSCALLS / 64];     // atomic: which were named in the log
	u32 number = (u32)thread_user_frame(current)->error;

	atomic_add(&nr_unknown_calls, 1);
	if (number < NR_SYSCALLS && !(atomic_fetch_or(&named[number / 64], 1ul << number % 64) & 1ul << number % 64))
		printk("syscall: %s uses number %u, which is not there\n", current->name, number);
	return -ENOSYS;
}

// The entries that are named below take the place of unknown, which all have first.
#pragma GCC diagnostic ignored "-Woverride-init"
const system_call syscall_table[NR_SYSCALLS + 1] = {
	[0 ... NR_SYSCALLS] = (system_call)(void *)unknown,
	/* files */
	CALL(read), CALL(write), CALL(open), CALL(close), CALL(openat), CALL(creat), CALL(pread64), CALL(pwrite64),
	CALL(readv), CALL(writev), CALL(preadv), CALL(pwritev), CALL(preadv2), CALL(pwritev2), CALL(lseek),
	CALL(splice), CALL(tee), CALL(vmsplice), CALL(copy_file_range), CALL(readahead), CALL(fallocate), CALL(flock),
	CALL(sendfile), CALL(dup), CALL(dup2), CALL(dup3), CALL(pipe), CALL(pipe2),
	CALL(eventfd), CALL(eventfd2), CALL(timerfd_create), CALL(timerfd_settime),
	CALL(timerfd_gettime), CALL(signalfd), CALL(signalfd4), CALL(fcntl), CALL(ioctl),
	CALL(stat), CALL(lstat), CALL(fstat), CALL(newfstatat), CALL(statx), CALL(statfs), CALL(fstatfs),
	CALL(access), CALL(faccessat), CALL(faccessat2), CALL(chmod), CALL(fchmod), CALL(fchmodat),
	CALL(chown), CALL(lchown), CALL(fchown), CALL(fchownat), CALL(utimensat), CALL(futimesat), CALL(utimes),
	CALL(utime), CALL(umask), CALL(truncate), CALL(ftruncate),
	/* names */
	CALL(mkdir), CALL(mkdirat), CALL(mknod), CALL(mknodat), CALL(rmdir), CALL(unlink), CALL(unlinkat),
	CALL(link), CALL(linkat), CALL(symlink), CALL(symlinkat), CALL(rename), CALL(renameat), CALL(renameat2),
	CALL(readlink), CALL(readlinkat), CALL(getdents64), CALL(getcwd), CALL(chdir), CALL(fchdir),
	/* waiting for files, whole file systems */
	CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(epoll_create),
	CALL(epoll_create1), CALL(epoll_ctl), CALL(epoll_wait), CALL(epoll_pwait), CALL(epoll_pwait2),
	CALL(mount), CALL(umount2), CALL(swapon), CALL(swapoff), CALL(sync), CALL(syncfs),
	CALL(fsync), CALL(fdatasync), CALL(sync_file_range), CALL(close_range), CALL(memfd_create),
	/* memory */
	CALL(mmap), CALL(munmap), CALL(mprotect), CALL(msync), CALL(madvise), CALL(mincore), CALL(brk),
	CALL(mremap), CALL(mlock), CALL(mlock2), CALL(munlock), CALL(mlockall), CALL(munlockall),
	CALL(fadvise64),
	/* processes */
	FRAME_CALL(fork), FRAME_CALL(vfork), FRAME_CALL(clone), FRAME_CALL(clone3), CALL(execve), CALL(exit),
	CALL(exit_group), CALL(wait4), CALL(waitid),
	CALL(getpid), CALL(gettid), CALL(getppid), CALL_AS(getuid, get_zero), CALL_AS(geteuid, get_zero),
	CALL_AS(getgid, get_zero), CALL_AS(getegid, get_zero), CALL_AS(setuid, set_one_id), CALL_AS(setgid, set_one_id),
	CALL_AS(setresuid, set_id), CALL_AS(setresgid, set_id), CALL(getresuid), CALL_AS(getresgid, getresuid),
	CALL(getgroups), CALL(setpgid), CALL(getpgid), CALL(getpgrp), CALL(getsid), CALL(setsid), CALL(sched_yield),
	CALL(sched_getaffinity), CALL(set_tid_address), CALL(set_robust_list), CALL(arch_prctl), CALL(prctl),
	CALL(uname), CALL(sysinfo), CALL(getrusage), CALL(prlimit64), CALL(getrlimit), CALL(setrlimit), CALL(futex),
	/* signals */
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigpending), CALL(rt_sigsuspend),
	CALL(rt_sigtimedwait), CALL(rt_sigqueueinfo), CALL(sigaltstack), CALL(pause), CALL(kill), CALL(tgkill),
	CALL(tkill), CALL(setitimer), CALL(getitimer), CALL(alarm), CALL(timer_create),
	CALL(timer_settime), CALL(timer_gettime), CALL(timer_getoverrun), CALL(timer_delete),
	/* time */
	CALL(clock_gettime), CALL(clock_getres), CALL(clock_settime), CALL(clock_nanosleep), CALL(nanosleep),
	CALL(gettimeofday), CALL(time), CALL(times),
	CALL_AS(setreuid, set_two_ids), CALL_AS(setregid, set_two_ids), CALL(get_robust_list),
	/* what is absent, and answers so */
	CALL_AS(getxattr, no_attribute), CALL_AS(lgetxattr, no_link_attribute), CALL_AS(fgetxattr, no_file_attribute),
	CALL_AS(setxattr, no_attribute), CALL_AS(lsetxattr, no_link_attribute), CALL_AS(fsetxattr, no_file_attribute),
	CALL_AS(removexattr, no_attribute), CALL_AS(lremovexattr, no_link_attribute),
	CALL_AS(fremovexattr, no_file_attribute), CALL(listxattr), CALL(llistxattr), CALL(flistxattr),
	/* sockets, and what they cannot do */
	CALL(socket), CALL(socketpair), CALL(connect), CALL(sendto), CALL(recvfrom), CALL(sendmsg),
	CALL(recvmsg), CALL(shutdown), CALL_AS(accept, no_listening),
	CALL_AS(accept4, no_listening), CALL_AS(bind, no_listening), CALL_AS(listen, no_listening),
	CALL(getsockname), CALL_AS(getpeername, getsockname), CALL(getsockopt), CALL(setsockopt),
	/* the scheduler */
	CALL(sched_getscheduler), CALL(sched_setscheduler), CALL(sched_getparam),
	CALL(sched_setparam), CALL(sched_get_priority_max), CALL(sched_get_priority_min), CALL(sched_setaffinity),
	CALL(getcpu), CALL(getpriority), CALL(setpriority),
	/* the machine */
	CALL(reboot), CALL(getrandom), CALL(syslog), CALL(sethostname),
};

// The record of a call that ends the caller must be written first.
static bool never_returns(u64 number)
{
	return number == SYS_exit || number == SYS_exit_group;
}

void syscall_trace_begin(const struct trapframe *tf)
{
	struct call_record *record = kmalloc(sizeof(*record));

	if (!record)
		return;
	calllog_begin(record, tf);
	if (never_returns(record->number)) {
		calllog_end(record, 0, false);
		kfree(record);
		return;
	}
	current->call_record = record;
}

i64 syscall_trace_end(i64 result)
{
	struct call_record *record = current->call_record;

	if (record) {
		current->call_record = NULL;
		calllog_end(record, result, true);
		kfree(record);
	}
	return result;
}

static void check_nothing_is_held(void)
{
	lockcheck_may_sleep();
	assert(current->nr_held == 0 && current->faults_off == 0);
}

i64 syscall_check_return(i64 result)
{
	check_nothing_is_held();
	assert(thread_user_frame(current)->rip <= USER_END);    // canonical: SYSRET will not fault
	return result;
}

void syscall_return_whole_frame(i64 result)
{
	(void)syscall_trace_end(result);
	if (DEBUG_BUILD)
		check_nothing_is_held();
	trap_return_to_user(thread_user_frame(current));
}
