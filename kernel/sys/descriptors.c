/*
 * descriptors.c - the calls that make descriptors of what is no file: eventfd, timerfd, signalfd. Their arguments.
 */
#include "fs/eventfd.h"
#include "fs/signalfd.h"
#include "fs/timerfd.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "sys/calls.h"
#include "x86/clock.h"
#include "x86/clock_page.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/signal.h>
#include <abi/time.h>
#include <abi/timerfd.h>

/* --- eventfd ---------------------------------------------------------------- */

i64 sys_eventfd2(u32 count, int flags)
{
	struct file *f;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | EFD_SEMAPHORE))
		return -EINVAL;
	int error = eventfd_create(count, (u32)flags & O_NONBLOCK, flags & EFD_SEMAPHORE, &f);

	return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
}

i64 sys_eventfd(u32 count)
{
	return sys_eventfd2(count, 0);
}

/* --- timerfd ---------------------------------------------------------------- */

#define REALTIME_CLOCKS (1u << CLOCK_REALTIME | 1u << CLOCK_REALTIME_ALARM)
#define TIMERFD_CLOCKS (REALTIME_CLOCKS | 1u << CLOCK_MONOTONIC | 1u << CLOCK_BOOTTIME | 1u << CLOCK_BOOTTIME_ALARM)

i64 sys_timerfd_create(int clock, int flags)
{
	struct file *f;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK) || clock < 0 || clock > 31 || !(TIMERFD_CLOCKS >> clock & 1))
		return -EINVAL;
	int error = timerfd_create(REALTIME_CLOCKS >> clock & 1 ? TIMERFD_REALTIME : TIMERFD_MONOTONIC,
				   (u32)flags & O_NONBLOCK, &f);

	return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
}

// The file, referenced. -EBADF, -EINVAL.
static int timerfd_of(int fd, struct file **out)
{
	*out = fd_get(fd);
	if (!*out)
		return -EBADF;
	if (file_is_timerfd(*out))
		return 0;
	file_put(*out);
	return -EINVAL;
}

static struct itimerspec spec_of(const struct timerfd_times *t)
{
	return (struct itimerspec){ timespec_of(t->period_ns), timespec_of(t->value_ns) };
}

i64 sys_timerfd_settime(int fd, int flags, const struct itimerspec __user *fresh_user,
			struct itimerspec __user *old_user)
{
	struct itimerspec fresh;
	struct timerfd_times times, old;
	struct file *f;

	if (copy_from_user(&fresh, fresh_user, sizeof(fresh)))
		return -EFAULT;
	if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) || !timespec_is_valid(&fresh.it_value) ||
	    !timespec_is_valid(&fresh.it_interval))
		return -EINVAL;
	int error = timerfd_of(fd, &f);

	if (error)
		return error;
	times = (struct timerfd_times){ timespec_ns(&fresh.it_value), timespec_ns(&fresh.it_interval) };
	timerfd_set(f, &times, flags & TFD_TIMER_ABSTIME ? TIMERFD_ABSOLUTE : TIMERFD_FROM_NOW, &old);
	file_put(f);
	if (!old_user)
		return 0;
	struct itimerspec was = spec_of(&old);

	return copy_to_user(old_user, &was, sizeof(was));
}

i64 sys_timerfd_gettime(int fd, struct itimerspec __user *out)
{
	struct timerfd_times times;
	struct file *f;
	int error = timerfd_of(fd, &f);

	if (error)
		return error;
	timerfd_get(f, &times);
	file_put(f);
	struct itimerspec now = spec_of(&times);

	return copy_to_user(out, &now, sizeof(now));
}

/* --- signalfd --------------------------------------------------------------- */

i64 sys_signalfd4(int fd, const u64 __user *user_mask, size_t mask_size, int flags)
{
	struct file *f;
	u64 mask;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK) || mask_size != sizeof(mask))
		return -EINVAL;
	if (copy_from_user(&mask, user_mask, sizeof(mask)))
		return -EFAULT;
	if (fd == -1) {
		int error = signalfd_create(mask, (u32)flags & O_NONBLOCK, &f);

		return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
	}
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	bool is_one = file_is_signalfd(f);

	if (is_one)
		signalfd_set_mask(f, mask);
	file_put(f);
	return is_one ? fd : -EINVAL;
}

i64 sys_signalfd(int fd, const u64 __user *user_mask, size_t mask_size)
{
	return sys_signalfd4(fd, user_mask, mask_size, 0);
}
