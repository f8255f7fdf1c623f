/*
 * timerfd.c - a timer in a descriptor (timerfd_create(2)). The timer's interrupt only wakes:
 * how often it has expired is worked out from the clock by whoever asks, and a timer that comes
 * again is set anew when it is read, so that nobody who does not look is interrupted again and again.
 * lock covers everything; sleepers look at the deadline without.
 */
#include "fs/timerfd.h"
#include "fs/poll.h"
#include "fs/unnamed.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/signal.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include <abi/errno.h>
#include <abi/poll.h>

struct timerfd {
	enum timerfd_clock clock;       // constant
	struct mutex lock;              // RANK_PIPE
	u64 deadline_ns;                // GUARDED_BY(lock) monotonic, the next; 0: none
	u64 period_ns;                  // GUARDED_BY(lock) 0: once
	u64 nr_expired;                 // GUARDED_BY(lock) and not read, up to when somebody looked last
	struct timer timer;             // armed and cancelled with lock
	struct wait_queue readable;
};

static const struct file_ops timerfd_ops;

bool file_is_timerfd(const struct file *f)
{
	return f->ops == &timerfd_ops;
}

static void fired(struct timer *timer)
{
	wake_all(&container_of(timer, struct timerfd, timer)->readable);
}

// Without the lock the answer may be old.
static bool is_due(const struct timerfd *t)
{
	u64 deadline = READ_ONCE(t->deadline_ns);

	return READ_ONCE(t->nr_expired) || (deadline && clock_monotonic_ns() >= deadline);
}

// lock held: counts what has expired.
static void advance(struct timerfd *t)
{
	u64 now = clock_monotonic_ns(), nr = 1;

	if (!t->deadline_ns || now < t->deadline_ns)
		return;
	if (t->period_ns)
		nr += (now - t->deadline_ns) / t->period_ns;
	WRITE_ONCE(t->nr_expired, t->nr_expired + nr);
	WRITE_ONCE(t->deadline_ns, t->period_ns ? t->deadline_ns + nr * t->period_ns : 0);
}

// lock held.
static void rearm(struct timerfd *t)
{
	timer_cancel(&t->timer);
	if (t->deadline_ns)
		timer_arm(&t->timer, t->deadline_ns, fired);
}

// What a read gives; 0: it has not expired.
static u64 take(struct timerfd *t)
{
	mutex_lock(&t->lock);
	advance(t);
	u64 nr = t->nr_expired;

	WRITE_ONCE(t->nr_expired, 0);
	if (nr)
		rearm(t);
	mutex_unlock(&t->lock);
	return nr;
}

static ssize_t timerfd_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct timerfd *t = f->private;
	u64 nr;

	(void)position;
	if (to->remaining < sizeof(nr))
		return -EINVAL;
	while (!(nr = take(t))) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&t->readable, is_due(t)))
			return -ERESTARTSYS;
	}
	return iobuf_put(to, &nr, sizeof(nr)) == sizeof(nr) ? (ssize_t)sizeof(nr) : -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *table)
{
	struct timerfd *t = f->private;

	poll_wait(table, &t->readable);
	return is_due(t) ? POLLIN | POLLRDNORM : 0;
}

// lock held.
static struct timerfd_times times_of(struct timerfd *t)
{
	u64 now = clock_monotonic_ns();

	advance(t);
	return (struct timerfd_times){ t->deadline_ns ? max(t->deadline_ns, now + 1) - now : 0, t->period_ns };
}

void timerfd_get(struct file *f, struct timerfd_times *out)
{
	struct timerfd *t = f->private;

	mutex_lock(&t->lock);
	*out = times_of(t);
	mutex_unlock(&t->lock);
}

// lock held. An absolute time that has passed has expired already, as often as its periods have.
static void set_passed(struct timerfd *t, u64 passed_ns)
{
	u64 now = clock_monotonic_ns(), period = t->period_ns;

	WRITE_ONCE(t->nr_expired, period ? 1 + passed_ns / period : 1);
	WRITE_ONCE(t->deadline_ns, period ? now + period - passed_ns % period : 0);
}

void timerfd_set(struct file *f, const struct timerfd_times *fresh, enum timerfd_value how, struct timerfd_times *old)
{
	struct timerfd *t = f->private;
	u64 base = how == TIMERFD_FROM_NOW ? 0 :
		   t->clock == TIMERFD_REALTIME ? clock_realtime_ns() : clock_monotonic_ns();

	mutex_lock(&t->lock);
	*old = times_of(t);
	t->period_ns = fresh->period_ns;
	WRITE_ONCE(t->nr_expired, 0);
	if (!fresh->value_ns)
		WRITE_ONCE(t->deadline_ns, 0);
	else if (fresh->value_ns > base)
		WRITE_ONCE(t->deadline_ns, clock_monotonic_ns() + (fresh->value_ns - base));
	else
		set_passed(t, base - fresh->value_ns);
	rearm(t);
	mutex_unlock(&t->lock);
	wake_all(&t->readable);
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;

	timer_cancel(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
	.unnamed = "anon_inode:[timerfd]",
	.open = unnamed_file_open,
	.release = timerfd_release,
	.read = timerfd_read,
	.poll = timerfd_poll,
	.seek = unnamed_file_seek,
};

int timerfd_create(enum timerfd_clock clock, u32 flags, struct file **out)
{
	struct timerfd *t = kmalloc_zeroed(sizeof(*t));
	int error = unnamed_file_create(&timerfd_ops, t, flags | O_RDWR, out);

	if (error) {
		kfree(t);
		return error;
	}
	t->clock = clock;
	mutex_init(&t->lock, "timerfd.lock", RANK_PIPE);
	wait_queue_init(&t->readable);
	return 0;
}
