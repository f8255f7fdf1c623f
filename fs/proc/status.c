/*
 * status.c - a process, or one thread of it, in numbers: stat (one line), status (a line each), statm (pages).
 * Copied under the locks first, printed afterwards.
 * Faults and switches are counted for the process, so a thread shows those of all.
 */
#include "dev/terminal.h"
#include "fs/proc/peek.h"
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "proc/process.h"
#include "proc/signal.h"
#include "x86/clock.h"
#include <abi/errno.h>

#define NS_PER_TICK 10000000ul
#define KIB_PER_PAGE (PAGE_SIZE / 1024)
#define TERMINAL_DEVICE 0x440           // ttyS0: 4, 64

struct snapshot {
	char name[16];
	char state;
	int pid, tid, parent, group, session, terminal, terminal_group;
	u32 nr_threads, cpu, umask, nr_descriptors;
	int nice;
	u64 allowed_cpus;
	u64 minor_faults, major_faults, child_minor, child_major;
	u64 waited, forced;
	u64 user_ticks, system_ticks, child_user_ticks, child_system_ticks, start_ticks;
	u64 pending, shared_pending, blocked, ignored, caught;
	u64 swapped;
	u64 resident, peak, anonymous, file_pages, nr_tables, limit;
	struct area_sums sums;
	vaddr_t code_start, code_end, stack_start, data_start, data_end, heap_start;
	vaddr_t arguments_start, arguments_end, environment_start, environment_end;
	int exit_status;
	bool has_memory;
};

static char state_letter(const struct process *p, const struct thread *t)
{
	if (p->state != PROCESS_ALIVE || !t)
		return 'Z';
	switch ((enum thread_state)READ_ONCE(t->state)) {
	case THREAD_RUNNABLE:
		return 'R';
	case THREAD_SLEEPING:
		return 'D';
	case THREAD_INTERRUPTIBLE:
		return 'S';
	case THREAD_STOPPED:
		return 'T';
	case THREAD_DEAD:
		return 'X';
	}
	return 'S';
}

static const char *state_name(char letter)
{
	switch (letter) {
	case 'R':
		return "R (running)";
	case 'D':
		return "D (disk sleep)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	case 'X':
		return "X (dead)";
	default:
		return "S (sleeping)";
	}
}

static u64 ticks_of(struct timeval t)
{
	return (u64)t.tv_sec * 100 + (u64)t.tv_usec / 10000;
}

// process_table_lock held. The thread of that number; NULL: it has ended.
static struct thread *thread_of(struct process *p, int tid)
{
	struct thread *t;

	list_for_each(t, &p->threads, process_link) {
		if (t->tid == tid)
			return t;
	}
	return NULL;
}

static void note_times(struct snapshot *s, struct cpu_times times)
{
	s->user_ticks = (times.total_ns - times.system_ns) / NS_PER_TICK;
	s->system_ticks = times.system_ns / NS_PER_TICK;
}

static void take_table_part(struct snapshot *s, struct process *p)
{
	struct thread *t;

	spin_lock(&process_table_lock);
	t = thread_of(p, s->tid ? s->tid : p->pid);
	s->state = state_letter(p, t);
	if (t) {
		memcpy(s->name, t->name, sizeof(s->name));
		if (s->tid)
			note_times(s, thread_cpu_times(t));
	}
	s->parent = p->parent ? p->parent->pid : 0;
	s->group = p->group;
	s->session = p->session;
	s->terminal = p->terminal ? TERMINAL_DEVICE : 0;
	s->terminal_group = p->terminal && p->terminal->group ? p->terminal->group : -1;
	s->nr_threads = p->nr_threads;
	s->cpu = t ? t->cpu : 0;
	s->nice = t ? t->nice : 0;
	s->allowed_cpus = (t ? t->allowed_cpus : U64_MAX) & ((1ul << nr_cpus) - 1);
	s->pending = t ? t->pending_mask : 0;
	s->blocked = t ? t->signal_mask : 0;
	s->exit_status = p->exit_status;
	s->child_minor = (u64)p->children_usage.ru_minflt;
	s->child_major = (u64)p->children_usage.ru_majflt;
	s->child_user_ticks = ticks_of(p->children_usage.ru_utime);
	s->child_system_ticks = ticks_of(p->children_usage.ru_stime);
	spin_unlock(&process_table_lock);
}

static void take_signal_part(struct snapshot *s, struct process *p)
{
	u64 flag = spin_lock_irq(&p->signal_lock);

	s->shared_pending = p->pending_mask;
	for (int i = 0; p->handlers && i < 64; i++) {
		u64 handler = (u64)signal_handler_of(p->handlers, i + 1);

		if (handler == (u64)SIG_IGN)
			s->ignored |= 1ul << i;
		else if (handler != (u64)SIG_DFL)
			s->caught |= 1ul << i;
	}
	spin_unlock_irq(&p->signal_lock, flag);
}

static void take_memory_part(struct snapshot *s, int pid)
{
	struct addrspace *as = addrspace_of_process(pid);

	if (!as)
		return;
	s->has_memory = true;
	peek_sums(as, &s->sums);
	s->resident = addrspace_resident(as);
	s->peak = addrspace_peak(as);
	s->anonymous = resident_read(as, RESIDENT_ANON);
	s->swapped = (u64)max(READ_ONCE(as->nr_swapped), 0l);
	s->file_pages = resident_read(as, RESIDENT_FILE);
	s->nr_tables = READ_ONCE(as->nr_tables);
	s->code_start = as->code_start;
	s->code_end = as->code_end;
	s->data_start = as->data_start;
	s->data_end = as->data_end;
	s->heap_start = as->heap_start;
	s->stack_start = as->stack_start;
	s->arguments_start = as->arguments_start;
	s->arguments_end = as->arguments_end;
	s->environment_start = as->environment_start;
	s->environment_end = as->environment_end;
	addrspace_put(as);
}

