/*
 * tmpfs.c - files that live in the page cache and nowhere else. A page that was stored to is dirty for ever (the cache has no
 * store operation, so nobody writes or evicts it); a page that was only read is zeros and may go.
 *
 * A directory is a list of entries, each of which holds a reference on its inode: so an inode stays until its last name
 * and its last user are gone. Entries are covered by the directory's inode.lock. Positions in a directory (d_off) are
 * numbers that the entries got when they were made, so a reader goes on where it was whatever was removed meanwhile.
 */
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include <abi/dirent.h>
#include <abi/errno.h>
#include <abi/mount.h>

#define FIRST_POSITION 2                // behind "." and ".."
#define SECTORS_PER_PAGE (PAGE_SIZE / 512)

struct tmpfs_entry {
	struct list link;
	u64 position;
	struct inode *inode;            // holds a reference
	u32 length;
	char name[];
};

struct tmpfs_inode {
	struct inode inode;
	struct list entries;            // GUARDED_BY(inode.lock) directories: ascending by position
	u64 next_position;              // GUARDED_BY(inode.lock)
	char *target;                   // constant; symbolic links, and the name of a memfd
	const char *unnamed;            // constant; the name to show, for files without one
};

struct tmpfs {
	u64 next_number;                // atomic
	u64 max_pages;                  // constant
	u64 nr_pages;                   // atomic: pages that hold data
};

static struct slab_cache tmpfs_inodes;
static struct superblock unnamed_sb;

static struct tmpfs_inode *tmpfs_inode(struct inode *ip)
{
	return container_of(ip, struct tmpfs_inode, inode);
}

static struct tmpfs *tmpfs_of(struct inode *ip)
{
	return ip->sb->private;
}

/* --- pages ------------------------------------------------------------------ */

static void tmpfs_fill(struct cache *cache, struct page **pages, u32 nr_pages)
{
	(void)cache;
	for (u32 i = 0; i < nr_pages; i++) {
		page_zero(page_address(pages[i]));
		page_fill_done(pages[i], 0);
	}
}

// A page that is stored to for the first time counts against the limit.
static int tmpfs_reserve(struct cache *cache, struct page *page)
{
	struct tmpfs *fs = tmpfs_of(cache->inode);

	if (atomic_add_return(&fs->nr_pages, 1) > fs->max_pages) {
		atomic_sub(&fs->nr_pages, 1);
		return -ENOSPC;
	}
	atomic_add(&cache->inode->nr_sectors, SECTORS_PER_PAGE);
	page_set(page, PAGE_BACKED);
	return 0;
}

static void tmpfs_dirtied(struct cache *cache)
{
	inode_touch(cache->inode, false, true, true);
}

static const struct cache_ops tmpfs_cache_ops = {
	.fill = tmpfs_fill,
	.reserve = tmpfs_reserve,
	.dirtied = tmpfs_dirtied,
};

static int tmpfs_resize(struct inode *ip, u64 size)
{
	struct tmpfs *fs = tmpfs_of(ip);
	bool shrinks = size < inode_size(ip);

	if (size > I64_MAX)
		return -EFBIG;
	cache_set_size(&ip->cache, size);
	if (shrinks) {
		// Every page with data is dirty, and stays so: what is left can be counted.
		u64 before = ip->nr_sectors / SECTORS_PER_PAGE, after = READ_ONCE(ip->cache.nr_dirty);

		if (after < before) {
			atomic_sub(&fs->nr_pages, before - after);
			atomic_sub(&ip->nr_sectors, (before - after) * SECTORS_PER_PAGE);
		}
	}
	return 0;
}

/* --- directories ------------------------------------------------------------ */

static struct tmpfs_entry *entry_find(struct inode *dir, const char *name)
{
	struct tmpfs_entry *e;

	list_for_each(e, &tmpfs_inode(dir)->entries, link)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

static struct tmpfs_entry *entry_alloc(const char *name)
{
	size_t length = strlen(name);
	struct tmpfs_entry *e = kmalloc(sizeof(*e) + length + 1);

