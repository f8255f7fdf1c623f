/*
 * host_stream.c - a stream of bytes from and to the host over COM1. Bytes wait in the serial line's
 * ring, which holds the host up when it is full; the escapes are undone when they are read.
 * stream_lock (RANK_TERMINAL) covers the escapes' state, so that two readers do not tear an escape
 * apart; output_lock keeps one write() in one piece. Nobody waits for input with a lock held.
 */
#include "dev/host_stream.h"
#include "boot/bootinfo.h"
#include "dev/serial.h"
#include "fs/poll.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "proc/process.h"
#include "proc/signal.h"
#include <abi/errno.h>
#include <abi/ioctl.h>
#include <abi/poll.h>
#include "x86/uaccess.h"

#define CHUNK 256u
enum { DLE = 0x10, END = 'E' };

static struct wait_queue readers;
static struct mutex stream_lock;
static struct mutex output_lock;
static bool is_escaped;                 // GUARDED_BY(stream_lock) the last byte was a DLE
static bool is_ended;                   // GUARDED_BY(stream_lock) the end of input was seen; for ever

bool host_stream_is_on(void)
{
	char value[16];

	return command_line_get("stdio", value, sizeof(value)) && strcmp(value, "host") == 0;
}

static bool has_input(void)
{
	return READ_ONCE(is_ended) || serial_nr_received(SERIAL_COM1) > 0;
}

// Undoes the escapes in place; how many bytes are left.
static size_t unescape(u8 *bytes, size_t nr_bytes)
{
	size_t n = 0;

	for (size_t i = 0; i < nr_bytes && !is_ended; i++) {
		if (!is_escaped && bytes[i] == DLE) {
			is_escaped = true;
			continue;
		}
		if (is_escaped && bytes[i] == END)
			is_ended = true;
		else
			bytes[n++] = bytes[i];
		is_escaped = false;
	}
	return n;
}

// Moves what is there. -EFAULT.
static ssize_t take_input(struct iobuf *to)
{
	u8 chunk[CHUNK];
	ssize_t done = 0;

	while (to->remaining > 0 && !is_ended) {
		size_t n = serial_read(SERIAL_COM1, chunk, min(sizeof(chunk), to->remaining));

		if (!n)
			break;
		n = unescape(chunk, n);
		size_t copied = iobuf_put(to, chunk, n);

		done += (ssize_t)copied;
		if (copied < n)
			return done ? done : -EFAULT;
	}
	return done;
}

static ssize_t host_read(struct file *f, struct iobuf *to, u64 *position)
{
	(void)position;
	for (;;) {
		if (!to->remaining)
			return 0;
		mutex_lock(&stream_lock);
		ssize_t done = take_input(to);
		bool is_over = done || is_ended;

		mutex_unlock(&stream_lock);
		if (is_over)
			return done;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&readers, has_input()))
			return -ERESTARTSYS;
	}
}

static ssize_t host_write(struct file *f, struct iobuf *from, u64 *position)
{
	ssize_t done = 0;
	int error = 0;

	(void)f, (void)position;
	mutex_lock(&output_lock);
	while (!error && from->remaining > 0) {
		u8 chunk[CHUNK];
		size_t wanted = min(sizeof(chunk), from->remaining);
		size_t n = iobuf_take(from, chunk, wanted);
		size_t sent = serial_write(SERIAL_COM1, chunk, n);

		done += (ssize_t)sent;
		if (sent < n)
			error = -ERESTARTSYS;
		else if (n < wanted)
			error = -EFAULT;
	}
	mutex_unlock(&output_lock);
	return done ? done : error;
}

static u32 host_poll(struct file *f, struct poll_table *table)
{
	(void)f;
	poll_wait(table, &readers);
	return POLLOUT | POLLWRNORM | (has_input() ? POLLIN | POLLRDNORM : 0);
}

static int host_open(struct inode *ip, struct file *f)
{
	(void)ip, (void)f;
	return host_stream_is_on() ? 0 : -ENXIO;
}

static int host_ioctl(struct file *f, u32 request, u64 argument)
{
	(void)f;
	if (request != FIONREAD)
		return -ENOTTY;
	int waiting = (int)serial_nr_received(SERIAL_COM1);     // escapes included

	return copy_to_user((void __user *)argument, &waiting, sizeof(waiting));
}

static i64 host_seek(struct file *f, i64 offset, int whence)
{
	(void)f, (void)offset, (void)whence;
	return -ESPIPE;
}

const struct file_ops host_stream_ops = {
	.open = host_open, .read = host_read, .write = host_write, .seek = host_seek, .poll = host_poll,
	.ioctl = host_ioctl,
};

void host_stream_init(void)
{
	wait_queue_init(&readers);
	mutex_init(&stream_lock, "host stream", RANK_TERMINAL);
	mutex_init(&output_lock, "host output", RANK_TERMINAL);
	if (!host_stream_is_on())
		return;
	int error = serial_start_receive(SERIAL_COM1, &readers);

	if (error) {
		printk("host_stream: no input from COM1, error %d\n", error);
		is_ended = true;
	}
}

void host_stream_drain(void)
{
	if (serial_is_present(SERIAL_COM1))
		serial_drain(SERIAL_COM1);
}
