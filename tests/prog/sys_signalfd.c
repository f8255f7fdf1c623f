/*
 * sys_signalfd.c - signals in a descriptor: of whoever reads it.
 */
#include "threads.h"

#include <abi/signalfd.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>

#define SET(number) (1ul << ((number) - 1))

static int make(unsigned long mask, int flags)
{
	return (int)MUST(syscall(SYS_signalfd4, -1, &mask, 8, flags));
}

static void block(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	MUST(sigprocmask(SIG_BLOCK, &set, NULL));
}

// The next signal's number; -1: errno says.
static int next(int fd, struct signalfd_siginfo *info)
{
	return read(fd, info, sizeof(*info)) == sizeof(*info) ? (int)info->ssi_signo : -1;
}

TEST(blocked_signals_are_read)
{
	struct signalfd_siginfo info;
	int fd = make(SET(SIGUSR1) | SET(SIGUSR2), O_NONBLOCK);

	block(SIGUSR1);
	block(SIGUSR2);
	CHECK_ERR(next(fd, &info), EAGAIN);
	MUST(kill(getpid(), SIGUSR2));
	CHECK_EQ(next(fd, &info), SIGUSR2);
	CHECK_EQ(info.ssi_code, SI_USER);
	CHECK_EQ(info.ssi_pid, getpid());
	CHECK_ERR(next(fd, &info), EAGAIN);     // taken: it is not pending any more
}

TEST(several_at_once_the_lowest_first)
{
	struct signalfd_siginfo info[4];
	int fd = make(SET(SIGUSR1) | SET(SIGUSR2) | SET(SIGHUP), O_NONBLOCK);

	block(SIGUSR1);
	block(SIGUSR2);
	block(SIGHUP);
	raise(SIGUSR2);
	raise(SIGHUP);
	raise(SIGUSR1);
	raise(SIGUSR1);                         // pending already
	CHECK_EQ(read(fd, info, sizeof(info)), 3 * sizeof(info[0]));
	CHECK_EQ(info[0].ssi_signo, SIGHUP);
	CHECK_EQ(info[1].ssi_signo, SIGUSR1);
	CHECK_EQ(info[2].ssi_signo, SIGUSR2);
}

TEST(others_stay_pending)
{
	struct signalfd_siginfo info;
	int fd = make(SET(SIGUSR1), O_NONBLOCK);
	sigset_t pending;

	block(SIGUSR1);
	block(SIGUSR2);
	raise(SIGUSR2);
	CHECK_ERR(next(fd, &info), EAGAIN);
	MUST(sigpending(&pending));
	CHECK(sigismember(&pending, SIGUSR2));
}

TEST(a_value_comes_along)
{
	struct signalfd_siginfo info;
	int fd = make(SET(40), 0);
	siginfo_t queued = { .si_signo = 40, .si_code = -1 };

	block(40);
	queued.si_pid = getpid();
	for (int i = 1; i <= 3; i++) {          // real-time signals queue
		queued.si_value.sival_int = i * 11;
		MUST(syscall(SYS_rt_sigqueueinfo, getpid(), 40, &queued));
	}
	for (int i = 1; i <= 3; i++) {
		CHECK_EQ(next(fd, &info), 40);
		CHECK_EQ(info.ssi_code, -1);
		CHECK_EQ(info.ssi_int, i * 11);
		CHECK_EQ(info.ssi_pid, getpid());
	}
}

TEST(a_childs_end_is_told)
{
	struct signalfd_siginfo info;
	int fd = make(SET(SIGCHLD), 0);
	pid_t child;

	block(SIGCHLD);
	child = fork_exit(7);
	CHECK_EQ(next(fd, &info), SIGCHLD);
	CHECK_EQ(info.ssi_pid, child);
	CHECK_EQ(info.ssi_status, 7);
	CHECK_EQ(info.ssi_code, CLD_EXITED);
	MUST(waitpid(child, NULL, 0));
}

TEST(read_waits_for_a_signal_of_another_process)
{
	struct signalfd_siginfo info;
	int fd = make(SET(SIGUSR1), 0), parent = getpid();
	pid_t child;

	block(SIGUSR1);
	child = MUST(fork());
	if (child == 0) {
		for (int i = 0; i < 50; i++)
			sched_yield();
		_exit(kill(parent, SIGUSR1));
	}
	CHECK_EQ(next(fd, &info), SIGUSR1);
	CHECK_EQ(info.ssi_pid, child);
	CHECK_CHILD(child);
}

