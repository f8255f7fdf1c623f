#pragma once
/*
 * virtio_block.h - virtio disks become block devices (dev/block.h).
 */
#include "types.h"
#include "dev/pci.h"

// True when the PCI device is a virtio disk with a modern interface; then virtio_block_add may be
// called.
bool virtio_block_matches(const struct pci_device *pci);
// Sets the disk up and registers it; says in the log why when it cannot. May sleep.
void virtio_block_add(struct pci_device *pci);
