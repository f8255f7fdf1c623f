/*
 * terminal.c - the terminal as a file. What is typed goes from interrupts into rings, from there by
 * the terminal's thread through the line discipline, and from its buffer to readers; what is
 * written goes to the serial line and the screen. t->output_lock, then t->lock: the thread holds
 * both, since echo is output; writers hold the first, readers the second. When readers are slow the
 * thread stops taking bytes, and the sender is held up; only characters that mean signals are still
 * seen, so that a program which does not read can be interrupted.
 */
#include "dev/terminal.h"
#include "dev/host_stream.h"
#include "dev/screen.h"
#include "dev/serial.h"
#include "fs/poll.h"
#include "fs/devfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/irq.h"
#include <abi/errno.h>
#include <abi/poll.h>

#define CHUNK 256u
#define TENTH_NS 100000000ul            // the unit of VTIME

struct terminal terminal;

// Keys, from the keyboard's interrupt.
static struct spinlock keys_lock = SPINLOCK_INIT("typed keys", RANK_DEVICE);
static u8 keys[256];                    // GUARDED_BY(keys_lock)
static u32 keys_first, keys_used;       // GUARDED_BY(keys_lock)

/* --- showing ---------------------------------------------------------------- */

// Sends to all who show the terminal; how much was sent (less: a signal is pending).
static size_t show(struct terminal *t, const char *text, size_t nr_bytes)
{
	size_t n = t->is_on_serial ? serial_write(SERIAL_COM1, text, nr_bytes) : nr_bytes;

	screen_write(text, n);
	return n;
}

static void echo(struct line *l, const char *text, size_t nr_bytes)
{
	(void)show(container_of(l, struct terminal, line), text, nr_bytes);
}

/* --- typed bytes ------------------------------------------------------------ */

void terminal_type(const char *text, size_t nr_bytes)
{
	u64 flag = spin_lock_irq(&keys_lock);

	for (size_t i = 0; i < nr_bytes && keys_used < sizeof(keys); i++)
		keys[(keys_first + keys_used++) % sizeof(keys)] = (u8)text[i];
	spin_unlock_irq(&keys_lock, flag);
	wake_all(&terminal.typed);
}

static size_t take_keys(u8 *to, size_t max)
{
	u64 flag = spin_lock_irq(&keys_lock);
	size_t n = 0;

	for (; n < max && keys_used > 0; keys_used--) {
		to[n++] = keys[keys_first];
		keys_first = (keys_first + 1) % sizeof(keys);
	}
	spin_unlock_irq(&keys_lock, flag);
	return n;
}

static bool source_has_bytes(struct terminal *t)
{
	return READ_ONCE(keys_used) > 0 || (t->is_on_serial && serial_nr_received(SERIAL_COM1) > 0);
}

static bool thread_has_work(struct terminal *t)
{
	return (t->ring_used < TYPED_SIZE && source_has_bytes(t)) || (t->ring_used > 0 && line_has_room(&t->line));
}

// Moves typed bytes into the thread's ring.
static void collect(struct terminal *t)
{
	while (t->ring_used < TYPED_SIZE) {
		u8 chunk[64];
		size_t room = min(sizeof(chunk), (size_t)(TYPED_SIZE - t->ring_used));
		size_t n = take_keys(chunk, room);

		if (!n && t->is_on_serial)
			n = serial_read(SERIAL_COM1, chunk, room);
		if (!n)
			return;
		for (size_t i = 0; i < n; i++)
			t->ring[(t->ring_first + t->ring_used++) % TYPED_SIZE] = chunk[i];
	}
}

static u8 ring_drop(struct terminal *t)
{
	u8 byte = t->ring[t->ring_first];

	t->ring_first = (t->ring_first + 1) % TYPED_SIZE;
	t->ring_used--;
	return byte;
}

// The buffer is full: what stands before a character that means a signal would be thrown away by it
// anyway.
static void skip_to_signal(struct terminal *t)
{
	for (u32 i = 0; i < t->ring_used; i++) {
		if (!line_signal_of(&t->line, t->ring[(t->ring_first + i) % TYPED_SIZE]))
			continue;
		while (i-- > 0)
			ring_drop(t);
		line_flush_input(&t->line);
		return;
	}
}

