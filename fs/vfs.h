#pragma once
/*
 * vfs.h - files: names (dentries), the things named (inodes), and open descriptions (files).
 *
 *      fd --> struct file --> struct dentry --> struct inode --> struct cache --> pages
 *                                   |                 |
 *                                 parent          superblock --> block device
 *
 * A mount hangs a superblock's root dentry on a dentry of another: dentry.mounted. There are no bind
 * mounts, so a dentry alone names a place in the tree.
 *
 * Locks: inode.lock (a directory's covers its entries; RANK_DIRECTORY before RANK_INODE), dentry_lock
 * (spin: hash, parent and children links, names), inode hash lock. A dentry's name and parent change only
 * under superblock.rename_lock and dentry_lock. References: a dentry holds its parent and its inode; a
 * file holds its dentry; unused dentries and inodes stay cached until memory is wanted.
 */
#include "types.h"
#include "lib/list.h"
#include "lib/iobuf.h"
#include "sync/lock.h"
#include "cache/cache.h"
#include "cache/readahead.h"
#include <abi/stat.h>
#include <abi/fcntl.h>
#include <abi/time.h>
#include <abi/statfs.h>

struct superblock;
struct dentry;
struct file;
struct area;
struct directory_emit;
struct poll_table;
struct block_device;

#define NAME_LENGTH_MAX 255
#define PATH_LENGTH_MAX 4096            // with the final 0
#define SYMLINKS_MAX 40

enum inode_dirty {
	INODE_DIRTY_TIMES = 1u << 0,    // only times: fdatasync need not write it
	INODE_DIRTY_META = 1u << 1,     // size, blocks, links, mode: needed to reach the data
	INODE_DIRTY_PAGES = 1u << 2,    // its cache has dirty pages
	INODE_BEING_WRITTEN = 1u << 3,  // somebody has taken TIMES and META and is writing them
};

struct inode {
	const struct inode_ops *ops;    // constant after inode_unlock_new
	const struct file_ops *file_ops;
	struct superblock *sb;          // constant
	u64 number;                     // constant
	i32 refs;                       // atomic; at 0 it stays cached, or is freed when nr_links is 0
	u32 state;                      // GUARDED_BY(inode hash lock): new, freeing, dirty-listed
	struct rwlock lock;             // RANK_DIRECTORY or RANK_INODE
	u32 mode;                       // GUARDED_BY(lock) type and permission bits
	u32 uid, gid;                   // GUARDED_BY(lock)
	u32 nr_links;                   // GUARDED_BY(lock)
	u64 nr_sectors;                 // 512-byte units in use (st_blocks); the file system's own lock
	u64 device_number;              // constant; character and block devices
	struct timespec atime, mtime, ctime;    // GUARDED_BY(times_lock)
	// GUARDED_BY(times_lock); read without: the last inode_touch, its time and which were set.
	u64 touched;
	u64 access_known_until_ns;      // GUARDED_BY(times_lock); read without: till then (realtime) a read is no news
	struct spinlock times_lock;
	u32 dirty;                      // atomic, enum inode_dirty
	u64 dirty_since_ns;
	struct list hash_link, sb_link, dirty_link, lru_link;
	struct list file_locks;         // what programs have locked of it: fs/locks.c
	u32 seals;                      // F_SEAL_*: added under lock, never taken away
	struct cache cache;             // cache.size is the file's size
	i32 nr_writers;                 // atomic; descriptors and shared mappings for writing; < 0: executed (ETXTBSY)
	void *private;                  // pipe, device, ...
};
#define inode_size(ip) READ_ONCE((ip)->cache.size)
bool inode_is_mounted(const struct inode *ip, u32 flags);       // is any of these MS_* on its file system?

