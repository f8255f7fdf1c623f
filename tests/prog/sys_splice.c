/*
 * sys_splice.c - moving bytes inside the kernel: splice, tee, vmsplice, sendfile, copy_file_range.
 */
#include "moving.h"

/* ---- splice ---------------------------------------------------------------------------------- */

TEST(file_to_pipe)
{
	int fd = make_file("a", 3 * PAGE), p[2];

	MUST(lseek(fd, 0, SEEK_SET));
	MUST(pipe(p));
	CHECK_EQ(do_splice(fd, NULL, p[1], NULL, 5000, 0), 5000);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 5000);
	check_stream(p[0], 5000, 0);
}

TEST(file_to_pipe_at_an_offset)
{
	int fd = make_file("a", 3 * PAGE), p[2];
	long at = 100;

	MUST(lseek(fd, 7, SEEK_SET));
	MUST(pipe(p));
	CHECK_EQ(do_splice(fd, &at, p[1], NULL, 5000, 0), 5000);
	CHECK_EQ(at, 5100);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
	check_stream(p[0], 5000, 100);
}

TEST(file_to_pipe_stops_at_the_end)
{
	int fd = make_file("a", 100), p[2];
	long at = 60;

	MUST(pipe(p));
	CHECK_EQ(do_splice(fd, &at, p[1], NULL, 5000, 0), 40);
	CHECK_EQ(do_splice(fd, &at, p[1], NULL, 5000, 0), 0);
	check_stream(p[0], 40, 60);
}

TEST(file_to_full_pipe)
{
	int fd = make_file("a", 200 * 1024), p[2];

	MUST(lseek(fd, 0, SEEK_SET));
	MUST(pipe(p));
	CHECK_EQ(do_splice(fd, NULL, p[1], NULL, 200 * 1024, 0), 65536);
	CHECK_ERR(do_splice(fd, NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	check_stream(p[0], 65536, 0);
	CHECK_EQ(do_splice(fd, NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK), 100);
	check_stream(p[0], 100, 65536);
}

TEST(pipe_to_file)
{
	int in = make_file("a", 3 * PAGE), out = make_file("b", 0), p[2];
	long at = 0;

	MUST(pipe(p));
	CHECK_EQ(do_splice(in, &at, p[1], NULL, 3 * PAGE, 0), 3 * PAGE);
	CHECK_EQ(do_splice(p[0], NULL, out, NULL, 5000, 0), 5000);
	CHECK_EQ(do_splice(p[0], NULL, out, NULL, 1L << 20, 0), 3 * PAGE - 5000);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 3 * PAGE);
	check_file(out, 3 * PAGE, 0);
}

TEST(pipe_to_file_at_an_offset)
{
	int out = make_file("b", PAGE), p[2];
	long at = 10;

	MUST(pipe(p));
	CHECK_EQ(write(p[1], "hello", 5), 5);
	MUST(lseek(out, 0, SEEK_SET));
	CHECK_EQ(do_splice(p[0], NULL, out, &at, 100, 0), 5);
	CHECK_EQ(at, 15);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 0);
	CHECK_EQ(file_byte(out, 10), 'h');
	CHECK_EQ(file_byte(out, 15), pattern(15));
}

TEST(empty_pipe)
{
	int out = make_file("b", 0), p[2];

	MUST(pipe(p));
	CHECK_ERR(do_splice(p[0], NULL, out, NULL, 100, SPLICE_F_NONBLOCK), EAGAIN);
	MUST(close(p[1]));
	CHECK_EQ(do_splice(p[0], NULL, out, NULL, 100, 0), 0);
}

TEST(splice_waits_for_bytes)
{
	int out = make_file("b", 0), p[2];

	MUST(pipe(p));
	pid_t child = MUST(fork());
	if (child == 0) {
		usleep(30000);
		CHECK_EQ(write(p[1], "hello", 5), 5);
		_exit(0);
	}
	CHECK_EQ(do_splice(p[0], NULL, out, NULL, 100, 0), 5);
	CHECK_CHILD(child);
	CHECK_EQ(file_byte(out, 4), 'o');
}

