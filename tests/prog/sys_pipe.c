/*
 * sys_pipe.c - pipes: what goes in comes out, in order; both ends wait for each other; either may go.
 */
#include "guest.h"

#include <poll.h>
#include <sched.h>

TEST(bytes_come_out_in_order)
{
	char text[20] = "";
	struct gate pipe = gate_make();

	CHECK_EQ(write(pipe.ends[1], "abc", 3), 3);
	CHECK_EQ(write(pipe.ends[1], "def", 3), 3);
	CHECK_EQ(read(pipe.ends[0], text, 4), 4);
	CHECK_STR(text, "abcd");
	CHECK_EQ(read(pipe.ends[0], text, 10), 2);
}

TEST(closed_writer_is_end_of_file)
{
	char byte;
	struct gate pipe = gate_make();

	CHECK_EQ(write(pipe.ends[1], "x", 1), 1);
	MUST(close(pipe.ends[1]));
	CHECK_EQ(read(pipe.ends[0], &byte, 1), 1);
	CHECK_EQ(read(pipe.ends[0], &byte, 1), 0);
	CHECK_EQ(read(pipe.ends[0], &byte, 1), 0);
}

TEST(every_copy_of_the_writer_counts)
{
	char byte;
	struct gate pipe = gate_make(), gate = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(gate);
		CHECK_EQ(write(pipe.ends[1], "y", 1), 1);
		_exit(0);
	}
	MUST(close(pipe.ends[1]));
	gate_open(gate);
	CHECK_EQ(read(pipe.ends[0], &byte, 1), 1);      // the child's copy still was open
	CHECK_EQ(read(pipe.ends[0], &byte, 1), 0);
	CHECK_CHILD(child);
}

TEST(closed_reader_is_epipe_and_sigpipe)
{
	struct gate pipe = gate_make();

	MUST(close(pipe.ends[0]));
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(pipe.ends[1], "x", 1), EPIPE);
	pid_t child = MUST(fork());
	if (child == 0) {
		signal(SIGPIPE, SIG_DFL);
		write(pipe.ends[1], "x", 1);
		_exit(0);
	}
	CHECK_KILLED(child, SIGPIPE);
}

TEST(wrong_end_is_ebadf)
{
	char byte;
	struct gate pipe = gate_make();

	CHECK_ERR(read(pipe.ends[1], &byte, 1), EBADF);
	CHECK_ERR(write(pipe.ends[0], "x", 1), EBADF);
}

TEST(pipes_cannot_seek)
{
	char byte;
	struct gate pipe = gate_make();

	CHECK_ERR(lseek(pipe.ends[0], 0, SEEK_SET), ESPIPE);
	CHECK_ERR(pread(pipe.ends[0], &byte, 1, 0), ESPIPE);
	CHECK_ERR(pwrite(pipe.ends[1], &byte, 1, 0), ESPIPE);
	CHECK_ERR(ftruncate(pipe.ends[1], 0), EINVAL);
}

// Who opens a FIFO last may write and close before the first has looked up: the first has been met all the same.
TEST(fifo_openers_meet_even_if_one_has_gone_again)
{
	MUST(mkfifo("fifo", 0644));
	for (int round = 0; round < 1000; round++) {
		int reads = round & 1;
		pid_t child = MUST(fork());

		if (child == 0) {
			close(MUST(open("fifo", reads ? O_WRONLY : O_RDONLY)));
			_exit(0);
		}
		MUST(close(MUST(open("fifo", reads ? O_RDONLY : O_WRONLY))));
		CHECK_EQ(wait_status(child), 0);
	}
}

TEST(stat_says_fifo)
{
	struct stat status;
	struct gate pipe = gate_make();

	MUST(fstat(pipe.ends[0], &status));
	CHECK(S_ISFIFO(status.st_mode));
}

TEST(large_transfer_is_whole)
{
	unsigned long size = 1000 * 1000, done = 0;
	unsigned char *p = map_anonymous(size);
	struct gate pipe = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		for (unsigned long i = 0; i < size; i++)
			p[i] = pattern(i);
		while (done < size)
			done += MUST(write(pipe.ends[1], p + done, size - done));
		_exit(0);
	}
	MUST(close(pipe.ends[1]));
	while (done < size) {
		ssize_t n = MUST(read(pipe.ends[0], p + done, done % 3 ? 7777 : 65536));
		CHECK(n > 0);
		done += n;
	}
	CHECK_EQ(read(pipe.ends[0], p, 1), 0);
	check_pattern(p, size, 0);
	CHECK_CHILD(child);
}

TEST(blocking_write_takes_all)
{
	unsigned long size = 300000;
	unsigned char *p = map_anonymous(size);
	struct gate pipe = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		CHECK_EQ(write(pipe.ends[1], p, size), size);
		_exit(0);
	}
	MUST(close(pipe.ends[1]));
	unsigned long seen = 0;
	ssize_t n;
	while ((n = MUST(read(pipe.ends[0], p, 4099))) > 0)
		seen += n;
	CHECK_EQ(seen, size);
	CHECK_CHILD(child);
}

TEST(small_writes_are_never_torn)
{
	char record[100];
	struct gate pipe = gate_make();
	pid_t child[3];

	for (int i = 0; i < 3; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			memset(record, 'a' + i, sizeof(record));
			for (int j = 0; j < 300; j++)
				CHECK_EQ(write(pipe.ends[1], record, sizeof(record)), sizeof(record));
			_exit(0);
		}
	}
	MUST(close(pipe.ends[1]));
	int records = 0;
	for (;;) {
		size_t have = 0;
		ssize_t n = 1;
		while (have < sizeof(record) && n > 0) {
			n = MUST(read(pipe.ends[0], record + have, sizeof(record) - have));
			have += n;
		}
		if (have == 0)
			break;
		CHECK_EQ(have, sizeof(record));
		CHECK_BYTES(record, sizeof(record), record[0]);
		records++;
	}
	CHECK_EQ(records, 900);
	for (int i = 0; i < 3; i++)
		CHECK_CHILD(child[i]);
}

