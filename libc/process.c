// Processes: who they are, how they come and go, what they may use.

#include "internal.h"

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t fork(void)
{
	return (pid_t)CALL(SYS_fork);
}

// A true vfork would run the child on this very stack frame; fork is as good, and safe.
pid_t vfork(void)
{
	return (pid_t)CALL(SYS_fork);
}

pid_t wait(int *status)
{
	return wait4(-1, status, 0, NULL);
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return wait4(pid, status, options, NULL);
}

pid_t wait3(int *status, int options, struct rusage *usage)
{
	return wait4(-1, status, options, usage);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	return (pid_t)CALL(SYS_wait4, pid, status, options, usage);
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	return (int)CALL(SYS_waitid, type, id, info, options, NULL);
}

pid_t getpid(void)
{
	return (pid_t)RAW_CALL(SYS_getpid);
}

pid_t getppid(void)
{
	return (pid_t)RAW_CALL(SYS_getppid);
}

pid_t gettid(void)
{
	return (pid_t)RAW_CALL(SYS_gettid);
}

uid_t getuid(void)
{
	return (uid_t)RAW_CALL(SYS_getuid);
}

uid_t geteuid(void)
{
	return (uid_t)RAW_CALL(SYS_geteuid);
}

gid_t getgid(void)
{
	return (gid_t)RAW_CALL(SYS_getgid);
}

gid_t getegid(void)
{
	return (gid_t)RAW_CALL(SYS_getegid);
}

int setuid(uid_t uid)
{
	return (int)CALL(SYS_setuid, uid);
}

int seteuid(uid_t uid)
{
	return (int)CALL(SYS_setresuid, -1, uid, -1);
}

int setgid(gid_t gid)
{
	return (int)CALL(SYS_setgid, gid);
}

int setegid(gid_t gid)
{
	return (int)CALL(SYS_setresgid, -1, gid, -1);
}

int getgroups(int nr, gid_t *groups)
{
	return (int)CALL(SYS_getgroups, nr, groups);
}

pid_t getpgid(pid_t pid)
{
	return (pid_t)CALL(SYS_getpgid, pid);
}

pid_t getpgrp(void)
{
	return getpgid(0);
}

int setpgid(pid_t pid, pid_t group)
{
	return (int)CALL(SYS_setpgid, pid, group);
}

int setpgrp(void)
{
	return setpgid(0, 0);
}

pid_t getsid(pid_t pid)
{
	return (pid_t)CALL(SYS_getsid, pid);
}

pid_t setsid(void)
{
	return (pid_t)CALL(SYS_setsid);
}

// Goes on as a child that no terminal and no parent know.
int daemon(int keep_directory, int keep_descriptors)
{
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (pid > 0)
		_exit(0);
	if (setsid() < 0 || (!keep_directory && chdir("/")))
		return -1;
	if (keep_descriptors)
		return 0;
	int fd = open("/dev/null", O_RDWR);
	if (fd < 0)
		return -1;
	for (int standard = 0; standard < 3; standard++)
		dup2(fd, standard);
	if (fd > 2)
		close(fd);
	return 0;
}

int getrusage(int who, struct rusage *usage)
{
	return (int)CALL(SYS_getrusage, who, usage);
}

int getrlimit(int resource, struct rlimit *limit)
{
	return (int)CALL(SYS_getrlimit, resource, limit);
}

int setrlimit(int resource, const struct rlimit *limit)
{
	return (int)CALL(SYS_setrlimit, resource, limit);
}

int prlimit(pid_t pid, int resource, const struct rlimit *limit, struct rlimit *old)
{
	return (int)CALL(SYS_prlimit64, pid, resource, limit, old);
}

// The kernel answers 20 minus the priority, so that it is never negative.
int getpriority(int which, id_t who)
{
	long answer = CALL(SYS_getpriority, which, who);

	return answer < 0 ? -1 : (int)(20 - answer);
}

int setpriority(int which, id_t who, int priority)
{
	return (int)CALL(SYS_setpriority, which, who, priority);
}

int nice(int increment)
{
	int priority = getpriority(PRIO_PROCESS, 0) + increment;

	return setpriority(PRIO_PROCESS, 0, priority) ? -1 : getpriority(PRIO_PROCESS, 0);
}

int prctl(int option, ...)
{
	va_list args;

	va_start(args, option);
	long a = va_arg(args, long);
	long b = va_arg(args, long);
	long c = va_arg(args, long);
	long d = va_arg(args, long);
	va_end(args);
	return (int)CALL(SYS_prctl, option, a, b, c, d);
}

int sched_yield(void)
{
	return (int)CALL(SYS_sched_yield);
}

int sched_getcpu(void)
{
	unsigned int cpu;

	return CALL(SYS_getcpu, &cpu, NULL, NULL) < 0 ? -1 : (int)cpu;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *set)
{
	return (int)CALL(SYS_sched_setaffinity, pid, size, set);
}

// The kernel fills in only as many bytes as it has CPUs for, and answers how many.
int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
	long filled = CALL(SYS_sched_getaffinity, pid, size, set);

	if (filled < 0)
		return -1;
	memset((char *)set + filled, 0, size - (size_t)filled);
	return 0;
}

int sched_cpu_count(const cpu_set_t *set)
{
	int nr = 0;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		nr += CPU_ISSET(cpu, set);
	return nr;
}

int unshare(int flags)
{
	return (int)CALL(SYS_unshare, flags);
}

// Any system call by its number.
long syscall(long number, ...)
{
	va_list args;

	va_start(args, number);
	long a = va_arg(args, long);
	long b = va_arg(args, long);
	long c = va_arg(args, long);
	long d = va_arg(args, long);
	long e = va_arg(args, long);
	long f = va_arg(args, long);
	va_end(args);
	return CALL(number, a, b, c, d, e, f);
}
