// The system as a whole: its name, its sizes, mounting, power.

#include "internal.h"

#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

int uname(struct utsname *name)
{
	return (int)CALL(SYS_uname, name);
}

int gethostname(char *name, size_t size)
{
	struct utsname system;

	if (uname(&system))
		return -1;
	if (strlcpy(name, system.nodename, size) >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int sethostname(const char *name, size_t size)
{
	return (int)CALL(SYS_sethostname, name, size);
}

int swapon(const char *path, int flags)
{
	return (int)CALL(SYS_swapon, path, flags);
}

int swapoff(const char *path)
{
	return (int)CALL(SYS_swapoff, path);
}

int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data)
{
	return (int)CALL(SYS_mount, source, target, type, flags, data);
}

int umount2(const char *target, int flags)
{
	return (int)CALL(SYS_umount2, target, flags);
}

int umount(const char *target)
{
	return umount2(target, 0);
}

int reboot(int command)
{
	return (int)CALL(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
			 (unsigned int)command, NULL);
}

int sysinfo(struct sysinfo *info)
{
	return (int)CALL(SYS_sysinfo, info);
}

int getpagesize(void)
{
	return (int)getauxval(AT_PAGESZ);
}

// The CPUs that this process may run on, which is all of them unless somebody chose.
int get_nprocs(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

int get_nprocs_conf(void)
{
	return get_nprocs();
}

// A number of pages out of the memory that sysinfo tells in its own units; -1 if it does not.
static long memory_pages(bool only_free)
{
	struct sysinfo info;

	if (sysinfo(&info))
		return -1;
	unsigned long units = only_free ? info.freeram : info.totalram;
	return (long)(units * info.mem_unit / (unsigned long)getpagesize());
}

long sysconf(int name)
{
	struct rlimit limit;

	switch (name) {
	case _SC_PAGESIZE:
		return getpagesize();
	case _SC_NPROCESSORS_ONLN:
	case _SC_NPROCESSORS_CONF:
		return get_nprocs();
	case _SC_CLK_TCK:
		return 100;
	case _SC_OPEN_MAX:
		return getrlimit(RLIMIT_NOFILE, &limit) ? -1 : (long)limit.rlim_cur;
	case _SC_CHILD_MAX:
		return getrlimit(RLIMIT_NPROC, &limit) ? -1 : (long)limit.rlim_cur;
	case _SC_PHYS_PAGES:
		return memory_pages(false);
	case _SC_AVPHYS_PAGES:
		return memory_pages(true);
	case _SC_ARG_MAX:
		return ARG_MAX;
	case _SC_IOV_MAX:
		return IOV_MAX;
	case _SC_HOST_NAME_MAX:
		return HOST_NAME_MAX;
	default:
		errno = EINVAL;
		return -1;
	}
}

static long path_limit(int name)
{
	switch (name) {
	case _PC_NAME_MAX:
		return NAME_MAX;
	case _PC_PATH_MAX:
		return PATH_MAX;
	case _PC_PIPE_BUF:
		return PIPE_BUF;
	case _PC_LINK_MAX:
		return 32000;
	default:
		errno = EINVAL;
		return -1;
	}
}

// The same for every file.
long pathconf(const char *path, int name)
{
	(void)path;
	return path_limit(name);
}

long fpathconf(int fd, int name)
{
	(void)fd;
	return path_limit(name);
}
