/*
 * super.c - mounting a tmpfs, its inodes, and the files that have no name anywhere.
 */
#include "fs/tmpfs.h"
#include "fs/tmpfs/internal.h"
#include "kernel.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "proc/thread.h"
#include <abi/errno.h>
#include <abi/mount.h>

static struct slab_cache tmpfs_inodes;
static struct superblock unnamed_sb;
static struct file_system tmpfs_type = { .name = "tmpfs", .mount = tmpfs_mount };

int tmpfs_inode_make(struct superblock *sb, u32 mode, u64 device_number, struct inode **out)
{
	struct tmpfs *fs = sb->private;
	struct inode *ip;
	bool is_new;
	int error = inode_get(sb, atomic_add_return(&fs->next_number, 1), &ip, &is_new);

	if (error)
		return error;
	ip->mode = mode;
	ip->nr_links = S_ISDIR(mode) ? 2 : 1;
	ip->device_number = device_number;
	ip->cache.ops = &tmpfs_cache_ops;
	ip->seals = F_SEAL_SEAL;                // none can be added, but to a memfd
	if (S_ISDIR(mode)) {
		ip->ops = &tmpfs_directory_ops;
		ip->file_ops = &tmpfs_directory_file_ops;
	} else if (S_ISLNK(mode)) {
		ip->ops = &tmpfs_symlink_ops;
	} else {
		ip->ops = &tmpfs_file_inode_ops;
		if (S_ISREG(mode))      // devices and FIFOs have none of their own
			ip->file_ops = &tmpfs_file_ops;
	}
	inode_touch(ip, true, true, true);
	inode_ready(ip);
	*out = ip;
	return 0;
}

static struct inode *tmpfs_inode_alloc(struct superblock *sb)
{
	struct tmpfs_inode *ip = slab_alloc_zeroed(&tmpfs_inodes);

	(void)sb;
	if (!ip)
		return NULL;
	list_init(&ip->entries);
	ip->next_position = TMPFS_FIRST_POSITION;
	tmpfs_swap_init(ip);
	return &ip->inode;
}

static void tmpfs_inode_free(struct inode *ip)
{
	tmpfs_forget_entries(tmpfs_inode(ip));        // only an unmounted tree's root still has some
	tmpfs_swap_forget(tmpfs_inode(ip));
	tmpfs_promise(-(i64)tmpfs_inode(ip)->nr_promised);
	kfree(tmpfs_inode(ip)->target);
	slab_free(&tmpfs_inodes, tmpfs_inode(ip));
}

static void tmpfs_statfs(struct superblock *sb, struct statfs *out)
{
	struct tmpfs *fs = sb->private;
	u64 used = min(atomic_load(&fs->nr_pages), fs->max_pages);

	*out = (struct statfs){
		.f_type = TMPFS_MAGIC,
		.f_bsize = PAGE_SIZE,
		.f_frsize = PAGE_SIZE,
		.f_blocks = fs->max_pages,
		.f_bfree = fs->max_pages - used,
		.f_bavail = fs->max_pages - used,
		.f_namelen = NAME_LENGTH_MAX,
	};
}

static void tmpfs_unmount(struct superblock *sb)
{
	kfree(sb->private);
	kfree(sb);
}

static int tmpfs_show_options(struct superblock *sb, char *buffer, size_t size)
{
	struct tmpfs *fs = sb->private;

	return format_string(buffer, size, ",size=%luk", fs->max_pages * (PAGE_SIZE / 1024));
}

static const struct superblock_ops tmpfs_sb_ops = {
	.inode_alloc = tmpfs_inode_alloc,
	.inode_free = tmpfs_inode_free,
	.statfs = tmpfs_statfs,
	.unmount = tmpfs_unmount,
	.show_options = tmpfs_show_options,
};

// A size as mount options have it: "64k", "1g", "50%" (of memory). -EINVAL.
static int parse_size(const char **at, u64 *max_pages)
{
	u64 value = 0;
	const char *s = *at;

	while (*s >= '0' && *s <= '9' && value < 1ul << 50)
		value = value * 10 + (u64)(*s++ - '0');
	if (s == *at)
		return -EINVAL;
	char unit = *s | 0x20;
	u32 shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;

	*max_pages = *s == '%' ? frames_total() * min(value, 100ul) / 100 : PAGE_ALIGN_UP(value << shift) / PAGE_SIZE;
	*at = s + (shift || *s == '%');
	return 0;
}

static u32 parse_mode(const char **at)
{
	u32 mode = 0;

	while (**at >= '0' && **at <= '7')
		mode = mode * 8 + (u32)(*(*at)++ - '0');
	return mode & 07777;
}