TEST(splice_waits_for_room)
{
	int fd = make_file("a", 100), p[2];

	MUST(pipe(p));
	CHECK_EQ(write(p[1], big, 65536), 65536);
	pid_t child = MUST(fork());
	if (child == 0) {
		usleep(30000);
		CHECK_EQ(read(p[0], big, 65536), 65536);
		_exit(0);
	}
	CHECK_EQ(do_splice(fd, (long[]){ 0 }, p[1], NULL, 100, 0), 100);
	CHECK_CHILD(child);
	check_stream(p[0], 100, 0);
}

TEST(pipe_to_pipe)
{
	int fd = make_file("a", 3 * PAGE), p[2], q[2];

	MUST(pipe(p));
	MUST(pipe(q));
	CHECK_EQ(do_splice(fd, (long[]){ 0 }, p[1], NULL, 3 * PAGE, 0), 3 * PAGE);
	CHECK_EQ(do_splice(p[0], NULL, q[1], NULL, 5000, 0), 5000);
	CHECK_EQ(available(p[0]), 3 * PAGE - 5000);
	CHECK_EQ(available(q[0]), 5000);
	check_stream(q[0], 5000, 0);
	check_stream(p[0], 3 * PAGE - 5000, 5000);
}

TEST(splice_errors)
{
	int a = make_file("a", 100), b = make_file("b", 100), p[2], q[2];
	int append = MUST(open("b", O_WRONLY | O_APPEND));
	long at = 0;

	MUST(pipe(p));
	MUST(pipe(q));
	CHECK_EQ(write(p[1], "hello", 5), 5);
	CHECK_ERR(do_splice(a, NULL, b, NULL, 10, 0), EINVAL);
	CHECK_ERR(do_splice(p[0], &at, b, NULL, 10, 0), ESPIPE);
	CHECK_ERR(do_splice(a, NULL, p[1], &at, 10, 0), ESPIPE);
	CHECK_ERR(do_splice(p[0], NULL, p[1], NULL, 10, 0), EINVAL);
	CHECK_ERR(do_splice(p[1], NULL, b, NULL, 10, 0), EBADF);
	CHECK_ERR(do_splice(a, NULL, p[0], NULL, 10, 0), EBADF);
	CHECK_ERR(do_splice(-1, NULL, p[1], NULL, 10, 0), EBADF);
	CHECK_ERR(do_splice(p[0], NULL, append, NULL, 10, 0), EINVAL);
	CHECK_ERR(do_splice(p[0], NULL, b, NULL, 10, 0x100), EINVAL);
	CHECK_EQ(do_splice(p[0], NULL, b, NULL, 0, 0), 0);
	CHECK_ERR(do_splice(p[0], NULL, b, (long *)8, 10, 0), EFAULT);
	CHECK_EQ(available(p[0]), 5);
}

TEST(broken_pipe)
{
	int fd = make_file("a", 100), p[2];

	signal(SIGPIPE, SIG_IGN);
	MUST(pipe(p));
	MUST(close(p[0]));
	CHECK_ERR(do_splice(fd, NULL, p[1], NULL, 10, 0), EPIPE);
}

// A copy as `cat` would do it, with a pipe between two processes.
TEST(two_processes_move_a_file)
{
	int in = make_file("a", 256 * 1024 - 77), out = make_file("b", 0), p[2];
	ssize_t n;

	MUST(lseek(in, 0, SEEK_SET));
	MUST(pipe(p));
	pid_t child = MUST(fork());
	if (child == 0) {
		close(p[0]);
		while ((n = do_splice(in, NULL, p[1], NULL, 30000, 0)) > 0)
			;
		_exit(n ? 1 : 0);
	}
	close(p[1]);
	while ((n = do_splice(p[0], NULL, out, NULL, 17000, 0)) > 0)
		;
	CHECK_EQ(n, 0);
	CHECK_CHILD(child);
	check_file(out, 256 * 1024 - 77, 0);
}

/* ---- tee ------------------------------------------------------------------------------------- */

