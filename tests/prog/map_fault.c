/*
 * map_fault.c - faults that are the program's own: which signal, which si_code, which si_addr, and
 * what a handler may do about it.
 */
#include "guest.h"

#define KERNEL_ADDRESS 0xffff800000001000UL
#define NON_CANONICAL 0x0000900000000000UL

TEST(null_load_is_maperr)
{
	CHECK_SIGNAL(load((void *)8), SIGSEGV, SEGV_MAPERR, 8);
}

TEST(null_store_is_maperr)
{
	CHECK_SIGNAL(store((void *)0x10, 1), SIGSEGV, SEGV_MAPERR, 0x10);
}

TEST(jump_to_null_is_maperr)
{
	void (*volatile nowhere)(void) = NULL;

	CHECK_SIGNAL(nowhere(), SIGSEGV, SEGV_MAPERR, NULL);
}

TEST(load_from_a_hole_is_maperr)
{
	unsigned char *hole = find_hole(4 * PAGE);

	CHECK_SIGNAL(load(hole + 4097), SIGSEGV, SEGV_MAPERR, hole + 4097);
}

TEST(store_to_readonly_is_accerr)
{
	unsigned char *p = MUST(mmap(NULL, 2 * PAGE, PROT_READ, ANON, -1, 0));

	CHECK_SIGNAL(store(p + 5, 1), SIGSEGV, SEGV_ACCERR, p + 5);
	CHECK_EQ(load(p + PAGE), 0);
	CHECK_SIGNAL(store(p + PAGE + 5, 1), SIGSEGV, SEGV_ACCERR, p + PAGE + 5);
}

TEST(store_to_readonly_file_is_accerr)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_SIGNAL(store(p + 6, 1), SIGSEGV, SEGV_ACCERR, p + 6);
	CHECK_EQ(file_byte(fd, 6), pattern(6));
}

TEST(readonly_wins_over_the_end_of_file)
{
	int fd = make_file("data", 0);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_SIGNAL(store(p, 1), SIGSEGV, SEGV_ACCERR, p);
	CHECK_SIGNAL(load(p), SIGBUS, BUS_ADRERR, p);
}

TEST(prot_none_is_accerr)
{
	unsigned char *p = MUST(mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0));

	CHECK_SIGNAL(load(p + 1), SIGSEGV, SEGV_ACCERR, p + 1);
	CHECK_SIGNAL(store(p + 2, 1), SIGSEGV, SEGV_ACCERR, p + 2);
}

TEST(prot_none_after_touch_is_accerr)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 1);
	MUST(mprotect(p, PAGE, PROT_NONE));
	CHECK_SIGNAL(load(p + 1), SIGSEGV, SEGV_ACCERR, p + 1);
}

TEST(exec_of_data_is_accerr)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 0xc3);                                 // ret
	CHECK_SIGNAL(((void (*)(void))p)(), SIGSEGV, SEGV_ACCERR, p);
}

TEST(exec_of_the_stack_is_accerr)
{
	unsigned char code[16];

	store(code, 0xc3);
	CHECK_SIGNAL(((void (*)(void))code)(), SIGSEGV, SEGV_ACCERR, code);
}

TEST(exec_of_a_readable_file_is_accerr)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_PRIVATE, 0);

	CHECK_SIGNAL(((void (*)(void))p)(), SIGSEGV, SEGV_ACCERR, p);
}

TEST(store_to_program_text_is_accerr)
{
	unsigned char *text = (unsigned char *)pattern;

	CHECK_SIGNAL(store(text, 0), SIGSEGV, SEGV_ACCERR, text);
}

TEST(kernel_address_is_maperr)
{
	CHECK_SIGNAL(load((void *)KERNEL_ADDRESS), SIGSEGV, SEGV_MAPERR, KERNEL_ADDRESS);
	CHECK_SIGNAL(store((void *)KERNEL_ADDRESS, 1), SIGSEGV, SEGV_MAPERR, KERNEL_ADDRESS);
}

TEST(kernel_image_address_is_maperr)
{
	CHECK_SIGNAL(load((void *)0xffffffff80100000UL), SIGSEGV, SEGV_MAPERR, 0xffffffff80100000UL);
}

TEST(non_canonical_address_is_a_protection_fault)
{
	// No page fault but #GP: no address is known, and the code is SI_KERNEL.
	CHECK_SIGNAL(load((void *)NON_CANONICAL), SIGSEGV, 0x80, NULL);
}

TEST(privileged_instruction_is_a_protection_fault)
{
	CHECK_SIGNAL(__asm__ volatile("cli"), SIGSEGV, 0x80, NULL);
}

TEST(access_that_straddles_names_the_missing_page)
{
	unsigned char *p = map_anonymous(2 * PAGE);

	MUST(munmap(p + PAGE, PAGE));
	CHECK_SIGNAL(*(volatile long *)(p + PAGE - 4) = 1, SIGSEGV, SEGV_MAPERR, p + PAGE);
}

TEST(default_action_of_sigsegv_kills)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		default_signals();
		store(NULL, 1);
		_exit(0);
	}
	CHECK_KILLED(child, SIGSEGV);
}

TEST(ignored_sigsegv_kills_all_the_same)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		signal(SIGSEGV, SIG_IGN);
		store(NULL, 1);
		_exit(0);
	}
	CHECK_KILLED(child, SIGSEGV);
}

TEST(blocked_sigsegv_kills_all_the_same)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGSEGV);
		sigprocmask(SIG_BLOCK, &set, NULL);
		store(NULL, 1);
		_exit(0);
	}
	CHECK_KILLED(child, SIGSEGV);
}

