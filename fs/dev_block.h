#pragma once
/*
 * dev_block.h - a disk opened as a file: its bytes are those of the device's cache, which the file systems use too.
 */
struct file_ops;
extern const struct file_ops block_file_ops;    // devfs_owner is the struct block_device
