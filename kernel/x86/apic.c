/*
 * apic.c - the local APIC, by x2APIC registers where the processor has them, else by memory; and the I/O APICs.
 * Registers have the same numbers in both modes: offset in memory = 16 * (MSR - 800h). A CPU touches only its own
 * local APIC; the I/O APICs are programmed at boot, by one CPU.
 */
#include "x86/apic.h"
#include "kernel.h"
#include "x86/acpi.h"
#include "x86/clock.h"
#include "x86/features.h"
#include "x86/idt.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"

enum {                                  // local APIC registers, in units of 16 bytes
	REG_ID = 0x02,
	REG_TASK_PRIORITY = 0x08,
	REG_EOI = 0x0b,
	REG_SPURIOUS = 0x0f,
	REG_ERROR = 0x28,
	REG_COMMAND = 0x30,             // 0x31: its upper half, by memory
	REG_TIMER = 0x32,
	REG_LINT0 = 0x35,
	REG_LINT1 = 0x36,
	REG_ERROR_VECTOR = 0x37,
	REG_TIMER_START = 0x38,
	REG_TIMER_LEFT = 0x39,
	REG_TIMER_DIVIDE = 0x3e,
};

enum {
	BASE_ENABLE = 1u << 11,         // MSR_APIC_BASE
	BASE_X2APIC = 1u << 10,
	LVT_MASKED = 1u << 16,
	LVT_NMI = 4u << 8,
	SPURIOUS_ENABLE = 1u << 8,
	DIVIDE_BY_16 = 3,
	COMMAND_NMI = 4u << 8,
	COMMAND_INIT = 5u << 8,
	COMMAND_STARTUP = 6u << 8,
	COMMAND_PENDING = 1u << 12,
	COMMAND_ASSERT = 1u << 14,
};

static volatile u32 *registers;         // by memory; NULL in x2APIC mode

static u32 apic_read(u32 reg)
{
	return registers ? registers[reg * 4] : (u32)read_msr(MSR_X2APIC + reg);
}

static void apic_write(u32 reg, u32 value)
{
	if (registers)
		registers[reg * 4] = value;
	else
		write_msr(MSR_X2APIC + reg, value);
}

// Interrupts are closed for the two halves, and the one before must have left.
static void send_command(u32 target, u32 command)
{
	u64 flags = interrupts_close();

	if (registers) {
		while (apic_read(REG_COMMAND) & COMMAND_PENDING)
			cpu_pause();
		apic_write(REG_COMMAND + 1, target << 24);
		apic_write(REG_COMMAND, command);
	} else {
		__asm__ volatile("mfence" : : : "memory");      // x2APIC writes do not wait for stores
		write_msr(MSR_X2APIC + REG_COMMAND, (u64)target << 32 | command);
	}
	interrupts_restore(flags);
}

void apic_send_vector(u32 target, u32 vector)
{
	send_command(target, COMMAND_ASSERT | vector);
}

void apic_send_nmi(u32 target)
{
	send_command(target, COMMAND_ASSERT | COMMAND_NMI);
}

void apic_send_init(u32 target)
{
	send_command(target, COMMAND_ASSERT | COMMAND_INIT);
}

void apic_send_startup(u32 target, paddr_t page)
{
	send_command(target, COMMAND_ASSERT | COMMAND_STARTUP | (u32)(page >> PAGE_SHIFT));
}

u32 apic_id(void)
{
	return registers ? apic_read(REG_ID) >> 24 : apic_read(REG_ID);
}

void apic_end_of_interrupt(void)
{
	apic_write(REG_EOI, 0);
}

void apic_timer_start(u32 ticks)
{
	apic_write(REG_TIMER_START, ticks);
}

u32 apic_timer_left(void)
{
	return apic_read(REG_TIMER_LEFT);
}