	if (e) {
		e->length = (u32)length;
		memcpy(e->name, name, length + 1);
	}
	return e;
}

// Takes over the caller's reference on ip.
static void entry_link(struct inode *dir, struct tmpfs_entry *e, struct inode *ip)
{
	struct tmpfs_inode *d = tmpfs_inode(dir);

	e->inode = ip;
	e->position = d->next_position++;
	list_push_back(&d->entries, &e->link);
	cache_set_size(&dir->cache, inode_size(dir) + 32);
	inode_touch(dir, false, true, true);
}

static void entry_unlink(struct inode *dir, struct tmpfs_entry *e)
{
	list_remove(&e->link);
	cache_set_size(&dir->cache, inode_size(dir) - 32);
	inode_touch(dir, false, true, true);
	inode_put(e->inode);
	kfree(e);
}

static int tmpfs_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct tmpfs_entry *e = entry_find(dir, name);

	if (!e)
		return -ENOENT;
	inode_hold(e->inode);
	*out = e->inode;
	return 0;
}

static const struct inode_ops tmpfs_directory_ops, tmpfs_file_inode_ops, tmpfs_symlink_ops;
static const struct file_ops tmpfs_directory_file_ops, tmpfs_file_ops;

// A new inode, filled in and ready, referenced.
static int inode_make(struct superblock *sb, u32 mode, u64 device_number, struct inode **out)
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

// Makes the inode and its first name; the result is referenced for the caller, besides the entry's reference.
static int entry_make(struct inode *dir, const char *name, u32 mode, u64 device_number, struct inode **out)
{
	struct tmpfs_entry *e = entry_alloc(name);
	int error;

	if (!e)
		return -ENOMEM;
	error = inode_make(dir->sb, mode, device_number, out);
	if (error) {
		kfree(e);
		return error;
	}
	inode_hold(*out);
	entry_link(dir, e, *out);
	return 0;
}

static int tmpfs_create(struct inode *dir, const char *name, u32 mode, u64 device_number, struct inode **out)
{
	return entry_make(dir, name, mode, device_number, out);
}

static int tmpfs_mkdir(struct inode *dir, const char *name, u32 mode, struct inode **out)
{
	int error = entry_make(dir, name, S_IFDIR | (mode & ~S_IFMT), 0, out);

	if (!error)
		dir->nr_links++;
	return error;
}

static int tmpfs_symlink(struct inode *dir, const char *name, const char *target, struct inode **out)
{
	size_t length = strlen(target);
	char *copy = kmalloc(length + 1);
	int error;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, target, length + 1);
	error = entry_make(dir, name, S_IFLNK | 0777, 0, out);
	if (error) {
		kfree(copy);
		return error;
	}
	// Nobody finds it before dir->lock is released.
	tmpfs_inode(*out)->target = copy;
	(*out)->cache.size = length;
	return 0;
}

static int tmpfs_link(struct inode *dir, const char *name, struct inode *target)
{
	struct tmpfs_entry *e = entry_alloc(name);

	if (!e)
		return -ENOMEM;
	inode_hold(target);
	entry_link(dir, e, target);
	target->nr_links++;
	inode_touch(target, false, false, true);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, const char *name, struct inode *target)
{
	struct tmpfs_entry *e = entry_find(dir, name);

	if (!e || e->inode != target)
		return -ENOENT;
	target->nr_links--;
	inode_touch(target, false, false, true);
	entry_unlink(dir, e);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, const char *name, struct inode *target)
{
	struct tmpfs_entry *e = entry_find(dir, name);

	if (!e || e->inode != target)
		return -ENOENT;
	if (!list_is_empty(&tmpfs_inode(target)->entries))
		return -ENOTEMPTY;
	target->nr_links = 0;
	dir->nr_links--;
	entry_unlink(dir, e);
	return 0;
}

