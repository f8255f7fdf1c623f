#pragma once
/*
 * internal.h - what the files of proc/ share among themselves. "_locked": process_table_lock is held.
 */
#include "types.h"
#include "proc/process.h"

#define PID_MAX 32768

struct process *process_alloc(void);                    // NULL: no memory
int number_alloc_locked(void);                          // a number that is no pid, tid, group or session
void process_enter_locked(struct process *p);           // into the table and its parent's children
void process_leave_locked(struct process *p);
void thread_enter_locked(struct process *p, struct thread *t);
void thread_leave_locked(struct process *p, struct thread *t);
void process_take_counts_locked(struct process *p, struct thread *t);   // what t has counted becomes the process's own
void processes_for_each_locked(bool (*f)(struct process *p, void *argument), void *argument);  // stops at false

struct signal_handlers *signal_handlers_create(void);
struct signal_handlers *signal_handlers_copy(struct process *from);
struct signal_handlers *signal_handlers_share(struct process *p);       // CLONE_SIGHAND
void signal_handlers_put(struct signal_handlers *h);
void signal_handlers_init(void);
// exec: a table of its own, if it was shared; handlers go back to the default, ignored signals stay ignored. -ENOMEM
int signal_handlers_reset_for_exec(struct process *p) MUST_CHECK;
struct kernel_sigaction signal_action_get(struct process *p, int number);                       // signal_lock held
void signal_action_set(struct process *p, int number, const struct kernel_sigaction *a);        // signal_lock held
struct kernel_sigaction signal_action_take(struct process *p, int number);      // delivery: SA_RESETHAND takes it away

/* group.c: jobs */
void process_set_stopped_locked(struct process *p, bool is_stopped);
void groups_lose(struct process *p);    // p ends: stopped jobs that it orphans get SIGHUP and SIGCONT. May sleep
/* exit.c, wait.c */
void process_reap(struct process *p);   // a zombie that is claimed (GONE): its record leaves the table
void usage_add(struct rusage *to, const struct rusage *from);
void signals_drop_pending(struct list *pending, u64 *mask);     // signal_lock held, or nobody else knows the list
void thread_work_add(struct thread *t, u64 work);       // and makes the thread notice
void vfork_release(struct thread *t);                   // exec or exit: the parent may go on
// exec: returns when the caller is alone, and has the process's number.
// -EINTR: the process is ending already. May sleep.
int process_kill_other_threads(void) MUST_CHECK;
void process_take_number_locked(struct process *p, struct thread *t);   // t, the only one, takes the process's number
// Tells the parent that p stopped, continued or ended (SIGCHLD and the wait queue). process_table_lock not held.
void process_tell_parent(struct process *p, int code, int status);
