// Opening files, and everything about a descriptor.
#pragma once

#include <abi/fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>

int open(const char *path, int flags, ...);
int openat(int dir, const char *path, int flags, ...);
int creat(const char *path, mode_t mode);
int fcntl(int fd, int command, ...);
int posix_fadvise(int fd, off_t offset, off_t length, int advice);
int posix_fallocate(int fd, off_t offset, off_t length);
int fallocate(int fd, int mode, off_t offset, off_t length);
ssize_t readahead(int fd, off_t offset, size_t n);
int sync_file_range(int fd, off_t offset, off_t n, unsigned int flags);