TEST(tee_copies_and_leaves)
{
	int p[2], q[2];
	char text[20] = "";

	MUST(pipe(p));
	MUST(pipe(q));
	CHECK_EQ(write(p[1], "hello world", 11), 11);
	CHECK_EQ(do_tee(p[0], q[1], 5, 0), 5);
	CHECK_EQ(read(q[0], text, sizeof(text)), 5);
	CHECK_EQ(memcmp(text, "hello", 5), 0);
	CHECK_EQ(do_tee(p[0], q[1], 100, 0), 11);
	CHECK_EQ(read(p[0], text, sizeof(text)), 11);
	CHECK_EQ(memcmp(text, "hello world", 11), 0);
	CHECK_EQ(available(q[0]), 11);
}

TEST(tee_errors)
{
	int fd = make_file("a", 10), p[2], q[2];

	MUST(pipe(p));
	MUST(pipe(q));
	CHECK_ERR(do_tee(fd, p[1], 5, 0), EINVAL);
	CHECK_ERR(do_tee(p[0], fd, 5, 0), EINVAL);
	CHECK_ERR(do_tee(p[0], p[1], 5, 0), EINVAL);
	CHECK_ERR(do_tee(p[0], q[1], 5, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_EQ(do_tee(p[0], q[1], 0, 0), 0);
	MUST(close(p[1]));
	CHECK_EQ(do_tee(p[0], q[1], 5, 0), 0);
}

/* ---- vmsplice -------------------------------------------------------------------------------- */

TEST(vmsplice_into_a_pipe)
{
	int p[2];
	char text[20];
	struct iovec pieces[] = { { "hello ", 6 }, { "", 0 }, { "world", 5 } };

	MUST(pipe(p));
	CHECK_EQ(do_vmsplice(p[1], pieces, 3, 0), 11);
	CHECK_EQ(read(p[0], text, sizeof(text)), 11);
	CHECK_EQ(memcmp(text, "hello world", 11), 0);
}

TEST(vmsplice_out_of_a_pipe)
{
	int p[2];
	char a[6] = "", b[20] = "";
	struct iovec pieces[] = { { a, 5 }, { b, 10 } };

	MUST(pipe(p));
	CHECK_EQ(write(p[1], "hello world", 11), 11);
	CHECK_EQ(do_vmsplice(p[0], pieces, 2, 0), 11);
	CHECK_STR(a, "hello");
	CHECK_STR(b, " world");
}

TEST(vmsplice_errors)
{
	int fd = make_file("a", 10), p[2];
	struct iovec piece = { "x", 1 };

	MUST(pipe(p));
	CHECK_ERR(do_vmsplice(fd, &piece, 1, 0), EBADF);
	CHECK_ERR(do_vmsplice(-1, &piece, 1, 0), EBADF);
	CHECK_ERR(do_vmsplice(p[1], &piece, 2000, 0), EINVAL);
	CHECK_ERR(do_vmsplice(p[1], (void *)8, 1, 0), EFAULT);
	CHECK_EQ(do_vmsplice(p[1], &piece, 0, 0), 0);
	CHECK_EQ(available(p[0]), 0);
}

/* ---- sendfile -------------------------------------------------------------------------------- */

TEST(sendfile_to_a_file_and_a_pipe)
{
	int in = make_file("a", 3 * PAGE), out = make_file("b", 0), p[2];
	long at = 50;

	CHECK_EQ(do_sendfile(out, in, &at, 6000), 6000);
	CHECK_EQ(at, 6050);
	check_file(out, 6000, 50);
	MUST(pipe(p));
	MUST(lseek(in, 10, SEEK_SET));
	CHECK_EQ(do_sendfile(p[1], in, NULL, 6000), 6000);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 6010);
	check_stream(p[0], 6000, 10);
	at = 3 * PAGE;
	CHECK_EQ(do_sendfile(out, in, &at, 10), 0);
}

/* ---- copy_file_range ------------------------------------------------------------------------- */

TEST(copy_moves_both_positions)
{
	int in = make_file("a", 3 * PAGE), out = make_file("b", 0);

	MUST(lseek(in, 0, SEEK_SET));
	CHECK_EQ(do_copy(in, NULL, out, NULL, 5000, 0), 5000);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 5000);
	CHECK_EQ(lseek(out, 0, SEEK_CUR), 5000);
	CHECK_EQ(do_copy(in, NULL, out, NULL, 1L << 30, 0), 3 * PAGE - 5000);
	CHECK_EQ(do_copy(in, NULL, out, NULL, 10, 0), 0);
	check_file(out, 3 * PAGE, 0);
}