// On directories, dir->lock held for writing (lookup: for reading or writing). All may sleep.
struct inode_ops {
	int (*lookup)(struct inode *dir, const char *name, struct inode **out);         // -ENOENT
	// A file, a fifo, a device, a socket.
	int (*create)(struct inode *dir, const char *name, u32 mode, u64 device_number, struct inode **out);
	int (*mkdir)(struct inode *dir, const char *name, u32 mode, struct inode **out);
	int (*symlink)(struct inode *dir, const char *name, const char *target, struct inode **out);
	int (*link)(struct inode *dir, const char *name, struct inode *target);
	int (*unlink)(struct inode *dir, const char *name, struct inode *target);
	int (*rmdir)(struct inode *dir, const char *name, struct inode *target);        // -ENOTEMPTY
	// replaced may be NULL. Both directories locked for writing.
	int (*rename)(struct inode *from_dir, const char *from, struct inode *to_dir, const char *to,
		      struct inode *moved, struct inode *replaced);
	int (*readlink)(struct inode *ip, char *buffer, size_t size);                   // length, not 0-ended
	// A link that leads to a thing and not where its text says (/proc/PID/fd):
	// the dentry, referenced. NULL: by its text.
	int (*follow)(struct inode *ip, struct dentry **out);
	// inode->lock held for writing: blocks, then cache_set_size. -EFBIG, -ENOSPC, -EIO.
	int (*resize)(struct inode *ip, u64 size);
	// inode->lock held for writing, the page locked, unmapped and not being written:
	// frees its place, if it has one. The page leaves the cache next. NULL: no holes can be made.
	int (*punch)(struct inode *ip, struct page *p);
	// The first page of [first, behind) that has a place (or, not wants_data, that has none); behind when
	// there is none. Any locks of files may be held or none: without, the answer may be old. NULL: all is data.
	int (*find_data)(struct inode *ip, u64 first, u64 behind, bool wants_data, u64 *out);
	// Where page index lies on the disk, and how many pages from there on lie side by side (at most max);
	// *block 0: a hole. May sleep. NULL: its pages have no places on one disk.
	int (*place)(struct inode *ip, u64 index, u32 max, u64 *block, u32 *nr);
	// Mode, owner or times were changed in the inode; NULL: nothing to check.
	int (*changed)(struct inode *ip);
};

struct file_ops {               // all may sleep; NULL means the default named behind it
	const char *unnamed;            // of files in no directory: what /proc/PID/fd shows, a format of the number
	int (*open)(struct inode *ip, struct file *f);                                  // nothing
	void (*release)(struct file *f);                                                // nothing
	ssize_t (*read)(struct file *f, struct iobuf *to, u64 *position);               // -EINVAL
	ssize_t (*write)(struct file *f, struct iobuf *from, u64 *position);            // -EINVAL
	i64 (*seek)(struct file *f, i64 offset, int whence);                            // file_seek_default
	// Calls emit for each entry from file->position on; emit returns false when the buffer is full.
	int (*read_directory)(struct file *f, struct directory_emit *emit);             // -ENOTDIR
	int (*ioctl)(struct file *f, u32 request, u64 argument);                        // -ENOTTY
	u32 (*poll)(struct file *f, struct poll_table *table);                          // POLLIN | POLLOUT
	// May the file be mapped so; sets the area's cache when it is not inode->cache. NULL: -ENODEV.
	int (*map)(struct file *f, struct area *area);
	int (*sync)(struct file *f, u64 first_byte, u64 last_byte, bool data_only);     // file_sync_default
};

struct directory_emit {
	bool (*emit)(struct directory_emit *e, const char *name, size_t length, u64 next_position,
		     u64 inode_number, u8 type);
};

// A poller hands this down; each file adds it to its wait queues. See fs/poll.c.
void poll_wait(struct poll_table *table, struct wait_queue *queue);

struct file {
	const struct file_ops *ops;     // constant
	i32 refs;                       // atomic
	u32 flags;                      // O_*; F_SETFL changes some
	struct dentry *dentry;          // constant; NULL for pipes and unnamed files
	struct inode *inode;            // constant
	struct mutex position_lock;     // RANK_FILE_POSITION
	u64 position;                   // GUARDED_BY(position_lock)
	u32 error_seen;                 // errseq mark, see cache_error_check
	struct readahead readahead;     // a guess, without a lock
	bool is_writer;                 // constant; counted in inode->nr_writers
	struct list later_link;         // see file_put_later
	struct epoll_item *watchers;    // GUARDED_BY(epoll.c's links_lock): what watches this file
	void *private;
};

