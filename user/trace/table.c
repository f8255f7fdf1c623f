/*
 * table.c - the calls that trace knows by name. One that is not here is shown by number, with all six arguments.
 */
#include "table.h"

#include <stddef.h>
#include <sys/syscall.h>

#define CALL(name, form) { SYS_##name, #name, form }

static const struct call_form forms[] = {
	CALL(read, "fpd"), CALL(write, "fpd"), CALL(open, "som"), CALL(close, "f"), CALL(openat, "fsom"),
	CALL(creat, "sm"), CALL(pread64, "fpdd"), CALL(pwrite64, "fpdd"), CALL(readv, "fpd"), CALL(writev, "fpd"),
	CALL(lseek, "fdd"), CALL(dup, "f"), CALL(dup2, "ff"), CALL(dup3, "ffx"), CALL(pipe, "p"), CALL(pipe2, "px"),
	CALL(fcntl, "fdx"), CALL(ioctl, "fxp"), CALL(stat, "sp"), CALL(lstat, "sp"), CALL(fstat, "fp"),
	CALL(newfstatat, "fspx"), CALL(statx, "fsxxp"), CALL(statfs, "sp"), CALL(fstatfs, "fp"), CALL(access, "sd"),
	CALL(faccessat, "fsd"), CALL(faccessat2, "fsdx"), CALL(chmod, "sm"), CALL(fchmod, "fm"), CALL(fchmodat, "fsm"),
	CALL(utimensat, "fspx"), CALL(umask, "m"), CALL(truncate, "sd"), CALL(ftruncate, "fd"), CALL(mkdir, "sm"),
	CALL(mkdirat, "fsm"), CALL(rmdir, "s"), CALL(unlink, "s"), CALL(unlinkat, "fsx"), CALL(link, "ss"),
	CALL(linkat, "fsfsx"), CALL(symlink, "ss"), CALL(symlinkat, "sfs"), CALL(rename, "ss"), CALL(renameat, "fsfs"),
	CALL(renameat2, "fsfsx"), CALL(readlink, "spd"), CALL(readlinkat, "fspd"), CALL(getdents64, "fpd"),
	CALL(getcwd, "pd"), CALL(chdir, "s"), CALL(fchdir, "f"), CALL(poll, "pdd"), CALL(mount, "ssp"),
	CALL(umount2, "sx"), CALL(sync, ""), CALL(fsync, "f"), CALL(fdatasync, "f"), CALL(sendfile, "ffpd"),
	CALL(mmap, "pdPMfx:p"), CALL(munmap, "pd"), CALL(mprotect, "pdP"), CALL(msync, "pdx"), CALL(madvise, "pdd"),
	CALL(mincore, "pdp"), CALL(brk, "p:p"), CALL(mremap, "pddxp:p"), CALL(mlock, "pd"), CALL(munlock, "pd"),
	CALL(fork, ""), CALL(vfork, ""), CALL(clone, "xpppp"), CALL(clone3, "pd"), CALL(execve, "spp"), CALL(exit, "d"),
	CALL(exit_group, "d"), CALL(wait4, "dpxp"), CALL(getpid, ""), CALL(gettid, ""), CALL(getppid, ""),
	CALL(getuid, ""), CALL(geteuid, ""), CALL(getgid, ""), CALL(getegid, ""), CALL(setpgid, "dd"),
	CALL(getpgid, "d"), CALL(getpgrp, ""), CALL(setsid, ""), CALL(sched_yield, ""), CALL(sched_getaffinity, "ddp"),
	CALL(set_tid_address, "p"), CALL(set_robust_list, "pd"), CALL(arch_prctl, "xp"), CALL(prctl, "dx"),
	CALL(uname, "p"), CALL(sysinfo, "p"), CALL(getrusage, "dp"), CALL(prlimit64, "ddpp"), CALL(futex, "pxdpp"),
	CALL(rt_sigaction, "Sppd"), CALL(rt_sigprocmask, "dppd"), CALL(rt_sigreturn, ""), CALL(rt_sigsuspend, "pd"),
	CALL(sigaltstack, "pp"), CALL(kill, "dS"), CALL(tgkill, "ddS"), CALL(alarm, "d"), CALL(pause, ""),
	CALL(clock_gettime, "dp"), CALL(clock_nanosleep, "dxpp"), CALL(nanosleep, "pp"), CALL(gettimeofday, "pp"),
	CALL(time, "p"), CALL(getrandom, "pdx"), CALL(rseq, "pdxx"), CALL(memfd_create, "sx"), CALL(fallocate, "fxdd"),
	CALL(fadvise64, "fddd"),
	CALL(accept, "fpp"), CALL(accept4, "fppx"), CALL(bind, "fpd"), CALL(chown, "sdd"),
	CALL(clock_getres, "dp"), CALL(clock_settime, "dp"), CALL(close_range, "ddx"), CALL(connect, "fpd"),
	CALL(copy_file_range, "fpfpdx"), CALL(epoll_create, "d"), CALL(epoll_create1, "x"),
	CALL(epoll_ctl, "fdfp"), CALL(epoll_wait, "fpdd"), CALL(epoll_pwait, "fpddpd"),
	CALL(epoll_pwait2, "fpdppd"), CALL(eventfd, "d"), CALL(eventfd2, "dx"), CALL(fchown, "fdd"),
	CALL(fchownat, "fsddx"), CALL(fgetxattr, "fppd"), CALL(flistxattr, "fpd"), CALL(flock, "fx"),
	CALL(fremovexattr, "fp"), CALL(fsetxattr, "fppdx"), CALL(futimesat, "fsp"), CALL(get_robust_list, "dpp"),
	CALL(getcpu, "pp"), CALL(getgroups, "dp"), CALL(getitimer, "dp"), CALL(getpeername, "fpp"),
	CALL(getpriority, "dd"), CALL(getresgid, "ppp"), CALL(getresuid, "ppp"), CALL(getrlimit, "dp"),
	CALL(getsid, "d"), CALL(getsockname, "fpp"), CALL(getsockopt, "fddpp"), CALL(getxattr, "sppd"),
	CALL(lchown, "sdd"), CALL(lgetxattr, "sppd"), CALL(listen, "fd"), CALL(listxattr, "spd"),
	CALL(llistxattr, "spd"), CALL(lremovexattr, "sp"), CALL(lsetxattr, "sppdx"), CALL(mknod, "smx"),
	CALL(mknodat, "fsmx"), CALL(mlock2, "pdx"), CALL(mlockall, "x"), CALL(munlockall, ""),
	CALL(ppoll, "pdppd"), CALL(preadv, "fpdd"), CALL(preadv2, "fpddxx"), CALL(pselect6, "dppppp"),
	CALL(pwritev, "fpdd"), CALL(pwritev2, "fpddxx"), CALL(readahead, "fdd"), CALL(reboot, "xxxp"),
	CALL(recvfrom, "fpdxpp"), CALL(recvmsg, "fpx"), CALL(removexattr, "sp"), CALL(rt_sigpending, "pd"),
	CALL(rt_sigqueueinfo, "dSp"), CALL(rt_sigtimedwait, "pppd"), CALL(sched_get_priority_max, "d"),
	CALL(sched_get_priority_min, "d"), CALL(sched_getparam, "dp"), CALL(sched_getscheduler, "d"),
	CALL(sched_setaffinity, "ddp"), CALL(sched_setparam, "dp"), CALL(sched_setscheduler, "ddp"),
	CALL(select, "dpppp"), CALL(sendmsg, "fpx"), CALL(sendto, "fpdxpd"), CALL(setgid, "d"),
	CALL(sethostname, "pd"), CALL(setitimer, "dpp"), CALL(setpriority, "ddd"), CALL(setregid, "dd"),
	CALL(setresgid, "ddd"), CALL(setresuid, "ddd"), CALL(setreuid, "dd"), CALL(setrlimit, "dp"),
	CALL(setsockopt, "fddpd"), CALL(setuid, "d"), CALL(setxattr, "sppdx"), CALL(shutdown, "fd"),
	CALL(signalfd, "fpd"), CALL(signalfd4, "fpdx"), CALL(socket, "ddd"), CALL(socketpair, "dddp"),
	CALL(splice, "fpfpdx"), CALL(swapoff, "s"), CALL(swapon, "sx"), CALL(sync_file_range, "fddx"),
	CALL(syncfs, "f"), CALL(syslog, "dpd"), CALL(tee, "ffdx"), CALL(timer_create, "dpp"),
	CALL(timer_delete, "d"), CALL(timer_getoverrun, "d"), CALL(timer_gettime, "dp"),
	CALL(timer_settime, "dxpp"), CALL(timerfd_create, "dx"), CALL(timerfd_gettime, "fp"),
	CALL(timerfd_settime, "fxpp"), CALL(times, "p"), CALL(tkill, "dS"), CALL(utime, "sp"), CALL(utimes, "sp"),
	CALL(vmsplice, "fpdx"), CALL(waitid, "ddpxp"),
};

const struct call_form *call_form(unsigned number)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (forms[i].number == number)
			return &forms[i];
	}
	return NULL;
}
