/*
 * system.c - system calls about the machine as a whole.
 */
#include "kernel.h"
#include "debug/audit.h"
#include "debug/log.h"
#include "dev/host_stream.h"
#include "fs/vfs.h"
#include "lib/random.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/timer.h"
#include "sys/calls.h"
#include "x86/acpi.h"
#include "x86/clock.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/reboot.h>

// Tells everybody but the caller to end, and gives them a moment.
// Not more: a thread stuck in a write-back that never ends shall not keep the machine on.
// (init has waited for them before; this is for a reboot(2) that did not ask init.)
static void end_everybody(void)
{
	u64 deadline = clock_monotonic_ns() + 1000000000;

	for (int pid = 1; clock_monotonic_ns() < deadline;) {
		struct process *p = process_next(pid);

		if (!p)
			break;
		pid = p->pid;
		if (p != current_process())
			signal_send_process(p, SIGKILL, NULL);
		process_put(p);
	}
	(void)!sleep_until(clock_monotonic_ns() + 2000000, WAIT_UNINTERRUPTIBLE);
}

static void log_line(void *owner, const char *line)
{
	(void)owner;
	printk("%s\n", line);
}

static void wind_up(void)
{
	end_everybody();
	sync_all();
	if (DEBUG_BUILD) {
		u64 problems = audit_run(log_line, NULL);

		if (problems)
			panic("the audit found %lu problems", problems);
	}
	unmount_all();
	host_stream_drain();
}

i64 sys_reboot(int magic, int magic2, u32 command, void __user *argument)
{
	(void)argument;
	if ((u32)magic != LINUX_REBOOT_MAGIC1 || (u32)magic2 != LINUX_REBOOT_MAGIC2)
		return -EINVAL;
	switch (command) {
	case LINUX_REBOOT_CMD_POWER_OFF:
	case LINUX_REBOOT_CMD_HALT:
		wind_up();
		printk("system: power off\n");
		acpi_power_off();
	case LINUX_REBOOT_CMD_RESTART:
	case LINUX_REBOOT_CMD_RESTART2:
		wind_up();
		printk("system: restart\n");
		machine_reset();
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	}
	return -EINVAL;
}

i64 sys_getrandom(void __user *to, size_t nr_bytes, u32 flags)
{
	u8 part[256];

	if (flags & ~7u)
		return -EINVAL;
	nr_bytes = min(nr_bytes, 32ul << 20);
	for (size_t done = 0; done < nr_bytes;) {
		size_t n = min(nr_bytes - done, sizeof(part));

		random_bytes(part, n);
		if (copy_to_user((char *)to + done, part, n))
			return done ? (i64)done : -EFAULT;
		done += n;
	}
	return (i64)nr_bytes;
}

// The kernel log: read all (3), read and clear as read all (4), its size (10), console levels (accepted).
i64 sys_syslog(int type, char __user *to, int nr_bytes)
{
	u64 position = 0;

	if (type == 10)
		return 256 << 10;
	if (type != 3 && type != 4)
		return type >= 0 && type <= 9 ? 0 : -EINVAL;
	if (nr_bytes < 0)
		return -EINVAL;
	char *part = kmalloc(4096);
	i64 done = 0;

	if (!part)
		return -ENOMEM;
	while (done < nr_bytes) {
		size_t n = log_read(&position, part, min((size_t)(nr_bytes - done), 4096ul));

		if (!n)
			break;
		if (copy_to_user(to + done, part, n)) {
			done = -EFAULT;
			break;
		}
		done += (i64)n;
	}
	kfree(part);
	return done;
}

// There is one machine and it has its name.
i64 sys_sethostname(const char __user *name, int length)
{
	(void)name;
	return length < 0 || length > 64 ? -EINVAL : 0;
}