struct dentry {
	struct superblock *sb;          // constant
	struct dentry *parent;          // GUARDED_BY(dentry_lock); itself for a root
	struct inode *inode;            // NULL: negative (known to be absent); set once under the parent inode's lock
	struct superblock *mounted;     // GUARDED_BY(dentry_lock): what is mounted here
	i32 refs;                       // atomic
	bool is_hashed;                 // GUARDED_BY(dentry_lock); false once unlinked
	struct list hash_link, child_link, children, lru_link;  // GUARDED_BY(dentry_lock)
	char *name;                     // GUARDED_BY(dentry_lock)
	u32 hash;
};

struct superblock_ops {
	struct inode *(*inode_alloc)(struct superblock *sb);            // embeds struct inode; NULL: no memory
	void (*inode_free)(struct inode *ip);
	int (*inode_write)(struct inode *ip);                           // into its block's page (dirty). May sleep
	// Writes the dirty blocks of the device that lead to the inode and its data, and waits for these alone.
	// NULL: all that the device has are waited for. May sleep
	int (*inode_sync)(struct inode *ip);
	void (*inode_evict)(struct inode *ip);                          // no name, no user any more: free its blocks
	int (*sync)(struct superblock *sb);                             // metadata pages written; not yet flushed
	void (*statfs)(struct superblock *sb, struct statfs *out);
	void (*unmount)(struct superblock *sb);                         // all is written: mark clean, free private
	int (*show_options)(struct superblock *sb, char *buffer, size_t size);
	// MS_RDONLY comes or goes (everything is written already): mark the disk clean or in use. NULL: nothing to do.
	int (*remount)(struct superblock *sb, u32 flags);
};

struct file_system {
	const char *name;               // "ext2"
	bool needs_device;
	int (*mount)(struct file_system *fs, struct block_device *device, const char *options, u32 flags,
		     struct superblock **out);
	struct list link;
};

struct superblock {
	const struct superblock_ops *ops;
	struct file_system *type;
	struct block_device *device;    // NULL: memory only
	u64 nr_stuck_pages;             // atomic; dirty pages whose last write failed
	bool drops_failed_writes;       // constant; wberr=clean: a page whose write failed counts as clean
	u32 device_id;                  // st_dev
	u32 flags;                      // MS_RDONLY, ...
	struct dentry *root;
	struct dentry *mounted_on;      // NULL for the root file system
	struct mutex rename_lock;       // RANK_RENAME
	struct list inodes;             // GUARDED_BY(inode hash lock)
	struct list dirty_inodes;       // GUARDED_BY(inode hash lock), oldest first
	struct list link;
	i32 nr_pins;                    // GUARDED_BY(mount.c's list lock): who walks the list stands here
	bool is_leaving;                // GUARDED_BY(the same) being unmounted
	u64 max_file_size;              // constant; the largest offset that a byte of a file can have, plus one
	bool names_change;              // constant; names come and go by themselves (/proc): a walk asks lookup again
	char device_name[32];           // for /proc/mounts
	void *private;
};

