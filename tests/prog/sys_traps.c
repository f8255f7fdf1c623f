/*
 * sys_traps.c - what the processor's own complaints become, and the ways in and out of the kernel: registers that a
 * system call keeps, flags that user code may set to confuse it, return addresses that are none.
 */
#include "guest.h"
#include <sys/syscall.h>
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

enum { RBX, RDX, RSI, RDI, RBP, R8, R9, R10, R12, R13, R14, R15, NR_KEPT };

// A system call with these registers; what they are afterwards goes to out.
static long call_with_registers(long number, const unsigned long in[NR_KEPT], unsigned long out[NR_KEPT])
{
	register unsigned long *to __asm__("r11") = out;

	__asm__ volatile(
		"leaq -128(%%rsp), %%rsp; pushq %%rbp; pushq %%rbx; pushq %%r11\n"
		"movq (%%rcx), %%rbx; movq 8(%%rcx), %%rdx; movq 16(%%rcx), %%rsi; movq 24(%%rcx), %%rdi\n"
		"movq 32(%%rcx), %%rbp; movq 40(%%rcx), %%r8; movq 48(%%rcx), %%r9; movq 56(%%rcx), %%r10\n"
		"movq 64(%%rcx), %%r12; movq 72(%%rcx), %%r13; movq 80(%%rcx), %%r14; movq 88(%%rcx), %%r15\n"
		"syscall; popq %%rcx\n"
		"movq %%rbx, (%%rcx); movq %%rdx, 8(%%rcx); movq %%rsi, 16(%%rcx); movq %%rdi, 24(%%rcx)\n"
		"movq %%rbp, 32(%%rcx); movq %%r8, 40(%%rcx); movq %%r9, 48(%%rcx); movq %%r10, 56(%%rcx)\n"
		"movq %%r12, 64(%%rcx); movq %%r13, 72(%%rcx); movq %%r14, 80(%%rcx); movq %%r15, 88(%%rcx)\n"
		"popq %%rbx; popq %%rbp; leaq 128(%%rsp), %%rsp"
		: "+a"(number), "+c"(in), "+r"(to)
		: : "rdx", "rsi", "rdi", "r8", "r9", "r10", "r12", "r13", "r14", "r15", "memory", "cc");
	return number;
}

static void fill_registers(unsigned long in[NR_KEPT])
{
	for (unsigned long i = 0; i < NR_KEPT; i++)
		in[i] = 0x1111111111111111ul * (i + 1);
}

static bool registers_are_equal(const unsigned long a[NR_KEPT], const unsigned long b[NR_KEPT])
{
	return memcmp(a, b, NR_KEPT * sizeof(*a)) == 0;
}

TEST(system_call_keeps_all_registers_but_three)
{
	unsigned long in[NR_KEPT], out[NR_KEPT];

	fill_registers(in);
	CHECK(call_with_registers(SYS_getpid, in, out) == getpid());
	CHECK(registers_are_equal(in, out));
}

TEST(number_that_is_no_call_is_enosys_and_keeps_the_registers)
{
	static const long numbers[] = { 511, 512, 1 << 20, 0x7fffffffffffffff, -1 };
	unsigned long in[NR_KEPT], out[NR_KEPT];

	fill_registers(in);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		memset(out, 0, sizeof(out));
		CHECK(call_with_registers(numbers[i], in, out) == -ENOSYS);
		CHECK(registers_are_equal(in, out));
	}
	// The number is 32 bits wide.
	CHECK(call_with_registers((long)0x8000000000000000 | SYS_getpid, in, out) == getpid());
}

TEST(child_of_fork_has_all_registers)
{
	unsigned long in[NR_KEPT], out[NR_KEPT];
	int status;

	fill_registers(in);
	memset(out, 0, sizeof(out));
	long pid = call_with_registers(SYS_fork, in, out);
	bool is_same = registers_are_equal(in, out);

	if (pid == 0)
		_exit(is_same ? 42 : 1);
	CHECK(pid > 0);
	CHECK(is_same);
	CHECK(waitpid((pid_t)pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static volatile unsigned long in_context[NR_KEPT];
static volatile bool rcx_is_rip, r11_is_flags;

static void note_registers(int number, siginfo_t *info, void *context)
{
	static const int names[NR_KEPT] = {
		[RBX] = REG_RBX, [RDX] = REG_RDX, [RSI] = REG_RSI, [RDI] = REG_RDI, [RBP] = REG_RBP, [R8] = REG_R8,
		[R9] = REG_R9, [R10] = REG_R10, [R12] = REG_R12, [R13] = REG_R13, [R14] = REG_R14, [R15] = REG_R15,
	};
	ucontext_t *c = context;

	(void)info;
	seen_signal = number;
	for (int i = 0; i < NR_KEPT; i++)
		in_context[i] = (unsigned long)c->uc_mcontext.gregs[names[i]];
	rcx_is_rip = c->uc_mcontext.gregs[REG_RCX] == c->uc_mcontext.gregs[REG_RIP];
	r11_is_flags = ((c->uc_mcontext.gregs[REG_R11] ^ c->uc_mcontext.gregs[REG_EFL]) & 0xcff) == 0;
}

// The signal comes on the way out of the call: its handler sees what the caller had, and changes none of it.
TEST(handler_sees_the_registers_of_the_interrupted_call)
{
	struct sigaction action;
	unsigned long in[NR_KEPT], out[NR_KEPT];

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = note_registers;
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGUSR1, &action, NULL));
	fill_registers(in);
	in[RDI] = (unsigned long)getpid();
	in[RSI] = SIGUSR1;
	CHECK(call_with_registers(SYS_kill, in, out) == 0);
	CHECK(seen_signal == SIGUSR1);
	CHECK(registers_are_equal(in, (const unsigned long *)in_context));
	CHECK(registers_are_equal(in, out));
	CHECK(rcx_is_rip);
	CHECK(r11_is_flags);
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
