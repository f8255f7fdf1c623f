#pragma once
/*
 * thread.h - what the scheduler switches between: a kernel stack and, for user threads, the user registers
 * at its top. A process (proc/process.h) is one or more threads that share an address space and a number.
 *
 * Locks: state, cpu, run_link, on_queue: the run queue's lock of thread.cpu. signal fields: process->signal_lock.
 * The rest only by the thread itself, or before it runs.
 */
#include "types.h"
#include "lib/list.h"
#include "sync/lock.h"
#include "x86/kernel_map.h"
#include "x86/trapframe.h"

struct process;
struct addrspace;

enum thread_state {
	THREAD_RUNNABLE,                // running, or on a run queue
	THREAD_SLEEPING,                // only a wake-up ends it
	THREAD_INTERRUPTIBLE,           // a signal ends it too
	THREAD_STOPPED,                 // by a signal; SIGCONT or SIGKILL ends it
	THREAD_DEAD,                    // will never run again
};

enum return_work {                      // thread.return_work: what to do before user code runs again
	WORK_RESCHEDULE = 1u << 0,
	WORK_SIGNAL = 1u << 1,
	WORK_START = 1u << 3,           // a new thread stores its number (set_child_tid)
	WORK_RESTORE_MASK = 1u << 2,    // saved_signal_mask is to be restored (rt_sigsuspend, ppoll)
};

enum process_count {                    // /proc/PID/counts and getrusage; counted by each thread for itself
	COUNT_MINOR_FAULTS, COUNT_MAJOR_FAULTS, COUNT_COW_COPIES, COUNT_ZERO_FILLS, COUNT_MAP_FAULTS,
	COUNT_DIRTY_FAULTS, COUNT_CACHE_FILLS, COUNT_DISK_READS, COUNT_DISK_WRITES, COUNT_SYSCALLS,
	COUNT_SWITCHES_WAITED, COUNT_SWITCHES_FORCED, NR_PROCESS_COUNTS
};

struct pending_signal;
struct call_record;
struct file;

struct thread {
	/* offsets known to entry.asm and switch.asm (x86/offsets.c) */
	u64 saved_rsp;                  // while it does not run
	u64 return_work;                // atomic, enum return_work
	void *stack;                    // KERNEL_STACK_SIZE bytes, a guard page below
	u32 faults_off;                 // > 0: page faults of copies are not resolved (x86/uaccess.h)

	u32 state;                      // enum thread_state
	u32 cpu;                        // where it runs or last ran
	bool on_queue;
	struct list run_link;           // in runqueue.threads
	u64 slice_end_ns;
	u64 slice_ns;                   // how long it may run before others do: by its nice value
	i8 nice;                        // GUARDED_BY(process_table_lock)
	bool must_move;                 // it leaves a CPU that it may not run on: who runs next there puts it elsewhere
	u64 allowed_cpus;               // GUARDED_BY(the queue's lock of thread.cpu) bit n: CPU n
	bool is_reclaiming;             // inside reclaim: its own allocations take from the reserve and do not reclaim
	u64 cpu_time_ns, started_ns;    // user and system together
	u64 rest_since_ns;              // asleep, still on its CPU, which nobody else wants (rest() in sched.c); 0: not
	u64 system_time_ns;             // of that, what ticks found it in the kernel; the rest is user time
	u64 counts[NR_PROCESS_COUNTS];  // since the last process_take_counts_locked; read by others
	struct file *borrowed;          // atomic: what its read or write uses, perhaps unreferenced; see fd_borrow()
	struct plug *plug;              // bios that it keeps back (dev/block.h); NULL: none
	u32 nr_dirtied;                 // pages since it last waited for the flusher (cache/flusher.c)

	int tid;
	char name[16];
	struct process *process;        // NULL: kernel thread
	struct addrspace *space;        // NULL: kernel thread
	struct list process_link;       // GUARDED_BY(process_table_lock) process.threads
	struct list tid_link;           // GUARDED_BY(process_table_lock) hash

	u64 fs_base, gs_base;           // user's
	void *fpu;                      // see x86/fpu.h; NULL: kernel thread
	u32 fpu_cpu;                    // on which CPU's registers they may still be

	u64 signal_mask;                // written by the thread itself, under signal_lock
	u64 saved_signal_mask;
	u64 awaited_signals;            // by rt_sigtimedwait: queued even where they would be ignored
	u64 pending_mask;               // GUARDED_BY(signal_lock) bit n-1: signal n pending for this thread
	struct list pending;            // GUARDED_BY(signal_lock) struct pending_signal
	bool has_taken_stop;            // GUARDED_BY(signal_lock) a stop signal: it stops unless SIGCONT comes before
	u64 alternate_stack, alternate_stack_size;
	u32 alternate_stack_flags;
	// GUARDED_BY(signal_lock) pending, too, without a record: raised by this thread's instruction; 0: none.
	int fault_signal;
	int fault_code;                 // its si_code
	u64 fault_address, fault_error; // of the last fault that became a signal, for its frame
	u32 fault_trap;

	u32 __user *clear_child_tid;    // set_tid_address, CLONE_CHILD_CLEARTID
	void __user *robust_list;
	u32 __user *set_child_tid;      // CLONE_CHILD_SETTID: stored by the child itself, in its own memory
	struct vfork_ticket *vfork;     // the parent waits until exec or exit; NULL: nobody does
	struct call_record *call_record;        // of the traced call under way; see sys/calls.h
	void (*kernel_function)(void *argument);
	void *kernel_argument;

	u32 nr_held;                    // debug: sleeping locks held
	struct { const void *lock; const char *name; u8 rank; void *site; } held[LOCKS_HELD_MAX];
};

static inline struct trapframe *thread_user_frame(struct thread *t)
{
	return (struct trapframe *)((char *)t->stack + KERNEL_STACK_SIZE) - 1;
}

// A thread that runs function(argument) in the kernel and ends when it returns. NULL: no memory.
struct thread *kernel_thread_create(const char *name, void (*function)(void *argument), void *argument);
// An empty thread with stack, not yet runnable. NULL: no memory.
struct thread *thread_alloc(const char *name);
void thread_free(struct thread *t);             // not running, in no list
void threads_init(void);
u64 threads_count(void);
