/*
 * sigframe.c - the way to a handler and back. On the user's stack the kernel leaves the interrupted registers, the
 * signal's details and the FPU's state in Linux's layout (abi/signal.h), and lets the thread return into the handler;
 * the handler returns into sa_restorer, which calls rt_sigreturn, which takes everything from there again. What comes
 * back is not trusted: segments stay the user's, flags are filtered, addresses are checked by the return path.
 */
#include "kernel.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "proc/internal.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/signal.h"
#include "x86/fpu.h"
#include "x86/irq.h"
#include "x86/segs.h"
#include "x86/uaccess.h"

#define RED_ZONE 128                    // below rsp, the user's (System V ABI 3.2.2)
#define USER_FLAGS 0x240dd5ul           // the rflags bits that user code may set: CF PF AF ZF SF TF DF OF AC ID

struct signal_frame {                   // at the handler's rsp
	u64 restorer;
	struct ucontext context;
	siginfo_t info;
};

static void save_registers(struct sigcontext *s, const struct trapframe *tf)
{
	s->r8 = tf->r8;
	s->r9 = tf->r9;
	s->r10 = tf->r10;
	s->r11 = tf->r11;
	s->r12 = tf->r12;
	s->r13 = tf->r13;
	s->r14 = tf->r14;
	s->r15 = tf->r15;
	s->di = tf->rdi;
	s->si = tf->rsi;
	s->bp = tf->rbp;
	s->bx = tf->rbx;
	s->dx = tf->rdx;
	s->ax = tf->rax;
	s->cx = tf->rcx;
	s->sp = tf->rsp;
	s->ip = tf->rip;
	s->flags = tf->rflags;
	s->cs = (u16)tf->cs;
	s->gs = s->fs = 0;
	s->ss = (u16)tf->ss;
	s->err = current->fault_error;
	s->trapno = current->fault_trap;
	s->cr2 = current->fault_address;
	s->oldmask = current->signal_mask;
	__builtin_memset(s->reserved1, 0, sizeof(s->reserved1));
}

static void load_registers(struct trapframe *tf, const struct sigcontext *s)
{
	tf->r8 = s->r8;
	tf->r9 = s->r9;
	tf->r10 = s->r10;
	tf->r11 = s->r11;
	tf->r12 = s->r12;
	tf->r13 = s->r13;
	tf->r14 = s->r14;
	tf->r15 = s->r15;
	tf->rdi = s->di;
	tf->rsi = s->si;
	tf->rbp = s->bp;
	tf->rbx = s->bx;
	tf->rdx = s->dx;
	tf->rax = s->ax;
	tf->rcx = s->cx;
	tf->rsp = s->sp;
	tf->rip = s->ip;
	tf->rflags = (tf->rflags & ~USER_FLAGS) | (s->flags & USER_FLAGS);
	tf->cs = SELECTOR_USER_CODE;
	tf->ss = SELECTOR_USER_DATA;
}

static bool is_on_alternate_stack(u64 rsp)
{
	return rsp > current->alternate_stack && rsp - current->alternate_stack <= current->alternate_stack_size;
}

static u64 choose_stack(const struct trapframe *tf, const struct kernel_sigaction *a)
{
	bool has_one = current->alternate_stack_size && !(current->alternate_stack_flags & SS_DISABLE);

	if (a->flags & SA_ONSTACK && has_one && !is_on_alternate_stack(tf->rsp))
		return current->alternate_stack + current->alternate_stack_size;
	return tf->rsp - RED_ZONE;
}

static int push_frame(struct trapframe *tf, const struct kernel_sigaction *a, const struct siginfo *info, u64 mask)
{
	struct signal_frame frame;              // every byte of it is written: it goes to user memory
	u64 top = choose_stack(tf, a), fpu_at = (top - fpu_area_size() - 64) & ~63ul;
	u64 at = ((fpu_at - sizeof(frame)) & ~15ul) - 8;        // as after a call: rsp + 8 is 16-aligned

	frame.restorer = (u64)a->restorer;
	frame.info = *info;
	frame.context.uc_flags = 0x6;   // UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
	frame.context.uc_link = NULL;
	__builtin_memset(&frame.context.uc_stack, 0, sizeof(frame.context.uc_stack));   // there is a hole in it
	frame.context.uc_stack.ss_sp = (void *)current->alternate_stack;
	frame.context.uc_stack.ss_size = current->alternate_stack_size;
	frame.context.uc_stack.ss_flags = (int)current->alternate_stack_flags;
	save_registers(&frame.context.uc_mcontext, tf);
	frame.context.uc_mcontext.fpstate = (void *)fpu_at;
	frame.context.uc_sigmask = mask;
	// Beside the alternate stack lies somebody else's memory.
	if (is_on_alternate_stack(top) && !is_on_alternate_stack(at))
		return -EFAULT;
	if (!user_range_is_valid((void *)at, fpu_at - at + fpu_area_size()) || fpu_save_to_user((void *)fpu_at) ||
	    copy_to_user((void *)at, &frame, sizeof(frame)))
		return -EFAULT;
	if (current->alternate_stack_flags & SS_AUTODISARM)
		current->alternate_stack_size = 0;
	tf->rsp = at;
	tf->rip = (u64)a->handler;
	tf->rdi = (u64)info->si_signo;
	tf->rsi = at + offsetof(struct signal_frame, info);
	tf->rdx = at + offsetof(struct signal_frame, context);
	tf->rax = 0;
	tf->rflags &= ~(0x400ul | 0x100ul);     // DF, TF
	tf->vector = 0;                         // no longer a system call: nothing to restart, all registers count
	return 0;
}

