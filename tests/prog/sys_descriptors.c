/*
 * sys_descriptors.c - threads that read and write by descriptors which other threads close and replace meanwhile:
 * a call goes on with the file that it found, and nobody else's file is touched.
 */
#include "threads.h"

#define ROUNDS 3000
#define READERS 3

static int ends[2], slot;
static volatile long got, nr_wrong;
static volatile int go, done;

static void read_one_byte(void *argument)
{
	char byte = 0;

	(void)argument;
	go = 1;
	got = raw_call(SYS_read, ends[0], (long)&byte, 1, 0, 0, 0);
	got = got == 1 ? byte : got;
}

static bool sleeps(const struct thread *t)
{
	char path[64], text[256], *state;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", t->tid);
	int fd = MUST(open(path, O_RDONLY));
	ssize_t n = MUST(read(fd, text, sizeof(text) - 1));

	MUST(close(fd));
	text[n] = 0;
	state = strrchr(text, ')');
	return state && state[2] == 'S';
}

TEST(a_read_goes_on_after_its_descriptor_is_closed)
{
	static struct thread reader;

	MUST(pipe(ends));
	go = 0;
	thread_begin(&reader, read_one_byte, NULL);
	while (!go || !sleeps(&reader))
		sched_yield();
	MUST(close(ends[0]));
	MUST(write(ends[1], "x", 1));           // somebody still reads: no EPIPE
	thread_join(&reader);
	CHECK(got == 'x');
	signal(SIGPIPE, SIG_IGN);
	CHECK(write(ends[1], "y", 1) == -1 && errno == EPIPE);  // and with the call his reference has gone
	MUST(close(ends[1]));
}

TEST(a_read_goes_on_after_its_descriptor_is_replaced)
{
	static struct thread reader;
	int other[2];

	MUST(pipe(ends));
	MUST(pipe(other));
	go = 0;
	thread_begin(&reader, read_one_byte, NULL);
	while (!go || !sleeps(&reader))
		sched_yield();
	MUST(dup2(other[0], ends[0]));
	MUST(write(other[1], "o", 1));          // the descriptor's new file is not the reader's
	MUST(write(ends[1], "x", 1));
	thread_join(&reader);
	CHECK(got == 'x');
	for (int i = 0; i < 2; i++) {
		MUST(close(ends[i]));
		MUST(close(other[i]));
	}
}

// Each file holds its own letter only: a read gives some of one, or finds the slot empty.
static void read_whatever_is_there(void *argument)
{
	char text[64];

	(void)argument;
	while (!done) {
		long n = raw_call(SYS_pread64, slot, (long)text, sizeof(text), 0, 0, 0);

		if (n == -EBADF)
			continue;
		if (n != (long)sizeof(text) || (text[0] != 'a' && text[0] != 'b') || text[63] != text[0])
			__atomic_add_fetch(&nr_wrong, 1, __ATOMIC_SEQ_CST);
	}
}

static int file_of(char letter)
{
	char name[] = "file_?", text[64];
	int fd;

	name[5] = letter;
	memset(text, letter, sizeof(text));
	fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
	MUST(write(fd, text, sizeof(text)));
	return fd;
}

TEST(reads_beside_close_and_open_see_one_file_or_none)
{
	static struct thread readers[READERS];
	int a = file_of('a'), b = file_of('b');

	slot = MUST(dup(a));
	nr_wrong = done = 0;
	for (int i = 0; i < READERS; i++)
		thread_begin(&readers[i], read_whatever_is_there, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		MUST(dup2(i & 1 ? a : b, slot));
		if (i % 3 == 0)
			MUST(close(slot));
		if (i % 64 == 0) {              // a file whose last reference may be a reader's
			int fresh = MUST(open(i & 64 ? "file_a" : "file_b", O_RDONLY));

			if (fresh != slot)
				MUST(dup2(fresh, slot));
			if (fresh != slot)
				MUST(close(fresh));
		}
	}
	done = 1;
	for (int i = 0; i < READERS; i++)
		thread_join(&readers[i]);
	CHECK(nr_wrong == 0);
	MUST(close(a));
	MUST(close(b));
	close(slot);
}

struct visitor { char stack[32 * 1024]; };

// A process that shares the descriptors, but is no thread of ours.
static void close_from_outside(void *argument)
{
	(void)argument;
	raw_call(SYS_close, ends[0], 0, 0, 0, 0, 0);
	raw_call(SYS_exit, 0, 0, 0, 0, 0, 0);
}

TEST(a_read_goes_on_after_another_process_closes_the_shared_descriptor)
{
	static struct thread reader;
	static struct visitor visitor;
	int status;

	MUST(pipe(ends));
	go = 0;
	thread_begin(&reader, read_one_byte, NULL);
	while (!go || !sleeps(&reader))
		sched_yield();
	long pid = clone_onto(CLONE_VM | CLONE_FILES | SIGCHLD, visitor.stack + sizeof(visitor.stack),
			      close_from_outside, NULL, NULL, NULL);

	CHECK(pid > 0 && waitpid((pid_t)pid, &status, 0) == pid);
	CHECK(fcntl(ends[0], F_GETFD) == -1 && errno == EBADF);
	MUST(write(ends[1], "x", 1));
	thread_join(&reader);
	CHECK(got == 'x');
	MUST(close(ends[1]));
}
