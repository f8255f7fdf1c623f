/*
 * dir.c - directories: files whose blocks are filled from end to end with entries, each saying how
 * long it is. A free entry has inode 0; removing one makes the entry before it longer. An entry
 * never crosses a block.
 *
 *      | inode | length | name length | type | name ... padding | inode | length | ...            | end of the block
 *
 * dir->lock (held by every caller, for writing by those who change) covers the entries; a page's
 * lock is taken around each change too, so that no half of one is written to disk. Every entry is
 * checked each time before it is believed. A directory with a hashed index (feature dir_index)
 * stays readable as this plain list; the first change drops the index.
 */
#include "fs/ext2/ext2.h"
#include "kernel.h"
#include "lib/string.h"
#include <abi/dirent.h>
#include <abi/errno.h>

static u64 nr_blocks_of(const struct inode *dir)
{
	return dir->cache.size / BLOCK_SIZE;
}

static struct ext2_disk_entry *entry_at(const struct page *p, u32 offset)
{
	return (struct ext2_disk_entry *)((char *)page_address(p) + offset);
}

struct ext2_disk_entry *ext2_entry_at(const struct ext2_place *place)
{
	return entry_at(place->page, place->offset);
}

// Is there a whole, sound entry at offset of this block?
static int check_entry(struct inode *dir, const struct page *p, u64 index, u32 offset)
{
	struct ext2 *fs = ext2_of(dir->sb);
	const struct ext2_disk_entry *e = entry_at(p, offset);
	const char *fault = NULL;

	if (offset > BLOCK_SIZE - 8)
		fault = "begins at the end of the block";
	else if (e->length < 8 || e->length % 4)
		fault = "has an odd length";
	else if (e->length > BLOCK_SIZE - offset)
		fault = "crosses the end of the block";
	else if (e->inode && e->length < EXT2_ENTRY_LENGTH(e->name_length))
		fault = "is too short for its name";
	else if (e->inode && !e->name_length)
		fault = "has no name";
	else if (e->inode > fs->nr_inodes)
		fault = "leads to an inode that does not exist";
	if (!fault)
		return 0;
	return ext2_damaged(fs, "directory %lu, block %lu: the entry at %u %s", dir->number, index,
			    offset, fault);
}

// An entry of this block for which `wanted` says true; -ENOENT.
struct search {
	const char *name;               // that entry, in use
	size_t length;
	u32 room;                       // or, name NULL: one with so much free space
};

static bool is_wanted(const struct search *s, const struct ext2_disk_entry *e)
{
	if (!s->name)
		return e->length >= s->room + (e->inode ? EXT2_ENTRY_LENGTH(e->name_length) : 0);
	return e->inode && e->name_length == s->length && memcmp(e->name, s->name, s->length) == 0;
}

static int search_block(struct inode *dir, struct ext2_place *at, const struct search *s)
{
	u32 offset = 0, previous = 0;

	while (offset < BLOCK_SIZE) {
		int error = check_entry(dir, at->page, at->index, offset);

		if (error)
			return error;
		const struct ext2_disk_entry *e = entry_at(at->page, offset);

		if (is_wanted(s, e)) {
			at->offset = offset;
			at->previous = previous;
			return 0;
		}
		previous = offset;
		offset += e->length;
	}
	return -ENOENT;
}

// The first match in the blocks from `first` on; the page is referenced on success.
static int search(struct inode *dir, u64 first, const struct search *s, struct ext2_place *out)
{
	for (out->index = first; out->index < nr_blocks_of(dir); out->index++) {
		int error = cache_get(&dir->cache, out->index, &out->page);

		if (error)
			return error;
		error = search_block(dir, out, s);
		if (!error)
			return 0;
		page_put(out->page);
		if (error != -ENOENT)
			return error;
	}
	return -ENOENT;
}

int ext2_find_entry(struct inode *dir, const char *name, struct ext2_place *out)
{
	struct search s = { .name = name, .length = strlen(name) };

	if (s.length > NAME_LENGTH_MAX)
		return -ENAMETOOLONG;
	return search(dir, 0, &s, out);
}