static int snapshot_take(struct snapshot *s, const struct proc_target *target)
{
	struct process *p = process_find(target->pid);
	u64 counts[NR_PROCESS_COUNTS];

	if (!p)
		return -ESRCH;
	*s = (struct snapshot){ .pid = target->pid, .tid = target->tid };
	process_read_counts(p, counts);
	take_table_part(s, p);
	take_signal_part(s, p);
	take_memory_part(s, target->pid);
	if (!s->tid)
		note_times(s, process_cpu_times(p));
	s->start_ticks = p->start_time_ns / NS_PER_TICK;
	s->minor_faults = counts[COUNT_MINOR_FAULTS];
	s->major_faults = counts[COUNT_MAJOR_FAULTS];
	s->waited = counts[COUNT_SWITCHES_WAITED];
	s->forced = counts[COUNT_SWITCHES_FORCED];
	mutex_lock(&p->lock);
	if (!s->name[0])                // the thread has ended
		memcpy(s->name, p->name, sizeof(s->name));
	s->umask = p->umask;
	s->nr_descriptors = p->files ? READ_ONCE(p->files->capacity) : 0;
	s->limit = p->limits[RLIMIT_RSS].rlim_cur;
	mutex_unlock(&p->lock);
	process_put(p);
	return 0;
}

// The 52 fields of proc(5), in its order.
int proc_show_pid_stat(struct text *t, const struct proc_target *target)
{
	struct snapshot s;
	int error = snapshot_take(&s, target);

	if (error)
		return error;
	text_printf(t, "%d (%s) %c %d %d %d %d %d 0 %lu %lu %lu %lu ", s.tid ? s.tid : s.pid, s.name, s.state,
		    s.parent, s.group, s.session, s.terminal, s.terminal_group,
		    s.minor_faults, s.child_minor, s.major_faults, s.child_major);
	text_printf(t, "%lu %lu %lu %lu %d %d %u 0 %lu %lu %lu %lu ",
		    s.user_ticks, s.system_ticks, s.child_user_ticks, s.child_system_ticks, 20 + s.nice, s.nice,
		    s.nr_threads, s.start_ticks, s.sums.size * PAGE_SIZE, s.resident, s.limit);
	text_printf(t, "%lu %lu %lu 0 0 %lu %lu %lu %lu 0 0 0 17 %u 0 0 0 0 0 ", s.code_start, s.code_end,
		    s.stack_start, s.pending & 0x7fffffff, s.blocked & 0x7fffffff, s.ignored & 0x7fffffff,
		    s.caught & 0x7fffffff, s.cpu);
	text_printf(t, "%lu %lu %lu %lu %lu %lu %lu %d\n", s.data_start, s.data_end, s.heap_start, s.arguments_start,
		    s.arguments_end, s.environment_start, s.environment_end, s.exit_status);
	return 0;
}

static void show_kib(struct text *t, const char *name, u64 nr_pages)
{
	text_printf(t, "%s:\t%8lu kB\n", name, nr_pages * KIB_PER_PAGE);
}

static void show_memory(struct text *t, const struct snapshot *s)
{
	show_kib(t, "VmPeak", s->sums.size);
	show_kib(t, "VmSize", s->sums.size);
	show_kib(t, "VmLck", s->sums.locked);
	show_kib(t, "VmPin", 0);
	show_kib(t, "VmHWM", s->peak);
	show_kib(t, "VmRSS", s->resident);
	show_kib(t, "RssAnon", s->anonymous);
	show_kib(t, "RssFile", s->file_pages);
	show_kib(t, "RssShmem", 0);
	show_kib(t, "VmData", s->sums.data);
	show_kib(t, "VmStk", s->sums.stack);
	show_kib(t, "VmExe", s->sums.code);
	show_kib(t, "VmLib", s->sums.library);
	show_kib(t, "VmPTE", s->nr_tables);
	show_kib(t, "VmSwap", s->swapped);
}

int proc_show_pid_status(struct text *t, const struct proc_target *target)
{
	struct snapshot s;
	int error = snapshot_take(&s, target);

	if (error)
		return error;
	text_printf(t, "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		    s.name, s.umask, state_name(s.state), s.pid, s.tid ? s.tid : s.pid, s.parent);
	text_printf(t, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t%u\nGroups:\t0 \n", s.nr_descriptors);
	if (s.has_memory)
		show_memory(t, &s);
	text_printf(t, "Threads:\t%u\nSigQ:\t0/1024\nSigPnd:\t%016lx\nShdPnd:\t%016lx\n"
		    "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		    s.nr_threads, s.pending, s.shared_pending, s.blocked, s.ignored, s.caught);
	text_printf(t, "Cpus_allowed:\t%lx\nvoluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		    s.allowed_cpus, s.waited, s.forced);
	return 0;
}

int proc_show_pid_statm(struct text *t, const struct proc_target *target)
{
	struct snapshot s;
	int error = snapshot_take(&s, target);

	if (error)
		return error;
	text_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", s.sums.size, s.resident, s.file_pages, s.sums.code,
		    s.sums.data + s.sums.stack);
	return 0;
}
