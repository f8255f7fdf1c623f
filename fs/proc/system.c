/*
 * system.c - the files of /proc's root that are about the whole machine.
 */
#include "boot/bootinfo.h"
#include "debug/audit.h"
#include "debug/calllog.h"
#include "debug/counters.h"
#include "debug/faultlog.h"
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/fault.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "x86/clock.h"
#include "x86/cpu.h"

#define NS_PER_SECOND 1000000000ul
#define NS_PER_TICK 10000000ul          // USER_HZ is 100

static int show_version(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "Linux version 6.1.0-lectern (lectern) (gcc " __VERSION__ ") #1 SMP\n");
	return 0;
}

static int show_cmdline(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "%s\n", bootinfo.command_line);
	return 0;
}

// Halted, without the interrupts in between. What another CPU counts meanwhile may be seen half: a moment's error.
static u64 idle_ns(u32 cpu)
{
	u64 ns = READ_ONCE(cpus[cpu].halted_ns), since = READ_ONCE(cpus[cpu].halted_since_ns);
	u64 now = clock_monotonic_ns();

	if (since && since < now)
		ns += now - since;
	return min(ns, now);
}

static int show_uptime(struct text *t, const struct proc_target *target)
{
	u64 up = clock_monotonic_ns(), idle = 0;

	(void)target;
	for (u32 i = 0; i < nr_cpus; i++)
		idle += idle_ns(i);
	text_printf(t, "%lu.%02lu %lu.%02lu\n", up / NS_PER_SECOND, up % NS_PER_SECOND / NS_PER_TICK,
		    idle / NS_PER_SECOND, idle % NS_PER_SECOND / NS_PER_TICK);
	return 0;
}

// The part of Linux's file that tells how long each CPU was idle, to the nanosecond.
// Waiting for the disk is not told apart.
static int show_timer_list(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "now at %lu nsecs\n", clock_monotonic_ns());
	for (u32 i = 0; i < nr_cpus; i++)
		text_printf(t, "\ncpu: %u\n  .idle_sleeptime : %lu nsecs\n  .iowait_sleeptime: 0 nsecs\n",
			    i, idle_ns(i));
	return 0;
}

static void show_cpu_line(struct text *t, const char *name, u64 busy_ns, u64 idle)
{
	text_printf(t, "%s %lu 0 0 %lu 0 0 0 0 0 0\n", name, busy_ns / NS_PER_TICK, idle / NS_PER_TICK);
}

// Of the processors user and system time are not told apart: all that is not idle counts as user.
static int show_stat(struct text *t, const struct proc_target *target)
{
	u64 now = clock_monotonic_ns(), idle = 0, running, total;
	char name[16];

	(void)target;
	for (u32 i = 0; i < nr_cpus; i++)
		idle += idle_ns(i);
	show_cpu_line(t, "cpu ", now * nr_cpus - min(idle, now * nr_cpus), idle);
	for (u32 i = 0; i < nr_cpus; i++) {
		u64 own = idle_ns(i);

		format_string(name, sizeof(name), "cpu%u", i);
		show_cpu_line(t, name, now - min(own, now), own);
	}
	sched_load(&running, &total);
	text_printf(t, "intr %lu\nctxt %lu\nbtime %lu\nprocesses %lu\nprocs_running %lu\nprocs_blocked 0\n"
		    "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
		    counter_read(COUNTER_INTERRUPTS), counter_read(COUNTER_CONTEXT_SWITCHES),
		    (clock_realtime_ns() - clock_monotonic_ns()) / NS_PER_SECOND, counter_read(COUNTER_FORKS), running);
	return 0;
}

static int show_filesystems(struct text *t, const struct proc_target *target)
{
	(void)target;
	for (struct file_system *fs = file_system_next(NULL); fs; fs = file_system_next(fs))
		text_printf(t, "%s\t%s\n", fs->needs_device ? "" : "nodev", fs->name);
	return 0;
}

// The name as one word: what reads this splits at blanks.
static void show_slab_name(struct text *t, const char *name)
{
	char word[32];

	string_copy(word, name, sizeof(word));
	for (char *c = word; *c; c++)
		*c = *c == ' ' ? '_' : *c;
	text_printf(t, "%-17s", word);
}

static int show_slabinfo(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "slabinfo - version: 2.1\n# name            <active_objs> <num_objs> <objsize> <objperslab> "
		    "<pagesperslab> : tunables <limit> <batchcount> <sharedfactor> : slabdata <active_slabs> "
		    "<num_slabs> <sharedavail>\n");
	for (struct slab_cache *c = slab_cache_next(NULL); c; c = slab_cache_next(c)) {
		show_slab_name(t, c->name);
		text_printf(t, " %6lu %6lu %6u %4u %4u : tunables    0    0    0 : slabdata %6lu %6lu      0\n",
			    c->nr_objects, c->nr_slabs * c->objects_per_slab, c->object_size, c->objects_per_slab,
			    1u << c->slab_order, c->nr_slabs, c->nr_slabs);
	}
	return 0;
}

static int show_self(char *buffer, size_t size, const struct proc_target *target)
{
	(void)target;
	return format_string(buffer, size, "%d", current_process()->pid);
}

static int show_thread_self(char *buffer, size_t size, const struct proc_target *target)
{
	(void)target;
	return format_string(buffer, size, "%d/task/%d", current_process()->pid, current->tid);
}