static const u8 type_of_mode[16] = {
	[S_IFREG >> 12] = 1, [S_IFDIR >> 12] = 2, [S_IFCHR >> 12] = 3, [S_IFBLK >> 12] = 4,
	[S_IFIFO >> 12] = 5, [S_IFSOCK >> 12] = 6, [S_IFLNK >> 12] = 7,
};
static const u8 dirent_of_type[8] = { DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR, DT_BLK, DT_FIFO, DT_SOCK,
				     DT_LNK };

static u8 type_for(const struct inode *dir, u32 mode)
{
	return ext2_of(dir->sb)->has_filetype ? type_of_mode[(mode & S_IFMT) >> 12] : 0;
}

static void write_entry(struct ext2_disk_entry *e, const char *name, u32 length, u32 number, u8 type)
{
	e->inode = number;
	e->name_length = (u8)strlen(name);
	e->type = type;
	memcpy(e->name, name, e->name_length);
	e->length = (u16)length;
}

static void dropped_index(struct inode *dir)
{
	ext2_node(dir)->flags &= ~(u32)EXT2_FLAG_INDEX;
	inode_touch(dir, false, true, true);
	inode_mark_dirty(dir, INODE_DIRTY_META);
}

// A new block at the end, one free entry long; its page is referenced and locked, and not yet part
// of the directory.
static int new_block(struct inode *dir, struct page **out)
{
	int error = cache_get_locked(&dir->cache, nr_blocks_of(dir), out);

	if (error)
		return error;
	memset(page_address(*out), 0, BLOCK_SIZE);
	entry_at(*out, 0)->length = (u16)BLOCK_SIZE;
	error = dir->cache.ops->reserve(&dir->cache, *out);
	if (error) {
		page_unlock(*out);
		page_put(*out);
		return error;
	}
	page_set(*out, PAGE_UPTODATE);
	return 0;
}

static int add_in_new_block(struct inode *dir, const char *name, u32 number, u8 type)
{
	struct page *p;

	if (dir->cache.size >= I64_MAX / 2 || dir->cache.size > U32_MAX - BLOCK_SIZE)
		return -ENOSPC;
	int error = new_block(dir, &p);

	if (error)
		return error;
	write_entry(entry_at(p, 0), name, BLOCK_SIZE, number, type);
	WRITE_ONCE(dir->cache.size, dir->cache.size + BLOCK_SIZE);
	page_mark_dirty(p);
	page_unlock(p);
	page_put(p);
	dropped_index(dir);
	return 0;
}

int ext2_add_entry(struct inode *dir, const char *name, u32 number, u32 mode)
{
	struct search s = { .room = EXT2_ENTRY_LENGTH((u32)strlen(name)) };
	struct ext2_place place;
	u8 type = type_for(dir, mode);
	int error = search(dir, ext2_node(dir)->add_from, &s, &place);

	if (error == -ENOENT) {
		ext2_node(dir)->add_from = (u32)nr_blocks_of(dir);
		return add_in_new_block(dir, name, number, type);
	}
	if (error)
		return error;
	struct ext2_disk_entry *e = ext2_entry_at(&place);

	page_lock(place.page);
	if (e->inode) {                 // split: the old entry keeps what it needs
		u32 used = EXT2_ENTRY_LENGTH(e->name_length), rest = e->length - used;

		e->length = (u16)used;
		e = entry_at(place.page, place.offset + used);
		e->length = (u16)rest;
	}
	write_entry(e, name, e->length, number, type);
	page_mark_dirty(place.page);
	page_unlock(place.page);
	page_put(place.page);
	ext2_node(dir)->add_from = (u32)place.index;
	dropped_index(dir);
	return 0;
}

