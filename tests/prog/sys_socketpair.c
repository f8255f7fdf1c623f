/*
 * sys_socketpair.c - two connected sockets: a stream each way, and what their ends tell each other.
 */
#include "guest.h"

#include <abi/socket.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#define ALL (POLLIN | POLLOUT | POLLRDHUP)

static void make(int s[2], int flags)
{
	MUST(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | flags, 0, s));
}

static long receive(int fd, void *to, size_t n, int flags)
{
	return syscall(SYS_recvfrom, fd, to, n, flags, NULL, NULL);
}

static long transmit(int fd, const void *from, size_t n, int flags)
{
	return syscall(SYS_sendto, fd, from, n, flags, NULL, 0);
}

static int events(int fd)
{
	struct pollfd p = { fd, ALL, 0 };

	MUST(poll(&p, 1, 0));
	return p.revents;
}

TEST(bytes_go_both_ways)
{
	char got[16] = "";
	int s[2];

	make(s, 0);
	CHECK_EQ(write(s[0], "hello", 5), 5);
	CHECK_EQ(write(s[1], "bye", 3), 3);
	CHECK_EQ(read(s[1], got, 16), 5);
	CHECK(!memcmp(got, "hello", 5));
	CHECK_EQ(read(s[0], got, 2), 2);
	CHECK_EQ(read(s[0], got, 16), 1);       // a stream: no limits between writes
	CHECK_EQ(got[0], 'e');
}

