/*
 * device.c - which drivers there are, and their order.
 */
#include "dev/device.h"
#include "boot/bootinfo.h"
#include "debug/log.h"
#include "dev/block.h"
#include "dev/host_stream.h"
#include "dev/keyboard.h"
#include "dev/pci.h"
#include "dev/screen.h"
#include "dev/terminal.h"
#include "dev/virtio_block.h"
#include "fs/devfs.h"
#include "kernel.h"
#include <abi/stat.h>

// Without a display adapter, what answers at the place of the VGA's text may be plain RAM.
static bool has_screen(void)
{
	for (struct pci_device *d = pci_next(NULL); d; d = pci_next(d))
		if (d->class >> 8 == PCI_CLASS_DISPLAY)
			return true;
	return bootinfo.framebuffer.address != 0;
}

void devices_init(void)
{
	block_room_init();
	pci_scan();
	if (has_screen()) {
		screen_init();
		log_start_screen();
		screen_start();
	}
	host_stream_init();             // first choice on COM1
	terminal_init();
	keyboard_init();                // types into the terminal
	for (struct pci_device *d = pci_next(NULL); d; d = pci_next(d))
		if (virtio_block_matches(d))
			virtio_block_add(d);
}

int devices_register_files(void)
{
	devfs_add("console", S_IFCHR | 0600, ABI_MKDEV(5, 1), &terminal_ops, &terminal);
	devfs_add("tty", S_IFCHR | 0666, ABI_MKDEV(5, 0), &current_terminal_ops, &terminal);
	devfs_add("ttyS0", S_IFCHR | 0660, ABI_MKDEV(4, 64), &terminal_ops, &terminal);
	devfs_add("host", S_IFCHR | 0600, ABI_MKDEV(10, 240), &host_stream_ops, NULL);
	return 0;
}
