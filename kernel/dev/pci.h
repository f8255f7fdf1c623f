#pragma once
/*
 * pci.h - finding devices on the PCI bus and making them usable: registers mapped, bus mastering,
 * MSI-X. Device drivers own what the registers mean.
 */
#include "types.h"
#include "x86/irq.h"

#define PCI_NR_BARS 6

enum pci_offset {
	PCI_VENDOR = 0x00, PCI_DEVICE = 0x02, PCI_COMMAND = 0x04, PCI_STATUS = 0x06, PCI_REVISION = 0x08,
	PCI_CLASS = 0x0a, PCI_HEADER_TYPE = 0x0e, PCI_BAR = 0x10, PCI_SECONDARY_BUS = 0x19,
	PCI_SUBSYSTEM_ID = 0x2e, PCI_CAPABILITIES = 0x34,
};

#define PCI_CLASS_DISPLAY 0x03          // in the upper byte of pci_device.class

enum pci_capability { PCI_CAPABILITY_VENDOR = 0x09, PCI_CAPABILITY_MSIX = 0x11 };

struct pci_bar {
	paddr_t start;
	u64 size;                       // 0: absent, or ports
	volatile u8 *registers;         // once pci_map_bar has mapped it
};

struct pci_device {
	u8 bus, slot, function;
	u16 vendor, device, class;
	struct pci_bar bars[PCI_NR_BARS];
	u8 msix;                        // offset of the capability; 0: none
	u32 nr_msix;                    // entries of its table
	volatile u32 *msix_table;       // once pci_msix_start has mapped it
};

// Finds every device behind the host bridge. Once, before the others.
void pci_scan(void);
struct pci_device *pci_next(struct pci_device *previous);       // NULL: the first; NULL at the end

u8 pci_read8(const struct pci_device *d, u32 offset);
u16 pci_read16(const struct pci_device *d, u32 offset);
u32 pci_read32(const struct pci_device *d, u32 offset);
void pci_write16(const struct pci_device *d, u32 offset, u16 value);
void pci_write32(const struct pci_device *d, u32 offset, u32 value);

// The next capability of that kind behind offset `previous` (0: the first); 0 when there is none.
u8 pci_find_capability(const struct pci_device *d, enum pci_capability id, u8 previous);
// [offset, offset + nr_bytes) of a memory BAR, mapped; NULL when it is not within a BAR, or no
// memory. May sleep.
volatile u8 *pci_map_bar(struct pci_device *d, u32 bar, u64 offset, u64 nr_bytes);
void pci_enable(struct pci_device *d);  // memory decoding and bus mastering on, the INTx pin off

// Maps the MSI-X table and turns MSI-X on, with every entry masked. 0, -ENODEV, -ENOMEM.
int pci_msix_start(struct pci_device *d) MUST_CHECK;
// Entry n interrupts this CPU and calls the handler. 0 or -errno.
int pci_msix_connect(struct pci_device *d, u32 entry, irq_handler handler, void *owner) MUST_CHECK;
