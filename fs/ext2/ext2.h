#pragma once
/*
 * ext2.h - the second extended file system, as it lies on disk and as it is kept in memory. Inside
 * the room only.
 *
 *  block 0: superblock (1024 bytes in) | group descriptors | per group: block bitmap, inode bitmap, inode table | data
 *
 * Only 4 KiB blocks: a block is a page. Metadata blocks (superblock, descriptors, bitmaps, inode
 * tables, indirect blocks) are pages of the device's cache, changed under their page lock and
 * marked dirty; file and directory data are pages of the inode's own cache. No block is in both: an
 * indirect block that is freed is dropped from the device's cache. While it is dirty, page.private of
 * an indirect block is the number of the inode that it belongs to: fsync waits for those.
 *
 * Locks, outermost first: inode.lock (names, size), the page lock of a data page,
 * ext2_inode.map_lock (which block is where), ext2.alloc_lock (bitmaps and counts), the page lock
 * of a metadata page.
 *
 * Nothing on the disk is trusted: every number is checked where it is used, what is wrong is told
 * once on the log by ext2_damaged, and the caller sees -EIO.
 */
#include "types.h"
#include "fs/vfs.h"
#include "dev/block.h"

#define EXT2_MAGIC 0xef53
#define EXT2_SUPER_OFFSET 1024
#define EXT2_ROOT 2u                    // the root directory's inode
#define EXT2_LINKS_MAX 32000u
#define EXT2_NR_DIRECT 12u
#define EXT2_NR_POINTERS 15u
#define EXT2_POINTERS_PER_BLOCK 1024u   // 1 << EXT2_POINTER_BITS
#define EXT2_POINTER_BITS 10
#define EXT2_SECTORS_PER_BLOCK 8u
#define EXT2_FAST_LINK_MAX 60u          // shorter targets live in the inode

struct ext2_disk_super {
	u32 nr_inodes, nr_blocks, nr_reserved_blocks, nr_free_blocks, nr_free_inodes;
	u32 first_data_block, log_block_size, log_fragment_size;
	u32 blocks_per_group, fragments_per_group, inodes_per_group;
	u32 mount_time, write_time;
	u16 mount_count, max_mount_count, magic, state, errors, minor_revision;
	u32 check_time, check_interval, creator, revision;
	u16 reserved_uid, reserved_gid;
	u32 first_inode;
	u16 inode_size, group_of_copy;
	u32 compatible, incompatible, read_only_compatible;
	u8 uuid[16];
	char label[16];
	char last_mounted[64];
	u32 compression;
	u8 preallocate, preallocate_directory;
	u16 nr_reserved_group_blocks;
	u8 rest[816];
};
static_assert(sizeof(struct ext2_disk_super) == 1024, "the superblock is 1024 bytes");

enum { EXT2_STATE_VALID = 1, EXT2_STATE_ERRORS = 2 };
enum { EXT2_COMPATIBLE_JOURNAL = 4 };
enum { EXT2_INCOMPATIBLE_FILETYPE = 2 };
enum { EXT2_READ_ONLY_SPARSE_SUPER = 1, EXT2_READ_ONLY_LARGE_FILE = 2 };

struct ext2_disk_group {
	u32 block_bitmap, inode_bitmap, inode_table;
	u16 nr_free_blocks, nr_free_inodes, nr_directories, flags;
	u32 reserved[3];
};
static_assert(sizeof(struct ext2_disk_group) == 32, "a group descriptor is 32 bytes");
#define EXT2_GROUPS_PER_BLOCK (BLOCK_SIZE / sizeof(struct ext2_disk_group))

struct ext2_disk_inode {
	u16 mode, uid;
	u32 size, atime, ctime, mtime, dtime;
	u16 gid, nr_links;
	u32 nr_sectors, flags, version;
	u32 block[EXT2_NR_POINTERS];
	u32 generation, attribute_block, size_high, fragment;
	u16 reserved, checksum_low, uid_high, gid_high;
	u32 reserved2;
	// Only where the inode size is above 128, and extra_size covers them.
	u16 extra_size, checksum_high;
	u32 ctime_extra, mtime_extra, atime_extra, birth_time, birth_time_extra, version_high, project;
};
static_assert(offsetof(struct ext2_disk_inode, extra_size) == 128, "the old inode is 128 bytes");
#define EXT2_OLD_INODE_SIZE 128u
#define EXT2_EXTRA_SIZE 28u             // what new inodes get: up to version_high

