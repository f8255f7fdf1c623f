/*
 * poll.c - the calls poll, ppoll, select and pselect6. select is turned into the list of poll, and its answer back.
 */
#include "fs/poll.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sys/calls.h"
#include "x86/clock.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/poll.h>

#define NS_PER_SECOND 1000000000ul

static short look(struct poll_table *table, const struct pollfd *p)
{
	struct file *f;
	u32 ready;

	if (p->fd < 0)
		return 0;
	f = fd_get(p->fd);
	if (!f)
		return POLLNVAL;
	ready = poll_file(table, f) & ((u16)p->events | POLLERR | POLLHUP | POLLNVAL);
	file_put(f);
	return (short)ready;
}

// Waits until one of them is ready; how many are. 0 at the deadline, -EINTR, -ENOMEM.
static int poll_until(struct pollfd *fds, u32 nr, u64 deadline_ns)
{
	struct poll_table table;
	int nr_ready, error = 0;

	poll_begin(&table);
	for (;;) {
		poll_restart(&table);
		nr_ready = 0;
		for (u32 i = 0; i < nr; i++) {
			fds[i].revents = look(&table, &fds[i]);
			nr_ready += fds[i].revents != 0;
		}
		if (nr_ready || error || deadline_ns == 0)
			break;
		error = poll_sleep(&table, deadline_ns);
		if (error == -EINTR || error == -ENOMEM)
			break;
	}
	poll_end(&table);
	if (nr_ready)
		return nr_ready;
	return error == -ETIMEDOUT ? 0 : error;
}

static int poll_user(struct pollfd __user *user, u32 nr, u64 deadline_ns)
{
	struct pollfd *fds;
	int result;

	if (nr > FILES_MAX)
		return -EINVAL;
	fds = kmalloc(max(nr * sizeof(*fds), 16ul));
	if (!fds)
		return -ENOMEM;
	result = copy_from_user(fds, user, nr * sizeof(*fds));
	if (!result)
		result = poll_until(fds, nr, deadline_ns);
	for (u32 i = 0; i < nr && result >= 0; i++)
		if (copy_to_user(&user[i].revents, &fds[i].revents, sizeof(fds[i].revents)))
			result = -EFAULT;
	kfree(fds);
	return result;
}

u64 deadline_of_ms(int timeout_ms)
{
	if (timeout_ms < 0)
		return U64_MAX;
	return timeout_ms ? clock_monotonic_ns() + (u64)timeout_ms * 1000000 : 0;
}

i64 sys_poll(struct pollfd __user *fds, u32 nr, int timeout_ms)
{
	return poll_user(fds, nr, deadline_of_ms(timeout_ms));
}

/* --- with a signal mask ----------------------------------------------------- */

int deadline_from_user(const struct timespec __user *timeout, u64 *deadline)
{
	struct timespec t;

	*deadline = U64_MAX;
	if (!timeout)
		return 0;
	if (copy_from_user(&t, timeout, sizeof(t)))
		return -EFAULT;
	if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= (i64)NS_PER_SECOND)
		return -EINVAL;
	if (t.tv_sec == 0 && t.tv_nsec == 0)
		*deadline = 0;
	else if ((u64)t.tv_sec < U64_MAX / NS_PER_SECOND / 2)
		*deadline = clock_monotonic_ns() + (u64)t.tv_sec * NS_PER_SECOND + (u64)t.tv_nsec;
	return 0;
}

// The mask holds until the way back to user mode, so that a signal which the wait let through is handled under it.
int call_mask_from_user(const u64 __user *mask, size_t mask_size)
{
	u64 wanted;

	if (!mask)
		return 0;
	if (mask_size != sizeof(wanted))
		return -EINVAL;
	if (copy_from_user(&wanted, mask, sizeof(wanted)))
		return -EFAULT;
	signal_mask_for_call(wanted);
	return 0;
}

static i64 no_restart_after_handler(i64 result)
{
	return result == -EINTR ? -ERESTARTNOHAND : result;
}

i64 sys_ppoll(struct pollfd __user *fds, u32 nr, struct timespec __user *timeout, const u64 __user *mask,
	      size_t mask_size)
{
	u64 deadline;
	int error = deadline_from_user(timeout, &deadline);

	if (!error)
		error = call_mask_from_user(mask, mask_size);
	if (error)
		return error;
	return no_restart_after_handler(poll_user(fds, nr, deadline));
}

/* --- select ----------------------------------------------------------------- */

#define SET_WORDS (FD_SETSIZE / 64)
enum { SET_IN, SET_OUT, SET_EXCEPT, NR_SETS };

