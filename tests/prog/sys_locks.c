/*
 * sys_locks.c - locks of files: flock, fcntl's locks of ranges (owned by a process)
 * and OFD locks (owned by an open file).
 */
#define _GNU_SOURCE
#include "guest.h"

#include <sys/file.h>

#ifndef F_OFD_GETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#define F_OFD_SETLKW 38
#endif

static struct flock range(short type, long start, long length)
{
	struct flock lock;

	memset(&lock, 0, sizeof(lock));
	lock.l_type = type;
	lock.l_whence = SEEK_SET;
	lock.l_start = start;
	lock.l_len = length;
	return lock;
}

static int set(int fd, short type, long start, long length)
{
	struct flock lock = range(type, start, length);

	return fcntl(fd, F_SETLK, &lock);
}

static int set_wait(int fd, short type, long start, long length)
{
	struct flock lock = range(type, start, length);

	return fcntl(fd, F_SETLKW, &lock);
}

static int set_ofd(int fd, short type, long start, long length)
{
	struct flock lock = range(type, start, length);

	return fcntl(fd, F_OFD_SETLK, &lock);
}

// What a process that is not this one would meet with a lock of that type.
static struct flock seen_by_other(const char *name, short type, long start, long length)
{
	struct flock lock = range(type, start, length);
	int ends[2];

	MUST(pipe(ends));
	pid_t child = MUST(fork());

	if (child == 0) {
		int fd = MUST(open(name, O_RDWR));

		MUST(fcntl(fd, F_GETLK, &lock));
		CHECK_EQ(write(ends[1], &lock, sizeof(lock)), sizeof(lock));
		_exit(0);
	}
	CHECK_EQ(read(ends[0], &lock, sizeof(lock)), sizeof(lock));
	CHECK_CHILD(child);
	close(ends[0]);
	close(ends[1]);
	return lock;
}

static void check_lock(const char *name, long at, short type, long start, long length)
{
	struct flock seen = seen_by_other(name, F_WRLCK, at, 1);

	CHECK_EQ(seen.l_type, type);
	if (type == F_UNLCK)
		return;
	CHECK_EQ(seen.l_whence, SEEK_SET);
	CHECK_EQ(seen.l_start, start);
	CHECK_EQ(seen.l_len, length);
	CHECK_EQ(seen.l_pid, getpid());
}

static void nothing(int number)
{
	(void)number;
}

static void interrupt_after(int ms, int flags)
{
	struct sigaction action = { .sa_handler = nothing, .sa_flags = flags };
	struct timespec t = { .tv_nsec = ms * 1000000L };
	pid_t parent = getpid();

	sigaction(SIGUSR1, &action, NULL);
	if (MUST(fork()) == 0) {
		nanosleep(&t, NULL);
		kill(parent, SIGUSR1);
		_exit(0);
	}
}

// Sleeps a while, to let a child come to where it waits. No test depends on its having come there.
static void pause_ms(int ms)
{
	struct timespec t = { .tv_nsec = ms * 1000000L };

	nanosleep(&t, NULL);
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

/* ---- record locks ---------------------------------------------------------------------------- */

TEST(record_lock_is_told_to_others)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 10, 20), 0);
	check_lock("a", 9, F_UNLCK, 0, 0);
	check_lock("a", 10, F_WRLCK, 10, 20);
	check_lock("a", 29, F_WRLCK, 10, 20);
	check_lock("a", 30, F_UNLCK, 0, 0);
}

TEST(own_lock_is_not_in_the_way)
{
	int fd = make_file("a", 100);
	struct flock lock = range(F_WRLCK, 0, 0);

	CHECK_EQ(set(fd, F_WRLCK, 10, 20), 0);
	MUST(fcntl(fd, F_GETLK, &lock));
	CHECK_EQ(lock.l_type, F_UNLCK);
	CHECK_EQ(set(MUST(open("a", O_RDWR)), F_WRLCK, 15, 1), 0);
}

TEST(conflict_is_eagain)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 10, 20), 0);
	CHECK_EQ(set(fd, F_RDLCK, 50, 10), 0);
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_ERR(set(fd, F_WRLCK, 29, 1), EAGAIN);
		CHECK_ERR(set(fd, F_RDLCK, 0, 11), EAGAIN);
		CHECK_ERR(set(fd, F_WRLCK, 40, 0), EAGAIN);
		CHECK_EQ(set(fd, F_RDLCK, 40, 0), 0);
		CHECK_EQ(set(fd, F_WRLCK, 0, 10), 0);
		_exit(0);
	}
	CHECK_CHILD(child);
}