static int tmpfs_rename(struct inode *from_dir, const char *from, struct inode *to_dir, const char *to,
			struct inode *moved, struct inode *replaced)
{
	struct tmpfs_entry *old = entry_find(from_dir, from);
	struct tmpfs_entry *e;
	int error = 0;

	if (!old || old->inode != moved)
		return -ENOENT;
	e = entry_alloc(to);
	if (!e)
		return -ENOMEM;
	if (replaced)
		error = S_ISDIR(replaced->mode) ? tmpfs_rmdir(to_dir, to, replaced) : tmpfs_unlink(to_dir, to, replaced);
	if (error) {
		kfree(e);
		return error;
	}
	inode_hold(moved);
	entry_link(to_dir, e, moved);
	entry_unlink(from_dir, old);
	if (S_ISDIR(moved->mode) && from_dir != to_dir) {
		from_dir->nr_links--;
		to_dir->nr_links++;
	}
	inode_touch(moved, false, false, true);
	return 0;
}

static int tmpfs_readlink(struct inode *ip, char *buffer, size_t size)
{
	const char *target = tmpfs_inode(ip)->target;
	size_t length = min(strlen(target), size);

	memcpy(buffer, target, length);
	return (int)length;
}

static int tmpfs_read_directory(struct file *f, struct directory_emit *emit)
{
	struct inode *dir = f->inode;
	struct tmpfs_entry *e;

	if (f->position == 0) {
		if (!emit->emit(emit, ".", 1, 1, dir->number, DT_DIR))
			return 0;
		f->position = 1;
	}
	if (f->position == 1) {
		if (!emit->emit(emit, "..", 2, FIRST_POSITION, f->dentry->parent->inode->number, DT_DIR))
			return 0;
		f->position = FIRST_POSITION;
	}
	list_for_each(e, &tmpfs_inode(dir)->entries, link) {
		if (e->position < f->position)
			continue;
		if (!emit->emit(emit, e->name, e->length, e->position + 1, e->inode->number,
				(u8)((e->inode->mode & S_IFMT) >> 12)))
			return 0;
		f->position = e->position + 1;
	}
	return 0;
}

static const struct inode_ops tmpfs_directory_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.mkdir = tmpfs_mkdir,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
};
static const struct inode_ops tmpfs_file_inode_ops = { .resize = tmpfs_resize };
static const struct inode_ops tmpfs_symlink_ops = { .readlink = tmpfs_readlink };
static const struct file_ops tmpfs_directory_file_ops = { .read_directory = tmpfs_read_directory };

static int tmpfs_sync_file(struct file *f, u64 first_byte, u64 last_byte, bool data_only)
{
	(void)f;
	(void)first_byte;
	(void)last_byte;
	(void)data_only;
	return 0;
}

static const struct file_ops tmpfs_file_ops = {
	.read = file_cache_read,
	.write = file_cache_write,
	.map = file_map_cache,
	.sync = tmpfs_sync_file,
};

/* --- the file system -------------------------------------------------------- */

// Gives up every name below a directory that nobody can reach any more. What is below a subdirectory is moved up first, so
// a deep tree needs no deep stack.
static void forget_entries(struct tmpfs_inode *dir)
{
	while (!list_is_empty(&dir->entries)) {
		struct tmpfs_entry *e = list_first(&dir->entries, struct tmpfs_entry, link);
		struct list *below = &tmpfs_inode(e->inode)->entries;

		while (!list_is_empty(below)) {
			struct list *node = below->next;

			list_remove(node);
			list_push_back(&dir->entries, node);
		}
		list_remove(&e->link);
		e->inode->nr_links = 0;
		inode_put(e->inode);
		kfree(e);
	}
}

static struct inode *tmpfs_inode_alloc(struct superblock *sb)
{
	struct tmpfs_inode *ip = slab_alloc_zeroed(&tmpfs_inodes);

	(void)sb;
	if (!ip)
		return NULL;
	list_init(&ip->entries);
	ip->next_position = FIRST_POSITION;
	return &ip->inode;
}

