/*
 * sys_mount.c - what the flags of mount(2) forbid: MS_NOEXEC, MS_RDONLY, MS_NODEV; how they are changed and shown.
 * On Linux each test mounts in a name space of its own, if it may.
 */
#include "guest.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statfs.h>

#ifndef CLONE_NEWNS
#define CLONE_NEWNS 0x20000
#endif

// Mounts a tmpfs on the new folder "m", with these flags.
static void mount_here(unsigned long flags)
{
	MUST(mkdir("m", 0755));
	if (access("/proc/self/counts", F_OK) != 0 &&
	    (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0))
		SKIP("this process may not mount");
	MUST(mount("none", "m", "tmpfs", flags, "mode=755"));
}

static void remount(unsigned long flags)
{
	MUST(mount("none", "m", NULL, MS_REMOUNT | flags, NULL));
}

// The options in the last line of /proc/mounts, which is ours.
static const char *shown_options(void)
{
	static char options[256];
	const char *text = slurp("/proc/mounts"), *line = NULL;

	for (; text && *text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : "")
		if (strstr(text, "/m tmpfs ") &&
		    (!strchr(text, '\n') || strstr(text, "/m tmpfs ") < strchr(text, '\n')))
			line = strstr(text, "/m tmpfs ") + 9;
	CHECK(line != NULL);
	snprintf(options, sizeof(options), "%.*s", (int)strcspn(line, " "), line);
	return options;
}

static void copy_own_program(const char *to)
{
	char part[4096];
	int in = MUST(open(test_program, O_RDONLY)), out = MUST(open(to, O_WRONLY | O_CREAT, 0755));
	ssize_t n;

	while ((n = read(in, part, sizeof(part))) > 0)
		CHECK_EQ(write(out, part, n), n);
	close(in);
	close(out);
}

HELPER(ran)
{
	return 7;
}

static int run(const char *program)
{
	pid_t child = MUST(fork());

	if (child == 0) {
		char *argv[] = { (char *)program, "--helper", "ran", NULL };

		execv(program, argv);
		_exit(errno);
	}
	return WEXITSTATUS(wait_status(child));
}

TEST(mmap_exec_of_noexec_file_is_eperm)
{
	mount_here(MS_NOEXEC);
	int fd = make_file("m/file", 2 * PAGE);

	CHECK_ERR(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
	CHECK_ERR(mmap(NULL, PAGE, PROT_EXEC, MAP_SHARED, fd, 0), EPERM);
	check_pattern(map_file(fd, PAGE, PROT_READ, MAP_PRIVATE, 0), PAGE, 0);
}

TEST(mprotect_exec_of_noexec_file_is_eacces)
{
	mount_here(MS_NOEXEC);
	int fd = make_file("m/file", 2 * PAGE);
	unsigned char *private = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);
	unsigned char *shared = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	store(private, 1);              // a page of our own is no better
	CHECK_ERR(mprotect(private, PAGE, PROT_READ | PROT_EXEC), EACCES);
	CHECK_ERR(mprotect(shared, PAGE, PROT_EXEC), EACCES);
	MUST(mprotect(private, PAGE, PROT_READ));
}

TEST(execve_of_noexec_file_is_eacces)
{
	mount_here(MS_NOEXEC);
	copy_own_program("m/program");
	CHECK_EQ(run("m/program"), EACCES);
	CHECK_ERR(access("m/program", X_OK), EACCES);
	CHECK_EQ(access("m/program", R_OK), 0);
	CHECK_EQ(access("m", X_OK), 0);
	remount(0);
	CHECK_EQ(run("m/program"), 7);
	CHECK_EQ(access("m/program", X_OK), 0);
}