TEST(neighbours_of_one_type_merge)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 10, 10), 0);
	CHECK_EQ(set(fd, F_WRLCK, 30, 10), 0);
	check_lock("a", 12, F_WRLCK, 10, 10);
	CHECK_EQ(set(fd, F_WRLCK, 20, 10), 0);
	check_lock("a", 12, F_WRLCK, 10, 30);
}

TEST(unlock_in_the_middle_splits)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 0, 90), 0);
	CHECK_EQ(set(fd, F_UNLCK, 30, 30), 0);
	check_lock("a", 5, F_WRLCK, 0, 30);
	check_lock("a", 45, F_UNLCK, 0, 0);
	check_lock("a", 70, F_WRLCK, 60, 30);
}

TEST(other_type_in_the_middle_splits)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 0, 90), 0);
	CHECK_EQ(set(fd, F_RDLCK, 30, 30), 0);
	check_lock("a", 5, F_WRLCK, 0, 30);
	check_lock("a", 45, F_RDLCK, 30, 30);
	check_lock("a", 70, F_WRLCK, 60, 30);
	CHECK_EQ(set(fd, F_WRLCK, 30, 30), 0);
	check_lock("a", 45, F_WRLCK, 0, 90);
}

TEST(unlock_of_everything)
{
	int fd = make_file("a", 100);

	for (int i = 0; i < 10; i++)
		CHECK_EQ(set(fd, i % 2 ? F_RDLCK : F_WRLCK, i * 10, 10), 0);
	CHECK_EQ(set(fd, F_UNLCK, 0, 0), 0);
	CHECK_EQ(seen_by_other("a", F_WRLCK, 0, 0).l_type, F_UNLCK);
}

TEST(length_0_reaches_to_the_end)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 50, 0), 0);
	check_lock("a", 1L << 40, F_WRLCK, 50, 0);
	check_lock("a", 49, F_UNLCK, 0, 0);
}

TEST(negative_length_is_before_the_start)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 50, -20), 0);
	check_lock("a", 35, F_WRLCK, 30, 20);
	check_lock("a", 50, F_UNLCK, 0, 0);
	CHECK_ERR(set(fd, F_WRLCK, 10, -20), EINVAL);
}

TEST(ranges_from_the_position_and_the_end)
{
	int fd = make_file("a", 100);
	struct flock lock = range(F_WRLCK, 5, 5);

	MUST(lseek(fd, 20, SEEK_SET));
	lock.l_whence = SEEK_CUR;
	MUST(fcntl(fd, F_SETLK, &lock));
	check_lock("a", 25, F_WRLCK, 25, 5);
	lock.l_whence = SEEK_END;
	lock.l_start = -10;
	MUST(fcntl(fd, F_SETLK, &lock));
	check_lock("a", 90, F_WRLCK, 90, 5);
}

TEST(record_lock_errors)
{
	int fd = make_file("a", 100);
	struct flock lock = range(F_WRLCK, 0, 1);

	CHECK_ERR(set(fd, 7, 0, 1), EINVAL);
	CHECK_ERR(set(fd, F_WRLCK, -1, 1), EINVAL);
	CHECK_ERR(set(-1, F_WRLCK, 0, 1), EBADF);
	CHECK_ERR(set(MUST(open("a", O_RDONLY)), F_WRLCK, 0, 1), EBADF);
	CHECK_ERR(set(MUST(open("a", O_WRONLY)), F_RDLCK, 0, 1), EBADF);
	lock.l_whence = 9;
	CHECK_ERR(fcntl(fd, F_SETLK, &lock), EINVAL);
	CHECK_ERR(fcntl(fd, F_SETLK, (void *)8), EFAULT);
	lock = range(F_UNLCK, 0, 1);
	CHECK_ERR(fcntl(fd, F_GETLK, &lock), EINVAL);
}

TEST(any_close_of_the_file_releases)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 0, 50), 0);
	check_lock("a", 0, F_WRLCK, 0, 50);
	MUST(close(MUST(open("a", O_RDONLY))));
	check_lock("a", 0, F_UNLCK, 0, 0);
	CHECK_EQ(set(fd, F_WRLCK, 0, 50), 0);
	MUST(close(MUST(dup(fd))));
	check_lock("a", 0, F_UNLCK, 0, 0);
	CHECK_EQ(set(fd, F_WRLCK, 0, 50), 0);
	MUST(dup2(1, fd));
	check_lock("a", 0, F_UNLCK, 0, 0);
}

