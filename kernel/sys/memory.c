/*
 * memory.c - system calls about mappings. The work is in mm/mmap.c, protect.c, msync.c.
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include "proc/process.h"
#include "sys/calls.h"
#include "x86/cpu.h"
#include <abi/errno.h>
#include <abi/mman.h>

i64 sys_mmap(u64 hint, u64 length, u64 prot, u64 flags, int fd, u64 offset)
{
	struct file *file = NULL;

	if (offset & ~PAGE_MASK)
		return -EINVAL;
	if (!(flags & MAP_ANONYMOUS)) {
		file = fd_get(fd);
		if (!file)
			return -EBADF;
	}
	i64 result = mmap_map(current->space, hint, length, (u32)prot, (u32)flags, file, file ? offset : 0);

	if (file)
		file_put(file);
	return result;
}

i64 sys_munmap(u64 start, u64 length)
{
	return mmap_unmap(current->space, start, length);
}

i64 sys_mprotect(u64 start, u64 length, u64 prot)
{
	return mmap_protect(current->space, start, length, (u32)prot);
}

i64 sys_msync(u64 start, u64 length, int flags)
{
	return mmap_sync(current->space, start, length, (u32)flags);
}

i64 sys_madvise(u64 start, u64 length, int advice)
{
	return mmap_advise(current->space, start, length, advice);
}

i64 sys_mincore(u64 start, u64 length, u8 __user *vector)
{
	return mmap_resident(current->space, start, length, vector);
}

i64 sys_mremap(u64 old, u64 old_length, u64 new_length, u64 flags, u64 target)
{
	return mmap_remap(current->space, old, old_length, new_length, (u32)flags, target);
}

i64 sys_mlock(u64 start, u64 length)
{
	return mmap_lock(current->space, start, length, false);
}

i64 sys_mlock2(u64 start, u64 length, u32 flags)
{
	return flags & ~(u32)MLOCK_ONFAULT ? -EINVAL : mmap_lock(current->space, start, length, flags & MLOCK_ONFAULT);
}

i64 sys_munlock(u64 start, u64 length)
{
	return mmap_unlock(current->space, start, length);
}

i64 sys_mlockall(u32 flags)
{
	return flags ? mmap_lock_all(current->space, flags) : -EINVAL;
}

i64 sys_munlockall(void)
{
	return mmap_lock_all(current->space, 0);
}

i64 sys_brk(u64 end)
{
	return mmap_set_break(current->space, end);
}

// About a range of a file that has pages: [offset, offset + length), length 0: to the end.
static int advise_pages(struct file *file, u64 offset, u64 length, int advice)
{
	struct cache *cache = &file->inode->cache;
	u64 end = length ? offset + length : U64_MAX;

	if (end >= READ_ONCE(cache->size))      // the last page counts as whole where the file ends in it
		end = U64_MAX;
	pgoff_t first = PAGE_ALIGN_UP(offset) >> PAGE_SHIFT, behind = end >> PAGE_SHIFT;
	int error = 0;

	if (advice == POSIX_FADV_WILLNEED) {
		readahead_asked(cache, offset >> PAGE_SHIFT, (end >> PAGE_SHIFT) - (offset >> PAGE_SHIFT) + 1);
	} else if (first < behind) {            // DONTNEED: starts to write what is dirty, drops what is clean
		error = cache_write_back(cache, first, behind - 1, SYNC_START);
		cache_drop_range(cache, first, behind - 1);
	}
	return error;
}

// How the file will be read from now on, for all of it.
static void advise_reader(struct file *file, int advice)
{
	file->readahead.how = advice == POSIX_FADV_RANDOM ? READAHEAD_RANDOM :
			      advice == POSIX_FADV_SEQUENTIAL ? READAHEAD_SEQUENTIAL : READAHEAD_NORMAL;
}

i64 sys_fadvise64(int fd, i64 offset, i64 length, int advice)
{
	struct file *file = fd_get(fd);
	i64 result = 0;

	if (!file)
		return -EBADF;
	if (S_ISFIFO(file->inode->mode)) {
		result = -ESPIPE;
	} else if (length < 0 || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE) {
		result = -EINVAL;
	} else if (advice <= POSIX_FADV_SEQUENTIAL) {
		advise_reader(file, advice);
	} else if (advice != POSIX_FADV_NOREUSE && offset >= 0 && file->inode->cache.ops) {
		result = advise_pages(file, (u64)offset, (u64)length, advice);
	}
	file_put(file);
	return result;
}