int ext2_remove_entry(struct inode *dir, struct ext2_place *place)
{
	struct ext2_disk_entry *e = ext2_entry_at(place);
	struct ext2_disk_entry *before = entry_at(place->page, place->previous);

	page_lock(place->page);
	if (e != before)
		before->length = (u16)(before->length + e->length);
	e->inode = 0;
	page_mark_dirty(place->page);
	page_unlock(place->page);
	ext2_node(dir)->add_from = min(ext2_node(dir)->add_from, (u32)place->index);
	dropped_index(dir);
	return 0;
}

int ext2_set_entry(struct inode *dir, struct ext2_place *place, u32 number, u32 mode)
{
	struct ext2_disk_entry *e = ext2_entry_at(place);

	page_lock(place->page);
	e->inode = number;
	e->type = type_for(dir, mode);
	page_mark_dirty(place->page);
	page_unlock(place->page);
	dropped_index(dir);
	return 0;
}

int ext2_make_empty(struct inode *dir, u64 parent_number)
{
	struct page *p;
	int error = new_block(dir, &p);

	if (error)
		return error;
	u8 type = type_for(dir, S_IFDIR);
	u32 first = EXT2_ENTRY_LENGTH(1u);

	write_entry(entry_at(p, 0), ".", first, (u32)dir->number, type);
	write_entry(entry_at(p, first), "..", (u32)BLOCK_SIZE - first, (u32)parent_number, type);
	WRITE_ONCE(dir->cache.size, BLOCK_SIZE);
	page_mark_dirty(p);
	page_unlock(p);
	page_put(p);
	inode_mark_dirty(dir, INODE_DIRTY_META);
	return 0;
}

static bool is_dots(const struct ext2_disk_entry *e)
{
	return e->name[0] == '.' && (e->name_length == 1 || (e->name_length == 2 && e->name[1] == '.'));
}

/* --- walking over all entries ------------------------------------------------------------------ */

// Calls f for every used entry at or after position; f returns false to stop.
static int for_each_entry(struct inode *dir, u64 position,
			  bool (*f)(void *argument, const struct ext2_disk_entry *e,
				    u64 next_position), void *argument)
{
	for (u64 index = position / BLOCK_SIZE; index < nr_blocks_of(dir); index++) {
		struct page *p;
		int error = cache_get(&dir->cache, index, &p);

		if (error)
			return error;
		// From the block's beginning: the position may be stale and point into the middle
		// of an entry.
		for (u32 offset = 0; offset < BLOCK_SIZE;) {
			error = check_entry(dir, p, index, offset);
			if (error)
				break;
			const struct ext2_disk_entry *e = entry_at(p, offset);
			u64 at = index * BLOCK_SIZE + offset;

			offset += e->length;
			if (e->inode && at >= position && !f(argument, e, at + e->length)) {
				page_put(p);
				return 0;
			}
		}
		page_put(p);
		if (error)
			return error;
	}
	return 0;
}

static bool stop_at_name(void *argument, const struct ext2_disk_entry *e, u64 next_position)
{
	(void)next_position;
	if (is_dots(e))
		return true;
	*(bool *)argument = false;
	return false;
}

int ext2_is_empty(struct inode *dir, bool *is_empty)
{
	*is_empty = true;
	return for_each_entry(dir, 0, stop_at_name, is_empty);
}

struct reading {
	struct directory_emit *emit;
	struct file *file;
};

static bool emit_entry(void *argument, const struct ext2_disk_entry *e, u64 next_position)
{
	struct reading *r = argument;

	if (!r->emit->emit(r->emit, e->name, e->name_length, next_position, e->inode,
			   dirent_of_type[e->type & 7]))
		return false;
	r->file->position = next_position;
	return true;
}

// file.position_lock and the directory's lock are held.
static int read_directory(struct file *f, struct directory_emit *emit)
{
	struct reading r = { .emit = emit, .file = f };
	int error = for_each_entry(f->inode, f->position, emit_entry, &r);

	inode_touch_access(f->inode, f->flags);
	return error;
}

const struct file_ops ext2_directory_ops = { .read_directory = read_directory };
