/*
 * map_commit.c - promised memory: what counts (Committed_AS), and what each mode of /proc/sys/vm/overcommit_memory
 * refuses. The sentences are those of proc(5) and of Linux's account of overcommitting.
 *
 * LECTERN ONLY: the modes and the sums are the whole machine's
 */
#define _GNU_SOURCE
#include "swapping.h"

#define MIB (1UL << 20)
#define VM "/proc/sys/vm/"

static void set(const char *path, long value)
{
	char text[32];
	int fd = MUST(open(path, O_WRONLY));
	int n = snprintf(text, sizeof(text), "%ld\n", value);

	CHECK_EQ(write(fd, text, n), n);
	close(fd);
}

static long get(const char *path)
{
	return strtol(slurp(path), NULL, 10);
}

static long committed(void)
{
	return number_of("/proc/meminfo", "Committed_AS");
}

// Mode 2 with so much left to promise.
static void leave(unsigned long bytes)
{
	set(VM "user_reserve_kbytes", 0);
	set(VM "overcommit_kbytes", committed() + (long)(bytes / 1024));
	set(VM "overcommit_memory", 2);
}

static void back_to_mode_0(void)
{
	set(VM "overcommit_memory", 0);
	set(VM "overcommit_ratio", 50);
}

static void *map_rw(unsigned long bytes, int flags)
{
	return mmap(NULL, bytes, RW, flags | MAP_ANONYMOUS, -1, 0);
}

static unsigned long more_than_there_is(void)
{
	return (number_of("/proc/meminfo", "MemTotal") + number_of("/proc/meminfo", "SwapTotal")) * 1024UL + 64 * MIB;
}

TEST(guessing_is_the_default)
{
	CHECK_EQ(get(VM "overcommit_memory"), 0);
	CHECK_EQ(get(VM "overcommit_ratio"), 50);
	CHECK_EQ(get(VM "overcommit_kbytes"), 0);
	int fd = MUST(open(VM "overcommit_memory", O_WRONLY));

	CHECK_ERR(write(fd, "3", 1), EINVAL);
	CHECK_ERR(write(fd, "x", 1), EINVAL);
}

TEST(mode_0_refuses_what_could_never_be_had)
{
	unsigned long size = more_than_there_is() & ~(PAGE - 1);
	char *p;

	CHECK_ERR(map_rw(size, MAP_PRIVATE), ENOMEM);
	CHECK_ERR(map_rw(size, MAP_SHARED), ENOMEM);
	MUST(munmap(MUST(map_rw(size, MAP_PRIVATE | MAP_NORESERVE)), size));
	MUST(munmap(MUST(map_rw(size, MAP_SHARED | MAP_NORESERVE)), size));
	MUST(munmap(MUST(mmap(NULL, size, PROT_READ, ANON, -1, 0)), size));
	// Two halves are nobody's obvious mistake.
	MUST(map_rw(size / 2, MAP_PRIVATE));
	MUST(map_rw(size / 2, MAP_PRIVATE));
	p = MUST(mmap(NULL, size, PROT_NONE, ANON, -1, 0));
	CHECK_ERR(mprotect(p, size, RW), ENOMEM);
	MUST(mprotect(p, MIB, RW));
}

TEST(mode_1_refuses_nothing)
{
	set(VM "overcommit_memory", 1);
	MUST(map_rw(1UL << 40, MAP_PRIVATE));
	MUST(map_rw(1UL << 40, MAP_SHARED));
	back_to_mode_0();
}

TEST(private_memory_counts_while_it_may_be_stored_to)
{
	long before = committed();
	char *p = MUST(map_rw(MIB, MAP_PRIVATE));

	CHECK_EQ(committed() - before, 1024);
	MUST(munmap(p + MIB / 4, MIB / 2));
	CHECK_EQ(committed() - before, 512);
	MUST(munmap(p, MIB));
	CHECK_EQ(committed(), before);
	p = MUST(mmap(NULL, MIB, PROT_READ, ANON, -1, 0));
	CHECK_EQ(committed(), before);
	MUST(mprotect(p, MIB / 2, RW));
	CHECK_EQ(committed() - before, 512);
	MUST(mprotect(p, MIB, PROT_READ));      // what was stored is still there
	CHECK_EQ(committed() - before, 512);
	MUST(munmap(p, MIB));
	CHECK_EQ(committed(), before);
	MUST(map_rw(MIB, MAP_PRIVATE | MAP_NORESERVE));
	CHECK_EQ(committed(), before);
}

TEST(a_mapping_over_another_counts_once)
{
	char *p = MUST(map_rw(MIB, MAP_PRIVATE));
	long before = committed();

	MUST(mmap(p, MIB / 2, RW, ANON | MAP_FIXED, -1, 0));
	CHECK_EQ(committed(), before);
	MUST(mmap(p, MIB / 2, PROT_NONE, ANON | MAP_FIXED, -1, 0));
	CHECK_EQ(before - committed(), 512);
}

TEST(files_count_where_copies_may_be_made)
{
	int fd = make_file("file", 16 * PAGE);
	long before = committed();

	map_file(fd, 16 * PAGE, RW, MAP_SHARED, 0);
	map_file(fd, 16 * PAGE, PROT_READ, MAP_PRIVATE, 0);
	CHECK_EQ(committed(), before);
	map_file(fd, 16 * PAGE, RW, MAP_PRIVATE, 0);
	CHECK_EQ(committed() - before, 64);
	MUST(mprotect(map_file(fd, 16 * PAGE, PROT_READ, MAP_PRIVATE, 0), 16 * PAGE, RW));
	CHECK_EQ(committed() - before, 128);
}