static int show_mounts_link(char *buffer, size_t size, const struct proc_target *target)
{
	(void)target;
	return format_string(buffer, size, "self/mounts");
}

static void add_line(void *owner, const char *line)
{
	text_printf(owner, "%s\n", line);
}

static int show_audit(struct text *t, const struct proc_target *target)
{
	struct text lines;
	u64 nr;

	(void)target;
	text_init(&lines);
	nr = audit_run(add_line, &lines);
	if (nr)
		text_printf(t, "audit: %lu problems\n", nr);
	else
		text_printf(t, "audit: clean\n");
	text_append(t, lines.data, lines.length);
	t->has_failed |= lines.has_failed;
	text_free(&lines);
	return 0;
}

static char access_letter(u8 access)
{
	return access & FAULT_WRITE ? 'w' : access & FAULT_EXEC ? 'x' : 'r';
}

// One line a fault, in the order of time: CPU:number, time, process, access,
// address, instruction, what was done, how it ended.
static int show_faults(struct text *t, const struct proc_target *target)
{
	struct faultlog_place place = { 0 };
	struct fault_record r;
	u32 cpu;

	(void)target;
	while (faultlog_next(&place, &r, &cpu)) {
		u64 ns = clock_monotonic_ns_at(r.tsc);

		text_printf(t, "%u:%lu %lu.%06lu %d %c %016lx %016lx %s %s%s\n", cpu, r.number, ns / NS_PER_SECOND,
			    ns % NS_PER_SECOND / 1000, r.pid, access_letter(r.access), r.address, r.rip,
			    fault_verb_name(r.verb), fault_result_name(r.result), r.did_io ? " disk" : "");
	}
	return 0;
}

// A string of a program, quoted; what is not printable as \\xNN.
static void show_quoted(struct text *t, const char *s)
{
	text_printf(t, " \"");
	for (; *s; s++) {
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			text_printf(t, "\\x%02x", (u8)*s);
		else
			text_append(t, s, 1);
	}
	text_printf(t, "\"");
}

// One line a call: number, time, process, the call's number, result (or ?), six arguments, up to two strings.
static int show_calls(struct text *t, const struct proc_target *target)
{
	struct call_record r;

	(void)target;
	for (u64 sequence = 0; calllog_read(sequence, &r); sequence = r.sequence + 1) {
		text_printf(t, "%lu %lu.%06lu %d %u ", r.sequence, r.time_ns / NS_PER_SECOND,
			    r.time_ns % NS_PER_SECOND / 1000, r.pid, r.number);
		if (r.has_result)
			text_printf(t, "%ld", r.result);
		else
			text_printf(t, "?");
		for (u32 i = 0; i < ARRAY_SIZE(r.arguments); i++)
			text_printf(t, " %lx", r.arguments[i]);
		for (u32 i = 0; i < ARRAY_SIZE(r.texts) && r.texts[i][0]; i++)
			show_quoted(t, r.texts[i]);
		text_printf(t, "\n");
	}
	return 0;
}

struct proc_entry proc_root_entries[] = {
	{ .name = "audit", .mode = S_IFREG | 0444, .show = show_audit },
	{ .name = "calls", .mode = S_IFREG | 0444, .show = show_calls },
	{ .name = "cmdline", .mode = S_IFREG | 0444, .show = show_cmdline },
	{ .name = "cpuinfo", .mode = S_IFREG | 0444, .show = proc_show_cpuinfo },
	{ .name = "diskstats", .mode = S_IFREG | 0444, .show = proc_show_diskstats },
	{ .name = "faults", .mode = S_IFREG | 0444, .show = show_faults },
	{ .name = "filesystems", .mode = S_IFREG | 0444, .show = show_filesystems },
	{ .name = "frames", .mode = S_IFREG | 0444, .show = proc_show_frames },
	{ .name = "iotrace", .mode = S_IFREG | 0400, .show = proc_show_iotrace },
	{ .name = "kpagecount", .mode = S_IFREG | 0400, .file_ops = &proc_kpagecount_ops },
	{ .name = "kpageflags", .mode = S_IFREG | 0400, .file_ops = &proc_kpageflags_ops },
	{ .name = "loadavg", .mode = S_IFREG | 0444, .show = proc_show_loadavg },
	{ .name = "meminfo", .mode = S_IFREG | 0444, .show = proc_show_meminfo },
	{ .name = "mounts", .mode = S_IFLNK | 0777, .link = show_mounts_link },
	{ .name = "self", .mode = S_IFLNK | 0777, .link = show_self },
	{ .name = "slabinfo", .mode = S_IFREG | 0400, .show = show_slabinfo },
	{ .name = "stat", .mode = S_IFREG | 0444, .show = show_stat },
	{ .name = "swaps", .mode = S_IFREG | 0444, .show = proc_show_swaps },
	{ .name = "sys", .mode = S_IFDIR | 0555, .children = proc_sys_entries },
	{ .name = "thread-self", .mode = S_IFLNK | 0777, .link = show_thread_self },
	{ .name = "timer_list", .mode = S_IFREG | 0400, .show = show_timer_list },
	{ .name = "uptime", .mode = S_IFREG | 0444, .show = show_uptime },
	{ .name = "version", .mode = S_IFREG | 0444, .show = show_version },
	{ .name = "vmstat", .mode = S_IFREG | 0444, .show = proc_show_vmstat },
	{ .name = NULL },
};
