/*
 * sys_locks.c - locks that belong to a process: fcntl's locks of ranges, how they are split and joined, who
 * gives them up, and circles of processes that wait. Locks of open files are sys_flock.c's.
 */
#include "locking.h"

static int set_wait(int fd, short type, long start, long length)
{
	struct flock lock = range(type, start, length);

	return fcntl(fd, F_SETLKW, &lock);
}

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
