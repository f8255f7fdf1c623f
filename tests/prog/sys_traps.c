/*
 * sys_traps.c - what the processor's own complaints become, and the ways in and out of the kernel: registers that a
 * system call keeps, flags that user code may set to confuse it, return addresses that are none.
 */
#include "guest.h"
#include <ucontext.h>

#define FLAG_TRAP 0x100ul
#define FLAG_IOPL 0x3000ul
#define FLAG_INTERRUPT 0x200ul
#define FLAG_ALIGNMENT 0x40000ul

static volatile int seen_signal, seen_code, nr_seen;
static void *volatile seen_address;
static volatile unsigned long seen_rip, skip, seen_flags;

// Notes what came and goes on behind the instruction.
static void note(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	seen_signal = number;
	seen_code = info->si_code;
	seen_address = info->si_addr;
	seen_rip = (unsigned long)c->uc_mcontext.gregs[REG_RIP];
	seen_flags = (unsigned long)c->uc_mcontext.gregs[REG_EFL];
	nr_seen++;
	c->uc_mcontext.gregs[REG_RIP] += (long)skip;
	c->uc_mcontext.gregs[REG_EFL] &= ~(long)(FLAG_TRAP | FLAG_ALIGNMENT);
}

static void expect(int number, unsigned long instruction_size)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = note;
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(number, &action, NULL));
	skip = instruction_size;
	nr_seen = 0;
}

// The instruction stands at the label `at`; it must come as the signal with that code, once.
#define CHECK_TRAP(text, size, number, code, address_is_rip) do {		\
		unsigned long here;						\
		expect(number, size);						\
		__asm__ volatile("leaq 1f(%%rip), %0\n1: " text			\
			: "=&r"(here) : : "memory", "rax", "rdx", "cc");	\
		CHECK(nr_seen == 1);						\
		CHECK(seen_signal == (number));					\
		CHECK(seen_code == (code));					\
		CHECK(seen_address == ((address_is_rip) ? (void *)here : NULL)); \
	} while (0)

TEST(undefined_instruction_is_sigill)
{
	CHECK_TRAP("ud2", 2, SIGILL, ILL_ILLOPN, true);
}

TEST(division_by_zero_names_the_instruction)
{
	unsigned long here;

	expect(SIGFPE, 2);
	__asm__ volatile("xorl %%ecx, %%ecx; leaq 1f(%%rip), %0\n1: divl %%ecx" : "=&r"(here) : : "rax", "rcx", "rdx");
	CHECK(nr_seen == 1);
	CHECK(seen_signal == SIGFPE);
	CHECK(seen_code == FPE_INTDIV);
	CHECK(seen_address == (void *)here);
}

TEST(breakpoint_is_sigtrap)
{
	CHECK_TRAP("int3", 0, SIGTRAP, SI_KERNEL, false);
}

TEST(software_interrupt_is_sigsegv)
{
	CHECK_TRAP("int $0x21", 2, SIGSEGV, SI_KERNEL, false);
}

TEST(interrupts_cannot_be_closed)
{
	CHECK_TRAP("cli", 1, SIGSEGV, SI_KERNEL, false);
	CHECK(seen_flags & FLAG_INTERRUPT);
}

TEST(ports_cannot_be_written)
{
	CHECK_TRAP("outb %%al, $0x80", 2, SIGSEGV, SI_KERNEL, false);
}

TEST(model_specific_registers_cannot_be_read)
{
	CHECK_TRAP("rdmsr", 2, SIGSEGV, SI_KERNEL, false);
}

TEST(single_step_is_sigtrap)
{
	expect(SIGTRAP, 0);
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; nop" : : : "memory", "cc");
	CHECK(nr_seen == 1);                    // the handler has taken the flag away
	CHECK(seen_code == TRAP_TRACE);
	CHECK(seen_flags & FLAG_TRAP);
}

TEST(single_step_over_a_system_call_reaches_user_code)
{
	long result = 39;                       // getpid

	expect(SIGTRAP, 0);
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq; syscall; nop"
		: "+a"(result) : : "rcx", "r11", "memory", "cc");
	CHECK(nr_seen == 1);
	CHECK(seen_code == TRAP_TRACE);
}

