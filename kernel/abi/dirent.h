// The records that getdents64 writes, one behind the other, each d_reclen bytes long.
#pragma once

struct linux_dirent64 {
	unsigned long d_ino;
	long d_off;			// where the next record begins, for lseek
	unsigned short d_reclen;	// of the whole record, a multiple of 8
	unsigned char d_type;
	char d_name[];			// ends with a zero byte
};

// The older record of getdents: the type is the record's last byte.
struct linux_dirent {
	unsigned long d_ino;
	unsigned long d_off;
	unsigned short d_reclen;
	char d_name[];
};

#define DT_UNKNOWN	0
#define DT_FIFO		1
#define DT_CHR		2
#define DT_DIR		4
#define DT_BLK		6
#define DT_REG		8
#define DT_LNK		10
#define DT_SOCK		12
#define DT_WHT		14