/* inode.c */
void inode_room_init(void);
// The inode with that number, referenced. When *is_new the caller (the file system) fills it in and calls inode_ready
// (or inode_failed). A new one is empty but for sb, number, locks and an empty cache without ops (set ip->cache.ops
// where bytes live there). When the last reference goes, an inode with nr_links 0 is evicted and freed; others
// stay until memory is wanted, so a file system without a disk keeps a reference for each name. May sleep. -ENOMEM.
int inode_get(struct superblock *sb, u64 number, struct inode **out, bool *is_new) MUST_CHECK;
void inode_ready(struct inode *ip);
void inode_failed(struct inode *ip);            // gives it up: waiters look again
void inode_hold(struct inode *ip);
void inode_put(struct inode *ip);               // may sleep: the last one may free the file's blocks
void inode_mark_dirty(struct inode *ip, u32 what);      // enum inode_dirty; never sleeps
void inode_fill_stat(struct inode *ip, struct stat *out);
// The inode itself into its block, when it is dirty, and behind whoever is at that already; not its pages. May sleep.
int inode_write_meta(struct inode *ip) MUST_CHECK;
// Flusher and sync. May sleep.
int inodes_write_back(struct superblock *sb, u64 older_than_ns, enum sync_mode mode) MUST_CHECK;
bool inodes_write_oldest(struct superblock *sb, u64 not_after_ns);      // starts one; false: none is so old. May sleep
// Each referenced while f looks at it. May sleep.
void inodes_for_each(struct superblock *sb, void (*f)(struct inode *ip, void *argument), void *argument);
u64 inodes_drop_unused(u64 max);                // reclaim
void inode_init_unhashed(struct inode *ip, struct superblock *sb);      // unnamed files: the last put evicts and frees
void inodes_drop_all(struct superblock *sb);    // unmount: frees all that nobody uses (nothing is dirty). May sleep
u64 inodes_count(void);
// A file is either written to or executed: counts of inode.nr_writers. -ETXTBSY.
int inode_deny_write(struct inode *ip) MUST_CHECK;      // exec
void inode_allow_write(struct inode *ip);
int inode_begin_write(struct inode *ip) MUST_CHECK;     // open for writing
void inode_end_write(struct inode *ip);

/* times.c */
// Sets times to now, marks dirty. _access: a read; atime as relatime wants it; O_NOATIME. Never sleep.
void inode_touch(struct inode *ip, bool access, bool modify, bool change);
void inode_touch_access(struct inode *ip, u32 open_flags);
bool inode_access_is_known(const struct inode *ip);             // inode_touch_access would do nothing

/* inode_sync.c */
int inode_sync(struct inode *ip, bool data_only) MUST_CHECK;    // pages, inode, metadata, device flush. May sleep
// The same for some of its pages.
int inode_sync_pages(struct inode *ip, pgoff_t first, pgoff_t last, bool data_only) MUST_CHECK;
// As inode_sync without the flush: what leads from a directory to its entries.
// Nothing when all is on the disk. May sleep.
int inode_write_out(struct inode *ip) MUST_CHECK;

/* dentry.c */
void dentry_room_init(void);
struct dentry *dentry_hold(struct dentry *d);
// For pipes and the like, which no directory knows. NULL: no memory.
struct dentry *dentry_create_unnamed(struct inode *ip);
bool dentry_is_unnamed(const struct dentry *d);
void dentry_put(struct dentry *d);
// The path of d from the root of the tree, into the end of buffer; -ENAMETOOLONG.
// " (deleted)" is appended for unlinked ones.
int dentry_path(struct dentry *d, struct dentry *root, char *buffer, size_t size, char **out) MUST_CHECK;
u64 dentries_drop_unused(u64 max);

/* open.c */
// An open description of d's inode; is_new: O_CREAT has just made it. d is referenced. May sleep.
// -EISDIR, -ENOTDIR, -EROFS, -ETXTBSY, -ENXIO, -ELOOP (a link), -ENOMEM, or what the thing's own open says.
int open_dentry(struct dentry *d, int flags, bool is_new, struct file **out) MUST_CHECK;

