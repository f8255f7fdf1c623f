/*
 * sys_fpu.c - a process's floating-point and vector registers are its own: over calls, switches of the
 * processor, faults, signals and fork. All values are exact, so that one wrong bit shows.
 */
#include "guest.h"

#include <sched.h>
#include <ucontext.h>

struct vectors {
	unsigned char bytes[16][32] __attribute__((aligned(32)));
};

static bool has_avx(void)
{
	unsigned a, b, c, d;

	__asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(1), "c"(0));
	if (!(c & 1u << 28) || !(c & 1u << 27))         // AVX, OSXSAVE
		return false;
	__asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return (a & 6) == 6;
}

static void fill(struct vectors *vectors, unsigned seed)
{
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < 32; j++)
			vectors->bytes[i][j] = seed * 77 + i * 37 + j * 11 + 1;
}

#define EACH(n) n(0) n(1) n(2) n(3) n(4) n(5) n(6) n(7) n(8) n(9) n(10) n(11) n(12) n(13) n(14) n(15)
#define CLOBBERS "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",	\
		"xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory"
#define LOAD_XMM(n) "movaps 32*" #n "(%0), %%xmm" #n ";"
#define SAVE_XMM(n) "movaps %%xmm" #n ", 32*" #n "(%1);"
#define FORK_LOAD(n) "movaps 32*" #n "(%2), %%xmm" #n ";"
#define LOAD_YMM(n) "vmovaps 32*" #n "(%0), %%ymm" #n ";"
#define SAVE_YMM(n) "vmovaps %%ymm" #n ", 32*" #n "(%1);"

// All registers are loaded, the system call is made, and all are stored again: nothing of the
// compiler's can come between.
#define ROUND_TRIP(load_each, save_each, from, to, call)				\
	__asm__ volatile(EACH(load_each) "movl %2, %%eax; syscall;" EACH(save_each)	\
			 : : "r"(from), "r"(to), "i"(call)				\
			 : "rax", "rcx", "r11", CLOBBERS)

static void check_vectors(const struct vectors *seen, const struct vectors *expected, int width)
{
	for (int i = 0; i < 16; i++)
		for (int j = 0; j < width; j++)
			if (seen->bytes[i][j] != expected->bytes[i][j])
				FAIL("expected register %d byte %d to be 0x%02x, seen 0x%02x", i, j,
				     expected->bytes[i][j], seen->bytes[i][j]);
}

static void yield_round(unsigned seed)
{
	struct vectors from, to;

	fill(&from, seed);
	if (has_avx()) {
		ROUND_TRIP(LOAD_YMM, SAVE_YMM, &from, &to, SYS_sched_yield);
		check_vectors(&to, &from, 32);
		__asm__ volatile("vzeroupper");
	} else {
		ROUND_TRIP(LOAD_XMM, SAVE_XMM, &from, &to, SYS_sched_yield);
		check_vectors(&to, &from, 16);
	}
}

TEST(vectors_survive_system_calls)
{
	for (int i = 0; i < 1000; i++)
		yield_round(i);
}

TEST(vectors_survive_other_processes)
{
	pid_t child[5];

	for (int i = 0; i < 5; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			for (int j = 0; j < 400; j++)
				yield_round(i * 1000 + j);
			_exit(0);
		}
	}
	for (int i = 0; i < 5; i++)
		CHECK_CHILD(child[i]);
}

static void spin_with_vectors(unsigned seed)
{
	struct vectors from, to;

	fill(&from, seed);
	for (int i = 0; i < 20; i++) {
		// Long enough for preemption by the clock, without any call.
		__asm__ volatile(EACH(LOAD_XMM) "movl $300000, %%ecx; 1: decl %%ecx; jnz 1b;"
				 EACH(SAVE_XMM) : : "r"(&from), "r"(&to) : "rcx", CLOBBERS);
		check_vectors(&to, &from, 16);
	}
}

