/*
 * acpi.c - finds and reads the ACPI tables (ACPI 6.4, chapter 5). They are firmware's word: every length is checked
 * against the table that it stands in, every table by its checksum, and what does not fit is left out.
 * Runs once at boot; the result is constant.
 */
#include "x86/acpi.h"
#include "boot/bootinfo.h"
#include "kernel.h"
#include "lib/string.h"
#include "x86/clock.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"

struct PACKED rsdp {
	char signature[8];
	u8 checksum;
	char oem[6];
	u8 revision;
	u32 rsdt;
	u32 length;                     // from here on: revision 2
	u64 xsdt;
	u8 extended_checksum, reserved[3];
};

struct PACKED table_header {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
};
static_assert(sizeof(struct table_header) == 36, "ACPI 5.2.6");

struct PACKED address { u8 space, bit_width, bit_offset, access_size; u64 address; };

struct PACKED fadt {
	struct table_header header;
	u32 facs, dsdt;
	u8 reserved0, profile;
	u16 sci;
	u32 smi_command;
	u8 acpi_enable, acpi_disable, s4bios, pstate;
	u32 pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0, gpe1;
	u8 pm1_event_length, pm1_control_length, pm2_length, pm_timer_length, gpe0_length, gpe1_length, gpe1_base;
	u8 cst;
	u16 latency2, latency3, flush_size, flush_stride;
	u8 duty_offset, duty_width, day_alarm, month_alarm, century;
	u16 boot_flags;
	u8 reserved1;
	u32 flags;
	struct address reset;
	u8 reset_value;
	u16 arm_flags;
	u8 minor;
	u64 x_facs, x_dsdt;
};

enum { FADT_TIMER_32_BIT = 1u << 8, FADT_HAS_RESET = 1u << 10 };

struct PACKED madt {
	struct table_header header;
	u32 local_apic, flags;
	u8 entries[];
};

enum { MADT_CPU = 0, MADT_IO_APIC = 1, MADT_OVERRIDE = 2, MADT_ADDRESS = 5, MADT_X2APIC = 9 };
enum { CPU_ENABLED = 1 };

struct PACKED madt_cpu { u8 type, length, acpi_id, apic_id; u32 flags; };
struct PACKED madt_io_apic { u8 type, length, id, reserved; u32 address, first_line; };
struct PACKED madt_override { u8 type, length, bus, line; u32 global_line; u16 flags; };
struct PACKED madt_address { u8 type, length; u16 reserved; u64 address; };
struct PACKED madt_x2apic { u8 type, length; u16 reserved; u32 apic_id, flags, acpi_id; };

struct PACKED hpet_table {
	struct table_header header;
	u32 id;
	struct address address;
};

struct acpi acpi = { .local_apic = 0xfee00000 };

static struct {
	u16 pm1a, pm1b;                 // control ports; 0: none
	u8 sleep_type_a, sleep_type_b;
	bool can_power_off;
	struct address reset;           // address 0: none
	u8 reset_value;
} power;

// Firmware memory, wherever it lies; NULL when it cannot be mapped.
static const void *firmware_map(paddr_t start, size_t size)
{
	return kernel_map_shows(start, size) ? direct_map(start) : kernel_map_device(start, size);
}

static bool checksum_is_good(const void *start, size_t size)
{
	const u8 *byte = start;
	u8 sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += byte[i];
	return sum == 0;
}

static const struct rsdp *rsdp_check(paddr_t at)
{
	const struct rsdp *r = firmware_map(at, sizeof(*r));

	if (!r || memcmp(r->signature, "RSD PTR ", 8) != 0 || !checksum_is_good(r, 20))
		return NULL;
	return r;
}

// Where the loader says, else the BIOS places of ACPI 5.2.5.1.
static const struct rsdp *rsdp_find(void)
{
	const struct rsdp *r = bootinfo.rsdp ? rsdp_check(bootinfo.rsdp) : NULL;
	paddr_t ebda = (paddr_t)*(const u16 *)direct_map(0x40e) << 4;

	for (paddr_t at = ebda; !r && ebda >= 0x80000 && at < ebda + 1024; at += 16)
		r = rsdp_check(at);
	for (paddr_t at = 0xe0000; !r && at < 0x100000; at += 16)
		r = rsdp_check(at);
	return r;
}