// Works off what was typed, up to a signal; the signal, or 0.
static int work_off(struct terminal *t)
{
	int signal = 0;

	mutex_lock(&t->output_lock);
	mutex_lock_second(&t->lock);            // after output_lock, always
	collect(t);
	if (!line_has_room(&t->line))
		skip_to_signal(t);
	while (!signal && t->ring_used > 0 && line_has_room(&t->line))
		signal = line_input(&t->line, ring_drop(t));
	mutex_unlock(&t->lock);
	mutex_unlock(&t->output_lock);
	return signal;
}

static void thread(void *argument)
{
	struct terminal *t = argument;

	for (;;) {
		wait_event(&t->typed, thread_has_work(t));
		int signal = work_off(t);

		if (signal)
			terminal_signal(t, signal);
		wake_all(&t->readers);
		if (!READ_ONCE(t->line.is_stopped))
			wake_all(&t->writers);
	}
}

/* --- reading ---------------------------------------------------------------- */

static bool is_canonical(struct terminal *t)
{
	return READ_ONCE(t->line.settings.c_lflag) & ICANON;
}

// What the buffer has, as far as one read() may take it. -EFAULT.
static ssize_t take_input(struct terminal *t, struct iobuf *to, bool *is_over)
{
	u8 chunk[CHUNK];
	ssize_t done = 0;

	*is_over = false;
	while (to->remaining > 0 && !*is_over) {
		size_t n = line_take(&t->line, chunk, min(sizeof(chunk), to->remaining), is_over);
		size_t copied = iobuf_put(to, chunk, n);

		done += (ssize_t)copied;
		if (copied < n)
			return done ? done : -EFAULT;
		if (!n)
			break;
	}
	return done;
}

// Sleeps until the buffer has something, or the deadline. 0, -EINTR, -ETIMEDOUT.
static int wait_input(struct terminal *t, u64 deadline_ns)
{
	struct waiter w;
	int error = 0;

	while (!error && !line_nr_readable(&t->line)) {
		wait_begin(&t->readers, &w, WAIT_INTERRUPTIBLE);
		if (!line_nr_readable(&t->line))
			error = wait_timeout_sleep(&w, WAIT_INTERRUPTIBLE, deadline_ns);
		wait_end(&t->readers, &w);
	}
	return error;
}

// One look of a read; it may sleep afterwards. Negative: the read is over with that error.
static ssize_t read_round(struct terminal *t, struct iobuf *to, bool *is_over)
{
	ssize_t n = terminal_check_job(t, SIGTTIN);

	*is_over = true;
	if (n < 0)
		return n;
	mutex_lock(&t->lock);
	n = take_input(t, to, is_over);
	mutex_unlock(&t->lock);
	wake_all(&t->typed);            // there may be room again
	return n;
}

/*
 * When a read that has `done` bytes has enough: a line in canonical mode. Else VMIN bytes; VTIME
 * limits the wait for the first byte (VMIN 0) or for the next one (VMIN > 0). POSIX 11.1.7.
 */
static bool has_enough(struct terminal *t, ssize_t done)
{
	u8 least = t->line.settings.c_cc[VMIN], time = t->line.settings.c_cc[VTIME];

	if (is_canonical(t))
		return done > 0;
	return least ? done >= least : done > 0 || !time;
}

static u64 read_deadline(struct terminal *t, ssize_t done)
{
	u8 least = t->line.settings.c_cc[VMIN], time = t->line.settings.c_cc[VTIME];

	if (is_canonical(t) || !time || (least && !done))
		return U64_MAX;
	return clock_monotonic_ns() + time * TENTH_NS;
}

static ssize_t terminal_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct terminal *t = f->private;
	ssize_t done = 0;

	(void)position;
	while (to->remaining > 0) {
		bool is_over;
		ssize_t n = read_round(t, to, &is_over);

		if (n < 0)
			return done ? done : n;
		done += n;
		if (is_over || !to->remaining || has_enough(t, done))
			break;
		if (f->flags & O_NONBLOCK)
			return done ? done : -EAGAIN;
		int error = wait_input(t, read_deadline(t, done));

		if (error == -ETIMEDOUT)
			break;
		if (error)
			return done ? done : -ERESTARTSYS;
	}
	return done;
}

/* --- writing ---------------------------------------------------------------- */

