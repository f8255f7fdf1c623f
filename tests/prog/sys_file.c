/*
 * sys_file.c - files by descriptor: opening, reading and writing, positions, sizes, times.
 */
#include "guest.h"

#include <sys/statfs.h>
#include <sys/uio.h>

static void check_content(const char *name, const char *expected)
{
	char text[300];
	int fd = MUST(open(name, O_RDONLY));
	ssize_t n = MUST(read(fd, text, sizeof(text) - 1));

	text[n] = 0;
	CHECK_STR(text, expected);
	MUST(close(fd));
}

static int put_file(const char *name, const char *text)
{
	int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));

	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

/* ---- open ------------------------------------------------------------------------------------ */

TEST(open_gives_the_lowest_descriptor)
{
	int first = put_file("a", "");
	int second = MUST(open("a", O_RDONLY));

	CHECK_EQ(second, first + 1);
	MUST(close(first));
	CHECK_EQ(open("a", O_RDONLY), first);
}

TEST(missing_file_is_enoent)
{
	CHECK_ERR(open("missing", O_RDONLY), ENOENT);
	CHECK_ERR(open("missing/below", O_RDONLY | O_CREAT, 0644), ENOENT);
	CHECK_ERR(open("", O_RDONLY), ENOENT);
}

TEST(create_makes_an_empty_file_with_the_mode)
{
	struct stat status;

	umask(022);
	int fd = MUST(open("new", O_WRONLY | O_CREAT, 0666));
	MUST(fstat(fd, &status));
	CHECK_EQ(status.st_size, 0);
	CHECK_EQ(status.st_mode, S_IFREG | 0644);
	CHECK_EQ(status.st_nlink, 1);
	CHECK_EQ(status.st_uid, getuid());
}

