/*
 * sys_eventfd.c - a count in a descriptor.
 */
#include "guest.h"

#include <poll.h>
#include <sched.h>

#define EFD_SEMAPHORE 1
#define MOST (~0ul - 1)

static int make(unsigned int count, int flags)
{
	return (int)MUST(syscall(SYS_eventfd2, count, flags));
}

static long get(int fd)
{
	unsigned long value = 0;
	ssize_t n = read(fd, &value, sizeof(value));

	return n == 8 ? (long)value : -1;
}

static long put(int fd, unsigned long value)
{
	return write(fd, &value, sizeof(value));
}

TEST(read_takes_all_and_write_adds)
{
	int fd = make(5, 0);

	CHECK_EQ(get(fd), 5);
	CHECK_EQ(put(fd, 3), 8);
	CHECK_EQ(put(fd, 4), 8);
	CHECK_EQ(put(fd, 0), 8);
	CHECK_EQ(get(fd), 7);
	fd = (int)MUST(syscall(SYS_eventfd, 9));
	CHECK_EQ(get(fd), 9);
}

TEST(semaphore_takes_one_by_one)
{
	int fd = make(2, EFD_SEMAPHORE | O_NONBLOCK);

	CHECK_EQ(get(fd), 1);
	CHECK_EQ(get(fd), 1);
	CHECK_ERR(get(fd), EAGAIN);
}

TEST(nonblocking_says_eagain)
{
	int fd = make(0, O_NONBLOCK);

	CHECK_ERR(get(fd), EAGAIN);
	CHECK_EQ(put(fd, MOST), 8);
	CHECK_ERR(put(fd, 1), EAGAIN);
	CHECK_EQ(put(fd, 0), 8);
	CHECK_EQ((unsigned long)get(fd), MOST);
}

TEST(read_waits_for_a_write)
{
	int fd = make(0, 0);
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(get(fd) != 6);
	for (int i = 0; i < 50; i++)
		sched_yield();
	CHECK_EQ(put(fd, 6), 8);
	CHECK_CHILD(child);
}

TEST(write_waits_for_room)
{
	int fd = make(0, 0);
	pid_t child;

	CHECK_EQ(put(fd, MOST - 1), 8);
	child = MUST(fork());
	if (child == 0)
		_exit(put(fd, 2) != 8);
	for (int i = 0; i < 50; i++)
		sched_yield();
	CHECK_EQ((unsigned long)get(fd), MOST - 1);
	CHECK_CHILD(child);
	CHECK_EQ(get(fd), 2);
}

TEST(poll_tells_what_is_possible)
{
	int fd = make(0, 0);
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	pid_t child;

	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_EQ(put(fd, MOST), 8);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	get(fd);
	child = MUST(fork());
	if (child == 0)
		_exit(put(fd, 1) != 8);
	p.events = POLLIN;
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_CHILD(child);
}

TEST(many_processes_count_together)
{
	int fd = make(0, 0);
	unsigned long sum = 0;
	pid_t child[4];

	for (int i = 0; i < 4; i++) {
		child[i] = MUST(fork());
		if (child[i] == 0) {
			for (int j = 0; j < 500; j++)
				if (put(fd, 1) != 8)
					_exit(1);
			_exit(0);
		}
	}
	while (sum < 2000)
		sum += (unsigned long)get(fd);
	CHECK_EQ(sum, 2000);
	for (int i = 0; i < 4; i++)
		CHECK_CHILD(child[i]);
}

TEST(count_is_shared_over_fork)
{
	int fd = make(1, 0);
	pid_t child = MUST(fork());

	if (child == 0)
		_exit(put(fd, 41) != 8);
	CHECK_CHILD(child);
	CHECK_EQ(get(fd), 42);
}

TEST(close_on_exec_and_name)
{
	char path[64], link[64] = "";
	int fd = make(0, O_CLOEXEC), other = make(0, 0);

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(other, F_GETFD), 0);
	CHECK_EQ(fcntl(other, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(readlink(path, link, sizeof(link) - 1));
	CHECK_STR(link, "anon_inode:[eventfd]");
	CHECK_ERR(open(path, O_RDWR), ENXIO);
}

TEST(eventfd_errors)
{
	int fd = make(1, 0);
	char bytes[16] = "";

	CHECK_ERR(syscall(SYS_eventfd2, 0, 2), EINVAL);
	CHECK_ERR(read(fd, bytes, 7), EINVAL);
	CHECK_ERR(write(fd, bytes, 7), EINVAL);
	CHECK_ERR(put(fd, ~0ul), EINVAL);
	CHECK_EQ(read(fd, bytes, 16), 8);
	CHECK_ERR(write(fd, (void *)16, 8), EFAULT);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), ENODEV);
}
