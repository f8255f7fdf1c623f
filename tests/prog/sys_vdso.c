/*
 * sys_vdso.c - the library that the kernel shows to every program:
 * found by the auxiliary vector as a C library would, its functions agree with the system calls,
 * and a program may do to its mapping what it likes. A Linux without one skips.
 */
#include "guest.h"
#include <elf.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/time.h>

static const char *base(void)
{
	const char *at = (const char *)getauxval(AT_SYSINFO_EHDR);

	if (!at)
		SKIP("this kernel shows no vdso");
	return at;
}

static const Elf64_Dyn *dynamic_section(const char *at)
{
	const Elf64_Phdr *header = (const Elf64_Phdr *)(at + ((const Elf64_Ehdr *)at)->e_phoff);

	for (int i = 0; i < ((const Elf64_Ehdr *)at)->e_phnum; i++) {
		if (header[i].p_type == PT_DYNAMIC)
			return (const Elf64_Dyn *)(at + header[i].p_vaddr);
	}
	return NULL;
}

static const char *table(const char *at, long tag)
{
	for (const Elf64_Dyn *d = dynamic_section(at); d && d->d_tag != DT_NULL; d++) {
		if (d->d_tag == tag)
			return at + d->d_un.d_ptr;
	}
	return NULL;
}

static const void *function(const char *name)
{
	const char *at = base();
	const Elf64_Sym *symbols = (const Elf64_Sym *)table(at, DT_SYMTAB);
	const char *names = table(at, DT_STRTAB);
	const unsigned *hash = (const unsigned *)table(at, DT_HASH);

	if (!hash)
		SKIP("a vdso without a System V hash table");
	CHECK(symbols && names);
	for (unsigned i = 0; i < hash[1]; i++) {
		if (symbols[i].st_shndx && strcmp(names + symbols[i].st_name, name) == 0)
			return at + symbols[i].st_value;
	}
	return NULL;
}

static long ns_of(struct timespec t)
{
	return t.tv_sec * 1000000000l + t.tv_nsec;
}

static long asked(int clock)
{
	struct timespec t;

	CHECK(syscall(SYS_clock_gettime, clock, &t) == 0);
	return ns_of(t);
}

// The kernel before, the vdso, the kernel after: in this order, for every clock.
TEST(clocks_agree_with_the_system_call)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
				      CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID };
	int (*get)(int, struct timespec *) = (int (*)(int, struct timespec *))function("__vdso_clock_gettime");

	CHECK(get != NULL);
	for (unsigned i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
		for (int n = 0; n < 100; n++) {
			struct timespec t = { -1, -1 };
			long before = asked(clocks[i]);

			CHECK(get(clocks[i], &t) == 0);
			CHECK(t.tv_nsec >= 0 && t.tv_nsec < 1000000000);
			CHECK(before <= ns_of(t));
			CHECK(ns_of(t) <= asked(clocks[i]));
		}
	}
}

TEST(clock_that_is_none_is_einval)
{
	int (*get)(int, struct timespec *) = (int (*)(int, struct timespec *))function("__vdso_clock_gettime");
	int (*resolution)(int, struct timespec *) = (int (*)(int, struct timespec *))function("__vdso_clock_getres");
	struct timespec t;

	CHECK(get(1000, &t) == -EINVAL);
	CHECK(get(31, &t) == -EINVAL);
	if (resolution) {
		CHECK(resolution(1000, &t) == -EINVAL);
		CHECK(resolution(CLOCK_MONOTONIC, NULL) == 0);
		CHECK(resolution(CLOCK_MONOTONIC, &t) == 0);
		CHECK(t.tv_sec == 0 && t.tv_nsec > 0);
	}
}

TEST(time_of_day_and_seconds_agree)
{
	int (*day)(struct timeval *, void *) = (int (*)(struct timeval *, void *))function("__vdso_gettimeofday");
	long (*seconds)(long *) = (long (*)(long *))function("__vdso_time");
	struct timeval t;
	long before = asked(CLOCK_REALTIME) / 1000, stored = 0;

	CHECK(day != NULL && seconds != NULL);
	CHECK(day(&t, NULL) == 0);
	long us = t.tv_sec * 1000000l + t.tv_usec;

	CHECK(before <= us && us <= asked(CLOCK_REALTIME) / 1000);
	long now = seconds(&stored);

	CHECK(now == stored);
	CHECK(us / 1000000 <= now + 1);         // Linux's time() may be a tick behind
	CHECK(now <= asked(CLOCK_REALTIME) / 1000000000);
	CHECK(seconds(NULL) >= now);
}

TEST(getcpu_is_a_cpu_there_is)
{
	int (*get)(unsigned *, unsigned *, void *) = (int (*)(unsigned *, unsigned *, void *))function("__vdso_getcpu");
	unsigned cpu = 12345, node = 12345, asked_cpu;

	CHECK(get != NULL);
	// Until both say the same: the thread may move between the two.
	do {
		CHECK(get(&cpu, &node, NULL) == 0);
		MUST(syscall(SYS_getcpu, &asked_cpu, NULL, NULL));
	} while (cpu != asked_cpu);
	CHECK(cpu < 4096);
	CHECK(node < 4096);
	CHECK(get(NULL, NULL, NULL) == 0);
}

