/*
 * process.c - the table of processes: numbers, finding, parents, and the record's end.
 * process_table_lock (spin) covers the hash, the list of all, and the family links of every process.
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/slab.h"
#include "proc/internal.h"
#include "proc/process.h"
#include "x86/clock.h"
#include "x86/cpu.h"

#define NR_BUCKETS 256

struct spinlock process_table_lock = SPINLOCK_INIT("process table", RANK_PROCESS_TABLE);

static struct slab_cache process_slab;
static struct list pid_hash[NR_BUCKETS];        // GUARDED_BY(process_table_lock)
static struct list tid_hash[NR_BUCKETS];        // GUARDED_BY(process_table_lock)
static struct list all_processes = LIST_INIT(all_processes);    // GUARDED_BY(process_table_lock), by pid's age
static int last_number;                         // GUARDED_BY(process_table_lock)

void processes_init(void)
{
	slab_cache_init(&process_slab, "process", sizeof(struct process), 16);
	for (u32 i = 0; i < NR_BUCKETS; i++) {
		list_init(&pid_hash[i]);
		list_init(&tid_hash[i]);
	}
}

struct process *process_find_locked(int pid)
{
	struct process *p;

	list_for_each(p, &pid_hash[(u32)pid % NR_BUCKETS], pid_link) {
		if (p->pid == pid)
			return p;
	}
	return NULL;
}

static struct thread *find_thread_locked(int tid)
{
	struct thread *t;

	list_for_each(t, &tid_hash[(u32)tid % NR_BUCKETS], tid_link) {
		if (t->tid == tid)
			return t;
	}
	return NULL;
}

static bool number_is_used(int n)
{
	struct process *p;

	if (process_find_locked(n) || find_thread_locked(n))
		return true;
	list_for_each(p, &all_processes, all_link) {
		if (p->group == n || p->session == n)
			return true;
	}
	return false;
}

int number_alloc_locked(void)
{
	do {
		last_number = last_number >= PID_MAX - 1 ? 300 : last_number + 1;
	} while (number_is_used(last_number));
	return last_number;
}

void thread_enter_locked(struct process *p, struct thread *t)
{
	t->process = p;
	list_push_back(&p->threads, &t->process_link);
	list_push_back(&tid_hash[(u32)t->tid % NR_BUCKETS], &t->tid_link);
	p->nr_threads++;
}

void process_take_number_locked(struct process *p, struct thread *t)
{
	list_remove(&t->tid_link);
	t->tid = p->pid;
	list_push_back(&tid_hash[(u32)t->tid % NR_BUCKETS], &t->tid_link);
}

void thread_leave_locked(struct process *p, struct thread *t)
{
	list_remove(&t->process_link);
	list_remove(&t->tid_link);
	p->nr_threads--;
	process_take_counts_locked(p, t);
}

void process_take_counts_locked(struct process *p, struct thread *t)
{
	for (u32 i = 0; i < NR_PROCESS_COUNTS; i++) {
		p->counts[i] += t->counts[i];
		t->counts[i] = 0;
	}
}

static void visit_threads_locked(struct process *p, void (*visit)(struct thread *t, void *argument), void *argument)
{
	struct thread *t;

	list_for_each(t, &p->threads, process_link)
		visit(t, argument);
}

void process_visit_threads(struct process *p, void (*visit)(struct thread *t, void *argument), void *argument)
{
	spin_lock(&process_table_lock);
	if (p) {
		visit_threads_locked(p, visit, argument);
	} else {
		list_for_each(p, &all_processes, all_link)
			visit_threads_locked(p, visit, argument);
	}
	spin_unlock(&process_table_lock);
}

void process_read_counts(struct process *p, u64 counts[NR_PROCESS_COUNTS])
{
	struct thread *t;

	spin_lock(&process_table_lock);
	memcpy(counts, p->counts, sizeof(p->counts));
	list_for_each(t, &p->threads, process_link) {
		for (u32 i = 0; i < NR_PROCESS_COUNTS; i++)
			counts[i] += READ_ONCE(t->counts[i]);
	}
	spin_unlock(&process_table_lock);
}

void process_enter_locked(struct process *p)
{
	list_push_back(&pid_hash[(u32)p->pid % NR_BUCKETS], &p->pid_link);
	list_push_back(&all_processes, &p->all_link);
	if (p->parent)
		list_push_back(&p->parent->children, &p->sibling_link);
}

void process_leave_locked(struct process *p)
{
	list_remove(&p->pid_link);
	list_remove(&p->all_link);
	list_remove(&p->sibling_link);
}

struct process *process_alloc(void)
{
	struct process *p = slab_alloc_zeroed(&process_slab);

	if (!p)
		return NULL;
	p->refs = 1;
	list_init(&p->children);
	list_init(&p->sibling_link);
	list_init(&p->threads);
	list_init(&p->pid_link);
	list_init(&p->all_link);
	list_init(&p->pending);
	list_init(&p->timers);
	wait_queue_init(&p->child_wait);
	mutex_init(&p->lock, "process.lock", RANK_PROCESS);
	spin_init(&p->signal_lock, "process.signal_lock", RANK_SIGNAL);
	p->exit_signal = SIGCHLD;
	p->umask = 022;
	p->start_time_ns = clock_monotonic_ns();
	return p;
}

void process_hold(struct process *p)
{
	atomic_add(&p->refs, 1);
}

void process_put(struct process *p)
{
	if (atomic_sub_return(&p->refs, 1) == 0)
		slab_free(&process_slab, p);
}

struct process *process_find(int pid)
{
	spin_lock(&process_table_lock);
	struct process *p = process_find_locked(pid);

	if (p)
		process_hold(p);
	spin_unlock(&process_table_lock);
	return p;
}

struct process *process_next(int after_pid)
{
	struct process *p, *best = NULL;

	spin_lock(&process_table_lock);
	list_for_each(p, &all_processes, all_link) {
		if (p->pid > after_pid && (!best || p->pid < best->pid))
			best = p;
	}
	if (best)
		process_hold(best);
	spin_unlock(&process_table_lock);
	return best;
}

struct thread *thread_find(int tid, struct process **owner)
{
	struct thread *t = find_thread_locked(tid);

	if (t && owner) {
		*owner = t->process;
		process_hold(t->process);
	}
	return t;
}

void processes_for_each_locked(bool (*f)(struct process *p, void *argument), void *argument)
{
	struct process *p, *following;

	list_for_each_safe(p, following, &all_processes, all_link) {
		if (!f(p, argument))
			return;
	}
}

struct cpu_times thread_cpu_times(const struct thread *t)
{
	u64 done = READ_ONCE(t->cpu_time_ns), started = READ_ONCE(t->started_ns), rest = READ_ONCE(t->rest_since_ns);
	u64 now = rest ? rest : clock_monotonic_ns();           // of its sleep nothing counts
	bool runs = READ_ONCE(cpus[t->cpu].running) == t;
	struct cpu_times times = { READ_ONCE(t->cpu_time_ns), READ_ONCE(t->system_time_ns) };

	// It runs, or rests, and did so all the time while we looked.
	if (runs && times.total_ns == done && READ_ONCE(t->started_ns) == started &&
	    READ_ONCE(t->rest_since_ns) == rest && now > started)
		times.total_ns += now - started;
	times.system_ns = min(times.system_ns, times.total_ns);
	return times;
}

struct cpu_times process_cpu_times(struct process *p)
{
	struct cpu_times sum;
	struct thread *t;

	spin_lock(&process_table_lock);
	sum = (struct cpu_times){ p->dead_threads_time_ns, p->dead_threads_system_ns };
	list_for_each(t, &p->threads, process_link) {
		struct cpu_times one = thread_cpu_times(t);

		sum.total_ns += one.total_ns;
		sum.system_ns += one.system_ns;
	}
	spin_unlock(&process_table_lock);
	return sum;
}

void process_note_peak_locked(struct process *p, const struct addrspace *left)
{
	if (left)
		p->peak_resident = max(p->peak_resident, addrspace_peak(left));
}

// In pages, of all the spaces that it has had.
static u64 peak_resident(struct process *p)
{
	spin_lock(&process_table_lock);
	u64 peak = p->space ? max(p->peak_resident, addrspace_peak(p->space)) : p->peak_resident;

	spin_unlock(&process_table_lock);
	return peak;
}

void process_fill_usage(struct process *p, struct rusage *out)
{
	struct cpu_times times = process_cpu_times(p);
	u64 counts[NR_PROCESS_COUNTS];

	process_read_counts(p, counts);
	*out = (struct rusage){ .ru_utime = timeval_of(times.total_ns - times.system_ns),
				.ru_stime = timeval_of(times.system_ns) };
	out->ru_maxrss = (long)(peak_resident(p) * (PAGE_SIZE / 1024));
	out->ru_minflt = (long)counts[COUNT_MINOR_FAULTS];
	out->ru_majflt = (long)counts[COUNT_MAJOR_FAULTS];
	out->ru_inblock = (long)counts[COUNT_DISK_READS];
	out->ru_oublock = (long)counts[COUNT_DISK_WRITES];
	out->ru_nvcsw = (long)counts[COUNT_SWITCHES_WAITED];
	out->ru_nivcsw = (long)counts[COUNT_SWITCHES_FORCED];
}