TEST(vectors_survive_preemption)
{
	pid_t child[5];

	for (int i = 0; i < 5; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			spin_with_vectors(i + 1);
			_exit(0);
		}
	}
	for (int i = 0; i < 5; i++)
		CHECK_CHILD(child[i]);
}

TEST(vectors_survive_faults)
{
	struct vectors from, to;
	unsigned char *p = map_anonymous(64 * PAGE);

	for (int i = 0; i < 64; i++) {
		fill(&from, i);
		__asm__ volatile(EACH(LOAD_XMM) "movb $1, (%2);" EACH(SAVE_XMM)
				 : : "r"(&from), "r"(&to), "r"(p + i * PAGE) : CLOBBERS);
		check_vectors(&to, &from, 16);
	}
}

static void spoil_vectors(int number)
{
	struct vectors junk;

	(void)number;
	memset(&junk, 0xff, sizeof(junk));
	if (has_avx())
		__asm__ volatile(EACH(LOAD_YMM) : : "r"(&junk) : CLOBBERS);
	else
		__asm__ volatile(EACH(LOAD_XMM) : : "r"(&junk) : CLOBBERS);
	__asm__ volatile("fninit; fldz; fld1; ldmxcsr %0" : : "m"((unsigned){ 0x7f80 }));
}

TEST(vectors_survive_a_handler)
{
	struct vectors from, to;

	signal(SIGUSR1, spoil_vectors);
	for (int i = 0; i < 100; i++) {
		register long pid __asm__("rdi") = getpid();
		register long number __asm__("rsi") = SIGUSR1;
		fill(&from, i);
		if (has_avx()) {
			__asm__ volatile(EACH(LOAD_YMM) "movl %2, %%eax; syscall;" EACH(SAVE_YMM)
					 : : "r"(&from), "r"(&to), "i"(SYS_kill), "r"(pid), "r"(number)
					 : "rax", "rcx", "r11", CLOBBERS);
			check_vectors(&to, &from, 32);
		} else {
			__asm__ volatile(EACH(LOAD_XMM) "movl %2, %%eax; syscall;" EACH(SAVE_XMM)
					 : : "r"(&from), "r"(&to), "i"(SYS_kill), "r"(pid), "r"(number)
					 : "rax", "rcx", "r11", CLOBBERS);
			check_vectors(&to, &from, 16);
		}
	}
}

TEST(control_word_and_x87_survive_a_handler)
{
	unsigned before = 0x3f80, after = 0;
	double kept = 0;

	signal(SIGUSR1, spoil_vectors);         // rounds down, here: 0x3f80
	register long pid __asm__("rdi") = getpid();
	register long number __asm__("rsi") = SIGUSR1;
	__asm__ volatile("ldmxcsr %2; fldpi; movl %3, %%eax; syscall; fstpl %1; stmxcsr %0"
			 : "=m"(after), "=m"(kept)
			 : "m"(before), "i"(SYS_kill), "r"(pid), "r"(number)
			 : "rax", "rcx", "r11", "memory");
	CHECK_EQ(after & ~0x3fu, before);
	CHECK(kept > 3.14159265 && kept < 3.14159266);
}

static volatile unsigned changed_at;            // in the frame's XSAVE area
static volatile unsigned long changed_to;

static void change_state(int number, siginfo_t *info, void *context)
{
	struct ucontext *c = context;

	(void)number, (void)info;
	*(volatile unsigned long *)((char *)c->uc_mcontext.fpstate + changed_at) = changed_to;
}

// A signal whose handler changes one word of the saved state: the low half of xmm0 before and after.
static unsigned long with_changed_state(unsigned at, unsigned long value)
{
	struct sigaction action;
	unsigned long half = 0x1111222233334444;
	long me = getpid();

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = change_state;
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(SIGUSR1, &action, NULL));
	changed_at = at;
	changed_to = value;
	register long pid __asm__("rdi") = me;
	register long number __asm__("rsi") = SIGUSR1;

	__asm__ volatile("movq %0, %%xmm0; movl %1, %%eax; syscall; movq %%xmm0, %0"
			 : "+r"(half) : "i"(SYS_kill), "r"(pid), "r"(number)
			 : "rax", "rcx", "r11", "xmm0", "memory");
	return half;
}

