#pragma once
/*
 * device.h - all devices at once, for the boot.
 */

// Scans the PCI bus and starts the disks, the terminal, the screen and the keyboard. By a thread:
// it may sleep, and disks answer by interrupts.
void devices_init(void);
// Names them in devfs: console, tty, ttyS0, host. Before devfs is mounted. 0 or -errno.
int devices_register_files(void);