static const short set_events[NR_SETS] = {
	POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR,
	POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR,
	POLLPRI,
};

struct select {                         // everything one select needs; on the heap
	fd_set __user *user[NR_SETS];
	u64 sets[NR_SETS][SET_WORDS];
	u32 nr;
	struct pollfd fds[FD_SETSIZE];
};

static bool set_has(const u64 *set, int fd)
{
	return set[fd / 64] >> (fd % 64) & 1;
}

static size_t set_bytes(int nr)
{
	return (size_t)(nr + 63) / 64 * 8;
}

static int select_read(struct select *s, int nr)
{
	for (int i = 0; i < NR_SETS; i++)
		if (s->user[i] && copy_from_user(s->sets[i], s->user[i], set_bytes(nr)))
			return -EFAULT;
	for (int fd = 0; fd < nr; fd++) {
		short events = 0;

		for (int i = 0; i < NR_SETS; i++)
			if (set_has(s->sets[i], fd))
				events |= set_events[i];
		if (events)
			s->fds[s->nr++] = (struct pollfd){ .fd = fd, .events = events };
	}
	return 0;
}

// Turns the answers into sets; the number of bits set. -EBADF, -EFAULT.
static int select_write(struct select *s, int nr)
{
	u64 answer[NR_SETS][SET_WORDS] = { { 0 } };
	int nr_bits = 0;

	for (u32 k = 0; k < s->nr; k++) {
		int fd = s->fds[k].fd;

		if (s->fds[k].revents & POLLNVAL)
			return -EBADF;
		for (int i = 0; i < NR_SETS; i++) {
			if (!set_has(s->sets[i], fd) || !(s->fds[k].revents & set_events[i]))
				continue;
			answer[i][fd / 64] |= 1ul << (fd % 64);
			nr_bits++;
		}
	}
	for (int i = 0; i < NR_SETS; i++)
		if (s->user[i] && copy_to_user(s->user[i], answer[i], set_bytes(nr)))
			return -EFAULT;
	return nr_bits;
}

static i64 select_until(int nr, fd_set __user *in, fd_set __user *out, fd_set __user *except, u64 deadline)
{
	struct select *s;
	int result;

	if (nr < 0)
		return -EINVAL;
	nr = min(nr, FD_SETSIZE);
	s = kmalloc_zeroed(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->user[SET_IN] = in;
	s->user[SET_OUT] = out;
	s->user[SET_EXCEPT] = except;
	result = select_read(s, nr);
	if (!result)
		result = poll_until(s->fds, s->nr, deadline);
	if (result >= 0)
		result = select_write(s, nr);
	kfree(s);
	return result;
}

// What is left of a timeout goes back to the user, as Linux does.
static void report_rest(struct timeval __user *timeout, u64 deadline)
{
	u64 now = clock_monotonic_ns();
	u64 rest = deadline != U64_MAX && deadline > now ? deadline - now : 0;
	struct timeval t = { .tv_sec = (i64)(rest / NS_PER_SECOND), .tv_usec = (i64)(rest % NS_PER_SECOND / 1000) };

	if (copy_to_user(timeout, &t, sizeof(t)))
		return;         // the answer itself has been given
}

i64 sys_select(int nr, fd_set __user *in, fd_set __user *out, fd_set __user *except, struct timeval __user *timeout)
{
	u64 deadline = U64_MAX;
	struct timeval t;
	i64 result;

	if (timeout) {
		if (copy_from_user(&t, timeout, sizeof(t)))
			return -EFAULT;
		if (t.tv_sec < 0 || t.tv_usec < 0)
			return -EINVAL;
		deadline = t.tv_sec || t.tv_usec ?
			clock_monotonic_ns() + (u64)t.tv_sec * NS_PER_SECOND + (u64)t.tv_usec * 1000 : 0;
	}
	result = select_until(nr, in, out, except, deadline);
	if (timeout)
		report_rest(timeout, deadline);
	return no_restart_after_handler(result);
}

i64 sys_pselect6(int nr, fd_set __user *in, fd_set __user *out, fd_set __user *except, struct timespec __user *timeout,
		 const void __user *mask_and_size)
{
	struct { const u64 __user *mask; size_t size; } signals = { .mask = NULL };
	u64 deadline;
	int error = deadline_from_user(timeout, &deadline);

	if (!error && mask_and_size)
		error = copy_from_user(&signals, mask_and_size, sizeof(signals));
	if (!error)
		error = call_mask_from_user(signals.mask, signals.size);
	if (error)
		return error;
	return no_restart_after_handler(select_until(nr, in, out, except, deadline));
}