enum { STATE_XMM0 = 160, STATE_MAGIC = 464, STATE_PRESENT = 512, STATE_COMPACTION = 520, STATE_RESERVED = 528 };

TEST(handler_may_change_a_vector)
{
	CHECK(with_changed_state(STATE_XMM0, 0x5555666677778888) == 0x5555666677778888);
}

// Without the mark the area is one of FXSAVE: its 512 bytes count, and no more.
TEST(state_without_its_mark_is_the_first_half_only)
{
	CHECK(with_changed_state(STATE_MAGIC, 0) == 0x1111222233334444);
}

TEST(part_that_is_not_present_starts_anew)
{
	if (!has_avx())
		SKIP("no XSAVE here");
	CHECK(with_changed_state(STATE_PRESENT, 0) == 0);
}

// The processor faults on such an area, in the kernel: the program pays, not the kernel.
TEST(state_that_the_processor_refuses_kills)
{
	static const unsigned at[] = { STATE_COMPACTION, STATE_RESERVED };
	static const unsigned long values[] = { 3, 1 };

	if (!has_avx())
		SKIP("no XSAVE here");
	for (int i = 0; i < 2; i++) {
		pid_t child = MUST(fork());

		if (child == 0) {
			signal(SIGSEGV, SIG_DFL);
			with_changed_state(at[i], values[i]);
			_exit(0);
		}
		CHECK_KILLED(child, SIGSEGV);
	}
	CHECK(with_changed_state(STATE_XMM0, 7) == 7);          // and the others go on
}

TEST(vectors_are_inherited_by_fork)
{
	struct vectors from, to;
	long child;

	fill(&from, 5);
	__asm__ volatile(EACH(FORK_LOAD) "movl %3, %%eax; syscall; movq %%rax, %0;" EACH(SAVE_XMM)
			 : "=m"(child) : "r"(&to), "r"(&from), "i"(SYS_fork)
			 : "rax", "rcx", "r11", CLOBBERS);
	check_vectors(&to, &from, 16);
	if (child == 0)
		_exit(0);
	CHECK(child > 0);
	CHECK_CHILD(child);
}

HELPER(check_fresh)
{
	unsigned control;

	__asm__ volatile("stmxcsr %0" : "=m"(control));
	CHECK_EQ(control & ~0x3fu, 0x1f80);
	unsigned short word;
	__asm__ volatile("fnstcw %0" : "=m"(word));
	CHECK_EQ(word, 0x37f);
	return 0;
}

TEST(new_program_starts_with_fresh_controls)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		unsigned control = 0x7f80;
		unsigned short word = 0x77f;
		__asm__ volatile("ldmxcsr %0; fldcw %1" : : "m"(control), "m"(word));
		test_exec("check_fresh", NULL, NULL, NULL);
	}
	CHECK_CHILD(child);
}

TEST(arithmetic_of_many_processes_is_exact)
{
	pid_t child[4];

	for (int i = 0; i < 4; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			volatile double sum = 0;
			for (int j = 1; j <= 200000; j++)
				sum += j * (double)(i + 1);
			CHECK(sum == 200000.0 * 200001.0 / 2 * (i + 1));
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		CHECK_CHILD(child[i]);
}

// The x87's: QEMU's emulation never raises those of SSE (it only sets the flags in MXCSR).
TEST(unmasked_division_is_sigfpe)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		unsigned short control = 0x37b;         // division by zero no longer masked
		default_signals();
		__asm__ volatile("fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control) : "st", "st(1)");
		_exit(0);
	}
	CHECK_KILLED(child, SIGFPE);
}