static const struct table_header *table_map(paddr_t at)
{
	const struct table_header *h = firmware_map(at, sizeof(*h));

	if (!h || h->length < sizeof(*h) || h->length > 16u << 20)
		return NULL;
	h = firmware_map(at, h->length);
	if (h && !checksum_is_good(h, h->length)) {
		printk("acpi: table %.4s has a wrong checksum and is not used\n", h->signature);
		return NULL;
	}
	return h;
}

// --- MADT ---

static void cpu_add(u32 id, u32 flags)
{
	if (!(flags & CPU_ENABLED))
		return;
	for (u32 i = 0; i < acpi.nr_cpus; i++)
		if (acpi.apic_ids[i] == id)             // listed both ways
			return;
	if (acpi.nr_cpus < MAX_CPUS)
		acpi.apic_ids[acpi.nr_cpus++] = id;
	else
		printk("acpi: the CPU with APIC id %u stays off: %u are used at most\n", id, MAX_CPUS);
}

static void override_add(const struct madt_override *o)
{
	if (o->line >= NR_ISA_LINES)
		return;
	acpi.isa_lines[o->line] = (struct acpi_isa_line){
		.global_line = o->global_line,
		.is_active_low = (o->flags & 3) == 3,
		.is_level = (o->flags >> 2 & 3) == 3,
	};
}

static void madt_entry(const u8 *e)
{
	const struct madt_cpu *cpu = (const void *)e;
	const struct madt_x2apic *x2 = (const void *)e;
	const struct madt_io_apic *io = (const void *)e;

	if (e[0] == MADT_CPU && e[1] >= sizeof(*cpu))
		cpu_add(cpu->apic_id, cpu->flags);
	else if (e[0] == MADT_X2APIC && e[1] >= sizeof(*x2))
		cpu_add(x2->apic_id, x2->flags);
	else if (e[0] == MADT_IO_APIC && e[1] >= sizeof(*io) && acpi.nr_io_apics < MAX_IO_APICS)
		acpi.io_apics[acpi.nr_io_apics++] = (struct acpi_io_apic){ io->address, io->first_line };
	else if (e[0] == MADT_OVERRIDE && e[1] >= sizeof(struct madt_override))
		override_add((const void *)e);
	else if (e[0] == MADT_ADDRESS && e[1] >= sizeof(struct madt_address))
		acpi.local_apic = ((const struct madt_address *)e)->address;
}

static void read_madt(const struct madt *m)
{
	const u8 *end = (const u8 *)m + m->header.length;

	if (m->header.length < sizeof(*m))
		return;
	acpi.local_apic = m->local_apic;
	for (const u8 *e = m->entries; e + 2 <= end && e[1] >= 2 && e + e[1] <= end; e += e[1])
		madt_entry(e);
}

// --- FADT and \_S5 ---

// The next small integer of a package (ACPI 20.2.3): ZeroOp, OneOp, or BytePrefix and a byte.
static u8 package_byte(const u8 **at)
{
	u8 value = *(*at)++;

	return value == 0x0a ? *(*at)++ : value;
}

// Looks for Name (\_S5, Package () { a, b, ... }) in the DSDT's bytes.
static void read_sleep_type(const struct table_header *dsdt)
{
	const u8 *s = (const u8 *)(dsdt + 1);
	const u8 *end = (const u8 *)dsdt + dsdt->length;

	for (; s + 12 < end; s++) {
		if (memcmp(s, "_S5_\x12", 5) != 0 || (s[-1] != 0x08 && s[-2] != 0x08))
			continue;
		const u8 *at = s + 5;

		at += (at[0] >> 6) + 1;                 // the package's length has 1 to 4 bytes
		at++;                                   // its number of elements
		if (at + 4 > end)
			return;
		power.sleep_type_a = package_byte(&at) & 7;
		power.sleep_type_b = package_byte(&at) & 7;
		power.can_power_off = power.pm1a != 0;
		return;
	}
}