// The interrupted call's fate, before a handler runs.
static void restart_for_handler(struct trapframe *tf, const struct kernel_sigaction *a)
{
	if (tf->vector != TRAP_SYSCALL)
		return;
	i64 result = (i64)tf->rax;

	if (result == -ERESTARTNOHAND || (result == -ERESTARTSYS && !(a->flags & SA_RESTART))) {
		tf->rax = (u64)-EINTR;
	} else if (result == -ERESTARTSYS || result == -ERESTARTNOINTR) {
		tf->rax = tf->error;            // the call's number
		tf->rip -= 2;                   // the SYSCALL instruction
	}
}

static void restart_without_handler(struct trapframe *tf)
{
	if (tf->vector != TRAP_SYSCALL)
		return;
	i64 result = (i64)tf->rax;

	if (result == -ERESTARTNOHAND || result == -ERESTARTSYS || result == -ERESTARTNOINTR) {
		tf->rax = tf->error;
		tf->rip -= 2;
		tf->vector = 0;
	}
}

static void run_handler(struct trapframe *tf, const struct kernel_sigaction *a, const struct siginfo *info)
{
	u64 mask = current->return_work & WORK_RESTORE_MASK ? current->saved_signal_mask : current->signal_mask;

	atomic_and(&current->return_work, ~(u64)WORK_RESTORE_MASK);
	restart_for_handler(tf, a);
	if (push_frame(tf, a, info, mask)) {
		// No room for the frame: SIGSEGV, and if that was it, the end.
		if (info->si_signo == SIGSEGV)
			process_exit(SIGSEGV);
		signal_fault(SIGSEGV, SI_KERNEL, 0, 0, 0);
		return;
	}
	u64 blocked = current->signal_mask | a->mask;

	if (!(a->flags & SA_NODEFER))
		blocked |= signal_bit(info->si_signo);
	signal_set_mask(blocked);
}

void signal_deliver(struct trapframe *tf)
{
	struct siginfo info;

	for (;;) {
		struct process *p = current_process();

		if (READ_ONCE(p->group_exiting))
			thread_exit(p->exit_status);
		if (READ_ONCE(p->is_stopped) && !((p->pending_mask | current->pending_mask) & signal_bit(SIGKILL))) {
			signal_stop_here();
			continue;
		}
		if (!signal_take(~current->signal_mask, &info))
			break;
		struct kernel_sigaction a = signal_action_take(p, info.si_signo);

		if (a.handler == SIG_IGN)
			continue;
		if (a.handler == SIG_DFL) {
			signal_default(info.si_signo);
			continue;
		}
		run_handler(tf, &a, &info);
	}
	restart_without_handler(tf);
	if (current->return_work & WORK_RESTORE_MASK) {
		atomic_and(&current->return_work, ~(u64)WORK_RESTORE_MASK);
		signal_set_mask(current->saved_signal_mask);
	}
}

void user_return_work(struct trapframe *tf)
{
	interrupts_open();
	u64 work = READ_ONCE(current->return_work);

	if (work & WORK_START) {
		atomic_and(&current->return_work, ~(u64)WORK_START);
		// A bad address is the creator's loss, as on Linux.
		(void)!copy_to_user(current->set_child_tid, &current->tid, sizeof(current->tid));
	}
	if (work & WORK_RESCHEDULE) {
		process_count(COUNT_SWITCHES_FORCED);
		schedule();
	}
	if (work & (WORK_SIGNAL | WORK_RESTORE_MASK)) {
		atomic_and(&current->return_work, ~(u64)WORK_SIGNAL);
		signal_deliver(tf);
	}
	interrupts_close();
}

int signal_return(struct trapframe *tf)
{
	struct ucontext context;
	u64 at = tf->rsp - 8;           // the handler's RET took the restorer's address
	int error = copy_from_user(&context, (void *)(at + offsetof(struct signal_frame, context)), sizeof(context));

	if (!error)
		error = fpu_restore_from_user(context.uc_mcontext.fpstate);
	if (error)
		return error;
	load_registers(tf, &context.uc_mcontext);
	tf->vector = 0;
	current->alternate_stack = (u64)context.uc_stack.ss_sp;
	current->alternate_stack_size = context.uc_stack.ss_size;
	current->alternate_stack_flags = (u32)context.uc_stack.ss_flags & ~(u32)SS_ONSTACK;
	signal_set_mask(context.uc_sigmask);
	return 0;
}
