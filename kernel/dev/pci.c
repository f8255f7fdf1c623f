/*
 * pci.c - the PCI bus through configuration mechanism 1 (PCI Local Bus 3.0, 3.2.2.3.2), which every
 * PC has; nothing here lies in the extended space that only ECAM reaches. Buses are found by going
 * through the bridges that the firmware has set up; BARs stay where it put them. config_lock covers
 * the address port and the data port, which belong together. The list of devices is constant after
 * pci_scan.
 */
#include "dev/pci.h"
#include "kernel.h"
#include "sync/lock.h"
#include "x86/insn.h"
#include "x86/kernel_map.h"
#include <abi/errno.h>

#define MAX_DEVICES 64
#define ADDRESS_PORT 0xcf8
#define DATA_PORT 0xcfc

enum {
	COMMAND_MEMORY = 1u << 1, COMMAND_BUS_MASTER = 1u << 2, COMMAND_INTX_OFF = 1u << 10,
	STATUS_CAPABILITIES = 1u << 4,
	HEADER_MULTIFUNCTION = 0x80, HEADER_KIND = 0x7f, HEADER_NORMAL = 0, HEADER_BRIDGE = 1,
	BAR_IS_PORTS = 1u << 0, BAR_KIND = 3u << 1, BAR_IS_64_BIT = 2u << 1,
	MSIX_CONTROL = 2, MSIX_TABLE = 4, MSIX_ENTRY_SIZE = 16,
	MSIX_ENABLE = 1u << 15, MSIX_MASK_ALL = 1u << 14, MSIX_NR_MASK = 0x7ff,
};

static struct spinlock config_lock = SPINLOCK_INIT("pci configuration", RANK_DEVICE);
static struct pci_device devices[MAX_DEVICES];
static u32 nr_devices;
static u32 buses_seen[256 / 32];        // a bit a bus, so that broken bridges do not send us round in circles

/* --- configuration space ---------------------------------------------------- */

// Lock held: what the data port leads to.
static void select(const struct pci_device *d, u32 offset)
{
	u32 device = (u32)d->bus << 8 | (u32)d->slot << 3 | d->function;

	port_out32(ADDRESS_PORT, 1u << 31 | device << 8 | (offset & 0xfc));
}

static u32 config_read(const struct pci_device *d, u32 offset)
{
	u64 flag = spin_lock_irq(&config_lock);

	select(d, offset);
	u32 value = port_in32(DATA_PORT);

	spin_unlock_irq(&config_lock, flag);
	return value;
}

static void config_write(const struct pci_device *d, u32 offset, u32 value)
{
	u64 flag = spin_lock_irq(&config_lock);

	select(d, offset);
	port_out32(DATA_PORT, value);
	spin_unlock_irq(&config_lock, flag);
}

u32 pci_read32(const struct pci_device *d, u32 offset)
{
	return config_read(d, offset);
}

u16 pci_read16(const struct pci_device *d, u32 offset)
{
	return (u16)(config_read(d, offset) >> (offset & 2) * 8);
}

u8 pci_read8(const struct pci_device *d, u32 offset)
{
	return (u8)(config_read(d, offset) >> (offset & 3) * 8);
}

void pci_write32(const struct pci_device *d, u32 offset, u32 value)
{
	config_write(d, offset, value);
}

// The other half is written back as it is: not for PCI_COMMAND's neighbour, whose bits are cleared
// by writing ones.
void pci_write16(const struct pci_device *d, u32 offset, u16 value)
{
	u32 shift = (offset & 2) * 8;
	u32 whole = config_read(d, offset);

	if ((offset & 0xfc) == PCI_COMMAND)
		whole = 0;
	config_write(d, offset, (whole & ~(0xffffu << shift)) | (u32)value << shift);
}

u8 pci_find_capability(const struct pci_device *d, enum pci_capability id, u8 previous)
{
	u32 at, left = 48;              // as many as fit: a list in a circle ends here

	if (!(pci_read16(d, PCI_STATUS) & STATUS_CAPABILITIES))
		return 0;
	at = previous ? pci_read8(d, previous + 1u) : pci_read8(d, PCI_CAPABILITIES);
	for (at &= 0xfc; at >= 0x40 && left > 0; at = pci_read8(d, at + 1) & 0xfcu, left--)
		if (pci_read8(d, at) == id)
			return (u8)at;
	return 0;
}

/* --- finding devices -------------------------------------------------------- */