TEST(stack_overflow_is_sigsegv)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		default_signals();
		unsigned char *p = (unsigned char *)&child;
		for (;;) {                              // far below every sane stack limit
			p -= PAGE;
			store(p, 1);
		}
	}
	CHECK_KILLED(child, SIGSEGV);
}

TEST(stack_grows_by_touching)
{
	unsigned char big[1024 * 1024];

	for (long i = sizeof(big) - 1; i >= 0; i -= PAGE)
		store(big + i, i / PAGE);
	for (long i = sizeof(big) - 1; i >= 0; i -= PAGE)
		CHECK_EQ(load(big + i), (unsigned char)(i / PAGE));
}

/* ---- handlers -------------------------------------------------------------------------------- */

static unsigned char *volatile repair_start;
static volatile int repairs;

static void repair_protection(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	repairs++;
	if (repairs > 100 || mprotect(repair_start, PAGE, RW) != 0)
		_exit(3);
	(void)info;
}

static void on_segv(void (*handler)(int, siginfo_t *, void *), int number)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = handler;
	action.sa_flags = SA_SIGINFO;
	MUST(sigaction(number, &action, NULL));
}

TEST(handler_that_repairs_returns_to_the_store)
{
	repair_start = MUST(mmap(NULL, PAGE, PROT_READ, ANON, -1, 0));
	on_segv(repair_protection, SIGSEGV);
	store(repair_start + 7, 0x5c);
	CHECK_EQ(load(repair_start + 7), 0x5c);
	CHECK_EQ(repairs, 1);
}

TEST(write_barrier_sees_each_page_once)
{
	unsigned char *p = map_anonymous(8 * PAGE);

	memset(p, 1, 8 * PAGE);
	MUST(mprotect(p, 8 * PAGE, PROT_READ));
	on_segv(repair_protection, SIGSEGV);
	for (int i = 0; i < 8; i++) {
		repair_start = p + i * PAGE;
		for (int j = 0; j < 10; j++)
			store(repair_start + j, 2);
	}
	CHECK_EQ(repairs, 8);
}

static void map_missing(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	unsigned long page = (unsigned long)info->si_addr & -PAGE;
	repairs++;
	if (mmap((void *)page, PAGE, RW, ANON | MAP_FIXED, -1, 0) == MAP_FAILED)
		_exit(3);
	memset((void *)page, 0x3c, PAGE);
}

TEST(handler_that_maps_makes_a_pager)
{
	unsigned char *hole = find_hole(16 * PAGE);

	on_segv(map_missing, SIGSEGV);
	for (int i = 15; i >= 0; i--)
		CHECK_EQ(load(hole + i * PAGE + i), 0x3c);
	CHECK_EQ(repairs, 16);
}

static int growing_fd;

static void grow_file(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info, (void)context;
	repairs++;
	if (ftruncate(growing_fd, 4 * PAGE) != 0)
		_exit(3);
}

TEST(sigbus_handler_that_grows_the_file_returns)
{
	growing_fd = make_file("data", 0);
	unsigned char *p = map_file(growing_fd, 4 * PAGE, RW, MAP_SHARED, 0);

	on_segv(grow_file, SIGBUS);
	store(p + 2 * PAGE, 0x3d);
	CHECK_EQ(file_byte(growing_fd, 2 * PAGE), 0x3d);
	CHECK_EQ(repairs, 1);
}

TEST(registers_survive_a_handler)
{
	unsigned long a = 0x1111, b = 0x2222, c = 0x3333;

	repair_start = MUST(mmap(NULL, PAGE, PROT_READ, ANON, -1, 0));
	on_segv(repair_protection, SIGSEGV);
	__asm__ volatile("movq %3, %%r12; movq %4, %%r13; movq %5, %%r14; movb $1, (%6);"
			 "movq %%r12, %0; movq %%r13, %1; movq %%r14, %2"
			 : "=&r"(a), "=&r"(b), "=&r"(c)
			 : "i"(0x4444), "i"(0x5555), "i"(0x6666), "D"(repair_start)
			 : "r12", "r13", "r14", "memory");
	CHECK_EQ(repairs, 1);
	CHECK_EQ(a, 0x4444);
	CHECK_EQ(b, 0x5555);
	CHECK_EQ(c, 0x6666);
}

TEST(siglongjmp_out_of_a_handler_many_times)
{
	unsigned char *hole = find_hole(PAGE);

	for (int i = 0; i < 200; i++)
		CHECK_SIGNAL(store(hole + i, 1), SIGSEGV, SEGV_MAPERR, hole + i);
}

TEST(fault_in_the_child_only_ends_the_child)
{
	unsigned char *p = map_anonymous(PAGE);

	store(p, 1);
	for (int i = 0; i < 5; i++) {
		pid_t child = MUST(fork());
		if (child == 0) {
			default_signals();
			MUST(munmap(p, PAGE));
			load(p);
			_exit(0);
		}
		CHECK_KILLED(child, SIGSEGV);
		CHECK_EQ(load(p), 1);
	}
}

TEST(read_modify_write_faults_once_and_counts_once)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	unsigned char before = load(p);

	__asm__ volatile("lock incb (%0)" : : "r"(p) : "memory");
	CHECK_EQ(load(p), (unsigned char)(before + 1));
}

TEST(string_copy_over_many_absent_pages)
{
	int fd = make_file("data", 8 * PAGE);
	unsigned char *from = map_file(fd, 8 * PAGE, PROT_READ, MAP_SHARED, 0);
	unsigned char *to = map_anonymous(8 * PAGE);
	void *a = from, *b = to;
	unsigned long n = 8 * PAGE;

	__asm__ volatile("rep movsb" : "+S"(a), "+D"(b), "+c"(n) : : "memory");
	check_pattern(to, 8 * PAGE, 0);
}
