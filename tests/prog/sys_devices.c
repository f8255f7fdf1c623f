/*
 * sys_devices.c - the devices that every program knows, and what is no terminal.
 */
#include "guest.h"

#include <sys/ioctl.h>
#include <sys/sysmacros.h>

static void check_number(const char *path, unsigned major_number, unsigned minor_number)
{
	struct stat status;

	MUST(stat(path, &status));
	CHECK(S_ISCHR(status.st_mode));
	CHECK_EQ(major(status.st_rdev), major_number);
	CHECK_EQ(minor(status.st_rdev), minor_number);
}

TEST(device_numbers_are_linuxs)
{
	check_number("/dev/null", 1, 3);
	check_number("/dev/zero", 1, 5);
	check_number("/dev/full", 1, 7);
	check_number("/dev/random", 1, 8);
	check_number("/dev/urandom", 1, 9);
	check_number("/dev/tty", 5, 0);
}

TEST(null_swallows_and_is_empty)
{
	static char block[10000];
	int fd = MUST(open("/dev/null", O_RDWR));

	CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK_EQ(read(fd, block, sizeof(block)), 0);
	CHECK_EQ(pread(fd, block, 10, 12345), 0);
}

TEST(zero_gives_zeros_and_swallows)
{
	unsigned char block[3 * PAGE];
	int fd = MUST(open("/dev/zero", O_RDWR));

	memset(block, 1, sizeof(block));
	CHECK_EQ(read(fd, block, sizeof(block)), sizeof(block));
	CHECK_BYTES(block, sizeof(block), 0);
	CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
}

TEST(full_is_full)
{
	unsigned char block[100];
	int fd = MUST(open("/dev/full", O_RDWR));

	CHECK_ERR(write(fd, block, sizeof(block)), ENOSPC);
	memset(block, 1, sizeof(block));
	CHECK_EQ(read(fd, block, sizeof(block)), sizeof(block));
	CHECK_BYTES(block, sizeof(block), 0);
}

static void check_random(const char *path)
{
	unsigned char first[64], second[64];
	int fd = MUST(open(path, O_RDONLY));

	CHECK_EQ(read(fd, first, sizeof(first)), sizeof(first));
	CHECK_EQ(read(fd, second, sizeof(second)), sizeof(second));
	CHECK(memcmp(first, second, sizeof(first)) != 0);
}

TEST(random_is_never_the_same)
{
	check_random("/dev/random");
	check_random("/dev/urandom");
}

TEST(random_looks_even)
{
	static unsigned char block[32768];
	static int seen[256];
	int fd = MUST(open("/dev/urandom", O_RDONLY));

	for (size_t done = 0; done < sizeof(block); )
		done += MUST(read(fd, block + done, sizeof(block) - done));
	for (size_t i = 0; i < sizeof(block); i++)
		seen[block[i]]++;
	for (int i = 0; i < 256; i++)           // 128 expected, 11 is one standard deviation
		CHECK(seen[i] > 30 && seen[i] < 260);
}

TEST(files_and_pipes_are_no_terminals)
{
	char settings[100];
	int fd = make_file("data", 10);
	struct gate pipe = gate_make();

	CHECK_ERR(syscall(SYS_ioctl, fd, TCGETS, settings), ENOTTY);
	CHECK_ERR(syscall(SYS_ioctl, pipe.ends[0], TCGETS, settings), ENOTTY);
	CHECK_ERR(syscall(SYS_ioctl, MUST(open("/dev/null", O_RDWR)), TCGETS, settings), ENOTTY);
	CHECK_ERR(syscall(SYS_ioctl, 99, TCGETS, settings), EBADF);
	CHECK_EQ(isatty(fd), 0);
	CHECK_EQ(errno, ENOTTY);
}

TEST(devices_cannot_be_cut_or_entered)
{
	CHECK_ERR(truncate("/dev/null", 0), EINVAL);
	CHECK_ERR(open("/dev/null/x", O_RDONLY), ENOTDIR);
	int fd = MUST(open("/dev/null", O_RDWR | O_TRUNC | O_CREAT, 0644));
	CHECK_EQ(write(fd, "x", 1), 1);
}

TEST(tty_without_a_terminal_is_enxio)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		MUST(setsid());
		CHECK_ERR(open("/dev/tty", O_RDWR), ENXIO);
		_exit(0);
	}
	CHECK_CHILD(child);
}

TEST(null_is_no_memory)
{
	int fd = MUST(open("/dev/null", O_RDWR));

	CHECK_ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0), ENODEV);
}

TEST(dev_folder_lists_them)
{
	struct dirent *entry;
	int found = 0;
	DIR *folder = opendir("/dev");

	CHECK(folder != NULL);
	while ((entry = readdir(folder)) != NULL)
		if (strcmp(entry->d_name, "null") == 0 || strcmp(entry->d_name, "zero") == 0)
			found++;
	closedir(folder);
	CHECK_EQ(found, 2);
}
