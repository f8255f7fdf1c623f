// Reading directories.
#pragma once

#include <abi/dirent.h>
#include <sys/types.h>

// One entry, as getdents64 gives it.
struct dirent {
	ino_t d_ino;
	off_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[256];
};

typedef struct DIR DIR;

DIR *opendir(const char *path);
DIR *fdopendir(int fd);
int closedir(DIR *dir);
struct dirent *readdir(DIR *dir);
void rewinddir(DIR *dir);
long telldir(DIR *dir);
void seekdir(DIR *dir, long position);
int dirfd(DIR *dir);
ssize_t getdents64(int fd, void *memory, size_t size);
int alphasort(const struct dirent **a, const struct dirent **b);
int scandir(const char *path, struct dirent ***entries,
	    int (*select)(const struct dirent *),
	    int (*compare)(const struct dirent **, const struct dirent **));

#define DTTOIF(type)	((type) << 12)
#define IFTODT(mode)	(((mode) & 0170000) >> 12)
