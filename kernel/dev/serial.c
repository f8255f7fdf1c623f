/*
 * serial.c - 16550 UARTs (National Semiconductor PC16550D). The hard part is that neither side may
 * outrun the other: the receive interrupt is switched off while the ring is full, and a writer
 * sleeps while the transmitter is busy. line->lock (RANK_OUTPUT, interrupts closed) covers the
 * registers and the ring.
 */
#include "dev/serial.h"
#include "kernel.h"
#include "proc/timer.h"
#include "sync/lock.h"
#include "x86/clock.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include <abi/errno.h>

#define RING_SIZE 4096u
#define FIFO_SIZE 16u
#define READY_LOOKS 200                 // looks at the line before a writer sleeps
#define STUCK_LOOKS 200000              // looks before polled output gives the line up
#define BUSY_SLEEP_NS 1000000ul
#define DRAIN_LIMIT_US 10000000ul

enum serial_register {
	REG_DATA = 0, REG_INTERRUPT_ENABLE = 1, REG_INTERRUPT_ID = 2, REG_FIFO = 2, REG_LINE_CONTROL = 3,
	REG_MODEM_CONTROL = 4, REG_LINE_STATUS = 5, REG_MODEM_STATUS = 6, REG_SCRATCH = 7,
	REG_DIVISOR_LOW = 0, REG_DIVISOR_HIGH = 1,
};

enum {
	INTERRUPT_RECEIVED = 0x01,
	INTERRUPT_ID_NONE = 0x01,
	FIFO_ENABLE = 0x01, FIFO_CLEAR_SEND = 0x04,
	FIFO_TRIGGER_14 = 0xc0,         // one interrupt for 14 bytes, or after a pause: QEMU hands over as many at once
	LINE_8N1 = 0x03, LINE_DIVISOR = 0x80,
	MODEM_DTR = 0x01, MODEM_RTS = 0x02, MODEM_OUT2 = 0x08,          // OUT2 lets the interrupt through
	STATUS_RECEIVED = 0x01, STATUS_CAN_SEND = 0x20, STATUS_ALL_SENT = 0x40,
};

struct serial {
	u16 base;                       // constant
	u32 irq;                        // constant
	bool is_present;                // constant after serial_init
	bool is_stuck;                  // polled output did not move; only a hint
	struct wait_queue *readers;     // constant after serial_start_receive
	struct spinlock lock;
	u8 ring[RING_SIZE];             // GUARDED_BY(lock)
	u32 first, used;                // GUARDED_BY(lock)
	bool is_receiving;              // GUARDED_BY(lock) the receive interrupt is on
};

static struct serial lines[NR_SERIAL_LINES] = {
	{ .base = 0x3f8, .irq = 4, .lock = SPINLOCK_INIT("COM1", RANK_OUTPUT) },
	{ .base = 0x2f8, .irq = 3, .lock = SPINLOCK_INIT("COM2", RANK_OUTPUT) },
};
static bool is_panicking;

static u8 get(struct serial *s, enum serial_register reg)
{
	return port_in8((u16)(s->base + reg));
}

static void put(struct serial *s, enum serial_register reg, u8 value)
{
	port_out8((u16)(s->base + reg), value);
}

// An absent UART reads as ones and keeps nothing.
static bool is_there(struct serial *s)
{
	put(s, REG_SCRATCH, 0x5a);
	if (get(s, REG_SCRATCH) != 0x5a)
		return false;
	put(s, REG_SCRATCH, 0xa5);
	return get(s, REG_SCRATCH) == 0xa5;
}

void serial_init(void)
{
	for (u32 i = 0; i < NR_SERIAL_LINES; i++) {
		struct serial *s = &lines[i];

		if (s->is_present || !is_there(s))
			continue;
		put(s, REG_INTERRUPT_ENABLE, 0);
		put(s, REG_LINE_CONTROL, LINE_DIVISOR);
		put(s, REG_DIVISOR_LOW, 1);             // 115200 baud
		put(s, REG_DIVISOR_HIGH, 0);
		put(s, REG_LINE_CONTROL, LINE_8N1);
		put(s, REG_FIFO, FIFO_ENABLE | FIFO_CLEAR_SEND | FIFO_TRIGGER_14);
		put(s, REG_MODEM_CONTROL, MODEM_DTR | MODEM_RTS | MODEM_OUT2);
		s->is_present = true;
	}
}

bool serial_is_present(enum serial_line line)
{
	return lines[line].is_present;
}

void serial_panic_begins(void)
{
	is_panicking = true;
}

/* --- sending ---------------------------------------------------------------- */

static bool wait_can_send(struct serial *s)
{
	u32 looks = s->is_stuck ? 1 : STUCK_LOOKS;

	while (looks-- > 0) {
		if (get(s, REG_LINE_STATUS) & STATUS_CAN_SEND) {
			s->is_stuck = false;
			return true;
		}
		cpu_pause();
	}
	s->is_stuck = true;
	return false;
}

