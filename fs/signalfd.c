/*
 * signalfd.c - signals in a descriptor (signalfd(2)). A read takes what is pending for the thread that reads,
 * or for its process; the file itself has only the set. So one file shows each process its own signals,
 * and there is one wait queue for all: it is woken when a signal is sent to anybody, and each looks for himself.
 * (A queue in the process would have to outlive it, where an epoll watches.)
 */
#include "fs/signalfd.h"
#include "fs/poll.h"
#include "fs/unnamed.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/signal.h"
#include <abi/errno.h>
#include <abi/poll.h>
#include <abi/signalfd.h>

struct signalfd {
	u64 mask;                       // a single word: set and read without a lock
};

static const struct file_ops signalfd_ops;

bool file_is_signalfd(const struct file *f)
{
	return f->ops == &signalfd_ops;
}

static bool is_pending(const struct signalfd *s)
{
	return (READ_ONCE(current->pending_mask) | READ_ONCE(current_process()->pending_mask)) & READ_ONCE(s->mask);
}

// Whose fields of the union count follows from how the signal came.
static void fill(const struct siginfo *info, struct signalfd_siginfo *out)
{
	*out = (struct signalfd_siginfo){ .ssi_signo = (u32)info->si_signo, .ssi_errno = info->si_errno,
					  .ssi_code = info->si_code };
	if (info->si_code == SI_TIMER) {
		out->ssi_tid = (u32)info->si_fields.timer.timerid;
		out->ssi_overrun = (u32)info->si_fields.timer.overrun;
		out->ssi_ptr = (u64)info->si_fields.timer.value.sival_ptr;
		out->ssi_int = info->si_fields.timer.value.sival_int;
		return;
	}
	if (info->si_code > 0 && info->si_code < SI_KERNEL && (info->si_signo == SIGSEGV || info->si_signo == SIGBUS ||
	    info->si_signo == SIGILL || info->si_signo == SIGFPE || info->si_signo == SIGTRAP)) {
		out->ssi_addr = (u64)info->si_fields.fault.addr;
		return;
	}
	out->ssi_pid = (u32)info->si_fields.kill.pid;
	out->ssi_uid = info->si_fields.kill.uid;
	if (info->si_signo == SIGCHLD && info->si_code > 0) {
		out->ssi_status = info->si_fields.child.status;
		out->ssi_utime = (u64)info->si_fields.child.utime;
		out->ssi_stime = (u64)info->si_fields.child.stime;
	} else if (info->si_code < 0) {
		out->ssi_ptr = (u64)info->si_fields.kill.value.sival_ptr;
		out->ssi_int = info->si_fields.kill.value.sival_int;
	}
}

// Waits for the first signal, then takes what else there is and fits.
static ssize_t signalfd_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct signalfd *s = f->private;
	ssize_t done = 0;

	(void)position;
	if (to->remaining < sizeof(struct signalfd_siginfo))
		return -EINVAL;
	while (to->remaining >= sizeof(struct signalfd_siginfo)) {
		struct signalfd_siginfo record;
		struct siginfo info;

		if (signal_take(READ_ONCE(s->mask), &info)) {
			fill(&info, &record);
			if (iobuf_put(to, &record, sizeof(record)) < sizeof(record))
				return done ? done : -EFAULT;
			done += (ssize_t)sizeof(record);
			continue;
		}
		if (done)
			break;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&signals_sent, is_pending(s)))
			return -ERESTARTSYS;
	}
	return done;
}

static u32 signalfd_poll(struct file *f, struct poll_table *table)
{
	poll_wait(table, &signals_sent);
	return is_pending(f->private) ? POLLIN | POLLRDNORM : 0;
}

void signalfd_set_mask(struct file *f, u64 mask)
{
	struct signalfd *s = f->private;

	WRITE_ONCE(s->mask, mask & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP)));
	wake_all(&signals_sent);                // who waits looks again, with the new set
}

static void signalfd_release(struct file *f)
{
	kfree(f->private);
}

static const struct file_ops signalfd_ops = {
	.unnamed = "anon_inode:[signalfd]",
	.open = unnamed_file_open,
	.release = signalfd_release,
	.read = signalfd_read,
	.poll = signalfd_poll,
	.seek = unnamed_file_seek,
};

int signalfd_create(u64 mask, u32 flags, struct file **out)
{
	struct signalfd *s = kmalloc_zeroed(sizeof(*s));
	int error = unnamed_file_create(&signalfd_ops, s, flags | O_RDWR, out);

	if (error) {
		kfree(s);
		return error;
	}
	signalfd_set_mask(*out, mask);
	return 0;
}
