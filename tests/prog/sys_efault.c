/*
 * sys_efault.c - pointers that a program must not hand to the kernel: every call answers EFAULT, and
 * neither the kernel nor the program is hurt. Also the copies whose other side is itself a mapping
 * that must be faulted in, on the same page even.
 */
#include "guest.h"

#include <sys/uio.h>

#define KERNEL_ADDRESS 0xffff800000001000UL
#define KERNEL_IMAGE 0xffffffff80100000UL
#define NON_CANONICAL 0x0000900000000000UL
#define LAST_BYTES 0xfffffffffffffff8UL

// Some bad addresses: never mapped, the kernel's own, past the end, and not even canonical.
static unsigned long bad_addresses[8];
static int nr_bad;

static void make_bad_addresses(void)
{
	unsigned char *none = MUST(mmap(NULL, PAGE, PROT_NONE, ANON, -1, 0));

	nr_bad = 0;
	bad_addresses[nr_bad++] = 8;
	bad_addresses[nr_bad++] = (unsigned long)find_hole(PAGE);
	bad_addresses[nr_bad++] = (unsigned long)none;
	bad_addresses[nr_bad++] = KERNEL_ADDRESS;
	bad_addresses[nr_bad++] = KERNEL_IMAGE;
	bad_addresses[nr_bad++] = NON_CANONICAL;
	bad_addresses[nr_bad++] = LAST_BYTES;
}

// The call, with `bad` standing for each bad address in turn, fails with EFAULT.
#define ALL_BAD(call)									\
	do {										\
		for (int bad_ = 0; bad_ < nr_bad; bad_++) {				\
			unsigned long bad = bad_addresses[bad_];			\
			errno = 0;							\
			long seen_ = (call);						\
			if (seen_ != -1 || errno != EFAULT)				\
				FAIL("expected %s with bad = 0x%lx to give EFAULT, seen %ld (%s)",	\
				     #call, bad, seen_, errno_name(errno));		\
		}									\
	} while (0)

TEST(read_and_write)
{
	int fd = make_file("data", 2 * PAGE);
	struct gate pipe = gate_make();

	make_bad_addresses();
	CHECK_EQ(write(pipe.ends[1], "some bytes", 10), 10);
	ALL_BAD(syscall(SYS_pread64, fd, bad, 10, 0));
	ALL_BAD(syscall(SYS_pwrite64, fd, bad, 10, 0));
	ALL_BAD(syscall(SYS_read, pipe.ends[0], bad, 10));
	ALL_BAD(syscall(SYS_write, pipe.ends[1], bad, 10));
	for (unsigned long i = 0; i < 10; i++)
		CHECK_EQ(file_byte(fd, i), pattern(i));
}

TEST(failed_read_keeps_the_position)
{
	int fd = make_file("data", 100);

	make_bad_addresses();
	MUST(lseek(fd, 7, SEEK_SET));
	ALL_BAD(syscall(SYS_read, fd, bad, 10));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 7);
}

TEST(failed_write_does_not_grow_the_file)
{
	int fd = make_file("data", 100);

	make_bad_addresses();
	ALL_BAD(syscall(SYS_pwrite64, fd, bad, 10, 100));
	CHECK_EQ(file_size(fd), 100);
}

TEST(huge_lengths_at_bad_places)
{
	int fd = make_file("data", 100);

	CHECK_ERR(syscall(SYS_pwrite64, fd, KERNEL_ADDRESS, -1UL, 0), EFAULT);
	CHECK_ERR(syscall(SYS_pread64, fd, 0x7fffffff0000, 1UL << 40, 0), EFAULT);
	CHECK_ERR(syscall(SYS_write, fd, 8, 1UL << 62), EFAULT);
}

TEST(vectors)
{
	int fd = make_file("data", 100);
	struct iovec vector = { NULL, 10 };

	make_bad_addresses();
	ALL_BAD(syscall(SYS_readv, fd, bad, 1));
	ALL_BAD(syscall(SYS_writev, fd, bad, 1));
	MUST(lseek(fd, 0, SEEK_SET));
	ALL_BAD((vector.iov_base = (void *)bad, syscall(SYS_readv, fd, &vector, 1)));
	ALL_BAD((vector.iov_base = (void *)bad, syscall(SYS_writev, fd, &vector, 1)));
}

TEST(names_to_open_and_look_at)
{
	struct stat status;
	char text[100];

	make_bad_addresses();
	ALL_BAD(syscall(SYS_open, bad, O_RDONLY, 0));
	ALL_BAD(syscall(SYS_openat, AT_FDCWD, bad, O_RDONLY, 0));
	ALL_BAD(syscall(SYS_stat, bad, &status));
	ALL_BAD(syscall(SYS_lstat, bad, &status));
	ALL_BAD(syscall(SYS_newfstatat, AT_FDCWD, bad, &status, 0));
	ALL_BAD(syscall(SYS_access, bad, 0));
	ALL_BAD(syscall(SYS_readlink, bad, text, sizeof(text)));
	ALL_BAD(syscall(SYS_truncate, bad, 0));
	ALL_BAD(syscall(SYS_statfs, bad, text));
	ALL_BAD(syscall(SYS_chdir, bad));
	ALL_BAD(syscall(SYS_chmod, bad, 0644));
}