// "size=" and "mode=", separated by commas; without, half of memory, and what *mode is already. -EINVAL.
static int parse_options(const char *options, u64 *max_pages, u32 *mode)
{
	int error = 0;

	*max_pages = frames_total() / 2;
	for (const char *at = options; at && *at && !error; at += *at == ',') {
		if (strncmp(at, "size=", 5) == 0) {
			at += 5;
			error = parse_size(&at, max_pages);
		} else if (strncmp(at, "mode=", 5) == 0) {
			at += 5;
			*mode = parse_mode(&at);
		} else {
			return -EINVAL;
		}
		if (*at && *at != ',')
			return -EINVAL;
	}
	return error;
}

static struct tmpfs *tmpfs_create_state(u64 max_pages)
{
	struct tmpfs *fs = kmalloc_zeroed(sizeof(*fs));

	if (fs)
		fs->max_pages = max_pages;
	return fs;
}

int tmpfs_mount(struct file_system *fs, struct block_device *device, const char *options, u32 flags,
		struct superblock **out)
{
	struct superblock *sb;
	struct inode *root;
	u64 max_pages;
	u32 mode = fs == &tmpfs_type ? 01777 : 0755;
	int error = parse_options(options, &max_pages, &mode);

	(void)flags;
	if (error)
		return error;
	sb = kmalloc(sizeof(*sb));
	if (!sb)
		return -ENOMEM;
	superblock_init(sb, fs, &tmpfs_sb_ops, device);
	sb->max_file_size = I64_MAX;
	sb->private = tmpfs_create_state(max_pages);
	error = sb->private ? tmpfs_inode_make(sb, S_IFDIR | mode, 0, &root) : -ENOMEM;
	if (!error)
		error = superblock_set_root(sb, root);
	if (error) {
		inodes_drop_all(sb);
		tmpfs_unmount(sb);
		return error;
	}
	*out = sb;
	return 0;
}

/* --- files without a name --------------------------------------------------- */

int tmpfs_create_unnamed(const char *name, u64 size, bool is_promised, struct file **out)
{
	struct inode *ip;
	struct file *f;
	int error;

	if (size > I64_MAX)
		return -EFBIG;
	if (is_promised && commit_exceeds(current->space, PAGE_ALIGN_UP(size) >> PAGE_SHIFT))
		return -ENOMEM;
	error = tmpfs_inode_make(&unnamed_sb, S_IFREG | 0777, 0, &ip);
	if (error)
		return error;
	ip->nr_links = 0;               // goes with the last reference
	if (is_promised) {
		tmpfs_inode(ip)->nr_promised = PAGE_ALIGN_UP(size) >> PAGE_SHIFT;
		tmpfs_promise((i64)tmpfs_inode(ip)->nr_promised);
	}
	tmpfs_inode(ip)->unnamed = name;
	cache_set_size(&ip->cache, size);
	f = file_alloc(ip, NULL, &tmpfs_file_ops, O_RDWR | O_LARGEFILE);
	inode_put(ip);
	if (!f)
		return -ENOMEM;
	*out = f;
	return 0;
}

int tmpfs_create_memfd(const char *name, u32 seals, struct file **out)
{
	size_t size = strlen(name) + sizeof("/memfd:");
	char *shown = kmalloc(size);
	int error = shown ? tmpfs_create_unnamed(shown, 0, false, out) : -ENOMEM;

	if (error) {
		kfree(shown);
		return error;
	}
	format_string(shown, size, "/memfd:%s", name);
	tmpfs_inode((*out)->inode)->target = shown;     // freed with the inode
	(*out)->inode->seals = seals;
	return 0;
}

bool file_is_on_tmpfs(const struct file *f)
{
	return f->ops == &tmpfs_file_ops;
}

const char *tmpfs_unnamed_name(const struct file *f)
{
	return f->inode->sb == &unnamed_sb ? tmpfs_inode(f->inode)->unnamed : NULL;
}

void tmpfs_init(void)
{
	slab_cache_init(&tmpfs_inodes, "tmpfs_inode", sizeof(struct tmpfs_inode), 16);
	superblock_init(&unnamed_sb, &tmpfs_type, &tmpfs_sb_ops, NULL);
	unnamed_sb.device_id = 1;
	unnamed_sb.max_file_size = I64_MAX;
	unnamed_sb.private = tmpfs_create_state(U64_MAX);
	if (!unnamed_sb.private)
		panic("no memory for the unnamed files");
	file_system_register(&tmpfs_type);
}
