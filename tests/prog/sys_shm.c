/*
 * sys_shm.c - files that live in memory only (/dev/shm and memfd): the same contract as files on a disk, and what they
 * hold is never written or lost.
 */
#include "guest.h"

#include <sys/statfs.h>
#include <sys/syscall.h>

static char shm_name[64];

static int shm_make(const char *what, long size)
{
	snprintf(shm_name, sizeof(shm_name), "/dev/shm/%s.%d", what, (int)getpid());
	int fd = MUST(open(shm_name, O_RDWR | O_CREAT | O_EXCL, 0600));

	MUST(ftruncate(fd, size));
	return fd;
}

static int memory_file(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

TEST(mapping_and_read_are_one_view)
{
	int fd = shm_make("view", 3 * PAGE);
	unsigned char *p = map_file(fd, 3 * PAGE, RW, MAP_SHARED, 0);

	MUST(unlink(shm_name));
	CHECK_BYTES(p, 3 * PAGE, 0);
	store(p + PAGE + 5, 77);
	CHECK_EQ(file_byte(fd, PAGE + 5), 77);
	put_byte(fd, 2 * PAGE, 88);
	CHECK_EQ(load(p + 2 * PAGE), 88);
	CHECK_SIGNAL(load(map_file(fd, 5 * PAGE, RW, MAP_SHARED, 0) + 4 * PAGE), SIGBUS, BUS_ADRERR, test_address);
}

TEST(truncation_takes_the_pages_and_their_content)
{
	int fd = shm_make("cut", 4 * PAGE);
	unsigned char *p = map_file(fd, 4 * PAGE, RW, MAP_SHARED, 0);
	struct stat st;

	MUST(unlink(shm_name));
	memset(p, 5, 4 * PAGE);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 4 * PAGE / 512);
	MUST(ftruncate(fd, PAGE + 100));
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_blocks, 2 * PAGE / 512);
	MUST(ftruncate(fd, 4 * PAGE));
	CHECK_BYTES(p, PAGE + 100, 5);
	CHECK_BYTES(p + PAGE + 100, 3 * PAGE - 100, 0);
}

TEST(holes_cost_nothing)
{
	int fd = shm_make("hole", 1L << 40);
	struct stat st;

	MUST(unlink(shm_name));
	put_byte(fd, (1L << 39) + 3, 9);
	CHECK_EQ(file_byte(fd, (1L << 39) + 3), 9);
	CHECK_EQ(file_byte(fd, 12345), 0);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, 1L << 40);
	CHECK_EQ(st.st_blocks, PAGE / 512);
}

TEST(two_processes_share_by_name)
{
	int fd = shm_make("shared", PAGE);
	struct gate gate = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		int own = MUST(open(shm_name, O_RDWR));
		unsigned char *p = map_file(own, PAGE, RW, MAP_SHARED, 0);

		store(p + 8, 42);
		gate_open(gate);
		_exit(0);
	}
	gate_wait(gate);
	CHECK_EQ(file_byte(fd, 8), 42);
	CHECK_CHILD(child);
	MUST(unlink(shm_name));
}

TEST(private_mapping_never_reaches_it)
{
	int fd = shm_make("private", PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	MUST(unlink(shm_name));
	store(p, 1);
	CHECK_EQ(file_byte(fd, 0), 0);
}

TEST(memory_comes_back_when_the_last_user_goes)
{
	struct statfs before, during, after;
	int fd = shm_make("space", 256 * PAGE);

	MUST(fstatfs(fd, &before));
	unsigned char *p = map_file(fd, 256 * PAGE, RW, MAP_SHARED, 0);

	memset(p, 3, 256 * PAGE);
	MUST(fstatfs(fd, &during));
	CHECK(before.f_bfree - during.f_bfree >= 256);
	MUST(unlink(shm_name));
	MUST(close(fd));
	CHECK_EQ(load(p + 100 * PAGE), 3);
	MUST(munmap(p, 256 * PAGE));
	MUST(statfs("/dev/shm", &after));
	CHECK(after.f_bfree + 16 >= before.f_bfree);
}

TEST(names_behave_as_on_a_disk)
{
	char folder[64], a[80], b[80], text[16] = "";
	struct stat st;

	snprintf(folder, sizeof(folder), "/dev/shm/names.%d", (int)getpid());
	snprintf(a, sizeof(a), "%s/a", folder);
	snprintf(b, sizeof(b), "%s/b", folder);
	MUST(mkdir(folder, 0755));
	MUST(close(MUST(open(a, O_CREAT | O_WRONLY, 0640))));
	CHECK_ERR(rmdir(folder), ENOTEMPTY);
	MUST(link(a, b));
	MUST(stat(b, &st));
	CHECK_EQ(st.st_nlink, 2);
	MUST(unlink(a));
	MUST(rename(b, a));
	CHECK_ERR(stat(b, &st), ENOENT);
	MUST(symlink("a", b));
	CHECK_EQ(readlink(b, text, sizeof(text)), 1);
	MUST(stat(b, &st));
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_mode & 07777, 0640);
	MUST(unlink(b));
	MUST(unlink(a));
	MUST(rmdir(folder));
}

TEST(memfd_is_a_file_without_a_name)
{
	char path[64], target[128] = "";
	struct stat st;
	int fd = memory_file("scratch", MFD_CLOEXEC);

	if (fd < 0)
		FAIL("memfd_create: %s", errno_name(errno));
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_EQ(file_byte(fd, 1), 'b');
	MUST(ftruncate(fd, 2 * PAGE));
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);

	CHECK_EQ(load(p + 2), 'c');
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(readlink(path, target, sizeof(target) - 1));
	CHECK_STR(target, "/memfd:scratch (deleted)");
	int again = MUST(open(path, O_RDONLY));

	CHECK_EQ(file_byte(again, 0), 'a');
	CHECK_ERR(memory_file("x", 0x4000), EINVAL);
}

TEST(large_file_is_whole)
{
	static unsigned char block[1 << 16];
	int fd = shm_make("large", 0);

	MUST(unlink(shm_name));
	for (int i = 0; i < 128; i++) {
		memset(block, i, sizeof(block));
		CHECK_EQ(write(fd, block, sizeof(block)), (long)sizeof(block));
	}
	unsigned char *p = map_file(fd, 128L << 16, PROT_READ, MAP_SHARED, 0);

	for (int i = 0; i < 128; i++)
		CHECK_BYTES(p + ((long)i << 16), sizeof(block), i);
}
