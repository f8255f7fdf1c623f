#pragma once
/*
 * signal.h - telling a process that something has happened.
 * A signal is pending (for a thread or for the process) until a thread that does not block it is about to
 * return to user mode; there it runs a handler, does the default, or vanishes.
 */
#include "types.h"
#include "lib/list.h"
#include "sync/lock.h"
#include <abi/signal.h>
#include <abi/errno.h>

// In-kernel results of an interrupted call; never seen by user code (Linux's numbers).
#define ERESTARTSYS 512                 // restart when the handler has SA_RESTART, else -EINTR
#define ERESTARTNOHAND 514              // restart only when no handler ran
#define ERESTARTNOINTR 513              // always restart

struct process;
struct thread;
struct trapframe;

struct signal_handlers {
	i32 refs;                       // atomic: processes
	u64 set;                        // GUARDED_BY(lock) bit n-1: action[n-1] says what to do; others: the default
	struct kernel_sigaction action[64];     // GUARDED_BY(lock); undefined where set has no bit
	struct spinlock lock;           // RANK_HANDLERS
};

struct pending_signal {
	struct list link;
	struct siginfo info;
};

static inline u64 signal_bit(int number)
{
	return 1ul << (number - 1);
}

// A single word, which may be read without the lock.
static inline __typeof__(((struct kernel_sigaction *)0)->handler) signal_handler_of(const struct signal_handlers *h,
										    int number)
{
	return READ_ONCE(h->set) & signal_bit(number) ? READ_ONCE(h->action[number - 1].handler) : SIG_DFL;
}

extern struct wait_queue signals_sent;          // woken when a signal becomes pending for anybody: fs/signalfd.c

// To one process, one thread, a process group. info NULL: from the kernel.
// Any context but interrupts holding locks. 0 or -ESRCH.
int signal_send_process(struct process *p, int number, const struct siginfo *info);
// After SIGCONT was sent, without process_table_lock: tells the parent, if the process was stopped.
void signal_tell_continued(struct process *p);
int signal_send_thread(struct thread *t, int number, const struct siginfo *info);
// A timer's (SI_TIMER): while one of the same timer is pending only its overrun grows.
// tid 0: to the process. May sleep.
void signal_send_timer(struct process *p, int tid, int number, const struct siginfo *info);
int signal_send_group(int group, int number, const struct siginfo *info);
// A fault of the current thread at its own instruction: not to be ignored or blocked (then it kills).
void signal_fault(int number, int code, u64 address, int trap_number, u64 error_code);
bool signal_is_pending(struct thread *t);       // one that t does not block
// user_return_work's half: delivers what is pending to tf; may not return (default action: the end).
void signal_deliver(struct trapframe *tf);
// Inside proc/ and for the signal calls of the current thread:
bool signal_take(u64 allowed, struct siginfo *out);     // removes a pending signal of the set
void signal_set_mask(u64 mask);                         // SIGKILL and SIGSTOP are never blocked
// fresh NULL: only asks. -EINVAL.
int signal_set_action(int number, const struct kernel_sigaction *fresh, struct kernel_sigaction *old);
void signal_default(int number);                        // does the default; may not return
void signal_stop_here(void);                            // sleeps while the process is stopped
// rt_sigreturn: all of tf as the handler's frame has it. -EFAULT, -EINVAL: tf is as it was.
int signal_return(struct trapframe *tf) MUST_CHECK;
void signals_init(void);
void user_return_work(struct trapframe *tf);    // by entry.asm, interrupts closed, while thread.return_work is not 0