TEST(names_to_make_and_remove)
{
	make_bad_addresses();
	ALL_BAD(syscall(SYS_mkdir, bad, 0755));
	ALL_BAD(syscall(SYS_rmdir, bad));
	ALL_BAD(syscall(SYS_unlink, bad));
	ALL_BAD(syscall(SYS_link, bad, "x"));
	ALL_BAD(syscall(SYS_symlink, bad, "x"));
	ALL_BAD(syscall(SYS_symlink, "x", bad));
	ALL_BAD(syscall(SYS_rename, bad, "x"));
	ALL_BAD(syscall(SYS_rename, "x", bad));
	ALL_BAD(syscall(SYS_execve, bad, NULL, NULL));
}

TEST(results_about_files)
{
	int fd = make_file("data", 100), folder = MUST(open(".", O_RDONLY));

	make_bad_addresses();
	MUST(symlink("target", "link"));
	ALL_BAD(syscall(SYS_fstat, fd, bad));
	ALL_BAD(syscall(SYS_stat, "data", bad));
	ALL_BAD(syscall(SYS_newfstatat, AT_FDCWD, "data", bad, 0));
	ALL_BAD(syscall(SYS_readlink, "link", bad, 100));
	ALL_BAD(syscall(SYS_getcwd, bad, 4096));
	ALL_BAD(syscall(SYS_fstatfs, fd, bad));
	ALL_BAD(syscall(SYS_getdents64, folder, bad, 1000));
	ALL_BAD(syscall(SYS_pipe2, bad, 0));
	ALL_BAD(syscall(SYS_utimensat, AT_FDCWD, "data", bad, 0));
}

TEST(results_about_processes)
{
	make_bad_addresses();
	ALL_BAD(syscall(SYS_uname, bad));
	ALL_BAD(syscall(SYS_clock_gettime, CLOCK_REALTIME, bad));
	ALL_BAD(syscall(SYS_nanosleep, bad, NULL));
	ALL_BAD(syscall(SYS_getrusage, RUSAGE_SELF, bad));
	ALL_BAD(syscall(SYS_rt_sigaction, SIGUSR1, bad, NULL, 8));
	ALL_BAD(syscall(SYS_rt_sigaction, SIGUSR1, NULL, bad, 8));
	ALL_BAD(syscall(SYS_rt_sigprocmask, SIG_BLOCK, bad, NULL, 8));
	ALL_BAD(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, bad, 8));
	ALL_BAD(syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, bad));
}

TEST(status_of_a_child)
{
	make_bad_addresses();
	for (int i = 0; i < nr_bad; i++) {
		pid_t child = MUST(fork());
		if (child == 0)
			_exit(0);
		CHECK_ERR(syscall(SYS_wait4, child, bad_addresses[i], 0, NULL), EFAULT);
	}
}

TEST(result_into_readonly_memory)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = MUST(mmap(NULL, PAGE, PROT_READ, ANON, -1, 0));
	unsigned char *q = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_ERR(pread(fd, p, 10, 0), EFAULT);
	CHECK_ERR(pread(fd, q, 10, 100), EFAULT);
	CHECK_ERR(syscall(SYS_uname, p), EFAULT);
	CHECK_ERR(pread(fd, (void *)make_bad_addresses, 10, 0), EFAULT);
	CHECK_EQ(load(p), 0);
	CHECK_EQ(load(q), pattern(0));
}

// A buffer whose last bytes are not there: a part may be done, never more than there is.
TEST(straddling_buffers)
{
	int fd = make_file("data", 2 * PAGE);
	struct gate pipe = gate_make();
	unsigned char *p = find_hole(2 * PAGE);

	MUST(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	unsigned char *near = p + PAGE - 10;
	ssize_t n = pread(fd, near, 100, 0);
	CHECK(n == 10 || (n == -1 && errno == EFAULT));
	if (n > 0)
		check_pattern(near, n, 0);
	memset(near, 0x3e, 10);
	n = pwrite(fd, near, 100, PAGE);
	CHECK(n == 10 || (n == -1 && errno == EFAULT));
	CHECK_EQ(file_byte(fd, PAGE + 10), pattern(PAGE + 10));
	n = write(pipe.ends[1], near, 100);
	CHECK(n == 10 || (n == -1 && errno == EFAULT));
	memcpy(near, "name-name-", 10);                 // no end of the string before the hole
	CHECK_ERR(open((char *)near, O_RDONLY), EFAULT);
	memcpy(near, "data\0", 5);
	MUST(open((char *)near, O_RDONLY));
	CHECK_ERR(syscall(SYS_fstat, fd, near), EFAULT);
}

// Copies of a few bytes that end at a hole after any number of them: as many are done as there is room for.
TEST(short_copies_at_the_edge)
{
	enum { LONGEST = 80 };
	int fd = make_file("data", PAGE);
	unsigned char *p = find_hole(2 * PAGE);

	MUST(mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0));
	for (long length = 1; length <= LONGEST; length++) {
		for (long room = 1; room < length; room++) {
			unsigned char *at = p + PAGE - room;

			memset(at, 0x55, room);
			CHECK_EQ(pread(fd, at, length, 7), room);
			check_pattern(at, room, 7);
		}
	}
}

