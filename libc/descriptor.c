// The system calls on open descriptors. Each does what its page in the manual says: -1 and errno
// for a failure.

#include "internal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/uio.h>
#include <unistd.h>

ssize_t read(int fd, void *memory, size_t n)
{
	return CALL(SYS_read, fd, memory, n);
}

ssize_t write(int fd, const void *memory, size_t n)
{
	return CALL(SYS_write, fd, memory, n);
}

ssize_t pread(int fd, void *memory, size_t n, off_t offset)
{
	return CALL(SYS_pread64, fd, memory, n, offset);
}

ssize_t pwrite(int fd, const void *memory, size_t n, off_t offset)
{
	return CALL(SYS_pwrite64, fd, memory, n, offset);
}

ssize_t readv(int fd, const struct iovec *pieces, int nr)
{
	return CALL(SYS_readv, fd, pieces, nr);
}

ssize_t writev(int fd, const struct iovec *pieces, int nr)
{
	return CALL(SYS_writev, fd, pieces, nr);
}

// The offset goes in one register here; the call's fifth argument is its upper half on small
// machines.
ssize_t preadv(int fd, const struct iovec *pieces, int nr, off_t offset)
{
	return CALL(SYS_preadv, fd, pieces, nr, offset, 0);
}

ssize_t pwritev(int fd, const struct iovec *pieces, int nr, off_t offset)
{
	return CALL(SYS_pwritev, fd, pieces, nr, offset, 0);
}

ssize_t process_vm_readv(pid_t pid, const struct iovec *local, unsigned long nr_local,
			 const struct iovec *remote, unsigned long nr_remote,
			 unsigned long flags)
{
	return CALL(SYS_process_vm_readv, pid, local, nr_local, remote, nr_remote, flags);
}

ssize_t process_vm_writev(pid_t pid, const struct iovec *local, unsigned long nr_local,
			  const struct iovec *remote, unsigned long nr_remote,
			  unsigned long flags)
{
	return CALL(SYS_process_vm_writev, pid, local, nr_local, remote, nr_remote, flags);
}

off_t lseek(int fd, off_t offset, int whence)
{
	return CALL(SYS_lseek, fd, offset, whence);
}

int close(int fd)
{
	return (int)CALL(SYS_close, fd);
}

int close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)CALL(SYS_close_range, first, last, flags);
}

void closefrom(int first)
{
	int saved_errno = errno;

	if (close_range((unsigned int)first, ~0u, 0)) {
		for (int fd = first; fd < 1024; fd++)
			close(fd);
	}
	errno = saved_errno;
}

int dup(int fd)
{
	return (int)CALL(SYS_dup, fd);
}

int dup2(int from, int to)
{
	return (int)CALL(SYS_dup2, from, to);
}

int dup3(int from, int to, int flags)
{
	return (int)CALL(SYS_dup3, from, to, flags);
}

int pipe(int fds[2])
{
	return pipe2(fds, 0);
}

int pipe2(int fds[2], int flags)
{
	return (int)CALL(SYS_pipe2, fds, flags);
}

int fcntl(int fd, int command, ...)
{
	va_list args;

	va_start(args, command);
	long argument = va_arg(args, long);
	va_end(args);
	return (int)CALL(SYS_fcntl, fd, command, argument);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	va_start(args, request);
	long argument = va_arg(args, long);
	va_end(args);
	return (int)CALL(SYS_ioctl, fd, request, argument);
}

int flock(int fd, int operation)
{
	return (int)CALL(SYS_flock, fd, operation);
}

// Locks by fcntl, from the descriptor's offset on.
int lockf(int fd, int command, off_t length)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = length };

	switch (command) {
	case F_ULOCK:
		lock.l_type = F_UNLCK;
		return fcntl(fd, F_SETLK, &lock);
	case F_LOCK:
		return fcntl(fd, F_SETLKW, &lock);
	case F_TLOCK:
		return fcntl(fd, F_SETLK, &lock);
	case F_TEST:
		if (fcntl(fd, F_GETLK, &lock))
			return -1;
		if (lock.l_type == F_UNLCK || lock.l_pid == getpid())
			return 0;
		errno = EACCES;
		return -1;
	default:
		errno = EINVAL;
		return -1;
	}
}

int ftruncate(int fd, off_t length)
{
	return (int)CALL(SYS_ftruncate, fd, length);
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	return (int)CALL(SYS_fallocate, fd, mode, offset, length);
}

// The answer is the error; errno stays.
int posix_fallocate(int fd, off_t offset, off_t length)
{
	return (int)-RAW_CALL(SYS_fallocate, fd, 0, offset, length);
}

int posix_fadvise(int fd, off_t offset, off_t length, int advice)
{
	return (int)-RAW_CALL(SYS_fadvise64, fd, offset, length, advice);
}

ssize_t readahead(int fd, off_t offset, size_t n)
{
	return CALL(SYS_readahead, fd, offset, n);
}

ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t n,
			unsigned int flags)
{
	return CALL(SYS_copy_file_range, in, in_offset, out, out_offset, n, flags);
}

int fsync(int fd)
{
	return (int)CALL(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return (int)CALL(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
	return (int)CALL(SYS_syncfs, fd);
}

int sync_file_range(int fd, off_t offset, off_t n, unsigned int flags)
{
	return (int)CALL(SYS_sync_file_range, fd, offset, n, flags);
}

void sync(void)
{
	RAW_CALL(SYS_sync);
}

int poll(struct pollfd *fds, nfds_t nr, int timeout_ms)
{
	return (int)CALL(SYS_poll, fds, nr, timeout_ms);
}

int ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout, const sigset_t *mask)
{
	struct timespec left;

	// The kernel writes back what is left of the time; POSIX keeps the caller's.
	if (timeout)
		left = *timeout;
	return (int)CALL(SYS_ppoll, fds, nr, timeout ? &left : NULL, mask, sizeof(*mask));
}

int select(int nr, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except,
	   struct timeval *restrict timeout)
{
	return (int)CALL(SYS_select, nr, read, write, except, timeout);
}

int pselect(int nr, fd_set *restrict read, fd_set *restrict write, fd_set *restrict except,
	    const struct timespec *restrict timeout, const sigset_t *restrict mask)
{
	struct timespec left;
	struct {
		const sigset_t *mask;
		size_t size;
	} sixth = { mask, sizeof(*mask) };

	if (timeout)
		left = *timeout;
	return (int)CALL(SYS_pselect6, nr, read, write, except, timeout ? &left : NULL, &sixth);
}

int epoll_create1(int flags)
{
	return (int)CALL(SYS_epoll_create1, flags);
}

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	return (int)CALL(SYS_epoll_ctl, epoll, operation, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	return (int)CALL(SYS_epoll_wait, epoll, events, max, timeout_ms);
}

int epoll_pwait(int epoll, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
	return (int)CALL(SYS_epoll_pwait, epoll, events, max, timeout_ms, mask, sizeof(*mask));
}