TEST(create_exclusive_is_eexist)
{
	put_file("a", "text");
	CHECK_ERR(open("a", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	MUST(symlink("nowhere", "link"));
	CHECK_ERR(open("link", O_RDWR | O_CREAT | O_EXCL, 0644), EEXIST);
	check_content("a", "text");
}

TEST(create_follows_a_dangling_symlink)
{
	MUST(symlink("target", "link"));
	int fd = MUST(open("link", O_RDWR | O_CREAT, 0644));
	CHECK_EQ(write(fd, "x", 1), 1);
	check_content("target", "x");
}

TEST(truncate_flag_empties)
{
	put_file("a", "long text");
	int fd = MUST(open("a", O_WRONLY | O_TRUNC));
	CHECK_EQ(file_size(fd), 0);
	CHECK_EQ(write(fd, "s", 1), 1);
	check_content("a", "s");
}

TEST(append_writes_at_the_end_always)
{
	int first = put_file("a", "1");
	int fd = MUST(open("a", O_RDWR | O_APPEND));

	CHECK_EQ(write(fd, "2", 1), 1);
	CHECK_EQ(pwrite(first, "3", 1, 2), 1);
	MUST(lseek(fd, 0, SEEK_SET));
	CHECK_EQ(write(fd, "4", 1), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 4);
	check_content("a", "1234");
}

TEST(directory_flag_wants_a_directory)
{
	put_file("a", "");
	CHECK_ERR(open("a", O_RDONLY | O_DIRECTORY), ENOTDIR);
	MUST(open(".", O_RDONLY | O_DIRECTORY));
}

TEST(directory_for_writing_is_eisdir)
{
	CHECK_ERR(open(".", O_WRONLY), EISDIR);
	CHECK_ERR(open(".", O_RDWR), EISDIR);
	CHECK_ERR(open(".", O_RDONLY | O_CREAT, 0644), EISDIR);
}

TEST(nofollow_refuses_a_symlink)
{
	put_file("a", "");
	MUST(symlink("a", "link"));
	CHECK_ERR(open("link", O_RDONLY | O_NOFOLLOW), ELOOP);
	MUST(open("a", O_RDONLY | O_NOFOLLOW));
}

TEST(file_as_directory_is_enotdir)
{
	put_file("a", "");
	CHECK_ERR(open("a/b", O_RDONLY), ENOTDIR);
	CHECK_ERR(open("a/", O_RDONLY), ENOTDIR);
}

TEST(openat_is_relative_to_its_directory)
{
	MUST(mkdir("folder", 0755));
	put_file("folder/a", "inside");
	int folder = MUST(open("folder", O_RDONLY | O_DIRECTORY));
	char text[10];
	int fd = MUST(openat(folder, "a", O_RDONLY));
	CHECK_EQ(read(fd, text, sizeof(text)), 6);
	CHECK_ERR(openat(fd, "a", O_RDONLY), ENOTDIR);
	CHECK_ERR(openat(99, "a", O_RDONLY), EBADF);
	MUST(openat(99, "/", O_RDONLY));
}

TEST(too_many_descriptors_is_emfile)
{
	struct rlimit limit = { 20, 20 };

	MUST(setrlimit(RLIMIT_NOFILE, &limit));
	int fd = 0;
	while (fd != -1 && fd < 25)
		fd = open("/", O_RDONLY);
	CHECK_EQ(fd, -1);
	CHECK_EQ(errno, EMFILE);
	CHECK_ERR(dup(0), EMFILE);
}

/* ---- read and write -------------------------------------------------------------------------- */

TEST(read_and_write_move_the_position)
{
	char text[10] = "";
	int fd = put_file("a", "abcdef");

	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 6);
	CHECK_EQ(lseek(fd, 2, SEEK_SET), 2);
	CHECK_EQ(read(fd, text, 3), 3);
	CHECK_STR(text, "cde");
	CHECK_EQ(write(fd, "X", 1), 1);
	CHECK_EQ(read(fd, text, 3), 0);
	check_content("a", "abcdeX");
}

TEST(pread_and_pwrite_leave_the_position)
{
	char text[10] = "";
	int fd = put_file("a", "abcdef");

	MUST(lseek(fd, 1, SEEK_SET));
	CHECK_EQ(pread(fd, text, 3, 3), 3);
	CHECK_STR(text, "def");
	CHECK_EQ(pwrite(fd, "Z", 1, 4), 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1);
	CHECK_EQ(pread(fd, text, 3, 100), 0);
	CHECK_ERR(pread(fd, text, 3, -1), EINVAL);
	CHECK_ERR(pwrite(fd, text, 3, -1), EINVAL);
}

TEST(readv_and_writev_gather_and_scatter)
{
	char a[3] = "ab", b[4] = "cde";
	struct iovec out[3] = { { a, 2 }, { NULL, 0 }, { b, 3 } };
	int fd = put_file("a", "");

	CHECK_EQ(writev(fd, out, 3), 5);
	MUST(lseek(fd, 0, SEEK_SET));
	struct iovec in[2] = { { b, 3 }, { a, 2 } };
	CHECK_EQ(readv(fd, in, 2), 5);
	CHECK_STR(b, "abc");
	CHECK_STR(a, "de");
	CHECK_ERR(syscall(SYS_readv, fd, in, -1), EINVAL);
	CHECK_ERR(syscall(SYS_writev, fd, in, 2000), EINVAL);
	CHECK_EQ(syscall(SYS_writev, fd, in, 0), 0);
	in[0].iov_len = -1UL;
	CHECK_ERR(syscall(SYS_readv, fd, in, 2), EINVAL);
}

TEST(wrong_mode_is_ebadf)
{
	char byte;

	put_file("a", "x");
	int in = MUST(open("a", O_RDONLY)), out = MUST(open("a", O_WRONLY));
	CHECK_ERR(write(in, "y", 1), EBADF);
	CHECK_ERR(read(out, &byte, 1), EBADF);
	CHECK_ERR(read(999, &byte, 1), EBADF);
	CHECK_ERR(write(-1, &byte, 1), EBADF);
	CHECK_ERR(close(999), EBADF);
}

TEST(read_of_a_directory_is_eisdir)
{
	char byte;
	int fd = MUST(open(".", O_RDONLY));

	CHECK_ERR(read(fd, &byte, 1), EISDIR);
}

TEST(large_write_and_read_are_whole)
{
	unsigned long size = 3 * 1024 * 1024 + 77;
	unsigned char *p = map_anonymous(size), *q = map_anonymous(size);
	int fd = put_file("a", "");

	for (unsigned long i = 0; i < size; i++)
		p[i] = pattern(i);
	CHECK_EQ(write(fd, p, size), size);
	CHECK_EQ(file_size(fd), size);
	CHECK_EQ(pread(fd, q, size, 0), size);
	CHECK_EQ(memcmp(p, q, size), 0);
}

TEST(small_unaligned_writes_make_the_file)
{
	int fd = put_file("a", "");
	unsigned char piece[1000];
	unsigned long at = 0;

	for (int i = 1; i < 200; i++) {
		for (int j = 0; j < i * 5; j++)
			piece[j] = pattern(at + j);
		CHECK_EQ(write(fd, piece, i * 5), i * 5);
		at += i * 5;
	}
	unsigned char *p = map_file(fd, at, PROT_READ, MAP_SHARED, 0);
	check_pattern(p, at, 0);
}

TEST(lseek_knows_its_directions_and_limits)
{
	int fd = put_file("a", "0123456789");

	CHECK_EQ(lseek(fd, -4, SEEK_END), 6);
	CHECK_EQ(lseek(fd, -2, SEEK_CUR), 4);
	CHECK_EQ(lseek(fd, 1000, SEEK_SET), 1000);
	CHECK_ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	CHECK_ERR(lseek(fd, -11, SEEK_END), EINVAL);
	CHECK_ERR(lseek(fd, 0, 77), EINVAL);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 1000);
	CHECK_EQ(file_size(fd), 10);
}

