// statfs and fstatfs.
#pragma once

struct statfs {
	long f_type;
	long f_bsize;
	unsigned long f_blocks;
	unsigned long f_bfree;
	unsigned long f_bavail;
	unsigned long f_files;
	unsigned long f_ffree;
	struct {
		int val[2];
	} f_fsid;
	long f_namelen;
	long f_frsize;
	long f_flags;
	long f_spare[4];
};

_Static_assert(sizeof(struct statfs) == 120, "struct statfs is part of the ABI");

#define EXT2_SUPER_MAGIC	0xef53
#define PROC_SUPER_MAGIC	0x9fa0
#define SYSFS_MAGIC		0x62656572
#define TMPFS_MAGIC		0x01021994
#define PIPEFS_MAGIC		0x50495045

#define ST_RDONLY	1
#define ST_NOSUID	2
#define ST_NODEV	4
#define ST_NOEXEC	8
#define ST_SYNCHRONOUS	16
#define ST_VALID	0x20
#define ST_NOATIME	0x400
#define ST_NODIRATIME	0x800
#define ST_RELATIME	0x1000
