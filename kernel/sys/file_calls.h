#pragma once
/*
 * file_calls.h - the system calls on files and descriptors. Results as in calls.h.
 */
#include "types.h"
#include <abi/poll.h>
#include <abi/stat.h>
#include <abi/statfs.h>
#include <abi/time.h>
#include <abi/uio.h>

struct file;

/* open.c */
i64 sys_open(const char __user *path, int flags, u32 mode);
i64 sys_openat(int dirfd, const char __user *path, int flags, u32 mode);
i64 sys_creat(const char __user *path, u32 mode);
i64 sys_close(int fd);
i64 sys_dup(int fd);
i64 sys_dup2(int from, int to);
i64 sys_dup3(int from, int to, int flags);
i64 sys_close_range(u32 first, u32 last, u32 flags);
i64 sys_memfd_create(const char __user *user_name, u32 flags);
i64 sys_pipe(int __user *fds);
i64 sys_pipe2(int __user *fds, int flags);
i64 sys_fcntl(int fd, int command, u64 argument);
i64 sys_ioctl(int fd, u32 request, u64 argument);

/* locks.c */
struct flock;
i64 sys_flock(int fd, int operation);
i64 fcntl_lock(int fd, struct file *f, int command, struct flock __user *user);         // F_SETLK and its kin

/* space.c */
i64 sys_fallocate(int fd, int mode, i64 position, i64 length);
i64 sys_readahead(int fd, i64 position, size_t nr_bytes);

/* splice.c */
i64 sys_splice(int in_fd, i64 __user *in_position, int out_fd, i64 __user *out_position, size_t nr_bytes, u32 flags);
i64 sys_tee(int in_fd, int out_fd, size_t nr_bytes, u32 flags);
i64 sys_vmsplice(int fd, const struct iovec __user *pieces, u64 nr, u32 flags);

/* copy.c */
i64 sys_sendfile(int out_fd, int in_fd, i64 __user *position, size_t nr_bytes);
i64 sys_copy_file_range(int in_fd, i64 __user *in_position, int out_fd, i64 __user *out_position,
			size_t nr_bytes, u32 flags);

/* readwrite.c */
i64 sys_read(int fd, void __user *to, size_t nr_bytes);
i64 sys_write(int fd, const void __user *from, size_t nr_bytes);
i64 sys_pread64(int fd, void __user *to, size_t nr_bytes, i64 position);
i64 sys_pwrite64(int fd, const void __user *from, size_t nr_bytes, i64 position);
i64 sys_readv(int fd, const struct iovec __user *pieces, int nr);
i64 sys_writev(int fd, const struct iovec __user *pieces, int nr);
i64 sys_preadv(int fd, const struct iovec __user *pieces, int nr, i64 position);
i64 sys_pwritev(int fd, const struct iovec __user *pieces, int nr, i64 position);
i64 sys_preadv2(int fd, const struct iovec __user *pieces, int nr, i64 position, u64 unused, int flags);
i64 sys_pwritev2(int fd, const struct iovec __user *pieces, int nr, i64 position, u64 unused, int flags);
i64 sys_lseek(int fd, i64 offset, int whence);

/* stat.c */
i64 sys_stat(const char __user *path, struct stat __user *out);
i64 sys_lstat(const char __user *path, struct stat __user *out);
i64 sys_fstat(int fd, struct stat __user *out);
i64 sys_newfstatat(int dirfd, const char __user *path, struct stat __user *out, int flags);
i64 sys_statx(int dirfd, const char __user *path, int flags, u32 mask, struct statx __user *out);
i64 sys_statfs(const char __user *path, struct statfs __user *out);
i64 sys_fstatfs(int fd, struct statfs __user *out);
i64 sys_access(const char __user *path, int mode);
i64 sys_faccessat(int dirfd, const char __user *path, int mode);
i64 sys_faccessat2(int dirfd, const char __user *path, int mode, int flags);

/* attributes.c */
i64 sys_chmod(const char __user *path, u32 mode);
i64 sys_fchmod(int fd, u32 mode);
i64 sys_fchmodat(int dirfd, const char __user *path, u32 mode);
i64 sys_chown(const char __user *path, u32 uid, u32 gid);
i64 sys_lchown(const char __user *path, u32 uid, u32 gid);
i64 sys_fchown(int fd, u32 uid, u32 gid);
i64 sys_fchownat(int dirfd, const char __user *path, u32 uid, u32 gid, int flags);
i64 sys_utimensat(int dirfd, const char __user *path, const struct timespec __user *times, int flags);
i64 sys_futimesat(int dirfd, const char __user *path, const struct timeval __user *times);
i64 sys_utimes(const char __user *path, const struct timeval __user *times);
i64 sys_utime(const char __user *path, const struct utimbuf __user *times);
i64 sys_umask(u32 mask);
i64 sys_truncate(const char __user *path, i64 size);
i64 sys_ftruncate(int fd, i64 size);