TEST(write_past_the_end_leaves_a_hole_of_zeros)
{
	struct stat status;
	int fd = put_file("a", "x");

	put_byte(fd, 1000 * PAGE, 'y');
	MUST(fsync(fd));
	CHECK_EQ(file_byte(fd, 1), 0);
	CHECK_EQ(file_byte(fd, 500 * PAGE), 0);
	CHECK_EQ(file_byte(fd, 1000 * PAGE), 'y');
	MUST(fstat(fd, &status));
	CHECK_EQ(status.st_size, 1000 * PAGE + 1);
	CHECK(status.st_blocks >= 2 && status.st_blocks <= 64);
}

TEST(duplicates_share_the_position)
{
	int fd = put_file("a", "abc");
	int copy = MUST(dup(fd));

	MUST(lseek(fd, 1, SEEK_SET));
	CHECK_EQ(lseek(copy, 0, SEEK_CUR), 1);
	MUST(close(fd));
	char byte;
	CHECK_EQ(read(copy, &byte, 1), 1);
	CHECK_EQ(byte, 'b');
}

TEST(dup2_replaces_and_keeps_itself)
{
	int a = put_file("a", "a"), b = put_file("b", "b");

	CHECK_EQ(dup2(a, b), b);
	CHECK_EQ(file_byte(b, 0), 'a');
	CHECK_EQ(dup2(a, a), a);
	CHECK_ERR(dup2(99, a), EBADF);
	CHECK_ERR(dup2(a, -1), EBADF);
	CHECK_ERR(dup2(99, 99), EBADF);
	CHECK_ERR(syscall(SYS_dup3, a, a, 0), EINVAL);
	CHECK_EQ(syscall(SYS_dup3, a, b, O_CLOEXEC), b);
	CHECK_EQ(fcntl(b, F_GETFD), FD_CLOEXEC);
}

