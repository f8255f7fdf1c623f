/*
 * pid.c - what /proc/PID holds, and its smaller files. (stat, status and statm: status.c; maps and smaps: maps.c;
 * pagemap: pagemap.c; fd: fd.c; task: task.c.)
 */
#include "debug/calllog.h"
#include "fs/proc/peek.h"
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/frame.h"
#include "mm/oom.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "proc/process.h"
#include <abi/errno.h>

static struct process *find(const struct proc_target *target)
{
	return process_find(target->pid);
}

/* --- strings in the process's own memory ------------------------------------ */

// Appends the process's bytes [start, end), as far as they can be read.
static int show_memory(struct text *t, const struct proc_target *target, bool environment)
{
	struct addrspace *as = addrspace_of_process(target->pid);
	char *part = kmalloc(PAGE_SIZE);
	vaddr_t at, end;
	size_t n = 1;

	if (!as || !part) {
		if (as)
			addrspace_put(as);
		kfree(part);
		return as ? -ENOMEM : 0;        // a zombie has no memory: an empty file
	}
	at = environment ? as->environment_start : as->arguments_start;
	end = environment ? as->environment_end : as->arguments_end;
	for (; at < end && n; at += n) {
		n = peek_memory(as, at, part, min(end - at, PAGE_SIZE));
		text_append(t, part, n);
	}
	kfree(part);
	addrspace_put(as);
	return 0;
}

static int show_cmdline(struct text *t, const struct proc_target *target)
{
	return show_memory(t, target, false);
}

static int show_environ(struct text *t, const struct proc_target *target)
{
	return show_memory(t, target, true);
}

static int show_auxv(struct text *t, const struct proc_target *target)
{
	struct addrspace *as = addrspace_of_process(target->pid);

	if (!as)
		return 0;
	text_append(t, (const char *)as->auxv, as->nr_auxv * sizeof(as->auxv[0]));
	addrspace_put(as);
	return 0;
}

/* --- from struct process ---------------------------------------------------- */

static int show_comm(struct text *t, const struct proc_target *target)
{
	char name[16];
	int error = proc_thread_name(target, name, NULL);

	if (!error)
		text_printf(t, "%s\n", name);
	return error;
}

// As prctl(PR_SET_NAME), but for any thread: what is too long is cut off.
static int store_comm(const char *text, const struct proc_target *target)
{
	char name[16];

	return proc_thread_name(target, name, text);
}

static int show_counts(struct text *t, const struct proc_target *target)
{
	static const char *const names[NR_PROCESS_COUNTS] = {
		[COUNT_MINOR_FAULTS] = "minor_faults", [COUNT_MAJOR_FAULTS] = "major_faults",
		[COUNT_COW_COPIES] = "cow_copies", [COUNT_ZERO_FILLS] = "zero_fills", [COUNT_MAP_FAULTS] = "map_faults",
		[COUNT_DIRTY_FAULTS] = "dirty_faults", [COUNT_CACHE_FILLS] = "cache_fills",
		[COUNT_DISK_READS] = "disk_reads", [COUNT_DISK_WRITES] = "disk_writes", [COUNT_SYSCALLS] = "syscalls",
		[COUNT_SWITCHES_WAITED] = "switches_waited", [COUNT_SWITCHES_FORCED] = "switches_forced",
	};
	struct process *p = find(target);

	if (!p)
		return -ESRCH;
	u64 counts[NR_PROCESS_COUNTS];

	process_read_counts(p, counts);
	process_put(p);
	for (u32 i = 0; i < NR_PROCESS_COUNTS; i++)
		text_printf(t, "%s %lu\n", names[i], counts[i]);
	return 0;
}

static void show_limit(struct text *t, u64 value)
{
	if (value == RLIM_INFINITY)
		text_printf(t, "%-20s ", "unlimited");
	else
		text_printf(t, "%-20lu ", value);
}