/* names.c */
i64 sys_mkdir(const char __user *path, u32 mode);
i64 sys_mkdirat(int dirfd, const char __user *path, u32 mode);
i64 sys_mknod(const char __user *path, u32 mode, u64 device_number);
i64 sys_mknodat(int dirfd, const char __user *path, u32 mode, u64 device_number);
i64 sys_rmdir(const char __user *path);
i64 sys_unlink(const char __user *path);
i64 sys_unlinkat(int dirfd, const char __user *path, int flags);
i64 sys_link(const char __user *from, const char __user *to);
i64 sys_linkat(int from_dirfd, const char __user *from, int to_dirfd, const char __user *to, int flags);
i64 sys_symlink(const char __user *target, const char __user *path);
i64 sys_symlinkat(const char __user *target, int dirfd, const char __user *path);
i64 sys_rename(const char __user *from, const char __user *to);
i64 sys_renameat(int from_dirfd, const char __user *from, int to_dirfd, const char __user *to);
i64 sys_renameat2(int from_dirfd, const char __user *from, int to_dirfd, const char __user *to, u32 flags);

/* directories.c */
i64 sys_readlink(const char __user *path, char __user *to, int size);
i64 sys_readlinkat(int dirfd, const char __user *path, char __user *to, int size);
i64 sys_getdents64(int fd, void __user *to, u32 size);
i64 sys_getcwd(char __user *to, size_t size);
i64 sys_chdir(const char __user *path);
i64 sys_fchdir(int fd);

/* descriptors.c */
struct itimerspec;
i64 sys_eventfd(u32 count);
i64 sys_eventfd2(u32 count, int flags);
i64 sys_timerfd_create(int clock, int flags);
i64 sys_timerfd_settime(int fd, int flags, const struct itimerspec __user *fresh_user,
			struct itimerspec __user *old_user);
i64 sys_timerfd_gettime(int fd, struct itimerspec __user *out);
i64 sys_signalfd(int fd, const u64 __user *user_mask, size_t mask_size);
i64 sys_signalfd4(int fd, const u64 __user *user_mask, size_t mask_size, int flags);

/* socket.c */
struct msghdr;
i64 sys_socket(int family, int type, int protocol);
i64 sys_socketpair(int family, int type, int protocol, int __user *fds);
i64 sys_connect(int fd);
i64 sys_no_listening(int fd);           // bind, listen, accept
i64 sys_sendto(int fd, void __user *bytes, size_t nr_bytes, int flags, const void __user *address, u32 size);
i64 sys_recvfrom(int fd, void __user *bytes, size_t nr_bytes, int flags, void __user *address, u32 __user *size);
i64 sys_sendmsg(int fd, const struct msghdr __user *user, int flags);
i64 sys_recvmsg(int fd, struct msghdr __user *user, int flags);
i64 sys_shutdown(int fd, int how);
i64 sys_getsockname(int fd, void __user *address, u32 __user *size_user);       // getpeername, too
i64 sys_getsockopt(int fd, int level, int name, void __user *to, u32 __user *size_user);
i64 sys_setsockopt(int fd, int level, int name);

/* epoll.c */
struct epoll_event;
i64 sys_epoll_create(int size);
i64 sys_epoll_create1(int flags);
i64 sys_epoll_ctl(int epoll_fd, int operation, int fd, const struct epoll_event __user *user);
i64 sys_epoll_wait(int epoll_fd, struct epoll_event __user *events, int max, int timeout_ms);
i64 sys_epoll_pwait(int epoll_fd, struct epoll_event __user *events, int max, int timeout_ms, const u64 __user *mask,
		    size_t mask_size);
i64 sys_epoll_pwait2(int epoll_fd, struct epoll_event __user *events, int max, const struct timespec __user *timeout,
		     const u64 __user *mask, size_t mask_size);

/* poll.c */
// What calls that wait for files have in common. From now on; negative: never; 0 stays 0, which means not to wait.
u64 deadline_of_ms(int timeout_ms);
// From a relative time; NULL: never. -EFAULT, -EINVAL.
int deadline_from_user(const struct timespec __user *timeout, u64 *deadline) MUST_CHECK;
// The signal mask of the call, if there is one. -EFAULT, -EINVAL.
int call_mask_from_user(const u64 __user *mask, size_t mask_size) MUST_CHECK;
i64 sys_poll(struct pollfd __user *fds, u32 nr, int timeout_ms);
i64 sys_ppoll(struct pollfd __user *fds, u32 nr, struct timespec __user *timeout, const u64 __user *mask,
	      size_t mask_size);
i64 sys_select(int nr, fd_set __user *in, fd_set __user *out, fd_set __user *except, struct timeval __user *timeout);
i64 sys_pselect6(int nr, fd_set __user *in, fd_set __user *out, fd_set __user *except, struct timespec __user *timeout,
		 const void __user *mask_and_size);

/* mount.c */
i64 sys_mount(const char __user *source, const char __user *target, const char __user *type, u64 flags,
	      const void __user *data);
i64 sys_umount2(const char __user *target, int flags);
/* swap.c */
i64 sys_swapon(const char __user *path, u32 flags);
i64 sys_swapoff(const char __user *path);
i64 sys_sync(void);
i64 sys_syncfs(int fd);
i64 sys_sync_file_range(int fd, i64 offset, i64 length, u32 flags);
i64 sys_fsync(int fd);
i64 sys_fdatasync(int fd);
