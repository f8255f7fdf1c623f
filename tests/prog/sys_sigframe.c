/*
 * sys_sigframe.c - the frame that a handler runs on: other stacks, the context that a handler may
 * change, and frames that a program made up to deceive the kernel.
 */
#include "guest.h"

static volatile sig_atomic_t calls;

static void count_call(int number)
{
	(void)number;
	calls++;
}

static void handle(int number, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	MUST(sigaction(number, &action, NULL));
}

static unsigned char *volatile other_stack;
static volatile bool was_on_other_stack;

static void see_stack(int number)
{
	unsigned char local;

	(void)number;
	was_on_other_stack = &local >= other_stack && &local < other_stack + 16 * PAGE;
	calls++;
}

static void use_other_stack(void)
{
	stack_t stack;

	memset(&stack, 0, sizeof(stack));
	other_stack = map_anonymous(16 * PAGE);
	stack.ss_sp = other_stack;
	stack.ss_size = 16 * PAGE;
	if (sigaltstack(&stack, NULL) == -1 && errno == ENOSYS)
		SKIP("no sigaltstack");
}

TEST(handler_on_another_stack)
{
	stack_t stack;

	use_other_stack();
	handle(SIGUSR1, see_stack, SA_ONSTACK);
	raise(SIGUSR1);
	CHECK(was_on_other_stack);
	handle(SIGUSR1, see_stack, 0);
	raise(SIGUSR1);
	CHECK(!was_on_other_stack);
	MUST(sigaltstack(NULL, &stack));
	CHECK_EQ(stack.ss_sp, other_stack);
	CHECK_EQ(stack.ss_flags, 0);
	stack.ss_size = 10;
	CHECK_ERR(syscall(SYS_sigaltstack, &stack, NULL), ENOMEM);
	stack.ss_size = 16 * PAGE;
	stack.ss_flags = 77;
	CHECK_ERR(syscall(SYS_sigaltstack, &stack, NULL), EINVAL);
}

static void stack_is_full(int number)
{
	see_stack(number);
	_exit(was_on_other_stack ? 0 : 1);
}

TEST(stack_overflow_is_caught_on_another_stack)
{
	use_other_stack();
	handle(SIGSEGV, stack_is_full, SA_ONSTACK);
	pid_t child = MUST(fork());
	if (child == 0) {
		unsigned char *p = (unsigned char *)&child;
		for (;;) {
			p -= PAGE;
			store(p, 1);
		}
	}
	CHECK_CHILD(child);
}

TEST(handler_with_no_stack_to_run_on_kills)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		handle(SIGSEGV, count_call, 0);
		__asm__ volatile("xorl %%esp, %%esp; pushq $1" : : : "memory");
	}
	CHECK_KILLED(child, SIGSEGV);
}

static void change_result(int number, siginfo_t *info, void *context)
{
	ucontext_t *user = context;

	(void)number, (void)info;
	calls++;
	// Register 16 of the frame is rip on x86-64 (REG_RIP): steps over the 2-byte ud2.
	((long long *)&user->uc_mcontext)[16] += 2;
}

TEST(handler_may_change_the_context)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = change_result;
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGILL, &action, NULL));
	for (int i = 1; i < 10; i++) {
		__asm__ volatile("ud2");
		CHECK_EQ(calls, i);
	}
}

TEST(division_by_zero_is_sigfpe)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		default_signals();
		__asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx"
				 : : : "eax", "ecx", "edx");
		_exit(0);
	}
	CHECK_KILLED(child, SIGFPE);
}

TEST(sigreturn_with_a_bad_frame_kills)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		default_signals();
		__asm__ volatile("movl $8, %%esp; movl $15, %%eax; syscall; hlt" : : : "memory");
	}
	CHECK_KILLED(child, SIGSEGV);
}

TEST(sigreturn_cannot_raise_privileges)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		default_signals();
		static unsigned char frame[2 * PAGE] __attribute__((aligned(64)));
		memset(frame, 0xff, sizeof(frame));     // all flags, all segments, wild addresses
		__asm__ volatile("movq %0, %%rsp; movl $15, %%eax; syscall; hlt"
				 : : "r"(frame) : "memory");
	}
	CHECK_KILLED(child, SIGSEGV);
}