// How many bytes a BAR decodes: ones are written, the bits that stick tell. Decoding is off
// meanwhile.
static void size_bars(struct pci_device *d)
{
	u16 command = pci_read16(d, PCI_COMMAND);

	pci_write16(d, PCI_COMMAND, command & (u16)~3u);
	for (u32 i = 0; i < PCI_NR_BARS; i++) {
		u32 offset = PCI_BAR + 4 * i;
		u32 low = pci_read32(d, offset), high = 0;
		bool is_wide = (low & BAR_KIND) == BAR_IS_64_BIT && i + 1 < PCI_NR_BARS;
		u64 mask;

		if (low & BAR_IS_PORTS)
			continue;
		pci_write32(d, offset, ~0u);
		mask = 0xffffffff00000000ul | (pci_read32(d, offset) & ~0xfu);
		pci_write32(d, offset, low);
		if (is_wide) {
			high = pci_read32(d, offset + 4);
			pci_write32(d, offset + 4, ~0u);
			mask = (mask & 0xffffffffu) | (u64)pci_read32(d, offset + 4) << 32;
			pci_write32(d, offset + 4, high);
		}
		d->bars[i].start = (u64)high << 32 | (low & ~0xfu);
		d->bars[i].size = (u32)mask || is_wide ? ~mask + 1 : 0;
		if (!d->bars[i].start)
			d->bars[i].size = 0;            // the firmware gave it no place
		i += is_wide;
	}
	pci_write16(d, PCI_COMMAND, command);
}

static void scan_bus(u32 bus);

static void scan_function(const struct pci_device *at)
{
	u32 kind = pci_read8(at, PCI_HEADER_TYPE) & HEADER_KIND;

	if (kind == HEADER_BRIDGE) {
		scan_bus(pci_read8(at, PCI_SECONDARY_BUS));
		return;
	}
	if (kind != HEADER_NORMAL)
		return;
	if (nr_devices == MAX_DEVICES) {
		printk("pci: more than %u devices: %02x:%02x.%u is left out\n", MAX_DEVICES, at->bus,
		       at->slot, at->function);
		return;
	}
	struct pci_device *d = &devices[nr_devices++];

	*d = *at;
	d->vendor = pci_read16(d, PCI_VENDOR);
	d->device = pci_read16(d, PCI_DEVICE);
	d->class = pci_read16(d, PCI_CLASS);
	d->msix = pci_find_capability(d, PCI_CAPABILITY_MSIX, 0);
	size_bars(d);
}

static void scan_bus(u32 bus)
{
	if (buses_seen[bus / 32] & 1u << bus % 32)
		return;
	buses_seen[bus / 32] |= 1u << bus % 32;
	for (u32 slot = 0; slot < 32; slot++) {
		u32 nr_functions = 1;

		for (u32 function = 0; function < nr_functions; function++) {
			struct pci_device at = { .bus = (u8)bus, .slot = (u8)slot, .function = (u8)function };

			if (pci_read16(&at, PCI_VENDOR) == 0xffff)
				continue;
			if (function == 0 && pci_read8(&at, PCI_HEADER_TYPE) & HEADER_MULTIFUNCTION)
				nr_functions = 8;
			scan_function(&at);
		}
	}
}

void pci_scan(void)
{
	scan_bus(0);
	printk("pci: %u devices\n", nr_devices);
}

struct pci_device *pci_next(struct pci_device *previous)
{
	struct pci_device *d = previous ? previous + 1 : devices;

	return d < devices + nr_devices ? d : NULL;
}

/* --- using one -------------------------------------------------------------- */

volatile u8 *pci_map_bar(struct pci_device *d, u32 bar, u64 offset, u64 nr_bytes)
{
	struct pci_bar *b;

	if (bar >= PCI_NR_BARS)
		return NULL;
	b = &d->bars[bar];
	if (!b->size || offset > b->size || nr_bytes > b->size - offset)
		return NULL;
	if (!b->registers)
		b->registers = kernel_map_device(b->start, min(b->size, 1ul << 24));
	if (!b->registers || offset + nr_bytes > 1ul << 24)
		return NULL;
	return b->registers + offset;
}

void pci_enable(struct pci_device *d)
{
	u16 command = pci_read16(d, PCI_COMMAND);

	pci_write16(d, PCI_COMMAND, command | COMMAND_MEMORY | COMMAND_BUS_MASTER | COMMAND_INTX_OFF);
}

int pci_msix_start(struct pci_device *d)
{
	if (!d->msix)
		return -ENODEV;
	u16 control = pci_read16(d, d->msix + MSIX_CONTROL);
	u32 table = pci_read32(d, d->msix + MSIX_TABLE);

	d->nr_msix = (control & MSIX_NR_MASK) + 1u;
	d->msix_table = (volatile u32 *)pci_map_bar(d, table & 7, table & ~7u, (u64)d->nr_msix * MSIX_ENTRY_SIZE);
	if (!d->msix_table)
		return -ENOMEM;
	for (u32 i = 0; i < d->nr_msix; i++)
		d->msix_table[i * 4 + 3] = 1;           // masked
	pci_write16(d, d->msix + MSIX_CONTROL, (control | MSIX_ENABLE) & (u16)~MSIX_MASK_ALL);
	return 0;
}

int pci_msix_connect(struct pci_device *d, u32 entry, irq_handler handler, void *owner)
{
	struct msi_message message;
	volatile u32 *e;

	if (!d->msix_table || entry >= d->nr_msix)
		return -ENODEV;
	int error = irq_alloc_msi(0, handler, owner, &message);

	if (error)
		return error;
	e = d->msix_table + entry * 4;
	e[0] = (u32)message.address;
	e[1] = (u32)(message.address >> 32);
	e[2] = message.data;
	e[3] = 0;
	return 0;
}
