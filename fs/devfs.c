/*
 * devfs.c - the table of devices, and the tree of their nodes.
 * The table grows only at boot, before there is a second thread that looks, so reading it takes no lock.
 */
#include "fs/devfs.h"
#include "dev/block.h"
#include "fs/dev_block.h"
#include "fs/dev_memory.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include <abi/errno.h>

#define MAX_DEVICES 48

struct device {
	const char *name;
	u32 mode;
	u64 number;
	const struct file_ops *ops;
	void *owner;
};

static struct device devices[MAX_DEVICES];
static u32 nr_devices;

void devfs_add(const char *name, u32 mode, u64 device_number, const struct file_ops *ops, void *owner)
{
	if (nr_devices == MAX_DEVICES)
		panic("more than %u devices", MAX_DEVICES);
	devices[nr_devices] = (struct device){ name, mode, device_number, ops, owner };
	nr_devices++;
}

static const struct device *device_find(u32 mode, u64 number)
{
	for (u32 i = 0; i < nr_devices; i++)
		if ((devices[i].mode & S_IFMT) == (mode & S_IFMT) && devices[i].number == number)
			return &devices[i];
	return NULL;
}

void *devfs_owner(const struct inode *ip)
{
	const struct device *d = device_find(ip->mode, ip->device_number);

	return d ? d->owner : NULL;
}

static const struct file_ops *ops_find(u32 mode, u64 device_number)
{
	const struct device *d = device_find(mode, device_number);

	return d ? d->ops : NULL;
}

/* --- the tree --------------------------------------------------------------- */

static void add_disks(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	for (struct block_device *d = block_device_next(NULL); d; d = block_device_next(d))
		devfs_add(d->name, S_IFBLK | 0660, ABI_MKDEV(DISK_MAJOR, d->number * DISK_MINORS), &block_file_ops, d);
}

static int make_link(struct inode *root, const char *name, const char *target)
{
	struct inode *ip;
	int error = root->ops->symlink(root, name, target, &ip);

	if (!error)
		inode_put(ip);
	return error;
}

// The root's lock is held.
static int fill_root(struct inode *root)
{
	static const char *const links[][2] = {
		{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" },
		{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
	};
	struct inode *ip;
	int error = 0;

	for (u32 i = 0; i < nr_devices && !error; i++) {
		error = root->ops->create(root, devices[i].name, devices[i].mode, devices[i].number, &ip);
		if (!error)
			inode_put(ip);
	}
	for (u32 i = 0; i < ARRAY_SIZE(links) && !error; i++)
		error = make_link(root, links[i][0], links[i][1]);
	if (!error) {
		error = root->ops->mkdir(root, "shm", 01777, &ip);
		if (!error)
			inode_put(ip);
	}
	return error;
}

static int devfs_mount(struct file_system *fs, struct block_device *device, const char *options, u32 flags,
		       struct superblock **out)
{
	struct inode *root;
	int error = tmpfs_mount(fs, device, options, flags, out);

	if (error)
		return error;
	add_disks();
	root = (*out)->root->inode;
	write_lock(&root->lock);
	error = fill_root(root);
	write_unlock(&root->lock);
	if (error) {
		dentry_put((*out)->root);
		inodes_drop_all(*out);
		(*out)->ops->unmount(*out);
	}
	return error;
}

static struct file_system devfs_type = { .name = "devfs", .mount = devfs_mount };

void devfs_init(void)
{
	device_ops_find = ops_find;
	memory_devices_add();
	file_system_register(&devfs_type);
}
