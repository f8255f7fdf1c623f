/*
 * times.c - when an inode was read, written and changed. Every read and every write comes by here, so to find
 * that all is said already must take no lock and write nothing.
 *
 * inode.times_lock (spin) covers the three times and the two words by which a caller knows, without it, that
 * nothing is to be set. Times go in steps of TIMES_STEP_NS (Linux's are longer), so of many stores in a row
 * only the first has anything to do; the step leaves the lowest bits of a time free, which tell in
 * inode.touched what was set then. A read counts as relatime says: when it tells something new (not read
 * since the last change), or once a day.
 *
 * Always: touched is 0, or the times that its bits name are the step that it holds; access_known_until_ns is
 * 0, or no read before then has anything to set. Who sets times by hand clears both (attributes.c).
 */
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/atomic.h"
#include "x86/clock.h"
#include <abi/mount.h>

#define TIMES_STEP_NS 1000000ul         // a multiple of 8
#define ATIME_KEPT_SECONDS 86400        // older than that, it is set by any read

enum { TOUCH_ACCESS = 1, TOUCH_MODIFY = 2, TOUCH_CHANGE = 4, TOUCH_ALL = 7 };

static NOINLINE void set_times(struct inode *ip, u64 ns, u64 what)
{
	struct timespec now = { .tv_sec = (long)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };

	if (ip->sb->flags & MS_RDONLY)
		return;
	spin_lock(&ip->times_lock);
	if (what & TOUCH_ACCESS)
		ip->atime = now;
	if (what & TOUCH_MODIFY)
		ip->mtime = now;
	if (what & TOUCH_CHANGE)
		ip->ctime = now;
	ip->access_known_until_ns = 0;
	if ((ip->touched ^ ns) <= TOUCH_ALL)
		what |= ip->touched & TOUCH_ALL;
	atomic_store(&ip->touched, ns | what);
	spin_unlock(&ip->times_lock);
	inode_mark_dirty(ip, INODE_DIRTY_TIMES);
}

void inode_touch(struct inode *ip, bool access, bool modify, bool change)
{
	u64 ns = clock_realtime_ns(), what = (u64)access | (u64)modify << 1 | (u64)change << 2;
	u64 touched = READ_ONCE(ip->touched);

	ns -= ns % TIMES_STEP_NS;
	if ((touched ^ ns) > TOUCH_ALL || what & ~touched)
		set_times(ip, ns, what);
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static NOINLINE void look_at_access(struct inode *ip, u32 open_flags)
{
	u32 flags = ip->sb->flags;

	if (open_flags & O_NOATIME || flags & (MS_NOATIME | MS_RDONLY) ||
	    (S_ISDIR(ip->mode) && flags & MS_NODIRATIME))
		return;
	long now = (long)(clock_realtime_ns() / 1000000000);

	spin_lock(&ip->times_lock);
	bool is_due = flags & MS_STRICTATIME || !is_later(&ip->atime, &ip->mtime) ||
		      !is_later(&ip->atime, &ip->ctime) || now - ip->atime.tv_sec >= ATIME_KEPT_SECONDS;

	if (!is_due && ip->atime.tv_sec > 0)
		ip->access_known_until_ns = (u64)(ip->atime.tv_sec + ATIME_KEPT_SECONDS) * 1000000000;
	spin_unlock(&ip->times_lock);
	if (is_due)
		inode_touch(ip, true, false, false);
}

bool inode_access_is_known(const struct inode *ip)
{
	return clock_realtime_coarse_ns() < READ_ONCE(ip->access_known_until_ns) && !(ip->sb->flags & MS_STRICTATIME);
}

// What was found out is kept, so that reads of one file by many share nothing that is written.
void inode_touch_access(struct inode *ip, u32 open_flags)
{
	if (!inode_access_is_known(ip))
		look_at_access(ip, open_flags);
}
