/*
 * mount.c - which trees there are and where they hang. mount_lock (mutex) covers mounting and
 * unmounting. types_lock (spin) covers the lists for a step at a time: a walk pins the superblock
 * where it stands, and unmount waits until no walk stands on the one that leaves.
 */
#include "kernel.h"
#include "dev/block.h"
#include "fs/names.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include <abi/errno.h>
#include <abi/mount.h>

#define FLAGS_KEPT (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_NOATIME | MS_NODIRATIME | \
		    MS_STRICTATIME)

static struct mutex mount_lock;                 // outermost
static struct list types = LIST_INIT(types);    // GUARDED_BY(types_lock)
static struct list mounts = LIST_INIT(mounts);  // GUARDED_BY(types_lock) in the order of mounting
static struct spinlock types_lock = SPINLOCK_INIT("mounts", RANK_DENTRY);
static struct wait_queue leave_wait = { .waiters = LIST_INIT(leave_wait.waiters) };
static u32 next_minor = 32;                     // GUARDED_BY(mount_lock) for trees without a device
static struct dentry *the_root;                 // constant once / is mounted

// The lock has no static initialiser; the first file system registers before there are two threads.
void file_system_register(struct file_system *fs)
{
	if (!mount_lock.rank)
		mutex_init(&mount_lock, "mount_lock", RANK_MOUNT);
	spin_lock(&types_lock);
	list_push_back(&types, &fs->link);
	spin_unlock(&types_lock);
}

struct file_system *file_system_next(struct file_system *previous)
{
	struct file_system *fs = NULL;

	spin_lock(&types_lock);
	struct list *at = previous ? previous->link.next : types.next;

	if (at != &types)
		fs = list_entry(at, struct file_system, link);
	spin_unlock(&types_lock);
	return fs;
}

static struct file_system *find_type(const char *name)
{
	struct file_system *fs, *found = NULL;

	spin_lock(&types_lock);
	list_for_each(fs, &types, link) {
		if (strcmp(fs->name, name) == 0)
			found = fs;
	}
	spin_unlock(&types_lock);
	return found;
}

void superblock_init(struct superblock *sb, struct file_system *type,
		     const struct superblock_ops *ops, struct block_device *device)
{
	*sb = (struct superblock){ .ops = ops, .type = type, .device = device };
	mutex_init(&sb->rename_lock, "superblock.rename_lock", RANK_RENAME);
	list_init(&sb->inodes);
	list_init(&sb->dirty_inodes);
	list_init(&sb->link);
}

int superblock_set_root(struct superblock *sb, struct inode *root)
{
	sb->root = dentry_create_root(sb, root);
	if (sb->root)
		return 0;
	inode_put(root);
	return -ENOMEM;
}

bool inode_is_mounted(const struct inode *ip, u32 flags)
{
	return ip->sb && READ_ONCE(ip->sb->flags) & flags;
}

struct dentry *root_dentry(void)
{
	return the_root;
}

// types_lock held. True: an unmount waits for this one to go.
static bool unpin_locked(struct superblock *sb)
{
	return --sb->nr_pins == 0 && sb->is_leaving;
}

struct superblock *superblock_next(struct superblock *previous)
{
	bool wakes = false;

	spin_lock(&types_lock);
	struct list *at = previous ? previous->link.next : mounts.next;

	while (at != &mounts && list_entry(at, struct superblock, link)->is_leaving)
		at = at->next;
	struct superblock *sb = at == &mounts ? NULL : list_entry(at, struct superblock, link);

	if (sb)
		sb->nr_pins++;
	if (previous)
		wakes = unpin_locked(previous);
	spin_unlock(&types_lock);
	if (wakes)
		wake_all(&leave_wait);
	return sb;
}

void superblock_unpin(struct superblock *sb)
{
	spin_lock(&types_lock);
	bool wakes = unpin_locked(sb);

	spin_unlock(&types_lock);
	if (wakes)
		wake_all(&leave_wait);
}