static void read_fadt(const struct fadt *f)
{
	u32 length = f->header.length;
	const struct table_header *dsdt;

	if (length < offsetof(struct fadt, reset))
		return;
	power.pm1a = (u16)f->pm1a_control;
	power.pm1b = (u16)f->pm1b_control;
	acpi.century_register = f->century;
	if (f->pm_timer_length == 4) {
		acpi.pm_timer_port = (u16)f->pm_timer;
		acpi.pm_timer_is_32_bit = f->flags & FADT_TIMER_32_BIT;
	}
	if ((f->flags & FADT_HAS_RESET) && length >= offsetof(struct fadt, arm_flags)) {
		power.reset = f->reset;
		power.reset_value = f->reset_value;
	}
	// Hand the power registers over from the firmware, if it still has them.
	if (f->smi_command && f->acpi_enable && power.pm1a && !(port_in16(power.pm1a) & 1))
		port_out8((u16)f->smi_command, f->acpi_enable);
	dsdt = table_map(length >= sizeof(*f) && f->x_dsdt ? f->x_dsdt : f->dsdt);
	if (dsdt)
		read_sleep_type(dsdt);
}

static void read_table(paddr_t at)
{
	const struct table_header *h = table_map(at);

	if (!h)
		return;
	if (memcmp(h->signature, "APIC", 4) == 0)
		read_madt((const void *)h);
	else if (memcmp(h->signature, "FACP", 4) == 0)
		read_fadt((const void *)h);
	else if (memcmp(h->signature, "HPET", 4) == 0 && h->length >= sizeof(struct hpet_table))
		acpi.hpet = ((const struct hpet_table *)h)->address.address;
}

static void read_root(const struct rsdp *r)
{
	bool is_long = r->revision >= 2 && r->xsdt;
	const struct table_header *root = table_map(is_long ? r->xsdt : r->rsdt);
	u32 width = is_long ? 8 : 4;
	const char *entry, *end;

	if (!root) {
		printk("acpi: the root table is damaged\n");
		return;
	}
	end = (const char *)root + root->length;
	for (entry = (const char *)(root + 1); entry + width <= end; entry += width) {
		u64 at = 0;

		memcpy(&at, entry, width);
		read_table(at);
	}
}

void acpi_init(void)
{
	const struct rsdp *r = rsdp_find();

	for (u32 i = 0; i < NR_ISA_LINES; i++)
		acpi.isa_lines[i].global_line = i;
	if (r)
		read_root(r);
	else
		printk("acpi: no tables: one CPU, no power-off\n");
	printk("acpi: %u CPUs, %u I/O APICs, %s\n", acpi.nr_cpus, acpi.nr_io_apics,
		power.can_power_off ? "power-off known" : "no way to power off");
}

void acpi_power_off(void)
{
	interrupts_close();
	if (power.can_power_off) {
		port_out16(power.pm1a, (u16)(power.sleep_type_a << 10 | 1u << 13));
		if (power.pm1b)
			port_out16(power.pm1b, (u16)(power.sleep_type_b << 10 | 1u << 13));
		clock_delay_us(100000);
	}
	printk("acpi: power-off did nothing; the processor stops\n");
	cpu_halt_forever();
}

// The way the FADT tells, then the keyboard controller, then a triple fault, which no PC survives.
void machine_reset(void)
{
	static const struct { u16 limit; u64 base; } PACKED no_idt;

	interrupts_close();
	if (power.reset.space == 1 && power.reset.address) {
		port_out8((u16)power.reset.address, power.reset_value);
		clock_delay_us(50000);
	} else if (power.reset.space == 0 && power.reset.address) {
		volatile u8 *reset = kernel_map_device(power.reset.address, 1);

		if (reset)
			*reset = power.reset_value;
		clock_delay_us(50000);
	}
	port_out8(0x64, 0xfe);
	clock_delay_us(50000);
	load_idt(&no_idt);
	__asm__ volatile("int3");
	cpu_halt_forever();
}