TEST(fcntl_basics)
{
	int fd = put_file("a", "a");
	int high = MUST(fcntl(fd, F_DUPFD, 50));

	CHECK_EQ(high, 50);
	CHECK_EQ(fcntl(fd, F_DUPFD_CLOEXEC, 50), 51);
	CHECK_EQ(fcntl(51, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(high, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND), O_RDWR);
	MUST(fcntl(fd, F_SETFL, O_APPEND));
	CHECK(fcntl(high, F_GETFL) & O_APPEND);         // the open file's, not the number's
	CHECK_ERR(fcntl(fd, 12345), EINVAL);
	CHECK_ERR(fcntl(99, F_GETFD), EBADF);
}

TEST(position_is_shared_over_fork)
{
	int fd = put_file("a", "abc");

	pid_t child = MUST(fork());
	if (child == 0) {
		MUST(lseek(fd, 2, SEEK_SET));
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 2);
}

/* ---- size, times, status --------------------------------------------------------------------- */

TEST(truncate_cuts_and_grows)
{
	int fd = put_file("a", "abcdef");

	MUST(truncate("a", 3));
	check_content("a", "abc");
	MUST(ftruncate(fd, 6));
	CHECK_EQ(file_size(fd), 6);
	CHECK_EQ(file_byte(fd, 3), 0);
	CHECK_EQ(file_byte(fd, 5), 0);
}

TEST(truncate_errors)
{
	int fd = put_file("a", "abc"), in = MUST(open("a", O_RDONLY));

	CHECK_ERR(ftruncate(fd, -1), EINVAL);
	CHECK_ERR(truncate("a", -1), EINVAL);
	CHECK_ERR(ftruncate(in, 1), EINVAL);
	CHECK_ERR(truncate("missing", 1), ENOENT);
	CHECK_ERR(truncate(".", 1), EISDIR);
	CHECK_ERR(ftruncate(99, 1), EBADF);
	check_content("a", "abc");
}

TEST(truncate_frees_the_blocks)
{
	struct stat status;
	int fd = make_file("a", 100 * PAGE);

	MUST(fsync(fd));
	MUST(fstat(fd, &status));
	CHECK(status.st_blocks >= 800);
	MUST(ftruncate(fd, PAGE));
	MUST(fsync(fd));
	MUST(fstat(fd, &status));
	CHECK(status.st_blocks <= 16);
	CHECK_EQ(file_byte(fd, PAGE - 1), pattern(PAGE - 1));
}

TEST(stat_fields_of_a_file)
{
	struct stat by_fd, by_name, by_link;
	int fd = make_file("a", 5000);

	MUST(symlink("a", "link"));
	MUST(fstat(fd, &by_fd));
	MUST(stat("link", &by_name));
	MUST(lstat("link", &by_link));
	CHECK_EQ(by_fd.st_size, 5000);
	CHECK_EQ(by_fd.st_blksize, 4096);
	CHECK(S_ISREG(by_fd.st_mode));
	CHECK_EQ(by_fd.st_ino, by_name.st_ino);
	CHECK_EQ(by_fd.st_dev, by_name.st_dev);
	CHECK(S_ISLNK(by_link.st_mode));
	CHECK_EQ(by_link.st_size, 1);
	CHECK(by_link.st_ino != by_fd.st_ino);
	CHECK_ERR(stat("missing", &by_fd), ENOENT);
	CHECK_ERR(fstat(99, &by_fd), EBADF);
}

TEST(times_are_set_and_read)
{
	struct timespec times[2] = { { 1234567, 0 }, { 7654321, 0 } };
	struct stat status;
	int fd = put_file("a", "a");

	MUST(utimensat(AT_FDCWD, "a", times, 0));
	MUST(fstat(fd, &status));
	CHECK_EQ(status.st_atim.tv_sec, 1234567);
	CHECK_EQ(status.st_mtim.tv_sec, 7654321);
	CHECK(status.st_ctim.tv_sec > 7654321);
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = UTIME_NOW;
	MUST(futimens(fd, times));
	MUST(fstat(fd, &status));
	CHECK_EQ(status.st_atim.tv_sec, 1234567);
	CHECK(status.st_mtim.tv_sec > 7654321);
	times[0].tv_nsec = 1000000000;
	CHECK_ERR(utimensat(AT_FDCWD, "a", times, 0), EINVAL);
	CHECK_ERR(utimensat(AT_FDCWD, "missing", NULL, 0), ENOENT);
}

TEST(write_moves_the_modification_time)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct stat status;
	int fd = put_file("a", "a");

	MUST(futimens(fd, old));
	put_byte(fd, 0, 'b');
	MUST(fstat(fd, &status));
	CHECK(status.st_mtim.tv_sec > 1000);
	MUST(futimens(fd, old));
	MUST(ftruncate(fd, 0));
	MUST(fstat(fd, &status));
	CHECK(status.st_mtim.tv_sec > 1000);
}

TEST(chmod_changes_the_mode)
{
	struct stat status;
	int fd = put_file("a", "a");

	MUST(chmod("a", 0604));
	MUST(fstat(fd, &status));
	CHECK_EQ(status.st_mode, S_IFREG | 0604);
	MUST(fchmod(fd, 04711));
	MUST(fstat(fd, &status));
	CHECK_EQ(status.st_mode, S_IFREG | 04711);
}

TEST(access_tells_what_is_there)
{
	put_file("a", "a");
	MUST(chmod("a", 0644));
	CHECK_EQ(access("a", F_OK), 0);
	CHECK_EQ(access("a", R_OK | W_OK), 0);
	CHECK_ERR(access("a", X_OK), EACCES);           // no x bit at all: not even for root
	CHECK_ERR(access("missing", F_OK), ENOENT);
	CHECK_ERR(access("a", 8), EINVAL);
}

TEST(statfs_is_sane)
{
	struct statfs fs, by_fd;
	int fd = put_file("a", "a");

	MUST(statfs(".", &fs));
	MUST(fstatfs(fd, &by_fd));
	CHECK(fs.f_bsize >= 512);
	CHECK(fs.f_blocks >= fs.f_bfree && fs.f_bfree >= fs.f_bavail);
	CHECK(fs.f_namelen >= 255);
	CHECK_EQ(fs.f_type, by_fd.f_type);
	CHECK_ERR(statfs("missing", &fs), ENOENT);
}

TEST(sync_calls_succeed)
{
	int fd = make_file("a", 3 * PAGE);
	int ends[2];

	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(fdatasync(fd), 0);
	sync();
	CHECK_ERR(fsync(99), EBADF);
	MUST(pipe(ends));
	CHECK_ERR(fsync(ends[0]), EINVAL);
	int folder = MUST(open(".", O_RDONLY));
	CHECK_EQ(fsync(folder), 0);
}