// Takes it off the list, when nobody's walk stands there any more.
static void delist(struct superblock *sb)
{
	spin_lock(&types_lock);
	sb->is_leaving = true;
	spin_unlock(&types_lock);
	wait_event(&leave_wait, READ_ONCE(sb->nr_pins) == 0);
	spin_lock(&types_lock);
	list_remove(&sb->link);
	spin_unlock(&types_lock);
}

static bool is_mounted(struct block_device *device)
{
	for (struct superblock *sb = superblock_next(NULL); sb; sb = superblock_next(sb)) {
		if (sb->device == device) {
			superblock_unpin(sb);
			return true;
		}
	}
	return false;
}

// mount_lock held. Asks the file system; the new superblock is in no list yet.
static int make_superblock(const char *type, const char *device_name, u32 flags,
			   const char *options, struct superblock **out)
{
	struct file_system *fs = find_type(type);
	struct block_device *device = NULL;
	struct superblock *sb;

	if (!fs)
		return -ENODEV;
	if (fs->needs_device) {
		device = block_device_find(device_name);
		if (!device)
			return -ENXIO;
		if (is_mounted(device))
			return -EBUSY;
	}
	int error = fs->mount(fs, device, options ? options : "", flags & FLAGS_KEPT, &sb);

	if (error)
		return error;
	sb->flags |= flags & FLAGS_KEPT;
	string_copy(sb->device_name, device_name && *device_name ? device_name : type,
		    sizeof(sb->device_name));
	if (device)
		sb->device_id = (u32)ABI_MKDEV(DISK_MAJOR, device->number * DISK_MINORS);
	else if (!sb->device_id)
		sb->device_id = next_minor++;
	*out = sb;
	return 0;
}

static void enlist(struct superblock *sb)
{
	spin_lock(&types_lock);
	list_push_back(&mounts, &sb->link);
	spin_unlock(&types_lock);
}

int mount_root(const char *device, u32 flags, const char *options)
{
	struct superblock *sb;

	mutex_lock(&mount_lock);
	int error = the_root ? -EBUSY : make_superblock("ext2", device, flags, options, &sb);

	if (!error) {
		enlist(sb);
		the_root = sb->root;
	}
	mutex_unlock(&mount_lock);
	return error;
}

static void look_for_writer(struct inode *ip, void *argument)
{
	if (atomic_load(&ip->nr_writers) > 0)
		*(bool *)argument = true;
}

// From here on nobody begins to write. -EBUSY: somebody has a file open for writing already.
static int stop_writing(struct superblock *sb)
{
	bool has_writer = false;

	atomic_or(&sb->flags, MS_RDONLY);       // first: whoever opens now looks at it last
	inodes_for_each(sb, look_for_writer, &has_writer);
	return has_writer ? -EBUSY : inodes_write_back(sb, U64_MAX, SYNC_WAIT);
}

// MS_REMOUNT: flags change, above all read-only.
static int remount(struct dentry *where, u32 flags)
{
	struct superblock *sb = where->sb;
	u32 before = sb->flags;
	int error = 0;

	if (where != sb->root)
		return -EINVAL;
	if (flags & ~before & MS_RDONLY)
		error = stop_writing(sb);
	if (!error && (flags ^ before) & MS_RDONLY && sb->ops->remount)
		error = sb->ops->remount(sb, flags & FLAGS_KEPT);
	WRITE_ONCE(sb->flags, error ? before : flags & FLAGS_KEPT);
	return error;
}

int mount_at(const char *type, const char *device, struct dentry *where, u32 flags, const char *options)
{
	struct superblock *sb;
	int error;

	mutex_lock(&mount_lock);
	if (flags & MS_REMOUNT)
		error = remount(where, flags);
	else if (flags & (MS_BIND | MS_MOVE))
		error = -EINVAL;
	else if (!S_ISDIR(where->inode->mode))
		error = -ENOTDIR;
	else if (where->mounted || where == the_root || where->inode->nr_links == 0)
		error = -EBUSY;
	else
		error = make_superblock(type, device, flags, options, &sb);
	if (!error && !(flags & MS_REMOUNT)) {
		sb->mounted_on = dentry_hold(where);
		enlist(sb);
		atomic_store(&where->mounted, sb);
	}
	mutex_unlock(&mount_lock);
	return error;
}

