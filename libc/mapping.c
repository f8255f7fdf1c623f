// The system calls on memory: mappings, advice, and the break.

#include "internal.h"

#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	return (void *)CALL(SYS_mmap, address, length, protection, flags, fd, offset);
}

int munmap(void *address, size_t length)
{
	return (int)CALL(SYS_munmap, address, length);
}

int mprotect(void *address, size_t length, int protection)
{
	return (int)CALL(SYS_mprotect, address, length, protection);
}

int msync(void *address, size_t length, int flags)
{
	return (int)CALL(SYS_msync, address, length, flags);
}

int madvise(void *address, size_t length, int advice)
{
	return (int)CALL(SYS_madvise, address, length, advice);
}

// POSIX's DONTNEED promises to keep the content, Linux's does not: it is no call at all.
int posix_madvise(void *address, size_t length, int advice)
{
	if (advice == POSIX_MADV_DONTNEED)
		return 0;
	return (int)-RAW_CALL(SYS_madvise, address, length, advice);
}

int mincore(void *address, size_t length, unsigned char *vector)
{
	return (int)CALL(SYS_mincore, address, length, vector);
}

int mlock(const void *address, size_t length)
{
	return (int)CALL(SYS_mlock, address, length);
}

int mlock2(const void *address, size_t length, unsigned int flags)
{
	return (int)CALL(SYS_mlock2, address, length, flags);
}

int munlock(const void *address, size_t length)
{
	return (int)CALL(SYS_munlock, address, length);
}

int mlockall(int flags)
{
	return (int)CALL(SYS_mlockall, flags);
}

int munlockall(void)
{
	return (int)CALL(SYS_munlockall);
}

// The fifth argument, the new address, counts with MREMAP_FIXED and MREMAP_DONTUNMAP.
void *mremap(void *address, size_t old_length, size_t new_length, int flags, ...)
{
	void *target = NULL;

	if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
		va_list args;
		va_start(args, flags);
		target = va_arg(args, void *);
		va_end(args);
	}
	return (void *)CALL(SYS_mremap, address, old_length, new_length, flags, target);
}

int remap_file_pages(void *address, size_t length, int protection, size_t page, int flags)
{
	return (int)CALL(SYS_remap_file_pages, address, length, protection, page, flags);
}

int memfd_create(const char *name, unsigned int flags)
{
	return (int)CALL(SYS_memfd_create, name, flags);
}

// The kernel's brk answers where the break is, wherever that may be: it fails if that is not here.
int brk(void *end)
{
	if ((void *)RAW_CALL(SYS_brk, end) == end)
		return 0;
	errno = ENOMEM;
	return -1;
}

// Moves the break. Answers where it was, or (void *)-1 and ENOMEM.
void *sbrk(intptr_t increment)
{
	char *old = (char *)RAW_CALL(SYS_brk, 0);

	if (increment != 0 && brk(old + increment))
		return (void *)-1;
	return old;
}