TEST(send_and_receive)
{
	char got[16] = "";
	int s[2];

	make(s, 0);
	CHECK_EQ(transmit(s[0], "ab", 2, 0), 2);
	CHECK_EQ(receive(s[1], got, 16, 0), 2);
	CHECK_ERR(receive(s[1], got, 16, MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(fcntl(s[1], F_GETFL) & O_NONBLOCK, 0);
}

TEST(waits_for_all)
{
	char got[6] = "";
	int s[2];
	pid_t child;

	make(s, 0);
	child = MUST(fork());
	if (child == 0) {
		for (int i = 0; i < 6; i++) {
			sched_yield();
			if (write(s[0], "x", 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	CHECK_EQ(receive(s[1], got, 6, MSG_WAITALL), 6);
	CHECK_CHILD(child);
}

TEST(messages_of_pieces)
{
	char one[3] = "", two[8] = "";
	struct iovec from[2] = { { "abc", 3 }, { "defg", 4 } }, to[2] = { { one, 2 }, { two, 8 } };
	struct msghdr m = { .msg_iov = from, .msg_iovlen = 2 };
	int s[2];

	make(s, 0);
	CHECK_EQ(syscall(SYS_sendmsg, s[0], &m, 0), 7);
	m.msg_iov = to;
	CHECK_EQ(syscall(SYS_recvmsg, s[1], &m, 0), 7);
	CHECK_EQ(m.msg_flags, 0);
	CHECK_EQ(m.msg_controllen, 0);
	CHECK(!memcmp(one, "ab", 2) && !memcmp(two, "cdefg", 5));
}

static volatile int handled;

static void count_signal(int number)
{
	(void)number;
	handled++;
}

TEST(a_closed_end_is_the_end_and_epipe)
{
	struct sigaction action = { .sa_handler = count_signal };
	char got[4];
	int s[2];

	make(s, 0);
	MUST(sigaction(SIGPIPE, &action, NULL));
	CHECK_EQ(events(s[0]), POLLOUT);
	CHECK_EQ(write(s[1], "rest", 4), 4);
	CHECK_EQ(events(s[0]), POLLIN | POLLOUT);
	close(s[1]);
	CHECK_EQ(events(s[0]), ALL | POLLHUP);
	CHECK_EQ(read(s[0], got, 4), 4);
	CHECK_EQ(read(s[0], got, 4), 0);
	CHECK_ERR(write(s[0], "x", 1), EPIPE);
	CHECK_EQ(handled, 1);
	CHECK_ERR(transmit(s[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(handled, 1);
}

TEST(one_way_can_be_shut)
{
	char got[4];
	int s[2];

	signal(SIGPIPE, SIG_IGN);
	make(s, 0);
	CHECK_EQ(write(s[0], "last", 4), 4);
	MUST(syscall(SYS_shutdown, s[0], SHUT_WR));
	CHECK_ERR(write(s[0], "x", 1), EPIPE);
	CHECK_EQ(read(s[1], got, 4), 4);
	CHECK_EQ(read(s[1], got, 4), 0);
	CHECK_EQ(events(s[1]), ALL);
	CHECK_EQ(write(s[1], "back", 4), 4);    // the other way is open
	CHECK_EQ(read(s[0], got, 4), 4);
	MUST(syscall(SYS_shutdown, s[0], SHUT_RD));
	CHECK_EQ(read(s[0], got, 4), 0);
	CHECK_ERR(write(s[1], "x", 1), EPIPE);
	CHECK_EQ(events(s[1]), ALL | POLLHUP);
	CHECK_ERR(syscall(SYS_shutdown, s[0], 3), EINVAL);
}

TEST(a_reader_is_woken_by_the_end)
{
	char byte;
	int s[2];
	pid_t child;

	make(s, 0);
	child = MUST(fork());
	if (child == 0) {
		close(s[1]);
		_exit(read(s[0], &byte, 1) != 0);
	}
	close(s[0]);
	for (int i = 0; i < 50; i++)
		sched_yield();
	MUST(syscall(SYS_shutdown, s[1], SHUT_WR));
	CHECK_CHILD(child);
}

TEST(a_full_way_makes_the_writer_wait)
{
	enum { MUCH = 1 << 20 };
	static char bytes[8192];
	long sum = 0;
	int s[2];
	pid_t child;

	make(s, 0);
	child = MUST(fork());
	if (child == 0) {
		for (int i = 0; i < MUCH / 8192; i++)
			if (write(s[0], bytes, 8192) != 8192)
				_exit(1);
		_exit(0);
	}
	close(s[0]);
	for (long n; (n = MUST(read(s[1], bytes, 5000))) != 0;)
		sum += n;
	CHECK_EQ(sum, MUCH);
	CHECK_CHILD(child);
}

TEST(not_waiting_is_eagain)
{
	static char bytes[4096];
	int s[2];

	make(s, O_NONBLOCK | O_CLOEXEC);
	CHECK_EQ(fcntl(s[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(s[1], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	CHECK_ERR(read(s[0], bytes, 1), EAGAIN);
	while (write(s[0], bytes, sizeof(bytes)) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(events(s[0]), 0);
}

TEST(epoll_tells_of_bytes_and_of_the_end)
{
	struct epoll_event e = { EPOLLIN | EPOLLRDHUP | EPOLLET, 1 };
	int s[2], ep = MUST(epoll_create1(0));

	make(s, 0);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e));
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	CHECK_EQ(write(s[1], "x", 1), 1);
	CHECK_EQ(epoll_wait(ep, &e, 1, -1), 1);
	CHECK_EQ(e.events, EPOLLIN);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	close(s[1]);
	CHECK_EQ(epoll_wait(ep, &e, 1, -1), 1);
	CHECK_EQ(e.events, EPOLLIN | EPOLLRDHUP | EPOLLHUP);
}

TEST(what_it_is)
{
	char path[64], link[64] = "";
	unsigned int size = 4;
	struct stat status;
	int s[2], value = 0;
	unsigned short name[8] = { 99 };

	make(s, 0);
	MUST(fstat(s[0], &status));
	CHECK(S_ISSOCK(status.st_mode));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s[0]);
	MUST(readlink(path, link, sizeof(link) - 1));
	CHECK(!strncmp(link, "socket:[", 8));
	CHECK_ERR(open(path, O_RDWR), ENXIO);
	CHECK_ERR(lseek(s[0], 0, SEEK_SET), ESPIPE);
	MUST(syscall(SYS_getsockopt, s[0], SOL_SOCKET, SO_TYPE, &value, &size));
	CHECK_EQ(value, SOCK_STREAM);
	CHECK_EQ(size, 4);
	MUST(syscall(SYS_getsockopt, s[0], SOL_SOCKET, SO_ERROR, &value, &size));
	CHECK_EQ(value, 0);
	size = sizeof(name);
	MUST(syscall(SYS_getsockname, s[0], name, &size));
	CHECK_EQ(size, 2);
	CHECK_EQ(name[0], AF_UNIX);
}

TEST(socket_errors)
{
	char byte;
	int s[2], none[2], pipes[2];

	make(s, 0);
	MUST(pipe(pipes));
	CHECK_ERR(syscall(SYS_socketpair, 99, SOCK_STREAM, 0, none), EAFNOSUPPORT);
	CHECK_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | 0x100, 0, none), EINVAL);
	CHECK_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 77, none), EPROTONOSUPPORT);
	CHECK_ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 16), EFAULT);
	CHECK_ERR(receive(pipes[0], &byte, 1, 0), ENOTSOCK);
	CHECK_ERR(transmit(pipes[1], &byte, 1, 0), ENOTSOCK);
	CHECK_ERR(syscall(SYS_shutdown, pipes[0], 0), ENOTSOCK);
	CHECK_ERR(receive(99, &byte, 1, 0), EBADF);
	CHECK_ERR(transmit(s[0], (void *)16, 1, 0), EFAULT);
	CHECK_ERR(syscall(SYS_listen, s[0], 1), EINVAL);
}
