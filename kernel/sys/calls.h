#pragma once
/*
 * calls.h - the system calls, a family a section. Each checks its arguments and calls one room.
 * Results are Linux's: 0 or a value, or a negative errno. All may sleep.
 */
#include "types.h"

/*
 * For entry.asm: the function of each number; at NR_SYSCALLS, and wherever there is none, one that answers ENOSYS.
 * A call finds of its struct trapframe only what syscall_entry stores: rip, rsp, rflags, rbp, error (the number)
 * and the six arguments. FRAME_CALLs find all of it.
 */
#define NR_SYSCALLS 512
typedef i64 (*system_call)(u64, u64, u64, u64, u64, u64);
extern const system_call syscall_table[NR_SYSCALLS + 1];
extern u64 nr_unknown_calls;

struct trapframe;
// Around the calls of a traced process; the record waits in thread.call_record. _end returns its argument.
void syscall_trace_begin(const struct trapframe *tf);
i64 syscall_trace_end(i64 result);
// Debug builds, before each return to the user: no lock is held. Returns its argument.
i64 syscall_check_return(i64 result);
// The end of a call that has replaced the user's registers in the frame, all of them; the result is for the trace.
void NORETURN syscall_return_whole_frame(i64 result);

/* files: file_calls.h */
#include "sys/file_calls.h"

struct clone_args;
struct itimerval;
struct kernel_sigaction;
struct rlimit;
struct rusage;
struct sched_param;
struct siginfo;
struct sigaltstack;
struct sysinfo;
struct timespec;
struct timeval;
struct utsname;

/* process.c */
i64 sys_fork(void);
i64 sys_vfork(void);
i64 sys_fork_with_frame(void);          // these four: entry.asm, completes the frame and goes on to the one without
i64 sys_vfork_with_frame(void);
i64 sys_clone_with_frame(void);
i64 sys_clone3_with_frame(void);
i64 sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls);
i64 sys_clone3(const struct clone_args __user *user, u64 size);
i64 sys_execve(const char __user *path, const u64 __user *argv, const u64 __user *envp);
i64 sys_exit(int status);
i64 sys_exit_group(int status);
i64 sys_wait4(int pid, int __user *status, int options, struct rusage __user *usage);
i64 sys_waitid(int which, int id, struct siginfo __user *info, int options, struct rusage __user *usage);
i64 sys_getpid(void);
i64 sys_gettid(void);
i64 sys_getppid(void);
i64 sys_get_zero(void);                 // getuid, geteuid, getgid, getegid
i64 sys_set_id(u32 a, u32 b, u32 c);    // setresuid, setresgid
i64 sys_set_two_ids(u32 a, u32 b);      // setreuid, setregid
i64 sys_set_one_id(u32 id);             // setuid, setgid
i64 sys_getresuid(u32 __user *real, u32 __user *effective, u32 __user *saved);
i64 sys_getgroups(int size, u32 __user *list);
i64 sys_setpgid(int pid, int group);
i64 sys_getpgid(int pid);
i64 sys_getpgrp(void);
i64 sys_getsid(int pid);
i64 sys_setsid(void);
i64 sys_sched_yield(void);
i64 sys_sched_getaffinity(int pid, u32 size, u64 __user *mask);
i64 sys_set_tid_address(u32 __user *address);
i64 sys_set_robust_list(void __user *head, u64 size);
i64 sys_get_robust_list(int tid, void *__user *head, u64 __user *size);
i64 sys_arch_prctl(int code, u64 address);
i64 sys_prctl(int option, u64 argument);
i64 sys_uname(struct utsname __user *out);
i64 sys_sysinfo(struct sysinfo __user *out);
i64 sys_getrusage(int who, struct rusage __user *out);
i64 sys_prlimit64(int pid, u32 which, const struct rlimit __user *fresh, struct rlimit __user *old);
i64 sys_getrlimit(u32 which, struct rlimit __user *out);
i64 sys_setrlimit(u32 which, const struct rlimit __user *in);
i64 sys_futex(u64 address, int operation, u32 value, u64 timeout_or_value2, u64 address2, u32 value3);