/* path.c */
enum path_flags { PATH_FOLLOW = 1, PATH_DIRECTORY = 2, PATH_PARENT = 4 };
// start: where a relative path begins (referenced by the caller).
// The dentry found, referenced, never negative. May sleep.
int path_lookup(struct dentry *start, const char *path, u32 flags, struct dentry **out) MUST_CHECK;
// Everything but the last component: its directory, and the last name (up to 255 bytes + 0). May sleep.
int path_parent(struct dentry *start, const char *path, struct dentry **parent, char *last) MUST_CHECK;
int path_open(struct dentry *start, const char *path, int flags, u32 mode, struct file **out) MUST_CHECK;
int path_create(struct dentry *start, const char *path, u32 mode, u64 device_number) MUST_CHECK;        // mknod
int path_mkdir(struct dentry *start, const char *path, u32 mode) MUST_CHECK;
int path_symlink(struct dentry *start, const char *path, const char *target) MUST_CHECK;
int path_link(struct dentry *existing, struct dentry *start, const char *path) MUST_CHECK;
int path_unlink(struct dentry *start, const char *path, bool directory) MUST_CHECK;
int path_rename(struct dentry *from_start, const char *from, struct dentry *to_start, const char *to,
		u32 flags) MUST_CHECK;

/* file.c: open files and descriptor tables */
#define FILES_MAX 1024
struct file_table {
	struct spinlock lock;           // RANK_DENTRY's neighbour: RANK_INODE_HASH; short
	i32 refs;                       // atomic; shared by CLONE_FILES
	u32 capacity;                   // GUARDED_BY(lock); grows after files has
	u32 end;                        // GUARDED_BY(lock) no descriptor from here on was ever open
	struct file **files;            // GUARDED_BY(lock); read inside a look (sync/look.h)
	u64 *close_on_exec;             // GUARDED_BY(lock) bitmap
};
// Takes references. NULL: no memory.
struct file *file_alloc(struct inode *ip, struct dentry *d, const struct file_ops *ops, u32 flags);
struct file *file_hold(struct file *f);
void file_put(struct file *f);                  // may sleep
void file_put_later(struct file *f);            // never sleeps: a thread does what the last reference's end asks for
struct file_table *file_table_create(void);
struct file_table *file_table_copy(struct file_table *from);    // fork
void file_table_put(struct file_table *t);      // may sleep
void file_table_close_on_exec(struct file_table *t);
struct file *fd_get(int fd);                    // of current, referenced; NULL: EBADF
struct file *fd_peek(int fd);                   // in a look (sync/look.h), which keeps file and inode; NULL: EBADF
// The same for the length of one call, without writing to what other threads use. fd_return ends it; one at a time.
struct file *fd_borrow(int fd, bool *is_noted);
void fd_return_noted(void);
static inline void fd_return(bool is_noted)
{
	if (is_noted)
		fd_return_noted();
}
int fd_install(struct file *f, int lowest, bool close_on_exec) MUST_CHECK;      // takes over the reference; -EMFILE
int fd_close(int fd);
int fd_replace(int fd, struct file *f, bool close_on_exec) MUST_CHECK;          // dup2; takes over the reference

/* file_read.c, file_write.c, file_seek.c, file_sync.c: through the cache, for inodes whose bytes are in it */
ssize_t file_read(struct file *f, struct iobuf *to, u64 *position);
ssize_t file_write(struct file *f, struct iobuf *from, u64 *position);
ssize_t file_cache_read(struct file *f, struct iobuf *to, u64 *position);       // file_ops.read
ssize_t file_cache_write(struct file *f, struct iobuf *from, u64 *position);    // file_ops.write
// Inside a look (sync/look.h), f open for reading: copies a part of one page that is in memory.
// How much; 0: it takes more than a copy, or the copy would fault.
size_t file_read_present(struct file *f, struct iobuf *to, u64 position);
// Their parts, for O_DIRECT, which does the rest by them. O_APPEND and the limits:
// how many bytes may be written at *position; -EFBIG, ...
ssize_t file_write_range(struct file *f, size_t nr_bytes, u64 *position) MUST_CHECK;
ssize_t file_write_locked(struct file *f, struct iobuf *from, u64 *position);   // inode->lock held for writing
ssize_t inode_read_pages(struct inode *ip, struct readahead *ra, struct iobuf *to, u64 position);
ssize_t inode_read_kernel(struct inode *ip, void *to, size_t nr_bytes, u64 position);   // exec, symlinks
i64 file_seek_default(struct file *f, i64 offset, int whence);
// With the errseq report.
int file_sync(struct file *f, u64 first_byte, u64 last_byte, bool data_only) MUST_CHECK;
int file_map_cache(struct file *f, struct area *area);                          // file_ops.map: shows inode->cache

