/*
 * mapcheck_musl.c - mapped files as a program for any Unix uses them, on a foreign static C library
 * (musl): a small table in a file that two processes share, grown while it is mapped, and caught when
 * it is read too far.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct record {
	char name[24];
	long value;
};

static int failures, number;
static sigjmp_buf landing;
static void *volatile fault_address;

static void check(const char *what, int good)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, what);
	fflush(stdout);
	if (!good)
		failures++;
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
	(void)signal_number, (void)context;
	fault_address = info->si_addr;
	siglongjmp(landing, 1);
}

static long sum(const struct record *table, int nr)
{
	long total = 0;

	for (int i = 0; i < nr; i++)
		total += table[i].value;
	return total;
}

static void share_with_child(struct record *table, int nr)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		for (int i = 0; i < nr; i++)
			table[i].value *= 2;
		_exit(0);
	}
	waitpid(child, &status, 0);
	check("the child's stores are seen", status == 0 && sum(table, nr) == (long)nr * (nr - 1));
}

static void read_too_far(const volatile char *past)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO;
	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(landing, 1) == 0) {
		(void)*past;
		check("SIGBUS past the end", 0);
	} else {
		check("SIGBUS past the end", fault_address == (void *)past);
	}
}

int main(void)
{
	enum { NR = 1000 };
	const char *folder = getenv("TESTDIR");
	size_t size = NR * sizeof(struct record), length = (size + 4095) / 4096 * 4096;
	char path[300];

	snprintf(path, sizeof(path), "%s/mapcheck-%d", folder ? folder : "/tmp", (int)getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	check("open and size", fd >= 0 && ftruncate(fd, size) == 0);
	struct record *table = mmap(NULL, length + 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check("mmap", table != MAP_FAILED);
	if (failures)
		return 1;
	for (int i = 0; i < NR; i++) {
		snprintf(table[i].name, sizeof(table[i].name), "record %d", i);
		table[i].value = i;
	}
	struct record one;
	check("read() sees a record", pread(fd, &one, sizeof(one), 77 * sizeof(one)) == sizeof(one)
	      && one.value == 77 && strcmp(one.name, "record 77") == 0);
	one.value = 1077;
	pwrite(fd, &one, sizeof(one), 77 * sizeof(one));
	check("the mapping sees write()", table[77].value == 1077);
	table[77].value = 77;
	share_with_child(table, NR);
	read_too_far((char *)table + length);
	check("the file grows under the mapping", ftruncate(fd, length + 4096) == 0
	      && ((char *)table)[length + 5] == 0);
	struct record *copy = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	copy[5].value = -1;
	check("a private copy is apart", table[5].value == 10 && copy[6].value == 12);
	check("msync", msync(table, length, MS_SYNC) == 0);
	munmap(table, length + 4096);
	munmap(copy, length);
	close(fd);
	fd = open(path, O_RDONLY);
	table = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
	check("all is there when opened again", table != MAP_FAILED && sum(table, NR) == 999000
	      && strcmp(table[999].name, "record 999") == 0);
	check("unlink while mapped", unlink(path) == 0 && table[1].value == 2);
	printf("1..%d\n", number);
	return failures != 0;
}