static int show_limits(struct text *t, const struct proc_target *target)
{
	static const struct { const char *name, *unit; } rows[RLIM_NLIMITS] = {
		[RLIMIT_CPU] = { "Max cpu time", "seconds" }, [RLIMIT_FSIZE] = { "Max file size", "bytes" },
		[RLIMIT_DATA] = { "Max data size", "bytes" }, [RLIMIT_STACK] = { "Max stack size", "bytes" },
		[RLIMIT_CORE] = { "Max core file size", "bytes" }, [RLIMIT_RSS] = { "Max resident set", "bytes" },
		[RLIMIT_NPROC] = { "Max processes", "processes" }, [RLIMIT_NOFILE] = { "Max open files", "files" },
		[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" }, [RLIMIT_AS] = { "Max address space", "bytes" },
		[RLIMIT_LOCKS] = { "Max file locks", "locks" },
		[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
		[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" }, [RLIMIT_NICE] = { "Max nice priority", "" },
		[RLIMIT_RTPRIO] = { "Max realtime priority", "" }, [RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
	};
	struct process *p = find(target);

	if (!p)
		return -ESRCH;
	text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	mutex_lock(&p->lock);
	for (u32 i = 0; i < RLIM_NLIMITS; i++) {
		text_printf(t, "%-25s ", rows[i].name);
		show_limit(t, p->limits[i].rlim_cur);
		show_limit(t, p->limits[i].rlim_max);
		text_printf(t, "%-10s\n", rows[i].unit);
	}
	mutex_unlock(&p->lock);
	process_put(p);
	return 0;
}

/* --- links ------------------------------------------------------------------ */

// The program's file, referenced; NULL: none.
static struct file *executable_of(const struct proc_target *target)
{
	struct process *p = find(target);
	struct file *f;

	if (!p)
		return NULL;
	mutex_lock(&p->lock);
	f = p->executable ? file_hold(p->executable) : NULL;
	mutex_unlock(&p->lock);
	process_put(p);
	return f;
}

static int link_exe(char *buffer, size_t size, const struct proc_target *target)
{
	struct file *f = executable_of(target);
	int result;

	if (!f)
		return -ENOENT;
	result = proc_file_path(f, buffer, size);
	file_put(f);
	return result;
}

static int follow_exe(struct dentry **out, const struct proc_target *target)
{
	return proc_file_dentry(executable_of(target), out);
}

enum which_directory { WORKING_DIRECTORY, ROOT_DIRECTORY };

static int follow_directory(struct dentry **out, const struct proc_target *target, enum which_directory which)
{
	struct process *p = find(target);
	struct dentry *d;

	if (!p)
		return -ENOENT;
	mutex_lock(&p->lock);
	d = which == ROOT_DIRECTORY ? p->root : p->cwd;
	*out = d ? dentry_hold(d) : NULL;
	mutex_unlock(&p->lock);
	process_put(p);
	return *out ? 0 : -ENOENT;
}

static int follow_cwd(struct dentry **out, const struct proc_target *target)
{
	return follow_directory(out, target, WORKING_DIRECTORY);
}

static int follow_root(struct dentry **out, const struct proc_target *target)
{
	return follow_directory(out, target, ROOT_DIRECTORY);
}

static int link_directory(char *buffer, size_t size, const struct proc_target *target, enum which_directory which)
{
	struct dentry *d;
	int result = follow_directory(&d, target, which);

	if (result)
		return result;
	result = proc_dentry_path(d, buffer, size);
	dentry_put(d);
	return result;
}

static int link_cwd(char *buffer, size_t size, const struct proc_target *target)
{
	return link_directory(buffer, size, target, WORKING_DIRECTORY);
}

static int link_root(char *buffer, size_t size, const struct proc_target *target)
{
	return link_directory(buffer, size, target, ROOT_DIRECTORY);
}

/* --- who is killed when memory is out ---------------------------------------- */

static int show_oom_score_adj(struct text *t, const struct proc_target *target)
{
	struct process *p = find(target);

	if (!p)
		return -ESRCH;
	text_printf(t, "%d\n", p->oom_score_adj);
	process_put(p);
	return 0;
}

static int store_oom_score_adj(const char *text, const struct proc_target *target)
{
	bool is_negative = text[0] == '-';
	u64 value;

	if (string_to_u64(text + is_negative, 10, &value) || value > 1000)
		return -EINVAL;
	struct process *p = find(target);

	if (!p)
		return -ESRCH;
	WRITE_ONCE(p->oom_score_adj, is_negative ? -(i32)value : (i32)value);
	process_put(p);
	return 0;
}

// Thousandths of all memory, as on Linux.
static int show_oom_score(struct text *t, const struct proc_target *target)
{
	struct process *p = find(target);

	if (!p)
		return -ESRCH;
	text_printf(t, "%lu\n", oom_badness(p) * 1000 / (frames_total() + swap_total_pages()));
	process_put(p);
	return 0;
}

static int show_traced(struct text *t, const struct proc_target *target)
{
	struct process *p = process_find(target->pid);

	if (!p)
		return -ESRCH;
	text_printf(t, "%d\n", p->is_traced);
	process_put(p);
	return 0;
}

// 1: the process's system calls, and those of its children to come, enter /proc/calls.
static int store_traced(const char *text, const struct proc_target *target)
{
	if ((text[0] != '0' && text[0] != '1') || (text[1] && text[1] != '\n'))
		return -EINVAL;
	int error = text[0] == '1' ? calllog_start() : 0;

	if (error)
		return error;
	struct process *p = process_find(target->pid);

	if (!p)
		return -ESRCH;
	WRITE_ONCE(p->is_traced, text[0] == '1');
	process_put(p);
	return 0;
}

// What a process and each of its threads show alike.
#define ENTRIES_OF_BOTH										\
	{ .name = "auxv", .mode = S_IFREG | 0400, .show = show_auxv },				\
	{ .name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline },			\
	{ .name = "comm", .mode = S_IFREG | 0644, .show = show_comm, .store = store_comm },	\
	{ .name = "cwd", .mode = S_IFLNK | 0777, .link = link_cwd, .follow = follow_cwd },	\
	{ .name = "environ", .mode = S_IFREG | 0400, .show = show_environ },			\
	{ .name = "exe", .mode = S_IFLNK | 0777, .link = link_exe, .follow = follow_exe },	\
	{ .name = "fd", .mode = S_IFDIR | 0500, .children = &proc_fd_directory_entry },		\
	{ .name = "limits", .mode = S_IFREG | 0444, .show = show_limits },			\
	{ .name = "maps", .mode = S_IFREG | 0444, .show = proc_show_pid_maps },			\
	{ .name = "mountinfo", .mode = S_IFREG | 0444, .show = proc_show_mountinfo },		\
	{ .name = "mounts", .mode = S_IFREG | 0444, .show = proc_show_mounts },			\
	{ .name = "oom_score", .mode = S_IFREG | 0444, .show = show_oom_score },	\
	{ .name = "oom_score_adj", .mode = S_IFREG | 0644, .show = show_oom_score_adj,		\
	  .store = store_oom_score_adj },							\
	{ .name = "pagemap", .mode = S_IFREG | 0400, .file_ops = &proc_pagemap_ops },		\
	{ .name = "root", .mode = S_IFLNK | 0777, .link = link_root, .follow = follow_root },	\
	{ .name = "smaps", .mode = S_IFREG | 0444, .show = proc_show_pid_smaps },		\
	{ .name = "smaps_rollup", .mode = S_IFREG | 0444, .show = proc_show_pid_smaps_rollup },	\
	{ .name = "stat", .mode = S_IFREG | 0444, .show = proc_show_pid_stat },			\
	{ .name = "statm", .mode = S_IFREG | 0444, .show = proc_show_pid_statm },		\
	{ .name = "status", .mode = S_IFREG | 0444, .show = proc_show_pid_status }

struct proc_entry proc_pid_entries[] = {
	ENTRIES_OF_BOTH,
	{ .name = "counts", .mode = S_IFREG | 0444, .show = show_counts },
	{ .name = "task", .mode = S_IFDIR | 0555, .children = &proc_task_directory_entry },
	{ .name = "traced", .mode = S_IFREG | 0600, .show = show_traced, .store = store_traced },
	{ .name = NULL },
};

struct proc_entry proc_tid_entries[] = {
	ENTRIES_OF_BOTH,
	{ .name = NULL },
};