enum { EXT2_FLAG_INDEX = 0x1000, EXT2_FLAG_EXTENTS = 0x80000, EXT2_FLAG_INLINE = 0x10000000 };
enum { EXT2_FLAG_APPEND = 0x20, EXT2_FLAG_IMMUTABLE = 0x10 };

struct ext2_disk_entry {
	u32 inode;
	u16 length;                     // of the whole entry
	u8 name_length, type;
	char name[];
};
#define EXT2_ENTRY_LENGTH(name_length) ((8u + (name_length) + 3) & ~3u)

struct ext2 {                           // one mounted file system
	struct superblock sb;
	struct page *super_page;        // block 0, held
	struct page **group_pages;      // the descriptors' blocks, held
	u32 nr_groups, nr_group_blocks;
	// constant
	u32 nr_blocks, nr_inodes, blocks_per_group, inodes_per_group, table_blocks, inode_size,
		first_inode;
	u32 nr_reserved_blocks, nr_overhead_blocks;     // constant
	bool has_filetype;              // constant
	bool was_valid;                 // constant; cleanly unmounted before
	struct mutex alloc_lock;        // RANK_FS_ALLOC: bitmaps, counts of groups and superblock
	u64 nr_free_blocks, nr_free_inodes;     // GUARDED_BY(alloc_lock)
	u32 nr_complaints;              // atomic
};

struct ext2_inode {
	struct inode inode;
	struct mutex map_lock;          // RANK_BLOCKMAP
	u32 block[EXT2_NR_POINTERS];    // GUARDED_BY(map_lock); of a fast symlink: its text
	u32 flags, attribute_block, generation;
	u32 birth_time;
	bool is_fresh;                  // its place in the table still holds a former inode
	// GUARDED_BY(map_lock) the page after the one that got a block last,
	u64 next_index;
	blk_t next_goal;                // GUARDED_BY(map_lock) and the block after that
	// GUARDED_BY(map_lock) pages and their blocks, as looked up last; forgotten when a pointer changes
	struct { u64 index; blk_t block; u32 nr; } known;
	// directory block where room was last seen; GUARDED_BY(inode.lock)
	u32 add_from;
};

static inline struct ext2 *ext2_of(const struct superblock *sb)
{
	return container_of(sb, struct ext2, sb);
}

static inline struct ext2_inode *ext2_node(const struct inode *ip)
{
	return container_of(ip, struct ext2_inode, inode);
}

/* super.c */
void ext2_init(void);                   // registers the file system
// Something on the disk is wrong: a line on the log, and the superblock remembers. Returns -EIO.
int ext2_damaged(struct ext2 *fs, const char *format, ...) PRINTF_LIKE(2, 3);
struct ext2_disk_super *ext2_super(struct ext2 *fs);
struct ext2_disk_group *ext2_group(struct ext2 *fs, u32 group);
bool ext2_group_has_super(const struct ext2 *fs, u32 group);
// Can the block hold data or pointers: it exists, and is no bitmap, table or superblock.
bool ext2_block_is_usable(struct ext2 *fs, blk_t block);
// The same for a run of blocks, none of which may lie in another group than the first.
bool ext2_run_is_usable(struct ext2 *fs, blk_t first, u32 nr_blocks);
// For steps that cannot be given up half-way (freeing): as block_get, but waits a while for memory.
int ext2_block_get_surely(struct ext2 *fs, blk_t block, struct page **out) MUST_CHECK;
bool ext2_inode_is_usable(const struct ext2 *fs, u64 number);
void ext2_want_large_files(struct ext2 *fs);    // a file is above 2 GiB: the superblock must say so
// Alloc_lock held: copies the counts into the superblock's page
void ext2_mark_super_dirty(struct ext2 *fs);

/* check.c: before the mount. Each says on the log what is wrong. -EINVAL */
int ext2_refuse(struct ext2 *fs, const char *format, ...) PRINTF_LIKE(2, 3);
// The superblock, whose page is there; takes the sizes over into *fs.
int ext2_check_super(struct ext2 *fs) MUST_CHECK;
// Sets MS_RDONLY when a feature forbids writing. Also for remounting.
int ext2_check_features(struct ext2 *fs) MUST_CHECK;
// The groups' descriptors, whose pages are there; adds up what is free.
int ext2_check_groups(struct ext2 *fs) MUST_CHECK;

/* alloc.c: alloc_lock is taken inside. May sleep. */
int ext2_block_alloc(struct ext2 *fs, blk_t goal, blk_t *out) MUST_CHECK;       // -ENOSPC, -EIO
int ext2_block_free(struct ext2 *fs, blk_t block);
int ext2_block_is_allocated(struct ext2 *fs, blk_t block, bool *is_allocated) MUST_CHECK;
int ext2_number_alloc(struct ext2 *fs, u32 near_group, bool is_directory, u32 *out) MUST_CHECK;
int ext2_number_free(struct ext2 *fs, u32 number, bool is_directory);

