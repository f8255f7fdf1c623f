/*
 * epoll.c - the calls epoll_create, epoll_ctl and epoll_wait, and their kin: their arguments.
 */
#include "fs/epoll.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "sys/calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define EVENTS_MAX ((int)(0x7fffffff / sizeof(struct epoll_event)))
// With EPOLLEXCLUSIVE only these make sense.
#define EXCLUSIVE_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | \
			  EPOLLET | EPOLLEXCLUSIVE)

i64 sys_epoll_create1(int flags)
{
	struct file *f;

	if (flags & ~O_CLOEXEC)
		return -EINVAL;
	int error = epoll_create(&f);

	return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
}

i64 sys_epoll_create(int size)
{
	return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}

static bool is_wrong_exclusive(int operation, const struct file *f, const struct epoll_event *event)
{
	if (operation == EPOLL_CTL_DEL || !(event->events & EPOLLEXCLUSIVE))
		return false;
	return operation == EPOLL_CTL_MOD || file_is_epoll(f) || event->events & ~EXCLUSIVE_EVENTS;
}

static int control(struct file *epoll, int operation, struct file *f, int fd, const struct epoll_event *event)
{
	if (!f->ops->poll)
		return -EPERM;
	if (f == epoll || !file_is_epoll(epoll) || is_wrong_exclusive(operation, f, event))
		return -EINVAL;
	switch (operation) {
	case EPOLL_CTL_ADD:
		return epoll_add(epoll, f, fd, event);
	case EPOLL_CTL_MOD:
		return epoll_modify(epoll, f, fd, event);
	case EPOLL_CTL_DEL:
		return epoll_delete(epoll, f, fd);
	}
	return -EINVAL;
}

i64 sys_epoll_ctl(int epoll_fd, int operation, int fd, const struct epoll_event __user *user)
{
	struct epoll_event event = { 0 };
	int error = -EBADF;

	if (operation != EPOLL_CTL_DEL && copy_from_user(&event, user, sizeof(event)))
		return -EFAULT;
	struct file *epoll = fd_get(epoll_fd), *f = fd_get(fd);

	if (epoll && f)
		error = control(epoll, operation, f, fd, &event);
	if (epoll)
		file_put(epoll);
	if (f)
		file_put(f);
	return error;
}

static i64 wait_until(int epoll_fd, struct epoll_event __user *events, int max, u64 deadline)
{
	struct iobuf to;
	struct file *epoll;
	int result = -EINVAL;

	if (max <= 0 || max > EVENTS_MAX)
		return -EINVAL;
	epoll = fd_get(epoll_fd);
	if (!epoll)
		return -EBADF;
	iobuf_init_user(&to, events, (size_t)max * sizeof(*events));
	if (file_is_epoll(epoll))
		result = epoll_collect(epoll, &to, (u32)max, deadline);
	file_put(epoll);
	return result;
}

i64 sys_epoll_wait(int epoll_fd, struct epoll_event __user *events, int max, int timeout_ms)
{
	return wait_until(epoll_fd, events, max, deadline_of_ms(timeout_ms));
}

i64 sys_epoll_pwait(int epoll_fd, struct epoll_event __user *events, int max, int timeout_ms, const u64 __user *mask,
		    size_t mask_size)
{
	int error = call_mask_from_user(mask, mask_size);

	return error ? error : wait_until(epoll_fd, events, max, deadline_of_ms(timeout_ms));
}

i64 sys_epoll_pwait2(int epoll_fd, struct epoll_event __user *events, int max, const struct timespec __user *timeout,
		     const u64 __user *mask, size_t mask_size)
{
	u64 deadline;
	int error = deadline_from_user(timeout, &deadline);

	if (!error)
		error = call_mask_from_user(mask, mask_size);
	return error ? error : wait_until(epoll_fd, events, max, deadline);
}
