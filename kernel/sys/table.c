/*
 * table.c - from a system call's number to its function. Numbers are Linux's (abi/syscall.h). A number that is not here
 * answers ENOSYS, is counted, and named once in the log.
 */
#include "debug/calllog.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sys/calls.h"
#include "lib/atomic.h"
#include "x86/cpu.h"
#include "x86/trapframe.h"
#include <abi/errno.h>
#include <abi/syscall.h>

typedef i64 (*system_call)(u64, u64, u64, u64, u64, u64);

#define NR_CALLS 512
#define CALL(name) [SYS_##name] = (system_call)(void *)sys_##name
#define CALL_AS(name, function) [SYS_##name] = (system_call)(void *)sys_##function

u64 nr_unknown_calls;

static const system_call calls[NR_CALLS] = {
	/* files */
	CALL(read), CALL(write), CALL(open), CALL(close), CALL(openat), CALL(creat), CALL(pread64), CALL(pwrite64),
	CALL(readv), CALL(writev), CALL(preadv), CALL(pwritev), CALL(preadv2), CALL(pwritev2), CALL(lseek),
	CALL(splice), CALL(tee), CALL(vmsplice), CALL(copy_file_range), CALL(readahead), CALL(fallocate), CALL(flock),
	CALL(sendfile), CALL(dup), CALL(dup2), CALL(dup3), CALL(pipe), CALL(pipe2), CALL(fcntl), CALL(ioctl),
	CALL(stat), CALL(lstat), CALL(fstat), CALL(newfstatat), CALL(statx), CALL(statfs), CALL(fstatfs),
	CALL(access), CALL(faccessat), CALL(faccessat2), CALL(chmod), CALL(fchmod), CALL(fchmodat),
	CALL(chown), CALL(lchown), CALL(fchown), CALL(fchownat), CALL(utimensat), CALL(futimesat), CALL(utimes),
	CALL(utime), CALL(umask), CALL(truncate), CALL(ftruncate),
	/* names */
	CALL(mkdir), CALL(mkdirat), CALL(mknod), CALL(mknodat), CALL(rmdir), CALL(unlink), CALL(unlinkat),
	CALL(link), CALL(linkat), CALL(symlink), CALL(symlinkat), CALL(rename), CALL(renameat), CALL(renameat2),
	CALL(readlink), CALL(readlinkat), CALL(getdents64), CALL(getcwd), CALL(chdir), CALL(fchdir),
	/* waiting for files, whole file systems */
	CALL(poll), CALL(ppoll), CALL(select), CALL(pselect6), CALL(mount), CALL(umount2), CALL(sync), CALL(syncfs),
	CALL(fsync), CALL(fdatasync), CALL(close_range), CALL(memfd_create),
	/* memory */
	CALL(mmap), CALL(munmap), CALL(mprotect), CALL(msync), CALL(madvise), CALL(mincore), CALL(brk),
	CALL(mremap), CALL(mlock), CALL(mlock2), CALL(munlock), CALL(mlockall), CALL(munlockall),
	CALL(fadvise64),
	/* processes */
	CALL(fork), CALL(vfork), CALL(clone), CALL(clone3), CALL(execve), CALL(exit), CALL(exit_group), CALL(wait4),
	CALL(getpid), CALL(gettid), CALL(getppid), CALL_AS(getuid, get_zero), CALL_AS(geteuid, get_zero),
	CALL_AS(getgid, get_zero), CALL_AS(getegid, get_zero), CALL_AS(setuid, set_one_id), CALL_AS(setgid, set_one_id),
	CALL_AS(setresuid, set_id), CALL_AS(setresgid, set_id), CALL(getresuid), CALL_AS(getresgid, getresuid),
	CALL(getgroups), CALL(setpgid), CALL(getpgid), CALL(getpgrp), CALL(getsid), CALL(setsid), CALL(sched_yield),
	CALL(sched_getaffinity), CALL(set_tid_address), CALL(set_robust_list), CALL(arch_prctl), CALL(prctl),
	CALL(uname), CALL(sysinfo), CALL(getrusage), CALL(prlimit64), CALL(getrlimit), CALL(setrlimit), CALL(futex),
	/* signals */
	CALL(rt_sigaction), CALL(rt_sigprocmask), CALL(rt_sigreturn), CALL(rt_sigpending), CALL(rt_sigsuspend),
	CALL(rt_sigtimedwait), CALL(rt_sigqueueinfo), CALL(sigaltstack), CALL(pause), CALL(kill), CALL(tgkill),
	CALL(tkill), CALL(setitimer), CALL(getitimer), CALL(alarm),
	/* time */
	CALL(clock_gettime), CALL(clock_getres), CALL(clock_settime), CALL(clock_nanosleep), CALL(nanosleep),
	CALL(gettimeofday), CALL(time), CALL(times),
	CALL_AS(setreuid, set_two_ids), CALL_AS(setregid, set_two_ids), CALL(get_robust_list),
	/* what is absent, and answers so */
	CALL_AS(getxattr, no_attribute), CALL_AS(lgetxattr, no_link_attribute), CALL_AS(fgetxattr, no_file_attribute),
	CALL_AS(setxattr, no_attribute), CALL_AS(lsetxattr, no_link_attribute), CALL_AS(fsetxattr, no_file_attribute),
	CALL_AS(removexattr, no_attribute), CALL_AS(lremovexattr, no_link_attribute),
	CALL_AS(fremovexattr, no_file_attribute), CALL(listxattr), CALL(llistxattr), CALL(flistxattr),
	CALL_AS(socket, no_socket), CALL_AS(socketpair, no_socket), CALL_AS(connect, not_a_socket),
	CALL_AS(accept, not_a_socket), CALL_AS(accept4, not_a_socket), CALL_AS(sendto, not_a_socket),
	CALL_AS(recvfrom, not_a_socket), CALL_AS(sendmsg, not_a_socket), CALL_AS(recvmsg, not_a_socket),
	CALL_AS(shutdown, not_a_socket), CALL_AS(bind, not_a_socket), CALL_AS(listen, not_a_socket),
	CALL_AS(getsockname, not_a_socket), CALL_AS(getpeername, not_a_socket), CALL_AS(setsockopt, not_a_socket),
	CALL_AS(getsockopt, not_a_socket), CALL(sched_getscheduler), CALL(sched_setscheduler), CALL(sched_getparam),
	CALL(sched_setparam), CALL(sched_get_priority_max), CALL(sched_get_priority_min), CALL(sched_setaffinity),
	CALL(getcpu), CALL(getpriority), CALL(setpriority),
	/* the machine */
	CALL(reboot), CALL(getrandom), CALL(syslog), CALL(sethostname),
};