TEST(nonblocking_ends_say_eagain)
{
	static char block[4096];
	int ends[2];
	long room = 0;
	ssize_t n;

	MUST(pipe2(ends, O_NONBLOCK));
	CHECK_ERR(read(ends[0], block, 1), EAGAIN);
	while ((n = write(ends[1], block, sizeof(block))) > 0)
		room += n;
	CHECK_EQ(n, -1);
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(room % 4096, 0);
	CHECK(room >= 4096);
	CHECK_EQ(read(ends[0], block, sizeof(block)), sizeof(block));
	CHECK_EQ(write(ends[1], block, sizeof(block)), sizeof(block));
	CHECK_ERR(write(ends[1], block, 1), EAGAIN);
}

TEST(pipe2_flags)
{
	int ends[2];

	MUST(pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	CHECK_EQ(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
	CHECK_ERR(pipe2(ends, O_CREAT), EINVAL);
	MUST(pipe(ends));
	CHECK_EQ(fcntl(ends[0], F_GETFD), 0);
	CHECK_EQ(fcntl(ends[0], F_GETFL) & O_ACCMODE, O_RDONLY);
	CHECK_EQ(fcntl(ends[1], F_GETFL) & O_ACCMODE, O_WRONLY);
}

TEST(failed_pipe_takes_no_descriptors)
{
	int before = MUST(dup(0));

	MUST(close(before));
	CHECK_ERR(syscall(SYS_pipe2, 8, 0), EFAULT);
	CHECK_EQ(dup(0), before);
}

TEST(long_chain_of_pipes)
{
	struct gate first = gate_make();
	int from = first.ends[0];
	pid_t child[8];
	char text[10];

	for (int i = 0; i < 8; i++) {
		struct gate next = gate_make();
		child[i] = MUST(fork());
		if (child[i] == 0) {
			ssize_t n;
			MUST(close(first.ends[1]));
			MUST(close(next.ends[0]));
			while ((n = MUST(read(from, text, sizeof(text)))) > 0) {
				for (int j = 0; j < n; j++)
					text[j]++;
				CHECK_EQ(write(next.ends[1], text, n), n);
			}
			_exit(0);
		}
		MUST(close(from));
		MUST(close(next.ends[1]));
		from = next.ends[0];
	}
	CHECK_EQ(write(first.ends[1], "AAA", 3), 3);
	MUST(close(first.ends[1]));
	CHECK_EQ(read(from, text, sizeof(text)), 3);
	CHECK_BYTES(text, 3, 'A' + 8);
	CHECK_EQ(read(from, text, sizeof(text)), 0);
	for (int i = 0; i < 8; i++)
		CHECK_CHILD(child[i]);
}

TEST(killed_reader_wakes_the_writer)
{
	static char block[200000];
	struct gate pipe = gate_make();
	pid_t reader = MUST(fork());

	if (reader == 0) {
		MUST(close(pipe.ends[1]));
		for (;;)
			pause();
	}
	pid_t writer = MUST(fork());
	if (writer == 0) {
		MUST(close(pipe.ends[0]));
		write(pipe.ends[1], block, sizeof(block));      // more than fits
		_exit(0);
	}
	MUST(close(pipe.ends[0]));
	MUST(close(pipe.ends[1]));
	for (int i = 0; i < 20; i++)
		sched_yield();
	MUST(kill(reader, SIGKILL));
	CHECK_KILLED(reader, SIGKILL);
	CHECK_KILLED(writer, SIGPIPE);
}

TEST(poll_tells_what_is_ready)
{
	struct gate pipe = gate_make();
	struct pollfd in = { pipe.ends[0], POLLIN, 0 }, out = { pipe.ends[1], POLLOUT, 0 };
	int n = poll(&in, 1, 0);

	if (n == -1 && errno == ENOSYS)
		SKIP("no poll");
	CHECK_EQ(n, 0);
	CHECK_EQ(poll(&out, 1, -1), 1);
	CHECK_EQ(out.revents, POLLOUT);
	CHECK_EQ(write(pipe.ends[1], "x", 1), 1);
	CHECK_EQ(poll(&in, 1, -1), 1);
	CHECK_EQ(in.revents, POLLIN);
	MUST(close(pipe.ends[1]));
	CHECK_EQ(poll(&in, 1, -1), 1);
	CHECK(in.revents & POLLHUP);
	in.fd = 99;
	CHECK_EQ(poll(&in, 1, -1), 1);
	CHECK_EQ(in.revents, POLLNVAL);
}

TEST(poll_waits_for_another_process)
{
	struct gate pipe = gate_make();
	struct pollfd in = { pipe.ends[0], POLLIN, 0 };

	if (poll(&in, 1, 0) == -1 && errno == ENOSYS)
		SKIP("no poll");
	pid_t child = MUST(fork());
	if (child == 0) {
		for (int i = 0; i < 30; i++)
			sched_yield();
		gate_open(pipe);
		_exit(0);
	}
	CHECK_EQ(poll(&in, 1, -1), 1);
	CHECK_CHILD(child);
	gate_wait(pipe);
	CHECK_EQ(poll(&in, 1, 1), 0);
}
