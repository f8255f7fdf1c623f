// Reading into and writing from several pieces of memory.
#pragma once

#include <abi/uio.h>
#include <sys/types.h>

ssize_t readv(int fd, const struct iovec *pieces, int nr);
ssize_t writev(int fd, const struct iovec *pieces, int nr);
ssize_t preadv(int fd, const struct iovec *pieces, int nr, off_t offset);
ssize_t pwritev(int fd, const struct iovec *pieces, int nr, off_t offset);
ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long nr_local,
			 const struct iovec *remote, unsigned long nr_remote,
			 unsigned long flags);
ssize_t process_vm_writev(pid_t pid, const struct iovec *local, unsigned long nr_local,
			  const struct iovec *remote, unsigned long nr_remote,
			  unsigned long flags);