TEST(exit_releases)
{
	int fd = make_file("a", 100);
	struct gate locked = gate_make(), done = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		CHECK_EQ(set(fd, F_WRLCK, 0, 50), 0);
		gate_open(locked);
		gate_wait(done);
		_exit(0);
	}
	gate_wait(locked);
	CHECK_ERR(set(fd, F_WRLCK, 0, 1), EAGAIN);
	gate_open(done);
	CHECK_CHILD(child);
	CHECK_EQ(set(fd, F_WRLCK, 0, 1), 0);
}

TEST(child_does_not_inherit)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 0, 50), 0);
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_ERR(set(fd, F_WRLCK, 0, 1), EAGAIN);
		_exit(0);
	}
	CHECK_CHILD(child);
	check_lock("a", 0, F_WRLCK, 0, 50);
}

TEST(waiting_ends_with_the_unlock)
{
	int fd = make_file("a", 100);

	CHECK_EQ(set(fd, F_WRLCK, 0, 50), 0);
	pid_t child = MUST(fork());
	if (child == 0) {
		CHECK_EQ(set_wait(fd, F_WRLCK, 40, 20), 0);
		CHECK_EQ(file_byte(fd, 0), 66);
		_exit(0);
	}
	pause_ms(30);
	put_byte(fd, 0, 66);
	CHECK_EQ(set(fd, F_UNLCK, 0, 50), 0);
	CHECK_CHILD(child);
}

TEST(waiting_is_interrupted)
{
	int fd = make_file("a", 100);
	struct gate locked = gate_make(), done = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		CHECK_EQ(set(fd, F_WRLCK, 0, 50), 0);
		gate_open(locked);
		gate_wait(done);
		_exit(0);
	}
	gate_wait(locked);
	interrupt_after(30, 0);
	CHECK_ERR(set_wait(fd, F_WRLCK, 0, 1), EINTR);
	gate_open(done);
	CHECK_CHILD(child);
}

// Two processes, each of which has what the other wants: exactly one is refused, the other then has it.
TEST(circle_of_two_is_edeadlk)
{
	int fd = make_file("a", 100);
	struct gate locked = gate_make(), go = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		CHECK_EQ(set(fd, F_WRLCK, 1, 1), 0);
		gate_open(locked);
		gate_wait(go);
		int result = set_wait(fd, F_WRLCK, 0, 1);
		_exit(result == 0 ? 10 : errno == EDEADLK ? 20 : 30);
	}
	CHECK_EQ(set(fd, F_WRLCK, 0, 1), 0);
	gate_wait(locked);
	gate_open(go);
	int result = set_wait(fd, F_WRLCK, 1, 1);
	CHECK(result == 0 || errno == EDEADLK);
	CHECK_EQ(set(fd, F_UNLCK, 0, 0), 0);
	int status = wait_status(child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), result == 0 ? 20 : 10);
}

TEST(circle_of_three_is_edeadlk)
{
	int fd = make_file("a", 100), refused = 0;
	struct gate locked = gate_make(), go = gate_make();
	pid_t children[3];

	for (int i = 0; i < 3; i++) {
		children[i] = MUST(fork());
		if (children[i] == 0) {
			CHECK_EQ(set(fd, F_WRLCK, i, 1), 0);
			gate_open(locked);
			gate_wait(go);
			int result = set_wait(fd, F_WRLCK, (i + 1) % 3, 1);
			_exit(result == 0 ? 0 : errno == EDEADLK ? 20 : 30);
		}
	}
	for (int i = 0; i < 3; i++)
		gate_wait(locked);
	for (int i = 0; i < 3; i++)
		gate_open(go);
	for (int i = 0; i < 3; i++) {
		int status = wait_status(children[i]);

		CHECK(WIFEXITED(status) && WEXITSTATUS(status) != 30);
		refused += WEXITSTATUS(status) == 20;
	}
	CHECK_EQ(refused, 1);
}

TEST(many_processes_count_under_a_lock)
{
	int fd = make_file("a", 0);
	pid_t children[6];
	int count = 0;

	CHECK_EQ(pwrite(fd, &count, sizeof(count), 0), sizeof(count));
	for (int i = 0; i < 6; i++) {
		children[i] = MUST(fork());
		for (int n = 0; children[i] == 0 && n < 50; n++) {
			CHECK_EQ(set_wait(fd, F_WRLCK, 0, 4), 0);
			CHECK_EQ(pread(fd, &count, sizeof(count), 0), sizeof(count));
			count++;
			CHECK_EQ(pwrite(fd, &count, sizeof(count), 0), sizeof(count));
			CHECK_EQ(set(fd, F_UNLCK, 0, 4), 0);
		}
		if (children[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < 6; i++)
		CHECK_CHILD(children[i]);
	CHECK_EQ(pread(fd, &count, sizeof(count), 0), sizeof(count));
	CHECK_EQ(count, 300);
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
