/*
 * sys_memfd.c - files without a name (memfd_create) and their seals, tmpfs mounts with a limit, mappings of /dev/zero.
 */
#define _GNU_SOURCE
#include "guest.h"

#include <sys/mount.h>

#ifndef F_ADD_SEALS
#define F_ADD_SEALS 1033
#define F_GET_SEALS 1034
#define F_SEAL_SEAL 1
#define F_SEAL_SHRINK 2
#define F_SEAL_GROW 4
#define F_SEAL_WRITE 8
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif

static int make(unsigned flags, long size)
{
	int fd = (int)MUST(syscall(SYS_memfd_create, "test", flags));

	MUST(ftruncate(fd, size));
	return fd;
}

static int sealed(int seals, long size)
{
	int fd = make(MFD_ALLOW_SEALING, size);

	CHECK_EQ(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* ---- memfd ----------------------------------------------------------------------------------- */

TEST(new_file_is_empty_and_has_no_name)
{
	int fd = (int)MUST(syscall(SYS_memfd_create, "some name", 0));
	struct stat st;
	char path[64], target[100];

	MUST(fstat(fd, &st));
	CHECK_EQ(st.st_size, 0);
	CHECK_EQ(st.st_nlink, 0);
	CHECK(S_ISREG(st.st_mode));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = MUST(readlink(path, target, sizeof(target) - 1));
	target[n] = 0;
	CHECK_STR(target, "/memfd:some name (deleted)");
}

TEST(close_on_exec_flag)
{
	CHECK_EQ(fcntl(MUST(syscall(SYS_memfd_create, "a", MFD_CLOEXEC)), F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(MUST(syscall(SYS_memfd_create, "a", 0)), F_GETFD), 0);
}

TEST(create_errors)
{
	char name[300];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	CHECK_ERR(syscall(SYS_memfd_create, name, 0), EINVAL);
	CHECK_ERR(syscall(SYS_memfd_create, (char *)8, 0), EFAULT);
	CHECK_ERR(syscall(SYS_memfd_create, "a", 0x800), EINVAL);
	name[249] = 0;
	CHECK(syscall(SYS_memfd_create, name, 0) >= 0);
	name[249] = 'x', name[250] = 0;
	CHECK_ERR(syscall(SYS_memfd_create, name, 0), EINVAL);
}

TEST(file_is_shared_with_a_child)
{
	int fd = make(0, PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	pid_t child = MUST(fork());
	if (child == 0) {
		put_byte(fd, 100, 5);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p + 100), 5);
}

TEST(file_outlives_its_descriptor_in_a_mapping)
{
	int fd = make(0, PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(p, 9);
	MUST(close(fd));
	CHECK_EQ(load(p), 9);
}

/* ---- seals ----------------------------------------------------------------------------------- */

TEST(without_the_flag_nothing_can_be_sealed)
{
	int fd = make(0, PAGE);

	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL);
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), EPERM);
}

TEST(seals_add_up)
{
	int fd = make(MFD_ALLOW_SEALING, PAGE);

	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, 0), 0);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_GROW | F_SEAL_SHRINK);
}

TEST(sealed_seals)
{
	int fd = sealed(F_SEAL_SEAL | F_SEAL_GROW, PAGE);

	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EPERM);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_GROW);
}

TEST(seal_errors)
{
	int fd = make(MFD_ALLOW_SEALING, PAGE), ends[2];
	char path[64];

	CHECK_ERR(fcntl(fd, F_ADD_SEALS, 0x100), EINVAL);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_ERR(fcntl(MUST(open(path, O_RDONLY)), F_ADD_SEALS, F_SEAL_GROW), EPERM);
	MUST(pipe(ends));
	CHECK_ERR(fcntl(ends[1], F_GET_SEALS), EINVAL);
	CHECK_ERR(fcntl(ends[1], F_ADD_SEALS, F_SEAL_GROW), EINVAL);
}

TEST(shrink_seal)
{
	int fd = sealed(F_SEAL_SHRINK, 2 * PAGE);

	CHECK_ERR(ftruncate(fd, PAGE), EPERM);
	CHECK_EQ(ftruncate(fd, 2 * PAGE), 0);
	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
	CHECK_ERR(ftruncate(fd, 2 * PAGE), EPERM);
	put_byte(fd, 0, 1);
}