TEST(noexec_script_is_not_started_but_may_be_read)
{
	static const char script[] = "#!/bin/sh\nexit 7\n";

	mount_here(MS_NOEXEC);
	int fd = MUST(open("m/script", O_WRONLY | O_CREAT, 0755));

	CHECK_EQ(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	close(fd);
	CHECK_EQ(run("m/script"), EACCES);
}

TEST(noexec_by_remount_leaves_mappings_alone)
{
	mount_here(0);
	int fd = make_file("m/file", PAGE);
	unsigned char *before = map_file(fd, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0);
	unsigned char *readable = map_file(fd, PAGE, PROT_READ, MAP_SHARED, 0);

	remount(MS_NOEXEC);
	CHECK_ERR(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
	check_pattern(before, PAGE, 0);
	MUST(mprotect(readable, PAGE, PROT_READ | PROT_EXEC));  // it was mapped when that was allowed
	remount(0);
	map_file(fd, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0);
}

TEST(read_only_mount_refuses_every_change)
{
	struct stat status;

	mount_here(0);
	close(make_file("m/file", PAGE));
	MUST(symlink("file", "m/link"));
	MUST(mkdir("m/folder", 0755));
	MUST(mknod("m/fifo", S_IFIFO | 0600, 0));
	remount(MS_RDONLY);
	CHECK_ERR(open("m/file", O_RDWR), EROFS);
	CHECK_ERR(open("m/file", O_RDONLY | O_TRUNC), EROFS);
	CHECK_ERR(open("m/new", O_WRONLY | O_CREAT, 0600), EROFS);
	CHECK_ERR(open("m/new", O_RDONLY), ENOENT);
	CHECK_ERR(truncate("m/file", 0), EROFS);
	CHECK_ERR(unlink("m/file"), EROFS);
	CHECK_ERR(rename("m/file", "m/other"), EROFS);
	CHECK_ERR(link("m/file", "m/other"), EROFS);
	CHECK_ERR(symlink("x", "m/other"), EROFS);
	CHECK_ERR(mkdir("m/other", 0755), EROFS);
	CHECK_ERR(rmdir("m/folder"), EROFS);
	CHECK_ERR(mknod("m/other", S_IFIFO | 0600, 0), EROFS);
	CHECK_ERR(chmod("m/file", 0600), EROFS);
	CHECK_ERR(chown("m/file", 0, 0), EROFS);
	CHECK_ERR(utimensat(AT_FDCWD, "m/file", NULL, 0), EROFS);
	CHECK_ERR(access("m/file", W_OK), EROFS);
	CHECK_EQ(access("m/file", R_OK), 0);
	// A fifo is written to, but nothing of the file system changes.
	close(MUST(open("m/fifo", O_RDWR)));
	MUST(stat("m/file", &status));
	CHECK_EQ(status.st_size, PAGE);
	remount(0);
	close(MUST(open("m/file", O_RDWR)));
}

TEST(read_only_mount_may_be_mapped_private)
{
	mount_here(0);
	close(make_file("m/file", PAGE));
	remount(MS_RDONLY);
	int fd = MUST(open("m/file", O_RDONLY));
	unsigned char *p = map_file(fd, PAGE, RW, MAP_PRIVATE, 0);

	store(p, 0);
	CHECK_EQ(file_byte(fd, 0), pattern(0));
	CHECK_ERR(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES);
}

TEST(remount_read_only_is_ebusy_while_somebody_writes)
{
	mount_here(0);
	int fd = make_file("m/file", PAGE);
	unsigned char *shared = map_file(fd, PAGE, RW, MAP_SHARED, 0);

	CHECK_ERR(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);                      // the mapping still may store
	CHECK_ERR(mount("none", "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	store(shared, 9);
	MUST(munmap(shared, PAGE));
	remount(MS_RDONLY);
	fd = MUST(open("m/file", O_RDONLY));
	CHECK_EQ(file_byte(fd, 0), 9);
	CHECK_EQ(write(fd, "x", 1), -1);
}

TEST(device_node_on_nodev_is_eacces)
{
	mount_here(0);
	MUST(mknod("m/null", S_IFCHR | 0666, 1 << 8 | 3));
	close(MUST(open("m/null", O_RDWR)));
	remount(MS_NODEV);
	CHECK_ERR(open("m/null", O_RDONLY), EACCES);
	close(MUST(open("m/null", O_PATH)));
	remount(0);
	close(MUST(open("m/null", O_RDWR)));
}

TEST(mount_flags_are_shown)
{
	struct statfs fs;

	mount_here(MS_NOEXEC | MS_NOSUID | MS_NODEV);
	CHECK(strncmp(shown_options(), "rw,nosuid,nodev,noexec,relatime", 31) == 0);
	MUST(statfs("m", &fs));
	CHECK_EQ(fs.f_flags & (1 | 2 | 4 | 8 | 0x1000), 2 | 4 | 8 | 0x1000);
	remount(MS_RDONLY | MS_NOATIME);
	CHECK(strncmp(shown_options(), "ro,noatime", 10) == 0);
	CHECK(strstr(shown_options(), "noexec") == NULL);
	MUST(statfs("m", &fs));
	CHECK_EQ(fs.f_flags & (1 | 2 | 4 | 8 | 0x400 | 0x1000), 1 | 0x400);
	remount(0);
}