/* file_page.c: the pages of a file themselves */
bool file_has_pages(const struct file *f);      // a file of bytes in a cache; others are only read
// The page at position, referenced, and how many bytes of the file follow in it;
// none at the end: then no page. May sleep.
int file_page_get(struct file *f, u64 position, struct page **out, u32 *nr_bytes) MUST_CHECK;

/* file_direct.c: O_DIRECT. Past the cache, as far as whole pages with a place on disk are concerned. */
bool file_may_be_direct(const struct inode *ip, const struct file_ops *ops);    // may O_DIRECT be asked for?
// Where it is only words - on a tmpfs - the cache is all there is.
static inline bool file_is_direct(const struct file *f)
{
	return f->flags & O_DIRECT && f->inode->ops->place;
}
// As file_ops.read without moving the position. May sleep. -EINVAL: something is no multiple of a sector.
ssize_t file_direct_read(struct file *f, struct iobuf *to, u64 position);
ssize_t file_direct_write(struct file *f, struct iobuf *from, u64 *position);   // inode->lock held for writing

/* allocate.c: the places behind a file's pages */
// fallocate(2): FALLOC_FL_*. -EINVAL, -EBADF, -EFBIG, -ENODEV, -EOPNOTSUPP, -ENOSPC, -EIO. May sleep.
int file_allocate(struct file *f, u32 mode, u64 position, u64 length) MUST_CHECK;
// The bytes become zeros and whole pages holes; the size stays. No lock of an address space may be held. May sleep.
int file_punch_hole(struct file *f, u64 position, u64 length) MUST_CHECK;
i64 inode_find_data(struct inode *ip, u64 offset, bool wants_data);     // SEEK_DATA, _HOLE: where; -ENXIO. May sleep

/* seals.c: what must not happen to a memory file any more (F_SEAL_*) */
int inode_add_seals(struct inode *ip, u32 seals) MUST_CHECK;    // -EPERM, -EBUSY (mapped for writing). May sleep
// inode->lock held for writing.
bool inode_seal_refuses(const struct inode *ip, u64 new_size);
// How much of a write is allowed.
size_t inode_sealed_room(const struct inode *ip, u64 position, size_t nr_bytes);

/* mount.c */
// For a file system's mount(): fills in the general part (no reference to anything is taken).
void superblock_init(struct superblock *sb, struct file_system *type, const struct superblock_ops *ops,
		     struct block_device *device);
// Makes the root dentry; takes over the reference to the inode, also on failure. -ENOMEM.
int superblock_set_root(struct superblock *sb, struct inode *root) MUST_CHECK;
// The device part of open("/dev/..."): who answers for a character or block
// device number; set by fs/devfs. NULL: -ENXIO.
extern const struct file_ops *(*device_ops_find)(u32 mode, u64 device_number);
void file_system_register(struct file_system *fs);
struct file_system *file_system_next(struct file_system *previous);     // for /proc/filesystems; NULL: the first
int mount_root(const char *device, u32 flags, const char *options) MUST_CHECK;
int mount_at(const char *type, const char *device, struct dentry *where, u32 flags, const char *options) MUST_CHECK;
int unmount(struct dentry *where, u32 flags) MUST_CHECK;
// After a change of names or sizes, no inode locked: on a file system that is mounted synchronous it is on
// the disk when this returns. May sleep. The error of the disk.
int superblock_changed(struct superblock *sb) MUST_CHECK;
void sync_all(void);                            // every file system, then flush. May sleep
void unmount_all(void);                         // power-off
struct dentry *root_dentry(void);
// Walks the mounted file systems, for /proc/mounts and the flusher; NULL: the first. The one returned cannot be
// unmounted until it is given to the next call, or to superblock_unpin by a walk that ends early.
struct superblock *superblock_next(struct superblock *previous);
void superblock_unpin(struct superblock *sb);