/* map.c */
enum ext2_map_mode { EXT2_MAP_READ, EXT2_MAP_ALLOCATE };
// The block behind page index of the file; 0: a hole. Takes map_lock. May sleep. *is_new (may be
// NULL): it was allocated now.
int ext2_map(struct ext2_inode *n, u64 index, enum ext2_map_mode mode, blk_t *out,
	     bool *is_new) MUST_CHECK;
// The block behind page index, and how many pages from that one on (at most max_pages, at least 1)
// lie in the blocks behind it; 0: so many pages of hole. One look-up for a whole run. Takes map_lock. May sleep.
int ext2_map_run(struct ext2_inode *n, u64 index, u32 max_pages, blk_t *first, u32 *nr_pages) MUST_CHECK;
// Frees every block at or past page index `keep`. Takes map_lock. May sleep.
int ext2_cut(struct ext2_inode *n, u64 keep);
u64 ext2_max_file_size(void);

/* hole.c: holes in the map. Both take map_lock and may sleep. */
// Frees the block behind page index, if there is one, and the pointer blocks that are empty then.
int ext2_map_remove(struct ext2_inode *n, u64 index) MUST_CHECK;
// The first page of [first, behind) that has a block (or, not wants_data, that has none); behind
// when there is none.
int ext2_map_find(struct ext2_inode *n, u64 first, u64 behind, bool wants_data, u64 *out) MUST_CHECK;
// map.c, for hole.c: pages below one pointer of that level; which pointer of the inode leads to a
// page; a change of one.
u64 ext2_map_span(u32 level);
int ext2_map_root(u64 index, u32 *pointer, u32 *level, u64 *below) MUST_CHECK;  // -EFBIG
int ext2_map_bad_pointer(struct ext2_inode *n, blk_t block);
void ext2_map_set(struct ext2_inode *n, struct page *table, u32 *pointer, u32 block);
// Frees a block that nothing points to any more, and takes it off the inode's count.
int ext2_map_free_block(struct ext2_inode *n, blk_t block, u32 level);

/* inode.c */
int ext2_inode_read(struct ext2 *fs, u64 number, struct inode **out) MUST_CHECK;        // referenced
// A new inode of that mode, referenced, nr_links 0 (so that a put undoes it), near dir. The caller
// sets nr_links and marks it dirty.
int ext2_inode_create(struct inode *dir, u32 mode, u64 device_number, struct inode **out) MUST_CHECK;
int ext2_inode_write(struct inode *ip);
int ext2_inode_sync(struct inode *ip);
void ext2_inode_evict(struct inode *ip);
struct inode *ext2_inode_alloc(struct superblock *sb);
void ext2_inode_free(struct inode *ip);
void ext2_inodes_init(void);

/* dir.c: entries of directories; dir->lock held */
struct ext2_place {                     // where an entry stands
	struct page *page;              // referenced
	u32 offset;
	// offset of the entry before it in the block; = offset for the first
	u32 previous;
	u64 index;                      // the block
};
// -ENOENT; the caller puts out->page
int ext2_find_entry(struct inode *dir, const char *name, struct ext2_place *out) MUST_CHECK;
struct ext2_disk_entry *ext2_entry_at(const struct ext2_place *place);
int ext2_add_entry(struct inode *dir, const char *name, u32 number, u32 mode) MUST_CHECK;
int ext2_remove_entry(struct inode *dir, struct ext2_place *place) MUST_CHECK;
int ext2_set_entry(struct inode *dir, struct ext2_place *place, u32 number, u32 mode) MUST_CHECK;
int ext2_make_empty(struct inode *dir, u64 parent_number) MUST_CHECK;           // "." and ".."
int ext2_is_empty(struct inode *dir, bool *is_empty) MUST_CHECK;
extern const struct file_ops ext2_directory_ops;

/* name.c */
extern const struct inode_ops ext2_directory_inode_ops;

/* file.c */
extern const struct cache_ops ext2_cache_ops;
extern const struct inode_ops ext2_file_inode_ops;
extern const struct file_ops ext2_file_ops;
int ext2_resize(struct inode *ip, u64 size);

/* symlink.c */
extern const struct inode_ops ext2_symlink_inode_ops;
bool ext2_link_is_fast(const struct ext2_inode *n);
int ext2_set_link_target(struct inode *ip, const char *target) MUST_CHECK;