static void tmpfs_inode_free(struct inode *ip)
{
	forget_entries(tmpfs_inode(ip));        // only an unmounted tree's root still has some
	kfree(tmpfs_inode(ip)->target);
	slab_free(&tmpfs_inodes, tmpfs_inode(ip));
}

// Its pages are gone already.
static void tmpfs_inode_evict(struct inode *ip)
{
	atomic_sub(&tmpfs_of(ip)->nr_pages, ip->nr_sectors / SECTORS_PER_PAGE);
	ip->nr_sectors = 0;
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
	.inode_evict = tmpfs_inode_evict,
	.statfs = tmpfs_statfs,
	.unmount = tmpfs_unmount,
	.show_options = tmpfs_show_options,
};

// Reads "size=N[k|m|g]" among the options; the default is half of memory. -EINVAL.
static int parse_options(const char *options, u64 *max_pages)
{
	const char *size = strstr(options, "size=");
	u64 value = 0;

	*max_pages = frames_total() / 2;
	if (!size)
		return 0;
	for (size += 5; *size >= '0' && *size <= '9' && value < 1ul << 50; size++)
		value = value * 10 + (u64)(*size - '0');
	if (*size == 'k' || *size == 'm' || *size == 'g')
		value <<= *size == 'k' ? 10 : *size == 'm' ? 20 : 30;
	else if (*size && *size != ',')
		return -EINVAL;
	*max_pages = PAGE_ALIGN_UP(value) / PAGE_SIZE;
	return 0;
}

static struct tmpfs *tmpfs_create_state(u64 max_pages)
{
	struct tmpfs *fs = kmalloc_zeroed(sizeof(*fs));

	if (fs)
		fs->max_pages = max_pages;
	return fs;
}

int tmpfs_mount(struct file_system *fs, struct block_device *device, const char *options, u32 flags, struct superblock **out)
{
	struct superblock *sb;
	struct inode *root;
	u64 max_pages;
	int error = parse_options(options, &max_pages);

	(void)flags;
	if (error)
		return error;
	sb = kmalloc(sizeof(*sb));
	if (!sb)
		return -ENOMEM;
	superblock_init(sb, fs, &tmpfs_sb_ops, device);
	sb->max_file_size = I64_MAX;
	sb->private = tmpfs_create_state(max_pages);
	error = sb->private ? inode_make(sb, S_IFDIR | 0755, 0, &root) : -ENOMEM;
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

int tmpfs_create_unnamed(const char *name, u64 size, struct file **out)
{
	struct inode *ip;
	struct file *f;
	int error;

	if (size > I64_MAX)
		return -EFBIG;
	error = inode_make(&unnamed_sb, S_IFREG | 0777, 0, &ip);
	if (error)
		return error;
	ip->nr_links = 0;               // goes with the last reference
	tmpfs_inode(ip)->unnamed = name;
	cache_set_size(&ip->cache, size);
	f = file_alloc(ip, NULL, &tmpfs_file_ops, O_RDWR | O_LARGEFILE);
	inode_put(ip);
	if (!f)
		return -ENOMEM;
	*out = f;
	return 0;
}

int tmpfs_create_memfd(const char *name, struct file **out)
{
	size_t size = strlen(name) + sizeof("/memfd:");
	char *shown = kmalloc(size);
	int error = shown ? tmpfs_create_unnamed(shown, 0, out) : -ENOMEM;

	if (error) {
		kfree(shown);
		return error;
	}
	format_string(shown, size, "/memfd:%s", name);
	tmpfs_inode((*out)->inode)->target = shown;     // freed with the inode
	return 0;
}

const char *tmpfs_unnamed_name(const struct file *f)
{
	return f->inode->sb == &unnamed_sb ? tmpfs_inode(f->inode)->unnamed : NULL;
}

static struct file_system tmpfs_type = { .name = "tmpfs", .mount = tmpfs_mount };

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