// Output lock held. How much of the chunk was shown: less when a signal is pending.
static size_t write_chunk(struct terminal *t, const u8 *bytes, size_t nr_bytes)
{
	size_t done = 0;

	while (done < nr_bytes) {
		char out[CHUNK];
		size_t taken, n = line_output(&t->line, bytes + done, nr_bytes - done, &taken, out, sizeof(out));

		if (show(t, out, n) < n)
			break;                  // counted as not written, though part of it may be shown
		done += taken;
	}
	return done;
}

// ^S holds output up. 0, -EINTR, -EAGAIN.
static int wait_not_stopped(struct terminal *t, struct file *f)
{
	if (!READ_ONCE(t->line.is_stopped))
		return 0;
	if (f->flags & O_NONBLOCK)
		return -EAGAIN;
	return wait_event_interruptible(&t->writers, !READ_ONCE(t->line.is_stopped));
}

static ssize_t terminal_write(struct file *f, struct iobuf *from, u64 *position)
{
	struct terminal *t = f->private;
	ssize_t done = 0;
	int error = 0;

	(void)position;
	if (t->line.settings.c_lflag & TOSTOP)
		error = terminal_check_job(t, SIGTTOU);
	while (!error && from->remaining > 0) {
		u8 chunk[CHUNK];

		error = wait_not_stopped(t, f);
		if (error)
			break;
		size_t wanted = min(sizeof(chunk), from->remaining);
		size_t n = iobuf_take(from, chunk, wanted);

		if (n < wanted)
			error = -EFAULT;
		mutex_lock(&t->output_lock);
		size_t shown = write_chunk(t, chunk, n);

		mutex_unlock(&t->output_lock);
		done += (ssize_t)shown;
		if (shown < n || (from->remaining && signal_is_pending(current)))
			error = -EINTR;
		if (from->remaining)
			sched_point();
	}
	if (done)
		return done;
	return error == -EINTR ? -ERESTARTSYS : error;
}

/* --- polling and opening ------------------------------------------------------ */

static u32 terminal_poll(struct file *f, struct poll_table *table)
{
	struct terminal *t = f->private;
	u32 ready = READ_ONCE(t->line.is_stopped) ? 0 : POLLOUT | POLLWRNORM;
	u32 wanted = 1;

	poll_wait(table, &t->readers);
	poll_wait(table, &t->writers);
	if (!is_canonical(t) && !t->line.settings.c_cc[VTIME])
		wanted = max((u32)t->line.settings.c_cc[VMIN], 1u);
	if (line_nr_readable(&t->line) >= wanted)
		ready |= POLLIN | POLLRDNORM;
	return ready;
}

static int terminal_open(struct inode *ip, struct file *f)
{
	f->private = devfs_owner(ip);
	return 0;
}

static int current_terminal_open(struct inode *ip, struct file *f)
{
	(void)ip;
	f->private = terminal_of_current();
	return f->private ? 0 : -ENXIO;
}

static i64 no_seek(struct file *f, i64 offset, int whence)
{
	(void)f, (void)offset, (void)whence;
	return -ESPIPE;
}

const struct file_ops terminal_ops = {
	.open = terminal_open, .read = terminal_read, .write = terminal_write, .seek = no_seek,
	.ioctl = terminal_ioctl, .poll = terminal_poll,
};

const struct file_ops current_terminal_ops = {
	.open = current_terminal_open, .read = terminal_read, .write = terminal_write, .seek = no_seek,
	.ioctl = terminal_ioctl, .poll = terminal_poll,
};

void terminal_init(void)
{
	struct terminal *t = &terminal;
	u32 rows = 24, columns = 80;

	mutex_init(&t->output_lock, "terminal output", RANK_TERMINAL);
	mutex_init(&t->lock, "terminal", RANK_TERMINAL);
	wait_queue_init(&t->readers);
	wait_queue_init(&t->writers);
	wait_queue_init(&t->typed);
	line_init(&t->line, echo);
	t->is_on_serial = serial_is_present(SERIAL_COM1) && !host_stream_is_on();
	if (t->is_on_serial && serial_start_receive(SERIAL_COM1, &t->typed) != 0)
		printk("terminal: COM1 has no interrupt: output only\n");
	if (!t->is_on_serial && screen_is_present())
		screen_size(&rows, &columns);
	t->window = (struct winsize){ .ws_row = (u16)rows, .ws_col = (u16)columns };
	if (!kernel_thread_create("terminal", thread, t))
		panic("no memory for the terminal's thread");
}
