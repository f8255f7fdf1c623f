/*
 * sys_flock.c - locks that belong to an open file, whoever has it: flock's of the whole file, and OFD locks
 * of ranges.
 */
#include "locking.h"

#include <sys/file.h>

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif

static int set_ofd(int fd, short type, long start, long length)
{
	struct flock lock = range(type, start, length);

	return fcntl(fd, F_OFD_SETLK, &lock);
}

/* ---- flock ----------------------------------------------------------------------------------- */

TEST(flock_exclusive_keeps_others_out)
{
	int a = make_file("a", 10), b = MUST(open("a", O_RDONLY));

	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_ERR(flock(b, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQ(flock(a, LOCK_UN), 0);
	CHECK_EQ(flock(b, LOCK_EX | LOCK_NB), 0);
}

TEST(flock_shared_is_shared)
{
	int a = make_file("a", 10), b = MUST(open("a", O_RDONLY));

	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	CHECK_ERR(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
}

TEST(flock_belongs_to_the_open_file)
{
	int a = make_file("a", 10), again = MUST(dup(a)), b = MUST(open("a", O_RDONLY));

	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_EQ(flock(again, LOCK_EX | LOCK_NB), 0);
	MUST(close(a));
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	MUST(close(again));
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
}

TEST(flock_is_shared_with_a_child)
{
	int a = make_file("a", 10);

	CHECK_EQ(flock(a, LOCK_EX), 0);
	pid_t child = MUST(fork());
	if (child == 0)
		_exit(flock(a, LOCK_UN) ? 1 : 0);
	CHECK_CHILD(child);
	CHECK_EQ(flock(MUST(open("a", O_RDONLY)), LOCK_EX | LOCK_NB), 0);
}

TEST(flock_waits_for_the_unlock)
{
	int a = make_file("a", 10);
	pid_t child;

	CHECK_EQ(flock(a, LOCK_EX), 0);
	child = MUST(fork());
	if (child == 0) {
		int b = MUST(open("a", O_RDWR));

		CHECK_EQ(flock(b, LOCK_EX), 0);
		CHECK_EQ(file_byte(b, 0), 77);
		_exit(0);
	}
	pause_ms(30);
	put_byte(a, 0, 77);
	CHECK_EQ(flock(a, LOCK_UN), 0);
	CHECK_CHILD(child);
}

TEST(flock_changes_its_type)
{
	int a = make_file("a", 10), b = MUST(open("a", O_RDONLY));

	CHECK_EQ(flock(a, LOCK_EX), 0);
	CHECK_EQ(flock(a, LOCK_SH), 0);
	CHECK_EQ(flock(b, LOCK_SH | LOCK_NB), 0);
	CHECK_EQ(flock(b, LOCK_UN), 0);
	CHECK_EQ(flock(a, LOCK_EX | LOCK_NB), 0);
	CHECK_ERR(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
}

TEST(flock_errors)
{
	int a = make_file("a", 10);

	CHECK_ERR(flock(a, 0), EINVAL);
	CHECK_ERR(flock(a, LOCK_SH | LOCK_EX), EINVAL);
	CHECK_ERR(flock(-1, LOCK_SH), EBADF);
	CHECK_EQ(flock(a, LOCK_UN), 0);
}

TEST(flock_is_interrupted)
{
	int a = make_file("a", 10), b = MUST(open("a", O_RDONLY));

	CHECK_EQ(flock(a, LOCK_EX), 0);
	interrupt_after(30, 0);
	CHECK_ERR(flock(b, LOCK_EX), EINTR);
}

TEST(flock_and_record_locks_ignore_each_other)
{
	int a = make_file("a", 10);

	CHECK_EQ(flock(a, LOCK_EX), 0);
	check_lock("a", 0, F_UNLCK, 0, 0);
	CHECK_EQ(set(a, F_WRLCK, 0, 0), 0);
}

/* ---- OFD locks ------------------------------------------------------------------------------- */

TEST(ofd_locks_belong_to_the_open_file)
{
	int a = make_file("a", 100), again = MUST(dup(a)), b = MUST(open("a", O_RDWR));

	CHECK_EQ(set_ofd(a, F_WRLCK, 0, 50), 0);
	CHECK_EQ(set_ofd(again, F_WRLCK, 0, 50), 0);
	CHECK_ERR(set_ofd(b, F_WRLCK, 49, 1), EAGAIN);
	MUST(close(a));
	CHECK_ERR(set_ofd(b, F_RDLCK, 49, 1), EAGAIN);
	MUST(close(MUST(open("a", O_RDONLY))));
	CHECK_ERR(set_ofd(b, F_RDLCK, 49, 1), EAGAIN);
	MUST(close(again));
	CHECK_EQ(set_ofd(b, F_WRLCK, 49, 1), 0);
}

TEST(ofd_lock_is_told_with_pid_minus_1)
{
	int a = make_file("a", 100), b = MUST(open("a", O_RDWR));
	struct flock lock = range(F_WRLCK, 0, 0);

	CHECK_EQ(set_ofd(a, F_RDLCK, 10, 5), 0);
	MUST(fcntl(b, F_OFD_GETLK, &lock));
	CHECK_EQ(lock.l_type, F_RDLCK);
	CHECK_EQ(lock.l_start, 10);
	CHECK_EQ(lock.l_len, 5);
	CHECK_EQ(lock.l_pid, -1);
}

TEST(ofd_and_process_locks_exclude_each_other)
{
	int a = make_file("a", 100), b = MUST(open("a", O_RDWR));

	CHECK_EQ(set_ofd(a, F_WRLCK, 0, 10), 0);
	CHECK_ERR(set(b, F_WRLCK, 5, 1), EAGAIN);
	CHECK_EQ(set(b, F_WRLCK, 10, 10), 0);
	CHECK_ERR(set_ofd(a, F_RDLCK, 15, 1), EAGAIN);
}

TEST(ofd_wants_pid_0)
{
	int a = make_file("a", 100);
	struct flock lock = range(F_WRLCK, 0, 1);

	lock.l_pid = 1;
	CHECK_ERR(fcntl(a, F_OFD_SETLK, &lock), EINVAL);
	CHECK_ERR(fcntl(a, F_OFD_GETLK, &lock), EINVAL);
}

TEST(ofd_waiting_ends_with_the_unlock)
{
	int a = make_file("a", 100);

	CHECK_EQ(set_ofd(a, F_WRLCK, 0, 50), 0);
	pid_t child = MUST(fork());
	if (child == 0) {
		struct flock lock = range(F_WRLCK, 0, 1);
		int b = MUST(open("a", O_RDWR));

		MUST(close(a));
		CHECK_EQ(fcntl(b, F_OFD_SETLKW, &lock), 0);
		CHECK_EQ(file_byte(b, 0), 66);
		_exit(0);
	}
	pause_ms(30);
	put_byte(a, 0, 66);
	CHECK_EQ(set_ofd(a, F_UNLCK, 0, 50), 0);
	CHECK_CHILD(child);
}
