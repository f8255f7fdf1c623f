// struct stat as the kernel fills it in (144 bytes), file types and permission bits.
#pragma once

#include "time.h"

struct stat {
	unsigned long st_dev;
	unsigned long st_ino;
	unsigned long st_nlink;
	unsigned int st_mode;
	unsigned int st_uid;
	unsigned int st_gid;
	unsigned int st_pad0;
	unsigned long st_rdev;
	long st_size;
	long st_blksize;
	long st_blocks;		// in units of 512 bytes
	struct timespec st_atim;
	struct timespec st_mtim;
	struct timespec st_ctim;
	long st_unused[3];
};

_Static_assert(sizeof(struct stat) == 144, "struct stat is part of the ABI");

#define st_atime	st_atim.tv_sec
#define st_mtime	st_mtim.tv_sec
#define st_ctime	st_ctim.tv_sec

#define S_IFMT		0170000
#define S_IFSOCK	0140000
#define S_IFLNK		0120000
#define S_IFREG		0100000
#define S_IFBLK		0060000
#define S_IFDIR		0040000
#define S_IFCHR		0020000
#define S_IFIFO		0010000
#define S_ISUID		0004000
#define S_ISGID		0002000
#define S_ISVTX		0001000

#define S_ISLNK(mode)	(((mode) & S_IFMT) == S_IFLNK)
#define S_ISREG(mode)	(((mode) & S_IFMT) == S_IFREG)
#define S_ISDIR(mode)	(((mode) & S_IFMT) == S_IFDIR)
#define S_ISCHR(mode)	(((mode) & S_IFMT) == S_IFCHR)
#define S_ISBLK(mode)	(((mode) & S_IFMT) == S_IFBLK)
#define S_ISFIFO(mode)	(((mode) & S_IFMT) == S_IFIFO)
#define S_ISSOCK(mode)	(((mode) & S_IFMT) == S_IFSOCK)

#define S_IRWXU		00700
#define S_IRUSR		00400
#define S_IWUSR		00200
#define S_IXUSR		00100
#define S_IRWXG		00070
#define S_IRGRP		00040
#define S_IWGRP		00020
#define S_IXGRP		00010
#define S_IRWXO		00007
#define S_IROTH		00004
#define S_IWOTH		00002
#define S_IXOTH		00001

// Device numbers as st_rdev and mknod carry them.
#define ABI_MAJOR(dev)	((unsigned int)((((dev) >> 8) & 0xfff) | (((dev) >> 32) & ~0xffful)))
#define ABI_MINOR(dev)	((unsigned int)(((dev) & 0xff) | (((dev) >> 12) & ~0xfful)))
#define ABI_MKDEV(major, minor) \
	((((major) & 0xffful) << 8) | (((major) & 0xfffff000ul) << 32) | \
	 ((minor) & 0xfful) | (((minor) & 0xffffff00ul) << 12))

struct statx_timestamp {
	long tv_sec;
	unsigned int tv_nsec;
	int pad;
};

struct statx {
	unsigned int stx_mask;
	unsigned int stx_blksize;
	unsigned long stx_attributes;
	unsigned int stx_nlink;
	unsigned int stx_uid;
	unsigned int stx_gid;
	unsigned short stx_mode;
	unsigned short stx_pad0;
	unsigned long stx_ino;
	unsigned long stx_size;
	unsigned long stx_blocks;
	unsigned long stx_attributes_mask;
	struct statx_timestamp stx_atime;
	struct statx_timestamp stx_btime;
	struct statx_timestamp stx_ctime;
	struct statx_timestamp stx_mtime;
	unsigned int stx_rdev_major;
	unsigned int stx_rdev_minor;
	unsigned int stx_dev_major;
	unsigned int stx_dev_minor;
	unsigned long stx_mnt_id;
	unsigned long stx_spare[13];
};

_Static_assert(sizeof(struct statx) == 256, "struct statx is part of the ABI");

#define STATX_BASIC_STATS	0x7ff
#define STATX_BTIME		0x800