TEST(the_reader_sees_its_own)
{
	struct signalfd_siginfo info;
	int fd = make(SET(SIGUSR1), O_NONBLOCK);
	pid_t child;

	block(SIGUSR1);
	raise(SIGUSR1);
	child = MUST(fork());
	if (child == 0) {                       // the parent's is pending for the parent
		if (next(fd, &info) != -1 || errno != EAGAIN)
			_exit(1);
		raise(SIGUSR1);
		_exit(next(fd, &info) != SIGUSR1 || info.ssi_pid != (unsigned int)getpid());
	}
	CHECK_CHILD(child);
	CHECK_EQ(next(fd, &info), SIGUSR1);
	CHECK_EQ(info.ssi_pid, getpid());
}

TEST(poll_and_epoll_tell_of_it)
{
	struct signalfd_siginfo info;
	int fd = make(SET(SIGUSR1), O_NONBLOCK), ep = MUST(epoll_create1(0)), parent = getpid();
	struct pollfd p = { fd, POLLIN, 0 };
	struct epoll_event e = { EPOLLIN, 3 };

	block(SIGUSR1);
	MUST(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e));
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
	for (int i = 0; i < 2; i++) {
		pid_t child = MUST(fork());

		if (child == 0)
			_exit(kill(parent, SIGUSR1));
		if (i == 0)
			CHECK_EQ(poll(&p, 1, -1), 1);
		CHECK_EQ(epoll_wait(ep, &e, 1, -1), 1);
		CHECK_EQ(e.data, 3);
		CHECK_EQ(next(fd, &info), SIGUSR1);
		CHECK_EQ(epoll_wait(ep, &e, 1, 0), 0);
		CHECK_CHILD(child);
	}
}

static int thread_fd, thread_failed;

static void read_in_a_thread(void *argument)
{
	struct signalfd_siginfo info;

	(void)argument;
	thread_failed = raw_call(SYS_read, thread_fd, (long)&info, sizeof(info), 0, 0, 0) != sizeof(info) ||
			info.ssi_signo != SIGUSR1;
}

TEST(any_thread_reads_the_signals_of_the_process)
{
	struct thread t;

	thread_fd = make(SET(SIGUSR1), 0);
	block(SIGUSR1);
	thread_begin(&t, read_in_a_thread, NULL);
	MUST(kill(getpid(), SIGUSR1));
	thread_join(&t);
	CHECK_EQ(thread_failed, 0);
}

TEST(the_set_can_be_changed)
{
	struct signalfd_siginfo info;
	int fd = make(SET(SIGUSR1), O_NONBLOCK);
	unsigned long mask = SET(SIGUSR2);

	block(SIGUSR1);
	block(SIGUSR2);
	raise(SIGUSR1);
	raise(SIGUSR2);
	CHECK_EQ(syscall(SYS_signalfd4, fd, &mask, 8, 0), fd);
	CHECK_EQ(next(fd, &info), SIGUSR2);
	CHECK_ERR(next(fd, &info), EAGAIN);
	mask = SET(SIGKILL) | SET(SIGSTOP) | SET(SIGUSR1);      // those that cannot be blocked are left out
	CHECK_EQ(syscall(SYS_signalfd, fd, &mask, 8), fd);
	CHECK_EQ(next(fd, &info), SIGUSR1);
}

TEST(signalfd_errors)
{
	unsigned long mask = SET(SIGUSR1);
	int fd = make(mask, O_CLOEXEC), pipes[2];
	char bytes[200], path[64], link[64] = "";

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	MUST(pipe(pipes));
	CHECK_ERR(syscall(SYS_signalfd4, -1, &mask, 8, 1), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, &mask, 4, 0), EINVAL);
	CHECK_ERR(syscall(SYS_signalfd4, -1, 16, 8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_signalfd4, 99, &mask, 8, 0), EBADF);
	CHECK_ERR(syscall(SYS_signalfd4, pipes[0], &mask, 8, 0), EINVAL);
	CHECK_ERR(read(fd, bytes, 127), EINVAL);
	CHECK_ERR(write(fd, bytes, 128), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(readlink(path, link, sizeof(link) - 1));
	CHECK_STR(link, "anon_inode:[signalfd]");
	CHECK_ERR(open(path, O_RDONLY), ENXIO);
}