TEST(grow_seal)
{
	int fd = sealed(F_SEAL_GROW, 2 * PAGE);
	static char bytes[4 * PAGE];

	CHECK_ERR(ftruncate(fd, 3 * PAGE), EPERM);
	CHECK_ERR(pwrite(fd, bytes, 1, 2 * PAGE), EPERM);
	CHECK_EQ(pwrite(fd, bytes, 2 * PAGE, 2 * PAGE - 10), 10);
	CHECK_EQ(pwrite(fd, bytes, 3 * PAGE, 0), 2 * PAGE);
	CHECK_EQ(pwrite(fd, bytes, 2 * PAGE, 0), 2 * PAGE);
	CHECK_ERR(fallocate(fd, 0, 0, 3 * PAGE), EPERM);
	CHECK_EQ(ftruncate(fd, PAGE), 0);
	CHECK_ERR(ftruncate(fd, PAGE + 1), EPERM);
}

TEST(write_seal)
{
	int fd = sealed(F_SEAL_WRITE, 2 * PAGE);

	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_EQ(pwrite(fd, "x", 0, 0), 0);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE), EPERM);
	CHECK_EQ(file_byte(fd, 0), 0);
	CHECK_EQ(ftruncate(fd, 3 * PAGE), 0);
}

TEST(write_seal_allows_private_mappings)
{
	int fd = make(MFD_ALLOW_SEALING, PAGE);
	unsigned char *before = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	store(p, 5);
	store(before, 6);
	CHECK_EQ(file_byte(fd, 0), 0);
}

TEST(write_seal_is_ebusy_while_mapped_for_writing)
{
	int fd = make(MFD_ALLOW_SEALING, PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	CHECK_EQ(fcntl(fd, F_GET_SEALS), 0);
	MUST(munmap(p, PAGE));
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(write_seal_is_ebusy_while_a_child_has_it_mapped)
{
	int fd = make(MFD_ALLOW_SEALING, PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);
	struct gate done = gate_make();
	pid_t child = MUST(fork());

	if (child == 0) {
		gate_wait(done);
		_exit(0);
	}
	MUST(munmap(p, PAGE));
	CHECK_ERR(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
	gate_open(done);
	CHECK_CHILD(child);
	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(future_write_seal_keeps_the_old_mapping)
{
	int fd = make(MFD_ALLOW_SEALING, PAGE);
	unsigned char *p = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	CHECK_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
	store(p, 8);
	CHECK_EQ(file_byte(fd, 0), 8);
	CHECK_ERR(pwrite(fd, "x", 1, 0), EPERM);
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EPERM);
	unsigned char *q = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);
	CHECK_EQ(load(q), 8);
	CHECK_ERR(mprotect(q, PAGE, RW), EACCES);
}

// Whoever is faster: never is a file sealed against writing and stored to.
TEST(seal_races_with_mappings)
{
	for (int round = 0; round < 200; round++) {
		int fd = make(MFD_ALLOW_SEALING, PAGE);
		pid_t child = MUST(fork());

		if (child == 0) {
			unsigned char *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
			if (p == MAP_FAILED)
				_exit(errno == EPERM ? 0 : 1);
			bool is_sealed = fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE;
			_exit(is_sealed ? 2 : 0);
		}
		if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == -1)
			CHECK_EQ(errno, EBUSY);
		CHECK_CHILD(child);
		MUST(close(fd));
	}
}

/* ---- tmpfs ----------------------------------------------------------------------------------- */

static void mount_small(const char *options)
{
	MUST(mkdir("m", 0755));
	if (mount("tmpfs", "m", "tmpfs", 0, options) == -1) {
		if (errno == EPERM)
			SKIP("may not mount");
		FAIL("mount: %s", errno_name(errno));
	}
}

TEST(limit_of_a_mount)
{
	static char bytes[PAGE];
	struct statfs fs;
	int fd, n = 0;

	mount_small("size=64k");
	MUST(statfs("m", &fs));
	CHECK_EQ(fs.f_blocks, 16);
	CHECK_EQ(fs.f_type, 0x01021994);
	fd = MUST(open("m/a", O_RDWR | O_CREAT, 0644));
	while (write(fd, bytes, PAGE) == PAGE)
		n++;
	CHECK_EQ(errno, ENOSPC);
	CHECK(n >= 14 && n <= 16);
	MUST(ftruncate(fd, 0));
	CHECK_EQ(write(fd, bytes, PAGE), PAGE);
	MUST(close(fd));
	MUST(umount("m"));
}

TEST(store_past_the_limit_is_sigbus)
{
	mount_small("size=32k");
	int fd = MUST(open("m/a", O_RDWR | O_CREAT, 0644));

	MUST(ftruncate(fd, 64 * PAGE));
	unsigned char *p = map_file(fd, 64 * PAGE, RW, MAP_SHARED, 0);
	CHECK_SIGNAL(for (int i = 0; i < 64; i++) store(p + i * PAGE, 1), SIGBUS, BUS_ADRERR, test_address);
	CHECK_EQ(load(p), 1);
	MUST(munmap(p, 64 * PAGE));
	MUST(close(fd));
	MUST(umount("m"));
}

TEST(fallocate_past_the_limit_leaves_the_file)
{
	mount_small("size=64k");
	int fd = MUST(open("m/a", O_RDWR | O_CREAT, 0644));

	put_byte(fd, 0, 3);
	CHECK_ERR(fallocate(fd, 0, 0, 64 * PAGE), ENOSPC);
	CHECK_EQ(file_size(fd), 1);
	CHECK_EQ(fallocate(fd, 0, 0, 8 * PAGE), 0);
	CHECK_EQ(file_byte(fd, 0), 3);
	MUST(close(fd));
	MUST(umount("m"));
}

// Stores and truncations on one file at once: the count of what is used comes back to what it was.
TEST(count_of_a_mount_is_exact)
{
	struct statfs before, after;

	mount_small("size=1m");
	MUST(statfs("m", &before));
	int fd = MUST(open("m/a", O_RDWR | O_CREAT, 0644));
	MUST(ftruncate(fd, 32 * PAGE));
	unsigned char *p = map_file(fd, 32 * PAGE, RW, MAP_SHARED, 0);
	pid_t child = MUST(fork());

	if (child == 0) {
		test_arm((struct sigaction[2]){ { .sa_flags = 0 }, { .sa_flags = 0 } });
		for (volatile int i = 0; i < 20000; i++)
			if (sigsetjmp(test_landing, 1) == 0)
				store(p + i % 32 * PAGE, 1);
		_exit(0);
	}
	for (int i = 0; i < 400; i++) {
		MUST(ftruncate(fd, i % 7 * PAGE));
		MUST(ftruncate(fd, 32 * PAGE));
		CHECK_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, 20 * PAGE), 0);
	}
	CHECK_CHILD(child);
	MUST(munmap(p, 32 * PAGE));
	MUST(close(fd));
	MUST(unlink("m/a"));
	MUST(statfs("m", &after));
	CHECK_EQ(after.f_bfree, before.f_bfree);
	MUST(umount("m"));
}