static __attribute__((noinline)) void use_stack(void)
{
	char deep[4 * MIB];

	store(deep, 1);
}

TEST(mremap_brk_and_stack_count_what_they_add)
{
	char *p = MUST(map_rw(MIB, MAP_PRIVATE));
	long before = committed();

	p = MUST(mremap(p, MIB, 3 * MIB, MREMAP_MAYMOVE));
	CHECK_EQ(committed() - before, 2048);
	p = MUST(mremap(p, 3 * MIB, 3 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, find_hole(3 * MIB)));
	CHECK_EQ(committed() - before, 2048);
	MUST(mremap(p, 3 * MIB, MIB, 0));
	CHECK_EQ(committed(), before);
	char *heap = (char *)syscall(SYS_brk, 0);

	CHECK_EQ(syscall(SYS_brk, heap + MIB), (long)(heap + MIB));
	CHECK_EQ(committed() - before, 1024);
	syscall(SYS_brk, heap);
	CHECK_EQ(committed(), before);
	use_stack();
	CHECK(committed() - before >= 1024);
}

TEST(shared_memory_counts_once_for_all_who_map_it)
{
	long before = committed();
	char *p = MUST(map_rw(MIB, MAP_SHARED));
	long one = committed();

	CHECK_EQ(one - before, 1024);
	store(p, 1);
	CHECK_EQ(committed(), one);
	MUST(munmap(p, MIB / 2));               // the object stays whole
	CHECK_EQ(committed(), one);
	MUST(munmap(p, MIB));
	CHECK_EQ(committed(), before);
}

TEST(pages_of_a_memfd_count_as_they_are_stored_to)
{
	long before = committed();
	int fd = (int)MUST(syscall(SYS_memfd_create, "m", 0));

	MUST(ftruncate(fd, MIB));
	char *p = (char *)map_file(fd, MIB, RW, MAP_SHARED, 0);

	CHECK_EQ(committed(), before);
	store(p, 1);
	store(p + PAGE, 1);
	CHECK_EQ(committed() - before, 8);
	MUST(ftruncate(fd, PAGE));
	CHECK_EQ(committed() - before, 4);
	MUST(munmap(p, MIB));
	close(fd);
	CHECK_EQ(committed(), before);
}

TEST(fork_promises_the_childs_copies)
{
	MUST(map_rw(8 * MIB, MAP_PRIVATE));
	long before = committed();
	pid_t child = fork_sleeper();

	CHECK(committed() - before >= 8192);
	MUST(kill(child, SIGKILL));
	MUST(waitpid(child, NULL, 0));
	CHECK_EQ(committed(), before);
}

TEST(mode_2_refuses_beyond_the_limit)
{
	leave(8 * MIB);
	CHECK_ERR(map_rw(16 * MIB, MAP_PRIVATE), ENOMEM);
	CHECK_ERR(map_rw(16 * MIB, MAP_SHARED), ENOMEM);
	CHECK_ERR(map_rw(16 * MIB, MAP_PRIVATE | MAP_NORESERVE), ENOMEM);       // the flag is not heard in this mode
	char *p = MUST(map_rw(5 * MIB, MAP_PRIVATE));

	CHECK_ERR(map_rw(5 * MIB, MAP_PRIVATE), ENOMEM);
	CHECK_ERR(mremap(p, 5 * MIB, 10 * MIB, MREMAP_MAYMOVE), ENOMEM);
	CHECK_ERR(mprotect(MUST(mmap(NULL, 5 * MIB, PROT_READ, ANON, -1, 0)), 5 * MIB, RW), ENOMEM);
	char *heap = (char *)syscall(SYS_brk, 0);

	CHECK_EQ(syscall(SYS_brk, heap + 5 * MIB), (long)heap);
	MUST(munmap(p, 5 * MIB));
	MUST(map_rw(5 * MIB, MAP_PRIVATE));
	back_to_mode_0();
}

TEST(mode_2_refuses_a_fork)
{
	MUST(map_rw(8 * MIB, MAP_PRIVATE));
	leave(4 * MIB);
	CHECK_ERR(fork(), ENOMEM);
	back_to_mode_0();
	CHECK_CHILD(fork_exit(0));
}

TEST(mode_2_refuses_a_page_of_a_memfd)
{
	static char page[PAGE];
	int fd = (int)MUST(syscall(SYS_memfd_create, "m", 0));
	long n = 0;

	leave(64 * 1024);
	while (n < 64 && write(fd, page, PAGE) == PAGE)
		n++;
	int error = errno;

	back_to_mode_0();
	CHECK(n > 8 && n <= 16);
	CHECK_EQ(error, ENOSPC);
}

TEST(the_limit_is_a_part_of_memory_or_so_many_kilobytes_and_swap)
{
	long memory = number_of("/proc/meminfo", "MemTotal"), limit = number_of("/proc/meminfo", "CommitLimit");

	CHECK(limit <= memory / 2 && limit >= memory / 2 - 4);
	start_swap();
	CHECK_EQ(number_of("/proc/meminfo", "CommitLimit") - limit, number_of("/proc/meminfo", "SwapTotal"));
	stop_swap();
	set(VM "overcommit_kbytes", 123400);
	CHECK_EQ(number_of("/proc/meminfo", "CommitLimit"), 123400);
	CHECK_EQ(get(VM "overcommit_ratio"), 0);
	set(VM "overcommit_ratio", 50);
	CHECK_EQ(get(VM "overcommit_kbytes"), 0);
	CHECK_EQ(number_of("/proc/meminfo", "CommitLimit"), limit);
}