/* memory.c */
i64 sys_mmap(u64 hint, u64 length, u64 prot, u64 flags, int fd, u64 offset);
i64 sys_munmap(u64 start, u64 length);
i64 sys_mprotect(u64 start, u64 length, u64 prot);
i64 sys_msync(u64 start, u64 length, int flags);
i64 sys_madvise(u64 start, u64 length, int advice);
i64 sys_mincore(u64 start, u64 length, u8 __user *vector);
i64 sys_mremap(u64 old, u64 old_length, u64 new_length, u64 flags, u64 target);
i64 sys_mlock(u64 start, u64 length);
i64 sys_mlock2(u64 start, u64 length, u32 flags);
i64 sys_munlock(u64 start, u64 length);
i64 sys_mlockall(u32 flags);
i64 sys_munlockall(void);
i64 sys_brk(u64 end);
i64 sys_fadvise64(int fd, i64 offset, i64 length, int advice);

/* signal.c */
i64 sys_rt_sigaction(int number, const struct kernel_sigaction __user *fresh,
		     struct kernel_sigaction __user *old, u64 size);
i64 sys_rt_sigprocmask(int how, const u64 __user *fresh, u64 __user *old, u64 size);
i64 sys_rt_sigreturn(void);
i64 sys_rt_sigpending(u64 __user *out, u64 size);
i64 sys_rt_sigsuspend(const u64 __user *user, u64 size);
i64 sys_rt_sigtimedwait(const u64 __user *set_user, struct siginfo __user *info_user,
			const struct timespec __user *timeout, u64 size);
i64 sys_rt_sigqueueinfo(int pid, int number, const struct siginfo __user *user);
i64 sys_sigaltstack(const struct sigaltstack __user *fresh, struct sigaltstack __user *old);
i64 sys_pause(void);
i64 sys_kill(int pid, int number);
i64 sys_tgkill(int pid, int tid, int number);
i64 sys_tkill(int tid, int number);
i64 sys_setitimer(int which, const struct itimerval __user *fresh, struct itimerval __user *old);
i64 sys_getitimer(int which, struct itimerval __user *out);
i64 sys_alarm(u32 seconds);
void signal_mask_for_call(u64 mask);    // rt_sigsuspend, ppoll: put back when the call is over

/* timer.c */
bool timespec_is_valid(const struct timespec *t);       // not negative, less than a second of nanoseconds
u64 timespec_ns(const struct timespec *t);              // of a valid one, cut off at some centuries
struct sigevent;
struct itimerspec;
i64 sys_timer_create(int clock, const struct sigevent __user *user, int __user *id_out);
i64 sys_timer_settime(int id, int flags, const struct itimerspec __user *fresh_user,
		      struct itimerspec __user *old_user);
i64 sys_timer_gettime(int id, struct itimerspec __user *out);
i64 sys_timer_getoverrun(int id);
i64 sys_timer_delete(int id);

/* time.c */
i64 sys_clock_gettime(int clock, struct timespec __user *out);
i64 sys_clock_getres(int clock, struct timespec __user *out);
i64 sys_clock_settime(int clock, const struct timespec __user *user);
i64 sys_clock_nanosleep(int clock, int flags, const struct timespec __user *user, struct timespec __user *left);
i64 sys_nanosleep(const struct timespec __user *user, struct timespec __user *left);
i64 sys_gettimeofday(struct timeval __user *out, void __user *zone);
i64 sys_time(i64 __user *out);
i64 sys_times(u64 __user *out);

/* system.c */
i64 sys_reboot(int magic, int magic2, u32 command, void __user *argument);
i64 sys_getrandom(void __user *to, size_t nr_bytes, u32 flags);
i64 sys_syslog(int type, char __user *to, int nr_bytes);
i64 sys_sethostname(const char __user *name, int length);

/* absent.c */
i64 sys_no_attribute(const char __user *path);          // getxattr, setxattr, removexattr
i64 sys_no_link_attribute(const char __user *path);     // lgetxattr ...
i64 sys_no_file_attribute(int fd);                      // fgetxattr ...
i64 sys_listxattr(const char __user *path);
i64 sys_llistxattr(const char __user *path);
i64 sys_flistxattr(int fd);
i64 sys_sched_getscheduler(int pid);
i64 sys_sched_setscheduler(int pid, int policy, const struct sched_param __user *user);
i64 sys_sched_getparam(int pid, struct sched_param __user *user);
i64 sys_sched_setparam(int pid, const struct sched_param __user *user);
i64 sys_sched_get_priority_max(int policy);
i64 sys_sched_get_priority_min(int policy);
i64 sys_sched_setaffinity(int pid, u32 size, const u64 __user *user);
i64 sys_getcpu(u32 __user *cpu, u32 __user *node);
i64 sys_getpriority(int which, int who);
i64 sys_setpriority(int which, int who, int nice);