TEST(system_call_keeps_all_registers_but_three)
{
	unsigned long in[12], out[12], rcx, r11;

	for (int i = 0; i < 12; i++)
		in[i] = 0x1111111111111111ul * (unsigned long)(i + 1);
	__asm__ volatile(
		"pushq %%rbp; pushq %%rbx; pushq %2; movq %3, %%r10\n"
		"movq (%%r10), %%rbx; movq 8(%%r10), %%rdx; movq 16(%%r10), %%rsi; movq 24(%%r10), %%rdi\n"
		"movq 32(%%r10), %%rbp; movq 40(%%r10), %%r8; movq 48(%%r10), %%r9; movq 64(%%r10), %%r12\n"
		"movq 72(%%r10), %%r13; movq 80(%%r10), %%r14; movq 88(%%r10), %%r15; movq 56(%%r10), %%r10\n"
		"movl $39, %%eax; syscall\n"
		"popq %%rax; movq %%rbx, (%%rax); movq %%rdx, 8(%%rax); movq %%rsi, 16(%%rax); movq %%rdi, 24(%%rax)\n"
		"movq %%rbp, 32(%%rax); movq %%r8, 40(%%rax); movq %%r9, 48(%%rax); movq %%r10, 56(%%rax)\n"
		"movq %%r12, 64(%%rax); movq %%r13, 72(%%rax); movq %%r14, 80(%%rax); movq %%r15, 88(%%rax)\n"
		"popq %%rbx; popq %%rbp"
		: "=c"(rcx), "=&a"(r11) : "1"(out), "0"(in)
		: "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	for (int i = 0; i < 12; i++)
		CHECK(out[i] == in[i]);
	CHECK(rcx != 0);
}

// AC lets the kernel touch user memory where there is SMAP; DF would make its string instructions go backwards.
TEST(flags_of_user_code_do_not_reach_the_kernel)
{
	int fds[2];
	char text[16] = "";
	unsigned long flags;

	MUST(pipe(fds));
	__asm__ volatile("pushfq; orq $0x40400, (%%rsp); popfq" : : : "memory", "cc");
	long nr = 1, result;
	__asm__ volatile("syscall; pushfq; popq %1" : "=a"(result), "=&r"(flags)
		: "0"(nr), "D"(fds[1]), "S"("forwards"), "d"(9) : "rcx", "r11", "memory");
	__asm__ volatile("pushfq; andq $~0x40400, (%%rsp); popfq" : : : "memory", "cc");
	CHECK(result == 9);
	CHECK((flags & 0x40400) == 0x40400);    // and they are the user's again
	CHECK(read(fds[0], text, sizeof(text)) == 9);
	CHECK(strcmp(text, "forwards") == 0);
}

static volatile unsigned long target, was_rip;

// First time: sends the thread to `target`. Second time: the fault there; back to the beginning.
static void jump(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)info;
	seen_signal = number;
	if (nr_seen++ == 0) {
		was_rip = (unsigned long)c->uc_mcontext.gregs[REG_RIP];
		c->uc_mcontext.gregs[REG_RIP] = (long)target;
	} else {
		c->uc_mcontext.gregs[REG_RIP] = (long)was_rip;
	}
}

static void go_and_fault(unsigned long where)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = jump;
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGUSR1, &action, NULL));
	MUST(sigaction(SIGSEGV, &action, NULL));
	MUST(sigaction(SIGBUS, &action, NULL));
	target = where;
	nr_seen = 0;
	raise(SIGUSR1);
	CHECK(nr_seen == 2);
	CHECK(seen_signal == SIGSEGV);
}

TEST(return_to_an_address_that_is_none_is_sigsegv)
{
	go_and_fault(0x8000000000000000ul);
}

TEST(return_to_the_first_address_that_is_not_canonical_is_sigsegv)
{
	go_and_fault(0x0000800000000000ul);
}

TEST(return_into_the_kernel_is_sigsegv)
{
	go_and_fault(0xffffffff80000000ul);
}

static void raise_privileges(int number, siginfo_t *info, void *context)
{
	ucontext_t *c = context;

	(void)number, (void)info;
	c->uc_mcontext.gregs[REG_EFL] |= (long)FLAG_IOPL;
	c->uc_mcontext.gregs[REG_EFL] &= ~(long)FLAG_INTERRUPT;
}

TEST(handler_cannot_give_itself_the_ports)
{
	struct sigaction action;
	unsigned long flags;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = raise_privileges;
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGUSR1, &action, NULL));
	raise(SIGUSR1);
	__asm__ volatile("pushfq; popq %0" : "=r"(flags));
	CHECK((flags & FLAG_IOPL) == 0);
	CHECK(flags & FLAG_INTERRUPT);
}
