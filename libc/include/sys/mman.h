// Memory mapping. Each is the system call of the same name.
#pragma once

#include <abi/mman.h>
#include <sys/types.h>

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
int munmap(void *address, size_t length);
int mprotect(void *address, size_t length, int protection);
int msync(void *address, size_t length, int flags);
int madvise(void *address, size_t length, int advice);
int posix_madvise(void *address, size_t length, int advice);	// the error is the answer
int mincore(void *address, size_t length, unsigned char *vector);
int mlock(const void *address, size_t length);
int mlock2(const void *address, size_t length, unsigned int flags);
int munlock(const void *address, size_t length);
int mlockall(int flags);
int munlockall(void);
void *mremap(void *address, size_t old_length, size_t new_length, int flags, ...);
int remap_file_pages(void *address, size_t length, int protection, size_t page, int flags);
int memfd_create(const char *name, unsigned int flags);
int shm_open(const char *name, int flags, mode_t mode);	// a file in /dev/shm
int shm_unlink(const char *name);