// Everything of this file system onto its disk, but for the flush. The first error.
static int write_everything(struct superblock *sb)
{
	int error = inodes_write_back(sb, U64_MAX, SYNC_WAIT), later = 0;

	if (sb->ops->sync)
		later = sb->ops->sync(sb);
	error = error ? error : later;
	if (sb->device)
		later = cache_write_back(&sb->device->cache, 0, U64_MAX - 1, SYNC_WAIT);
	return error ? error : later;
}

static int flush(struct superblock *sb)
{
	return sb->device ? block_flush(sb->device) : 0;
}

int superblock_changed(struct superblock *sb)
{
	int error = 0, later;

	if (likely(!(sb->flags & MS_SYNCHRONOUS)))
		return 0;
	error = write_everything(sb);
	later = flush(sb);
	return error ? error : later;
}

static void destroy(struct superblock *sb)
{
	struct block_device *device = sb->device;
	int error = write_everything(sb);

	error = flush(sb) || error;
	if (error)
		printk("mount: %s: not everything could be written\n", sb->device_name);
	dentry_put(sb->root);
	inodes_drop_all(sb);
	sb->ops->unmount(sb);           // frees sb
	if (device && (cache_write_back(&device->cache, 0, U64_MAX - 1, SYNC_WAIT) ||
		       block_flush(device)))
		printk("mount: the disk could not be marked clean\n");
}

int unmount(struct dentry *where, u32 flags)
{
	struct superblock *sb = where->sb;
	int error = 0;

	(void)flags;
	mutex_lock(&mount_lock);
	if (where != sb->root) {
		error = -EINVAL;
	} else if (!sb->mounted_on) {
		error = -EBUSY;                 // the root file system stays
	} else {
		// The caller holds the root, and so does the superblock; anybody else uses it.
		dentries_drop_all(sb);
		if (atomic_load(&sb->root->refs) > 2)
			error = -EBUSY;
	}
	if (!error) {
		atomic_store(&sb->mounted_on->mounted, NULL);
		delist(sb);
		dentry_put(sb->mounted_on);
		dentry_put(where);              // the caller's reference is used up
		destroy(sb);
	}
	mutex_unlock(&mount_lock);
	return error;
}

void sync_all(void)
{
	for (struct superblock *sb = superblock_next(NULL); sb; sb = superblock_next(sb)) {
		int error = write_everything(sb);

		error = flush(sb) || error;
		if (error)
			printk("sync: %s: not everything could be written\n", sb->device_name);
	}
}

static void evict_unnamed(struct inode *ip, void *argument)
{
	(void)argument;
	if (ip->nr_links == 0 && ip->sb->ops->inode_evict) {
		cache_truncate_pages(&ip->cache, 0);
		ip->sb->ops->inode_evict(ip);
	}
}

/*
 * Power-off: programs may still run and hold files, so nothing is freed. What has no name any more
 * is given back on disk, everything is written, and the disks are marked clean; afterwards the file
 * systems are read-only.
 */
void unmount_all(void)
{
	sync_all();
	for (struct superblock *sb = superblock_next(NULL); sb; sb = superblock_next(sb)) {
		if (!sb->device || sb->flags & MS_RDONLY)
			continue;
		inodes_for_each(sb, evict_unnamed, NULL);
		WRITE_ONCE(sb->flags, sb->flags | MS_RDONLY);
		int error = write_everything(sb);

		if (!error && sb->ops->remount)
			error = sb->ops->remount(sb, sb->flags);
		if (!error)
			error = write_everything(sb);
		error = flush(sb) || error;
		if (error)
			printk("mount: %s: not marked clean, something could not be written\n",
			       sb->device_name);
	}
}
