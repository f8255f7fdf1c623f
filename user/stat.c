/* stat [-L] [-t] file ...: all that the system knows about a name. -L follows links. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

static const char *type_name(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symbolic link";
	case S_IFCHR:
		return "character special file";
	case S_IFBLK:
		return "block special file";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	}
	return st->st_size ? "regular file" : "regular empty file";
}

static void show_time(const char *label, struct timespec when)
{
	char text[40], zone[8] = "";
	struct tm *broken = localtime(&when.tv_sec);

	if (broken && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", broken)) {
		strftime(zone, sizeof(zone), "%z", broken);
		printf("%s: %s.%09ld %s\n", label, text, (long)when.tv_nsec, zone);
	} else {
		printf("%s: %ld\n", label, (long)when.tv_sec);
	}
}

static void show(const char *path, const struct stat *st)
{
	char mode[MODE_SIZE], target[4096];
	ssize_t n = S_ISLNK(st->st_mode) ? readlink(path, target, sizeof(target)) : -1;

	show_mode(mode, st->st_mode);
	printf("  File: %s", path);
	if (n >= 0)
		printf(" -> %.*s", (int)n, target);
	printf("\n  Size: %-10ld\tBlocks: %-10ld IO Block: %-6ld %s\n", (long)st->st_size,
	       (long)st->st_blocks, (long)st->st_blksize, type_name(st));
	printf("Device: %u,%u\tInode: %-11lu Links: %lu", (unsigned int)major(st->st_dev),
		(unsigned int)minor(st->st_dev), (unsigned long)st->st_ino,
		(unsigned long)st->st_nlink);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		printf("     Device type: %u,%u", (unsigned int)major(st->st_rdev),
		       (unsigned int)minor(st->st_rdev));
	printf("\nAccess: (%04o/%s)  Uid: (%5u/%8s)", (unsigned int)st->st_mode & 07777, mode,
	       (unsigned int)st->st_uid, show_user(st->st_uid));
	printf("   Gid: (%5u/%8s)\n", (unsigned int)st->st_gid, show_group(st->st_gid));
	show_time("Access", st->st_atim);
	show_time("Modify", st->st_mtim);
	show_time("Change", st->st_ctim);
}

static void show_terse(const char *path, const struct stat *st)
{
	printf("%s %ld %ld %x %u %u %lx %lu %lu %x %x %ld %ld %ld 0 %ld\n", path, (long)st->st_size,
	       (long)st->st_blocks, (unsigned int)st->st_mode, (unsigned int)st->st_uid,
	       (unsigned int)st->st_gid, (unsigned long)st->st_dev, (unsigned long)st->st_ino,
	       (unsigned long)st->st_nlink, (unsigned int)major(st->st_rdev),
	       (unsigned int)minor(st->st_rdev), (long)st->st_atim.tv_sec, (long)st->st_mtim.tv_sec,
	       (long)st->st_ctim.tv_sec, (long)st->st_blksize);
}

int main(int argc, char **argv)
{
	bool follow = false, terse = false;
	int option, status = 0;

	while ((option = getopt(argc, argv, "Lt")) != -1) {
		if (option == '?')
			return 2;
		follow |= option == 'L';
		terse |= option == 't';
	}
	if (optind == argc)
		errx(2, "usage: stat [-L] [-t] file ...");
	for (char **path = argv + optind; *path; path++) {
		struct stat st;

		if ((follow ? stat(*path, &st) : lstat(*path, &st)) < 0) {
			warn("cannot stat '%s'", *path);
			status = 1;
		} else if (terse) {
			show_terse(*path, &st);
		} else {
			show(*path, &st);
		}
	}
	return status | finish_output();
}