TEST(shm_is_a_tmpfs)
{
	struct statfs fs;
	struct stat shm, dev;

	MUST(statfs("/dev/shm", &fs));
	CHECK_EQ(fs.f_type, 0x01021994);
	MUST(stat("/dev/shm", &shm));
	MUST(stat("/dev", &dev));
	if (shm.st_dev == dev.st_dev && access("/proc/self/counts", F_OK) == -1)
		SKIP("this host has mounted nothing at /dev/shm");
	CHECK(shm.st_dev != dev.st_dev);
	CHECK_EQ(shm.st_mode & 07777, 01777);
}

/* ---- /dev/zero ------------------------------------------------------------------------------- */

TEST(zero_mapped_shared_is_shared_memory)
{
	int fd = MUST(open("/dev/zero", O_RDWR));
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
	unsigned char *other = map_file(fd, 2 * PAGE, RW, MAP_SHARED, 0);
	pid_t child = MUST(fork());

	if (child == 0) {
		store(p + PAGE, 31);
		_exit(0);
	}
	CHECK_CHILD(child);
	CHECK_EQ(load(p + PAGE), 31);
	CHECK_EQ(load(other + PAGE), 0);
}

TEST(zero_mapped_private_is_memory)
{
	int fd = MUST(open("/dev/zero", O_RDONLY));
	unsigned char *p = map_file(fd, 2 * PAGE, RW, MAP_PRIVATE, 0);
	char byte = 1;

	CHECK_BYTES(p, 2 * PAGE, 0);
	store(p, 4);
	CHECK_EQ(load(p), 4);
	CHECK_EQ(read(fd, &byte, 1), 1);
	CHECK_EQ(byte, 0);
}