TEST(copy_at_offsets)
{
	int in = make_file("a", 3 * PAGE), out = make_file("b", 0);
	long from = 100, to = 50;

	MUST(lseek(in, 3, SEEK_SET));
	CHECK_EQ(do_copy(in, &from, out, &to, 5000, 0), 5000);
	CHECK_EQ(from, 5100);
	CHECK_EQ(to, 5050);
	CHECK_EQ(lseek(in, 0, SEEK_CUR), 3);
	CHECK_EQ(file_size(out), 5050);
	CHECK_EQ(file_byte(out, 0), 0);
	CHECK_EQ(file_byte(out, 50), pattern(100));
	CHECK_EQ(file_byte(out, 5049), pattern(5099));
}

TEST(copy_within_a_file)
{
	int fd = make_file("a", 2 * PAGE);
	long from = 0, to = 2 * PAGE;

	CHECK_EQ(do_copy(fd, &from, fd, &to, 2 * PAGE, 0), 2 * PAGE);
	CHECK_EQ(file_size(fd), 4 * PAGE);
	CHECK_EQ(file_byte(fd, 2 * PAGE + 5), pattern(5));
	from = 0, to = 100;
	CHECK_ERR(do_copy(fd, &from, fd, &to, 200, 0), EINVAL);
}

TEST(copy_is_seen_by_mappings)
{
	int in = make_file("a", 2 * PAGE), out = make_file("b", 0);

	MUST(ftruncate(out, 2 * PAGE));
	unsigned char *source = map_file(in, 2 * PAGE, RW, MAP_SHARED, 0);
	unsigned char *p = map_file(out, 2 * PAGE, PROT_READ, MAP_SHARED, 0);
	store(source + 9, 200);
	CHECK_EQ(load(p + 9), 0);
	CHECK_EQ(do_copy(in, (long[]){ 0 }, out, (long[]){ 0 }, 2 * PAGE, 0), 2 * PAGE);
	CHECK_EQ(load(p + 9), 200);
	check_pattern(p + 10, 2 * PAGE - 10, 10);
}

TEST(copy_errors)
{
	int in = make_file("a", 100), out = make_file("b", 0), p[2];
	int directory = MUST(open(".", O_RDONLY));
	long at = 0;

	MUST(pipe(p));
	CHECK_ERR(do_copy(in, &at, out, NULL, 10, 1), EINVAL);
	CHECK_ERR(do_copy(-1, NULL, out, NULL, 10, 0), EBADF);
	CHECK_ERR(do_copy(MUST(open("a", O_WRONLY)), NULL, out, NULL, 10, 0), EBADF);
	CHECK_ERR(do_copy(in, NULL, MUST(open("b", O_RDONLY)), NULL, 10, 0), EBADF);
	CHECK_ERR(do_copy(in, &at, MUST(open("b", O_WRONLY | O_APPEND)), NULL, 10, 0), EBADF);
	CHECK_ERR(do_copy(directory, NULL, out, NULL, 10, 0), EISDIR);
	CHECK_ERR(do_copy(in, &at, p[1], NULL, 10, 0), EINVAL);
	CHECK_ERR(do_copy(p[0], NULL, out, NULL, 10, 0), EINVAL);
	CHECK_ERR(do_copy(in, (long *)8, out, NULL, 10, 0), EFAULT);
}

// man 2 copy_file_range: EXDEV. sendfile may all the same.
TEST(copy_stays_within_a_file_system)
{
	int in = make_file("a", 100), out = (int)MUST(syscall(SYS_memfd_create, "b", 0));
	long at = 0;

	CHECK_ERR(do_copy(in, NULL, out, NULL, 10, 0), EXDEV);
	CHECK_ERR(do_copy(in, NULL, out, NULL, 0, 0), EXDEV);
	CHECK_EQ(do_sendfile(out, in, &at, 10), 10);
}
