#pragma once
/*
 * serial.h - the PC's two serial lines (16550). Received bytes wait in a ring of the line until
 * somebody reads them; when the ring is full the UART is left alone, so that the sender is held up
 * and nothing is lost. What the bytes mean is the reader's business (dev/terminal.h,
 * dev/host_stream.h).
 */
#include "types.h"

struct wait_queue;

enum serial_line { SERIAL_COM1, SERIAL_COM2, NR_SERIAL_LINES };
enum serial_newline { SERIAL_PLAIN, SERIAL_ADD_CR };

// Looks for the UARTs and sets them up for polled output. Once, early; needs no memory and no
// interrupts.
void serial_init(void);
bool serial_is_present(enum serial_line line);

// Sends at once, any context; gives up on a line that does not move. For the log.
void serial_write_polled(enum serial_line line, const char *text, size_t nr_bytes, enum serial_newline newline);
// Sends; sleeps while the line is busy. Returns how much was sent: less than all when a signal is
// pending.
size_t serial_write(enum serial_line line, const void *data, size_t nr_bytes);
// Waits until everything has left the UART; gives up when nothing moves for a long time. Any
// context.
void serial_drain(enum serial_line line);
void serial_panic_begins(void);         // no locks any more

// From now on received bytes are kept, and readers is woken when some come. 0 or -errno.
int serial_start_receive(enum serial_line line, struct wait_queue *readers) MUST_CHECK;
// Takes received bytes, at most max; never sleeps.
size_t serial_read(enum serial_line line, u8 *to, size_t max);
size_t serial_nr_received(enum serial_line line);       // how many wait