/* ---- copies that fault ----------------------------------------------------------------------- */

TEST(read_into_an_untouched_file_mapping)
{
	int from = make_file("from", 3 * PAGE), to = make_file("to", 4 * PAGE);
	unsigned char *p = map_file(to, 4 * PAGE, RW, MAP_SHARED, 0);

	CHECK_EQ(pread(from, p + 100, 3 * PAGE, 0), 3 * PAGE);
	check_pattern(p + 100, 3 * PAGE, 0);
	CHECK_EQ(file_byte(to, 100), pattern(0));
	CHECK_EQ(file_byte(to, 99), pattern(99));
}

TEST(write_from_an_untouched_file_mapping)
{
	int from = make_file("from", 4 * PAGE), to = make_file("to", 0);
	unsigned char *p = map_file(from, 4 * PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_EQ(pwrite(to, p + 100, 3 * PAGE, 50), 3 * PAGE);
	unsigned char *q = map_file(to, 4 * PAGE, PROT_READ, MAP_SHARED, 0);
	check_pattern(q + 50, 3 * PAGE, 100);
}

TEST(write_from_a_mapping_of_the_same_page)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	CHECK_EQ(pwrite(fd, p + 1000, 500, 2000), 500);
	for (int i = 0; i < 500; i++)
		CHECK_EQ(load(p + 2000 + i), pattern(1000 + i));
	check_pattern(p, 2000, 0);
}

TEST(read_into_a_mapping_of_the_same_page)
{
	int fd = make_file("data", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	CHECK_EQ(pread(fd, p + 2000, 500, 1000), 500);
	for (int i = 0; i < 500; i++)
		CHECK_EQ(file_byte(fd, 2000 + i), pattern(1000 + i));
}

TEST(write_of_a_file_onto_itself_through_its_mapping)
{
	int fd = make_file("data", 8 * PAGE);
	unsigned char *p = map_file(fd, 8 * PAGE, RW, MAP_SHARED, 0);

	CHECK_EQ(pwrite(fd, p, 8 * PAGE, 0), 8 * PAGE);
	check_pattern(p, 8 * PAGE, 0);
	CHECK_EQ(pwrite(fd, p, 4 * PAGE, 8 * PAGE), 4 * PAGE);  // grows the file from itself
	CHECK_EQ(file_byte(fd, 9 * PAGE), pattern(PAGE));
}

TEST(read_into_a_hole_of_a_sparse_mapping)
{
	int from = make_file("from", PAGE);
	int to = MUST(open("to", O_RDWR | O_CREAT, 0644));

	MUST(ftruncate(to, 16 * PAGE));
	unsigned char *p = map_file(to, 16 * PAGE, RW, MAP_SHARED, 0);
	CHECK_EQ(pread(from, p + 9 * PAGE, PAGE, 0), PAGE);
	CHECK_EQ(file_byte(to, 9 * PAGE + 5), pattern(5));
}

TEST(copies_past_the_end_of_a_mapped_file)
{
	int from = make_file("from", 2 * PAGE), to = make_file("to", PAGE);
	unsigned char *p = map_file(to, 2 * PAGE, RW, MAP_SHARED, 0);

	CHECK_ERR(pread(from, p + PAGE, 10, 0), EFAULT);        // where a store would be SIGBUS
	CHECK_ERR(pwrite(from, p + PAGE, 10, 0), EFAULT);
	CHECK_EQ(file_byte(from, 0), pattern(0));
}

TEST(pipe_between_two_mappings)
{
	int from = make_file("from", 4 * PAGE), to = make_file("to", 4 * PAGE);
	unsigned char *p = map_file(from, 4 * PAGE, PROT_READ, MAP_SHARED, 0);
	unsigned char *q = map_file(to, 4 * PAGE, RW, MAP_PRIVATE, 0);
	struct gate pipe = gate_make();

	CHECK_EQ(write(pipe.ends[1], p + 10, 2 * PAGE), 2 * PAGE);
	CHECK_EQ(read(pipe.ends[0], q + PAGE / 2, 2 * PAGE), 2 * PAGE);
	check_pattern(q + PAGE / 2, 2 * PAGE, 10);
	CHECK_EQ(file_byte(to, PAGE), pattern(PAGE));
}
