/*
 * swapfail.c - a page whose slot of swap cannot be read, for tests/test_pressure.py:
 * the machine's swap disk has one bad sector.
 *
 *	swapfail private|shared
 *
 * 40 pages are sent to swap and touched, twice. Prints how many of them were SIGBUS each time (the rest must
 * hold what they held), what read() says of a shared one, and what swapoff says before and after they are unmapped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096ul
#define NR 40ul
#define MADV_PAGEOUT_ 21

static sigjmp_buf back;
static siginfo_t seen;

static void on_sigbus(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	seen = *info;
	siglongjmp(back, 1);
}

static unsigned long value_of(unsigned long page)
{
	return page * 2654435761ul + 1;
}

// How many pages cannot be touched; the last of them goes to *bad.
// ~0: a page has other bytes, or a signal tells something else.
static unsigned long touch(volatile unsigned long *memory, volatile unsigned long *bad)
{
	volatile unsigned long nr = 0;

	for (volatile unsigned long i = 0; i < NR; i++) {
		volatile unsigned long *word = memory + i * (PAGE / 8);

		if (sigsetjmp(back, 1)) {
			if (seen.si_addr != (void *)word || seen.si_code != BUS_ADRERR)
				return ~0ul;
			nr++;
			*bad = i;
		} else if (*word != value_of(i)) {
			return ~0ul;
		}
	}
	return nr;
}

static void swap_off(const char *when)
{
	long result = syscall(SYS_swapoff, "/dev/vdb");

	printf("swapoff %s: %s\n", when, result ? strerror(errno) : "done");
}

int main(int argc, char **argv)
{
	int is_shared = argc == 2 && !strcmp(argv[1], "shared");
	int fd = is_shared ? (int)syscall(SYS_memfd_create, "bad", 0) : -1;
	int flags = is_shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
	struct sigaction action = { .sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO };
	volatile unsigned long bad = NR;
	char byte;

	sigaction(SIGBUS, &action, NULL);
	if (is_shared && (fd == -1 || ftruncate(fd, NR * PAGE)))
		return 1;
	unsigned long *memory = mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED)
		return 1;
	for (unsigned long i = 0; i < NR; i++)
		memory[i * (PAGE / 8)] = value_of(i);
	if (madvise(memory, NR * PAGE, MADV_PAGEOUT_))
		return 1;
	printf("first: %lu SIGBUS\n", touch(memory, &bad));
	printf("again: %lu SIGBUS\n", touch(memory, &bad));
	if (is_shared && bad < NR)
		printf("read: %s\n", pread(fd, &byte, 1, (off_t)(bad * PAGE)) == 1 ? "a byte" : strerror(errno));
	swap_off("before");
	munmap(memory, NR * PAGE);
	if (is_shared)
		close(fd);
	swap_off("after");
	return 0;
}