static i64 unknown(u64 number)
{
	static u64 named[NR_CALLS / 64];        // atomic: which were named in the log

	atomic_add(&nr_unknown_calls, 1);
	if (number < NR_CALLS && !(atomic_fetch_or(&named[number / 64], 1ul << number % 64) & 1ul << number % 64))
		printk("syscall: %s uses number %lu, which is not there\n", current->name, number);
	return -ENOSYS;
}

static void call(struct trapframe *tf)
{
	u64 number = tf->rax;

	count(COUNTER_SYSCALLS);
	current_process()->counts[COUNT_SYSCALLS]++;
	if (likely(number < NR_CALLS && calls[number]))
		tf->rax = (u64)calls[number](tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9);
	else
		tf->rax = (u64)unknown(number);
}

// The record of a call that ends the caller (or replaces it) must be written first.
static bool never_returns(u64 number)
{
	return number == SYS_exit || number == SYS_exit_group;
}

static void traced_call(struct trapframe *tf)
{
	struct call_record *record = kmalloc(sizeof(*record));
	u64 number = tf->rax;

	if (!record) {
		call(tf);
		return;
	}
	calllog_begin(record, tf);
	if (never_returns(number)) {
		calllog_end(record, 0, false);
		kfree(record);
		call(tf);
		return;
	}
	call(tf);
	calllog_end(record, (i64)tf->rax, true);
	kfree(record);
}

void syscall_dispatch(struct trapframe *tf)
{
	if (unlikely(current_process()->is_traced))
		traced_call(tf);
	else
		call(tf);
}
