/*
 * sys_poll.c - waiting for one of many files (poll, ppoll, select), FIFOs,
 * sendfile, and descriptors without a file behind.
 */
#include "guest.h"

#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>

static long milliseconds(void)
{
	struct timespec t;

	MUST(clock_gettime(CLOCK_MONOTONIC, &t));
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long send_file(int out, int in, off_t *position, size_t nr_bytes)
{
	return syscall(SYS_sendfile, out, in, position, nr_bytes);
}

TEST(poll_of_nothing_waits_for_its_time)
{
	long start = milliseconds();

	CHECK_EQ(poll(NULL, 0, 60), 0);
	CHECK(milliseconds() - start >= 55);
	CHECK_EQ(poll(NULL, 0, 0), 0);
}

TEST(poll_passes_over_negative_and_names_closed_descriptors)
{
	struct pollfd fds[3] = { { .fd = -1, .events = POLLIN, .revents = 77 }, { .fd = 999, .events = POLLIN },
				 { .fd = MUST(open("/dev/null", O_RDWR)), .events = POLLIN | POLLOUT } };

	CHECK_EQ(poll(fds, 3, -1), 2);
	CHECK_EQ(fds[0].revents, 0);
	CHECK_EQ(fds[1].revents, POLLNVAL);
	CHECK_EQ(fds[2].revents, POLLIN | POLLOUT);
}

TEST(poll_refuses_too_many_and_bad_addresses)
{
	CHECK_ERR(poll(NULL, 1000000, 0), EINVAL);
	CHECK_ERR(poll((struct pollfd *)16, 1, 0), EFAULT);
}

TEST(poll_of_many_pipes_finds_the_one)
{
	struct gate pipes[40];
	struct pollfd fds[40];

	for (int i = 0; i < 40; i++) {
		pipes[i] = gate_make();
		fds[i] = (struct pollfd){ .fd = pipes[i].ends[0], .events = POLLIN };
	}
	CHECK_EQ(poll(fds, 40, 20), 0);
	pid_t child = MUST(fork());

	if (child == 0) {
		poll(NULL, 0, 50);
		CHECK_EQ(write(pipes[23].ends[1], "x", 1), 1);
		_exit(0);
	}
	CHECK_EQ(poll(fds, 40, 20000), 1);
	for (int i = 0; i < 40; i++)
		CHECK_EQ(fds[i].revents, i == 23 ? POLLIN : 0);
	CHECK_CHILD(child);
}

TEST(poll_says_hup_when_the_writer_goes_and_err_when_the_reader_goes)
{
	struct gate a = gate_make(), b = gate_make();
	struct pollfd fds[2] = { { .fd = a.ends[0], .events = POLLIN }, { .fd = b.ends[1], .events = POLLOUT } };

	MUST(close(a.ends[1]));
	MUST(close(b.ends[0]));
	CHECK_EQ(poll(fds, 2, 0), 2);
	CHECK_EQ(fds[0].revents, POLLHUP);
	CHECK_EQ(fds[1].revents, POLLOUT | POLLERR);
}

static volatile sig_atomic_t nr_alarms;

static void count_alarm(int number)
{
	(void)number;
	nr_alarms++;
}

TEST(signal_ends_poll_with_eintr)
{
	struct sigaction action = { .sa_handler = count_alarm, .sa_flags = SA_RESTART };
	struct itimerval soon = { .it_value = { .tv_usec = 40000 } };
	struct gate pipe = gate_make();
	struct pollfd fd = { .fd = pipe.ends[0], .events = POLLIN };

	MUST(sigaction(SIGALRM, &action, NULL));
	MUST(setitimer(ITIMER_REAL, &soon, NULL));
	CHECK_ERR(poll(&fd, 1, 20000), EINTR);          // also with SA_RESTART
	CHECK_EQ(nr_alarms, 1);
}

TEST(ppoll_opens_the_mask_only_while_it_waits)
{
	struct sigaction action = { .sa_handler = count_alarm };
	sigset_t alarm_only, none, now;
	struct timespec long_time = { .tv_sec = 20 };

	sigemptyset(&none);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	MUST(sigaction(SIGALRM, &action, NULL));
	MUST(sigprocmask(SIG_BLOCK, &alarm_only, NULL));
	MUST(raise(SIGALRM));
	CHECK_EQ(nr_alarms, 0);
	CHECK_ERR(ppoll(NULL, 0, &long_time, &none), EINTR);
	CHECK_EQ(nr_alarms, 1);
	MUST(sigprocmask(SIG_BLOCK, NULL, &now));
	CHECK_EQ(sigismember(&now, SIGALRM), 1);
}

TEST(select_tells_readers_and_writers)
{
	struct gate pipe = gate_make();
	fd_set in, out;
	struct timeval none = { 0 };
	int highest = pipe.ends[0] > pipe.ends[1] ? pipe.ends[0] : pipe.ends[1];

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(pipe.ends[0], &in);
	FD_SET(pipe.ends[1], &out);
	CHECK_EQ(select(highest + 1, &in, &out, NULL, &none), 1);
	CHECK(!FD_ISSET(pipe.ends[0], &in) && FD_ISSET(pipe.ends[1], &out));

	CHECK_EQ(write(pipe.ends[1], "x", 1), 1);
	FD_SET(pipe.ends[0], &in);
	CHECK_EQ(select(highest + 1, &in, &out, NULL, NULL), 2);
	CHECK(FD_ISSET(pipe.ends[0], &in) && FD_ISSET(pipe.ends[1], &out));
}

TEST(select_leaves_the_rest_of_the_time)
{
	struct timeval time = { .tv_usec = 30000 };
	fd_set in;

	CHECK_EQ(select(0, NULL, NULL, NULL, &time), 0);
	CHECK_EQ(time.tv_sec * 1000000 + time.tv_usec, 0);
	FD_ZERO(&in);
	FD_SET(50, &in);
	CHECK_ERR(select(51, &in, NULL, NULL, NULL), EBADF);
	CHECK_ERR(select(-1, NULL, NULL, NULL, NULL), EINVAL);
}

TEST(fifo_joins_two_that_know_its_name)
{
	char text[8] = "";
	struct stat st;

	MUST(mkfifo("fifo", 0644));
	MUST(stat("fifo", &st));
	CHECK(S_ISFIFO(st.st_mode));
	CHECK_ERR(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	pid_t child = MUST(fork());

	if (child == 0) {
		int fd = MUST(open("fifo", O_WRONLY));

		CHECK_EQ(write(fd, "hello", 5), 5);
		_exit(0);
	}
	int fd = MUST(open("fifo", O_RDONLY));

	CHECK_EQ(read(fd, text, sizeof(text)), 5);
	CHECK_STR(text, "hello");
	CHECK_EQ(read(fd, text, sizeof(text)), 0);
	CHECK_CHILD(child);
	CHECK_ERR(lseek(fd, 0, SEEK_SET), ESPIPE);
}

TEST(fifo_opened_both_ways_waits_for_nobody)
{
	char byte = 0;

	MUST(mkfifo("fifo", 0644));
	int both = MUST(open("fifo", O_RDWR)), reader = MUST(open("fifo", O_RDONLY | O_NONBLOCK));

	CHECK_ERR(read(reader, &byte, 1), EAGAIN);
	CHECK_EQ(write(both, "z", 1), 1);
	CHECK_EQ(read(reader, &byte, 1), 1);
	CHECK_EQ(byte, 'z');
	MUST(close(both));
	CHECK_EQ(read(reader, &byte, 1), 0);
	MUST(unlink("fifo"));
}

TEST(descriptor_of_a_pipe_opens_again_by_proc)
{
	char path[64], text[8] = "";
	struct gate pipe = gate_make();

	snprintf(path, sizeof(path), "/proc/self/fd/%d", pipe.ends[0]);
	int again = MUST(open(path, O_RDONLY));

	CHECK_EQ(write(pipe.ends[1], "abc", 3), 3);
	CHECK_EQ(read(again, text, 8), 3);
	CHECK_STR(text, "abc");
	MUST(close(pipe.ends[0]));
	CHECK_EQ(write(pipe.ends[1], "d", 1), 1);       // again still reads
	MUST(close(again));
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERR(write(pipe.ends[1], "e", 1), EPIPE);
}

TEST(descriptor_of_a_deleted_file_opens_again_by_proc)
{
	char path[64], target[256] = "";
	struct stat a, b;
	int fd = make_file("gone", 100);

	MUST(unlink("gone"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(MUST(readlink(path, target, sizeof(target) - 1)) > 0);
	CHECK(strstr(target, "gone (deleted)") != NULL);
	int again = MUST(open(path, O_RDWR));

	MUST(fstat(fd, &a));
	MUST(fstat(again, &b));
	CHECK_EQ(a.st_ino, b.st_ino);
	CHECK_EQ(b.st_nlink, 0);
	CHECK_EQ(file_byte(again, 50), pattern(50));
}

TEST(path_descriptor_names_but_does_not_open)
{
	char text[64] = "";
	struct stat st;
	int fd = make_file("named", 10), path = MUST(open("named", O_PATH));

	CHECK_ERR(read(path, text, 1), EBADF);
	CHECK_ERR(write(path, text, 1), EBADF);
	CHECK_ERR(ftruncate(path, 0), EBADF);
	CHECK_ERR(fchmod(path, 0600), EBADF);
	MUST(fstat(path, &st));
	CHECK_EQ(st.st_size, 10);
	MUST(symlink("named", "link"));
	path = MUST(open("link", O_PATH | O_NOFOLLOW));
	MUST(fstat(path, &st));
	CHECK(S_ISLNK(st.st_mode));
	CHECK_EQ(readlinkat(path, "", text, sizeof(text)), 5);
	CHECK_STR(text, "named");
	MUST(close(fd));
}

TEST(sendfile_copies_a_file_and_moves_the_position)
{
	off_t at = 4000;
	int in = make_file("in", 20000), out = MUST(open("out", O_RDWR | O_CREAT, 0600));

	MUST(lseek(in, 100, SEEK_SET));
	CHECK_EQ(send_file(out, in, NULL, 5000), 5000);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 5100);
	CHECK_EQ(file_size(out), 5000);
	for (int i = 0; i < 5000; i += 321)
		CHECK_EQ(file_byte(out, i), pattern(100 + (unsigned long)i));
	CHECK_EQ(send_file(out, in, &at, 100000), 16000);
	CHECK_EQ(at, 20000);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 5100);
	CHECK_EQ(send_file(out, in, &at, 10), 0);
}

TEST(sendfile_to_a_pipe_stops_where_it_is_full)
{
	struct gate pipe = gate_make();
	off_t at = 0;
	int in = make_file("in", 100000);

	MUST(fcntl(pipe.ends[1], F_SETFL, O_NONBLOCK));
	long sent = MUST(send_file(pipe.ends[1], in, &at, 100000));

	CHECK_EQ(sent, at);
	CHECK(sent >= 61440 && sent <= 65536);
	CHECK_ERR(send_file(pipe.ends[1], in, &at, 10000), EAGAIN);
	CHECK_ERR(send_file(in, pipe.ends[0], NULL, 1), EINVAL);
}