void serial_write_polled(enum serial_line line, const char *text, size_t nr_bytes, enum serial_newline newline)
{
	struct serial *s = &lines[line];
	u64 flag = 0;
	u32 room = 0;

	if (!s->is_present)
		return;
	if (!is_panicking)
		flag = spin_lock_irq(&s->lock);
	for (size_t i = 0; i < nr_bytes; i++) {
		bool has_cr = newline == SERIAL_ADD_CR && text[i] == '\n';

		if (room < 2) {
			if (!wait_can_send(s))
				break;
			room = FIFO_SIZE;
		}
		if (has_cr) {
			put(s, REG_DATA, '\r');
			room--;
		}
		put(s, REG_DATA, (u8)text[i]);
		room--;
	}
	if (!is_panicking)
		spin_unlock_irq(&s->lock, flag);
}

// Fills the FIFO when it is empty; how many bytes went in.
static size_t send_some(struct serial *s, const u8 *data, size_t nr_bytes)
{
	u64 flag = spin_lock_irq(&s->lock);
	size_t n = 0;

	if (get(s, REG_LINE_STATUS) & STATUS_CAN_SEND) {
		while (n < nr_bytes && n < FIFO_SIZE)
			put(s, REG_DATA, data[n++]);
	}
	spin_unlock_irq(&s->lock, flag);
	return n;
}

size_t serial_write(enum serial_line line, const void *data, size_t nr_bytes)
{
	struct serial *s = &lines[line];
	const u8 *bytes = data;
	size_t done = 0;
	u32 looks = 0;

	if (!s->is_present)
		return nr_bytes;
	while (done < nr_bytes) {
		size_t n = send_some(s, bytes + done, nr_bytes - done);

		done += n;
		if (n) {
			looks = 0;
		} else if (++looks < READY_LOOKS) {
			cpu_pause();
		} else if (sleep_until(clock_monotonic_ns() + BUSY_SLEEP_NS, WAIT_INTERRUPTIBLE)) {
			break;
		}
	}
	return done;
}

void serial_drain(enum serial_line line)
{
	struct serial *s = &lines[line];

	if (!s->is_present)
		return;
	for (u64 us = 0; us < DRAIN_LIMIT_US && !(get(s, REG_LINE_STATUS) & STATUS_ALL_SENT); us += 50)
		clock_delay_us(50);
}

/* --- receiving -------------------------------------------------------------- */

// Lock held. Moves what the UART has into the ring, and stops the interrupt when there is no room.
static bool receive(struct serial *s)
{
	bool has_new = false;

	while (s->used < RING_SIZE && get(s, REG_LINE_STATUS) & STATUS_RECEIVED) {
		s->ring[(s->first + s->used++) % RING_SIZE] = get(s, REG_DATA);
		has_new = true;
	}
	if (s->used == RING_SIZE && s->is_receiving) {
		s->is_receiving = false;
		put(s, REG_INTERRUPT_ENABLE, 0);
	}
	return has_new;
}

// The line is an edge: it must fall once more before we are called again, so nothing may stay
// pending.
static void interrupt(void *owner)
{
	struct serial *s = owner;
	bool has_new = false;
	u64 flag = spin_lock_irq(&s->lock);

	while (!(get(s, REG_INTERRUPT_ID) & INTERRUPT_ID_NONE)) {
		has_new |= receive(s);
		(void)get(s, REG_LINE_STATUS);
		(void)get(s, REG_MODEM_STATUS);
	}
	spin_unlock_irq(&s->lock, flag);
	if (has_new)
		wake_all(s->readers);
}

int serial_start_receive(enum serial_line line, struct wait_queue *readers)
{
	struct serial *s = &lines[line];

	if (!s->is_present)
		return -ENODEV;
	s->readers = readers;
	int error = irq_enable_isa(s->irq, interrupt, s);

	if (error)
		return error;
	u64 flag = spin_lock_irq(&s->lock);

	s->is_receiving = true;
	put(s, REG_INTERRUPT_ENABLE, INTERRUPT_RECEIVED);
	spin_unlock_irq(&s->lock, flag);
	return 0;
}

size_t serial_read(enum serial_line line, u8 *to, size_t max)
{
	struct serial *s = &lines[line];
	size_t n = 0;

	if (!s->readers)
		return 0;
	u64 flag = spin_lock_irq(&s->lock);

	while (n < max && s->used > 0) {
		to[n++] = s->ring[s->first];
		s->first = (s->first + 1) % RING_SIZE;
		s->used--;
	}
	if (!s->is_receiving && s->used <= RING_SIZE / 2) {
		s->is_receiving = true;
		put(s, REG_INTERRUPT_ENABLE, INTERRUPT_RECEIVED);       // interrupts at once when bytes wait
	}
	spin_unlock_irq(&s->lock, flag);
	return n;
}

size_t serial_nr_received(enum serial_line line)
{
	return READ_ONCE(lines[line].used);
}