void apic_init_cpu(void)
{
	u64 base = read_msr(MSR_APIC_BASE) | BASE_ENABLE;

	write_msr(MSR_APIC_BASE, registers ? base : base | BASE_X2APIC);
	apic_write(REG_TASK_PRIORITY, 0);
	apic_write(REG_LINT0, LVT_MASKED);
	apic_write(REG_LINT1, LVT_NMI);
	apic_write(REG_ERROR_VECTOR, VECTOR_APIC_ERROR);
	apic_write(REG_ERROR, 0);
	apic_write(REG_TIMER_DIVIDE, DIVIDE_BY_16);
	apic_write(REG_TIMER, VECTOR_TIMER);            // one shot
	apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	apic_end_of_interrupt();                        // what the firmware may have left in service
}

// The two 8259s still exist: move their vectors out of the exceptions' way and mask every line.
static void silence_old_controllers(void)
{
	static const u8 words[4][2] = { { 0x11, 0x11 }, { VECTOR_PIC, VECTOR_PIC + 8 }, { 4, 2 }, { 1, 1 } };

	for (int i = 0; i < 4; i++) {
		port_out8(i ? 0x21 : 0x20, words[i][0]);
		port_out8(i ? 0xa1 : 0xa0, words[i][1]);
	}
	port_out8(0x21, 0xff);
	port_out8(0xa1, 0xff);
}

// --- I/O APICs ---

enum {
	IO_VERSION = 1,
	IO_REDIRECTION = 0x10,
	IO_LEVEL = 1u << 15,
	IO_ACTIVE_LOW = 1u << 13,
	IO_MASKED = 1u << 16,
};

struct io_apic {
	volatile u32 *registers;        // [0] selects, [4] is the window
	u32 first_line, nr_lines;
};

static struct io_apic io_apics[MAX_IO_APICS];
static u32 nr_io_apics;

static u32 io_read(const struct io_apic *io, u32 reg)
{
	io->registers[0] = reg;
	return io->registers[4];
}

static void io_write(const struct io_apic *io, u32 reg, u32 value)
{
	io->registers[0] = reg;
	io->registers[4] = value;
}

static void io_apic_init(const struct acpi_io_apic *from)
{
	struct io_apic *io = &io_apics[nr_io_apics];

	io->registers = kernel_map_device(from->address, PAGE_SIZE);
	if (!io->registers) {
		printk("apic: no memory to map the I/O APIC at %lx\n", from->address);
		return;
	}
	io->first_line = from->first_line;
	io->nr_lines = (io_read(io, IO_VERSION) >> 16 & 255) + 1;
	for (u32 i = 0; i < io->nr_lines; i++)
		io_write(io, IO_REDIRECTION + 2 * i, IO_MASKED);
	nr_io_apics++;
}

bool io_apic_route(u32 global_line, u32 vector, u32 target, bool is_level, bool is_active_low)
{
	u32 low = vector | (is_level ? IO_LEVEL : 0) | (is_active_low ? IO_ACTIVE_LOW : 0);

	for (u32 i = 0; i < nr_io_apics; i++) {
		const struct io_apic *io = &io_apics[i];

		if (global_line < io->first_line || global_line >= io->first_line + io->nr_lines)
			continue;
		u32 reg = IO_REDIRECTION + 2 * (global_line - io->first_line);

		io_write(io, reg, IO_MASKED);
		io_write(io, reg + 1, target << 24);
		io_write(io, reg, low);
		return true;
	}
	return false;
}

void apic_init(void)
{
	bool is_x2apic = read_msr(MSR_APIC_BASE) & BASE_X2APIC;

	silence_old_controllers();
	if (!features.has_x2apic && !is_x2apic) {
		registers = kernel_map_device(acpi.local_apic, PAGE_SIZE);
		if (!registers)
			panic("no memory to map the local APIC");
	}
	apic_init_cpu();
	for (u32 i = 0; i < acpi.nr_io_apics; i++)
		io_apic_init(&acpi.io_apics[i]);
}
