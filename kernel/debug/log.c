/*
 * log.c - the kernel's messages. Lines get the time in front and go to a ring; what is new in the
 * ring then goes to the serial lines and the screen that log= names, in the same order for all.
 * log_lock (RANK_LOG, interrupts closed) covers the ring and the order of the output; under it only
 * the locks of the output devices are taken. In a panic the other CPUs stand still, perhaps with
 * the lock held, so it is not asked any more.
 */
#include "debug/log.h"
#include "boot/bootinfo.h"
#include "dev/screen.h"
#include "dev/serial.h"
#include "kernel.h"
#include "lib/format.h"
#include "lib/string.h"
#include "sync/lock.h"
#include "x86/clock.h"

#define LINE_MAX 512                    // of one printk; more is cut

enum sink { SINK_COM1 = 1u << 0, SINK_COM2 = 1u << 1, SINK_SCREEN = 1u << 2 };

static struct spinlock log_lock = SPINLOCK_INIT("log", RANK_LOG);
static char ring[LOG_SIZE];             // GUARDED_BY(log_lock)
static u64 end;                         // GUARDED_BY(log_lock) bytes ever written
static bool in_line;                    // GUARDED_BY(log_lock) the last byte was no newline
static u32 sinks;                       // GUARDED_BY(log_lock) enum sink; 0: not started
static bool is_panicking;

static u64 lock_log(void)
{
	return is_panicking ? 0 : spin_lock_irq(&log_lock);
}

static void unlock_log(u64 flag)
{
	if (!is_panicking)
		spin_unlock_irq(&log_lock, flag);
}

static void append(const char *text, size_t nr_bytes)
{
	for (size_t i = 0; i < nr_bytes; i++)
		ring[end++ % LOG_SIZE] = text[i];
}

static void append_time(void)
{
	char stamp[32];
	u64 us = clock_monotonic_ns() / 1000;
	int n = format_string(stamp, sizeof(stamp), "[%5lu.%06lu] ", us / 1000000, us % 1000000);

	append(stamp, (size_t)n);
}

// The screen takes a newline for "down" only, as terminals do.
static void show_on_screen(const char *text, size_t nr_bytes)
{
	for (size_t start = 0, i = 0; i < nr_bytes; i++) {
		if (text[i] != '\n' && i + 1 < nr_bytes)
			continue;
		screen_write(text + start, i + 1 - start);
		if (text[i] == '\n')
			screen_write("\r", 1);
		start = i + 1;
	}
}

static void show(const char *text, size_t nr_bytes)
{
	if (sinks & SINK_COM1)
		serial_write_polled(SERIAL_COM1, text, nr_bytes, SERIAL_ADD_CR);
	if (sinks & SINK_COM2)
		serial_write_polled(SERIAL_COM2, text, nr_bytes, SERIAL_PLAIN);
	if (sinks & SINK_SCREEN)
		show_on_screen(text, nr_bytes);
}

// Shows what stands in the ring from `from` on, in at most two pieces.
static void show_from(u64 from)
{
	while (from < end) {
		u64 offset = from % LOG_SIZE;
		u64 n = min(end - from, LOG_SIZE - offset);

		show(ring + offset, n);
		from += n;
	}
}

void log_write(const char *text, size_t nr_bytes)
{
	u64 flag = lock_log();
	u64 before = end;

	while (nr_bytes > 0) {
		size_t n = 0;

		while (n < nr_bytes && text[n] != '\n')
			n++;
		if (n < nr_bytes)
			n++;                    // with its newline
		if (!in_line)
			append_time();
		append(text, n);
		in_line = text[n - 1] != '\n';
		text += n;
		nr_bytes -= n;
	}
	if (sinks)
		show_from(before);
	unlock_log(flag);
}

void printk(const char *format, ...)
{
	char text[LINE_MAX];
	va_list args;

	va_start(args, format);
	int n = format_string_v(text, sizeof(text), format, args);

	va_end(args);
	if (n >= LINE_MAX) {
		n = LINE_MAX - 1;
		text[n - 1] = '\n';
	}
	if (n > 0)
		log_write(text, (size_t)n);
}

static u32 wanted_sinks(void)
{
	char value[16];

	if (!command_line_get("log", value, sizeof(value)))
		return SINK_COM2;
	if (strcmp(value, "both") == 0)
		return SINK_COM1 | SINK_COM2 | SINK_SCREEN;
	return strcmp(value, "ttyS0") == 0 ? SINK_COM1 : SINK_COM2;
}

void log_start(void)
{
	serial_init();
	u64 flag = lock_log();

	sinks = wanted_sinks();
	show_from(end > LOG_SIZE ? end - LOG_SIZE : 0);
	unlock_log(flag);
}

void log_start_screen(void)
{
	u64 flag = lock_log();

	for (u64 at = end > LOG_SIZE ? end - LOG_SIZE : 0; sinks & SINK_SCREEN && at < end; at++)
		show_on_screen(&ring[at % LOG_SIZE], 1);
	unlock_log(flag);
}

size_t log_read(u64 *position, char *to, size_t size)
{
	u64 flag = lock_log();
	u64 from = *position;
	size_t n;

	if (from + LOG_SIZE < end)
		from = end - LOG_SIZE;
	if (from > end)
		from = end;
	n = min((u64)size, end - from);
	for (size_t i = 0; i < n; i++)
		to[i] = ring[(from + i) % LOG_SIZE];
	*position = from + n;
	unlock_log(flag);
	return n;
}

u64 log_end(void)
{
	u64 flag = lock_log();
	u64 result = end;

	unlock_log(flag);
	return result;
}

void log_panic_begins(void)
{
	is_panicking = true;
	serial_panic_begins();
	screen_panic_begins();
	if (!sinks)
		log_start();
	if (in_line)
		log_write("\n", 1);
}

void log_flush(void)
{
	if (sinks & SINK_COM1)
		serial_drain(SERIAL_COM1);
	if (sinks & SINK_COM2)
		serial_drain(SERIAL_COM2);
	if (sinks & SINK_SCREEN)
		screen_refresh();
}
