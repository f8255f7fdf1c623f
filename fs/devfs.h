#pragma once
/*
 * devfs.h - /dev, and which driver a device number means. The tree itself is a tmpfs (fs/tmpfs.h) that is filled
 * with the registered devices when it is mounted; so nodes may also be made, renamed and removed by hand,
 * and device nodes of other file systems work too.
 */
#include "types.h"

struct inode;
struct file_ops;

// Registers a device: mode is S_IFCHR or S_IFBLK and permissions, device_number as ABI_MKDEV makes it.
// At boot only, before devfs is mounted. The name must stay (a constant).
void devfs_add(const char *name, u32 mode, u64 device_number, const struct file_ops *ops, void *owner);
// The owner of the device that a device inode means; NULL: nobody has registered it.
void *devfs_owner(const struct inode *ip);
// Registers the file system "devfs" and the devices null, zero, full, random, urandom and kmsg.
// Disks are added when it is mounted: every one there is then.
void devfs_init(void);