TEST(it_is_a_library_with_a_version)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)base();

	CHECK(memcmp(header->e_ident, ELFMAG, SELFMAG) == 0);
	CHECK(header->e_type == ET_DYN);
	CHECK(table(base(), 0x6ffffffc) != NULL);       // DT_VERDEF
	CHECK(table(base(), 0x6ffffff0) != NULL);       // DT_VERSYM
}

// The line of /proc/self/maps that ends in this name.
static bool find_line(const char *name, unsigned long *start, unsigned long *end, char *rights)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	bool found = false;

	CHECK(f != NULL);
	while (!found && fgets(line, sizeof(line), f)) {
		if (strstr(line, name) && sscanf(line, "%lx-%lx %4s", start, end, rights) == 3)
			found = true;
	}
	fclose(f);
	return found;
}

TEST(maps_shows_code_and_data)
{
	unsigned long at = (unsigned long)base(), start, end;
	char rights[8];

	CHECK(find_line("[vdso]", &start, &end, rights));
	CHECK(start == at);
	CHECK_STR(rights, "r-xp");
	CHECK(find_line("[vvar]", &start, &end, rights));
	CHECK(end <= at);
	CHECK_STR(rights, "r--p");
}

TEST(it_cannot_be_written)
{
	unsigned long start, end;
	char rights[8];

	base();
	CHECK(find_line("[vdso]", &start, &end, rights));
	CHECK_SIGNAL(store((void *)start, 0), SIGSEGV, SEGV_ACCERR, (void *)start);
	CHECK(find_line("[vvar]", &start, &end, rights));
	CHECK_SIGNAL(store((void *)start, 0), SIGSEGV, SEGV_ACCERR, (void *)start);
}

// What one program writes into its copy no other sees, not even its child's next program.
TEST(a_copy_of_ones_own_is_nobody_elses)
{
	unsigned long start = (unsigned long)base();
	pid_t pid;

	pid = MUST(fork());
	if (pid == 0) {
		if (mprotect((void *)start, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))
			_exit(0);               // a kernel may refuse that: then there is no copy
		store((void *)start, 0);
		_exit(load((void *)start) != 0);
	}
	CHECK_CHILD(pid);
	CHECK(load((void *)start) == 0x7f);
}

TEST(a_program_that_unmaps_it_goes_on_by_system_calls)
{
	unsigned long start, end;
	char rights[8];
	pid_t pid;

	base();
	pid = MUST(fork());
	if (pid == 0) {
		CHECK(find_line("[vdso]", &start, &end, rights));
		MUST(munmap((void *)start, end - start));
		CHECK(find_line("[vvar]", &start, &end, rights));
		MUST(munmap((void *)start, end - start));
		CHECK(asked(CLOCK_MONOTONIC) > 0);
		_exit(0);
	}
	CHECK_CHILD(pid);
}

TEST(child_reads_the_same_clock)
{
	int (*get)(int, struct timespec *) = (int (*)(int, struct timespec *))function("__vdso_clock_gettime");
	struct timespec before, after;
	int status;

	CHECK(get(CLOCK_MONOTONIC, &before) == 0);
	pid_t pid = MUST(fork());

	if (pid == 0) {
		CHECK(get(CLOCK_MONOTONIC, &after) == 0);
		_exit(ns_of(after) >= ns_of(before) ? 0 : 1);
	}
	MUST(waitpid(pid, &status, 0));
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(get(CLOCK_MONOTONIC, &after) == 0);
	CHECK(ns_of(after) >= ns_of(before));
}

// Setting the clock reaches those who do not ask the kernel. It is set to what it shows, or nearly.
TEST(a_clock_that_was_set_is_seen)
{
	int (*get)(int, struct timespec *) = (int (*)(int, struct timespec *))function("__vdso_clock_gettime");
	struct timespec t, real;

	if (access("/proc/self/counts", F_OK))
		SKIP("the clock of this machine stays as it is");
	CHECK(get(CLOCK_REALTIME, &real) == 0);
	t = real;
	t.tv_sec += 1000;
	MUST(clock_settime(CLOCK_REALTIME, &t));
	CHECK(get(CLOCK_REALTIME, &t) == 0);
	long ahead = ns_of(t) - ns_of(real);

	CHECK(get(CLOCK_REALTIME, &t) == 0);
	t.tv_sec -= 1000;
	MUST(clock_settime(CLOCK_REALTIME, &t));
	CHECK(ahead >= 1000000000000);
	CHECK(get(CLOCK_REALTIME, &t) == 0);
	CHECK(ns_of(t) < ns_of(real) + 1000000000000);
}

#include "testmain.h"
