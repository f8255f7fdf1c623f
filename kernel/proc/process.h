#pragma once
/*
 * process.h - a process: threads with one number, one address space, one set of files and signal handlers.
 *
 * Locks: process_table_lock (spin) covers who exists, parents and children, groups and sessions, exit states.
 * process->lock (mutex) covers directories and names. signal_lock (spin) covers handlers and pending signals.
 * Life: alloc -> (threads run) -> last thread exits: ZOMBIE -> parent waits: gone. A process holds its files and
 * its address space until its last thread exits; struct process until it is waited for and unreferenced.
 */
#include "types.h"
#include "lib/list.h"
#include "sync/lock.h"
#include "proc/thread.h"
#include "proc/signal.h"
#include <abi/resource.h>

struct file_table;
struct dentry;
struct file;
struct terminal;

enum process_state { PROCESS_ALIVE, PROCESS_ZOMBIE, PROCESS_GONE };

struct process {
	int pid;                        // constant
	i32 refs;                       // atomic
	u32 state;                      // GUARDED_BY(process_table_lock) enum process_state
	struct process *parent;         // GUARDED_BY(process_table_lock)
	struct list children, sibling_link;     // GUARDED_BY(process_table_lock)
	struct list threads;            // GUARDED_BY(process_table_lock) thread.process_link
	u32 nr_threads;                 // GUARDED_BY(process_table_lock)
	struct list pid_link;           // GUARDED_BY(process_table_lock) hash
	struct list all_link;           // GUARDED_BY(process_table_lock) every process, oldest first
	struct wait_queue child_wait;   // woken when a child changes state
	int group, session;             // GUARDED_BY(process_table_lock)
	struct terminal *terminal;      // GUARDED_BY(process_table_lock) controlling terminal
	bool has_execed;
	bool group_exiting;             // GUARDED_BY(process_table_lock) exit_group or exec: every other thread must go
	int exit_status;                // GUARDED_BY(process_table_lock) as wait4 reports it
	int exit_signal;                // to the parent: SIGCHLD usually
	bool stop_reported, continue_reported;  // GUARDED_BY(process_table_lock)
	bool is_stopped, was_continued; // GUARDED_BY(process_table_lock)
	bool continue_untold;           // GUARDED_BY(process_table_lock) the parent was not told yet that it goes on
	int stop_signal;

	struct mutex lock;              // RANK_PROCESS
	struct file_table *files;       // constant while a thread runs
	struct dentry *cwd, *root;      // GUARDED_BY(lock)
	u32 umask;                      // GUARDED_BY(lock)
	struct file *executable;        // GUARDED_BY(lock)
	char name[16];                  // GUARDED_BY(lock) comm

	struct spinlock signal_lock;    // RANK_SIGNAL, interrupts closed
	struct signal_handlers *handlers;       // GUARDED_BY(signal_lock); shared by CLONE_SIGHAND
	u64 pending_mask;               // GUARDED_BY(signal_lock) for any thread
	struct list pending;            // GUARDED_BY(signal_lock)
	struct list timers;             // GUARDED_BY(lock) of timer_create, by number: proc/posix_timer.h
	struct cpu_alarms *cpu_alarms;  // the two other interval timers, see proc/cpu_alarm.h; NULL: never set
	struct alarm *alarm;            // ITIMER_REAL, see proc/alarm.h; NULL: never set

	i32 oom_score_adj;              // -1000 to 1000: who goes first (mm/oom.h); inherited by fork, kept by exec
	bool is_traced;                 // its system calls enter the call log; inherited by fork, kept by exec
	struct addrspace *space;        // of its threads
	struct rlimit limits[16];       // GUARDED_BY(lock)
	u64 counts[NR_PROCESS_COUNTS];  // GUARDED_BY(process_table_lock) of threads that have ended
	u64 peak_resident;              // GUARDED_BY(process_table_lock) pages, of spaces that it has left
	struct rusage children_usage;   // GUARDED_BY(process_table_lock)
	u64 start_time_ns;
	u64 dead_threads_time_ns;       // GUARDED_BY(process_table_lock)
	u64 dead_threads_system_ns;     // GUARDED_BY(process_table_lock)
};

extern struct spinlock process_table_lock;

void processes_init(void);
struct process *process_find(int pid);                  // referenced; NULL
struct process *process_find_locked(int pid);           // process_table_lock held; not referenced
struct process *process_next(int after_pid);            // the one with the next higher pid, referenced; NULL at the end
// owner referenced; the thread is valid only under process_table_lock.
struct thread *thread_find(int tid, struct process **owner);
void process_hold(struct process *p);
void process_put(struct process *p);
static inline struct process *current_process(void);
static inline void process_count(enum process_count which);

// fork, vfork, clone, clone3. The new tid, or -errno. May sleep.
struct clone_arguments;
i64 process_clone(struct clone_arguments *args, struct trapframe *tf);
void NORETURN process_exit(int status);                 // the whole process; status as wait4 reports it
void NORETURN thread_exit(int status);                  // this thread; the last one ends the process
// process_table_lock held. Would nobody continue a job? When no member's parent is in another group of the session.
// leaving: one who does not count; NULL. (group.c)
bool group_is_orphaned_locked(int group, int session, const struct process *leaving);
i64 process_wait(int pid, int __user *status, int options, struct rusage __user *usage);        // wait4
struct siginfo;
// waitid
i64 process_wait_id(int which, int id, struct siginfo __user *info, int options, struct rusage __user *usage);
// Replaces the current program. May sleep. 0 or -errno (the old program goes on); past the point of no return
// it kills instead. The strings are used up (arguments may be rewritten for a script) but stay the caller's to free.
struct exec_strings;
int process_exec(struct dentry *start, const char *path, struct exec_strings *arguments,
		 struct exec_strings *environment) MUST_CHECK;
void NORETURN process_start_init(const char *path, char **arguments);     // by a kernel thread: becomes process 1
void process_note_peak_locked(struct process *p, const struct addrspace *left);  // process_table_lock held; NULL: none
// Processor time until now, whoever asks. What of it was spent in the kernel is found by ticks; both only grow.
struct cpu_times { u64 total_ns, system_ns; };
struct cpu_times process_cpu_times(struct process *p);
struct cpu_times thread_cpu_times(const struct thread *t);      // t stays: process_table_lock, or its own
void process_fill_usage(struct process *p, struct rusage *out);
// Each thread of the process, NULL: of all. Under process_table_lock.
void process_visit_threads(struct process *p, void (*visit)(struct thread *t, void *argument), void *argument);
void process_read_counts(struct process *p, u64 counts[NR_PROCESS_COUNTS]);    // of all its threads, dead ones too

#include "x86/cpu.h"
static inline struct process *current_process(void)
{
	return current->process;
}

// Killed, or the process is exiting: a long call of the kernel need not go on.
static inline bool current_must_die(void)
{
	struct process *p = current->process;

	return p && (READ_ONCE(p->group_exiting) ||
		     (READ_ONCE(p->pending_mask) | READ_ONCE(current->pending_mask)) & 1ul << (SIGKILL - 1));
}

static inline void process_count(enum process_count which)
{
	current->counts[which]++;
}
