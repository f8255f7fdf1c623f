/*
 * swap.c - swap areas come and go. The header is mkswap's, version 1, in the first page of the disk or file.
 * A file's places on the disk are looked up once, here, and nobody may open it for writing meanwhile:
 * from then on swapping knows only blocks, and asks no file system for anything.
 */
#include "kernel.h"
#include "cache/cache.h"
#include "dev/block.h"
#include "fs/devfs.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/slab.h"
#include "mm/swap_internal.h"
#include <abi/errno.h>
#include <abi/swap.h>

static struct mutex swapon_lock = { .rank = RANK_MOUNT, .name = "swapon",
				    .waiters = { .waiters = LIST_INIT(swapon_lock.waiters.waiters) } };
static int next_priority = -2;          // GUARDED_BY(swapon_lock) for areas that ask for none

/* --- the header ------------------------------------------------------------- */

// What mkswap wrote, checked; h is PAGE_SIZE bytes.
static int header_check(const struct swap_header *h, u64 nr_pages, u32 *nr_slots)
{
	if (memcmp(h->magic, SWAP_MAGIC, sizeof(h->magic)) != 0 || h->version != SWAP_VERSION)
		return -EINVAL;
	if (h->last_page == 0 || h->last_page >= nr_pages || h->nr_bad_pages > SWAP_BAD_MAX)
		return -EINVAL;
	*nr_slots = (u32)min((u64)h->last_page + 1, (u64)SWAP_SLOTS_MAX);
	return 0;
}

static void mark_bad(struct swap_area *area, u32 slot)
{
	if (slot < area->nr_slots && area->counts[slot] != SWAP_SLOT_BAD) {
		area->counts[slot] = SWAP_SLOT_BAD;
		area->nr_usable--;
	}
}

static int slots_create(struct swap_area *area, const struct swap_header *h)
{
	area->counts = kmalloc_zeroed(area->nr_slots * sizeof(area->counts[0]));
	area->frames = kmalloc_zeroed(area->nr_slots * sizeof(area->frames[0]));
	if (!area->counts || !area->frames)
		return -ENOMEM;
	area->nr_usable = area->nr_slots;
	area->hand = 1;
	mark_bad(area, 0);
	for (u32 i = 0; i < h->nr_bad_pages; i++)
		mark_bad(area, h->bad_pages[i]);
	return 0;
}

/* --- where slots are -------------------------------------------------------- */

static int extent_add(struct swap_area *area, u32 first, u32 nr, u64 block)
{
	struct swap_extent *last = area->nr_extents ? &area->extents[area->nr_extents - 1] : NULL;

	if (last && last->block + last->nr == block) {
		last->nr += nr;
		return 0;
	}
	// Room for twice as many whenever the number is a power of two.
	if ((area->nr_extents & (area->nr_extents - 1)) == 0) {
		struct swap_extent *more = kmalloc((max(area->nr_extents, 1u) * 2) * sizeof(*more));

		if (!more)
			return -ENOMEM;
		memcpy(more, area->extents, area->nr_extents * sizeof(*more));
		kfree(area->extents);
		area->extents = more;
	}
	area->extents[area->nr_extents++] = (struct swap_extent){ first, nr, block };
	return 0;
}

static int find_places(struct swap_area *area)
{
	struct inode *ip = area->file->inode;
	u64 block;
	u32 nr;

	if (!area->is_file)
		return extent_add(area, 0, area->nr_slots, 0);
	for (u32 slot = 0; slot < area->nr_slots; slot += nr) {
		int error = ip->ops->place(ip, slot, area->nr_slots - slot, &block, &nr);

		if (!error)
			error = block ? extent_add(area, slot, nr, block) : -EINVAL;    // a hole has no place
		if (error)
			return error;
	}
	return 0;
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

// A disk that no file system uses, or a file on a disk, whose blocks are where they will stay.
static int find_device(struct swap_area *area)
{
	struct inode *ip = area->file->inode;

	if (S_ISBLK(ip->mode)) {
		area->device = devfs_owner(ip);
		return is_mounted(area->device) ? -EBUSY : area->device->is_read_only ? -EROFS : 0;
	}
	if (!S_ISREG(ip->mode) || !ip->ops->place || !ip->sb->device)
		return -EINVAL;
	area->is_file = true;
	area->device = ip->sb->device;
	return file_sync(area->file, 0, I64_MAX, false);
}

static struct cache *cache_of(const struct swap_area *area)
{
	return area->is_file ? &area->file->inode->cache : &area->device->cache;
}

static int read_header(struct swap_area *area)
{
	struct page *p;
	int error = cache_get(cache_of(area), 0, &p);

	if (error)
		return error;
	const struct swap_header *h = page_address(p);

	error = header_check(h, cache_of(area)->size >> PAGE_SHIFT, &area->nr_slots);
	if (!error)
		error = slots_create(area, h);
	page_put(p);
	return error;
}

/* --- on and off ------------------------------------------------------------- */

static void area_release(struct swap_area *area)
{
	kfree(area->counts);
	kfree(area->frames);
	kfree(area->extents);
	if (area->is_file)
		inode_allow_write(area->file->inode);
	file_put(area->file);
	*area = (struct swap_area){ .number = 0 };
}

static struct swap_area *find_by_inode(const struct inode *ip)
{
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (swap_areas[i].is_active && swap_areas[i].file->inode == ip)
			return &swap_areas[i];
	return NULL;
}

static struct swap_area *find_unused(void)
{
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (!swap_areas[i].file)
			return &swap_areas[i];
	return NULL;
}

static int area_prepare(struct swap_area *area)
{
	int error = find_device(area);

	if (!error)
		error = read_header(area);
	if (!error)
		error = find_places(area);
	// What the cache knows of it will not be true any more.
	if (!error)
		error = cache_write_back(cache_of(area), 0, U64_MAX - 1, SYNC_WAIT);
	if (!error)
		cache_drop_clean(cache_of(area));
	return error;
}

static int swap_on_locked(struct file *f, u32 flags)
{
	struct swap_area *area = find_unused();
	bool is_file = S_ISREG(f->inode->mode);
	int error;

	if (find_by_inode(f->inode))
		return -EBUSY;
	if (!area)
		return -EPERM;
	error = is_file ? inode_deny_write(f->inode) : 0;
	if (error)
		return error;
	*area = (struct swap_area){ .number = (u32)(area - swap_areas), .file = file_hold(f), .is_file = is_file };
	area->priority = flags & SWAP_FLAG_PREFER ? (int)(flags & SWAP_FLAG_PRIO_MASK) : next_priority--;
	error = area_prepare(area);
	if (error) {
		area_release(area);
		return error;
	}
	spin_lock(&swap_lock);
	area->is_active = true;
	spin_unlock(&swap_lock);
	commit_settings_changed();
	printk("swap: %s on %s: %u KiB in %u pieces, priority %d\n", area->is_file ? "a file" : "a disk",
	       area->device->name, area->nr_usable * 4, area->nr_extents, area->priority);
	return 0;
}

int swap_on(struct file *f, u32 flags)
{
	mutex_lock(&swapon_lock);
	int error = swap_on_locked(f, flags);
	mutex_unlock(&swapon_lock);
	return error;
}

static int swap_off_locked(struct file *f)
{
	struct swap_area *area = find_by_inode(f->inode);

	if (!area)
		return -EINVAL;
	spin_lock(&swap_lock);
	area->is_leaving = true;
	spin_unlock(&swap_lock);
	int error = swap_bring_back(area->number);

	spin_lock(&swap_lock);
	area->is_leaving = false;
	area->is_active = error;
	spin_unlock(&swap_lock);
	commit_settings_changed();
	if (!error)
		area_release(area);
	return error;
}

int swap_off(struct file *f)
{
	mutex_lock(&swapon_lock);
	int error = swap_off_locked(f);
	mutex_unlock(&swapon_lock);
	return error;
}

/* --- sums ------------------------------------------------------------------- */

u32 swap_area_slots(u32 number)
{
	return number < SWAP_AREAS_MAX && swap_areas[number].is_active ? swap_areas[number].nr_slots : 0;
}

static void path_of(struct file *f, char *path, size_t size)
{
	char *text = kmalloc(PATH_LENGTH_MAX), *start;

	if (text && f->dentry && dentry_path(f->dentry, root_dentry(), text, PATH_LENGTH_MAX, &start) >= 0)
		string_copy(path, start, size);
	kfree(text);
}

bool swap_info(u32 number, struct swap_info *out)
{
	struct file *f = NULL;

	if (number >= SWAP_AREAS_MAX)
		return false;
	struct swap_area *area = &swap_areas[number];

	spin_lock(&swap_lock);
	if (area->is_active) {
		f = file_hold(area->file);
		*out = (struct swap_info){ .is_file = area->is_file, .nr_pages = area->nr_usable,
					   .nr_used = area->nr_used, .priority = area->priority };
	}
	spin_unlock(&swap_lock);
	if (!f)
		return false;
	path_of(f, out->path, sizeof(out->path));
	file_put(f);
	return true;
}

static u64 sum(u32 (*of)(const struct swap_area *area))
{
	u64 nr = 0;

	spin_lock(&swap_lock);
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (swap_areas[i].is_active)
			nr += of(&swap_areas[i]);
	spin_unlock(&swap_lock);
	return nr;
}

static u32 usable_of(const struct swap_area *area)
{
	return area->nr_usable;
}

static u32 free_of(const struct swap_area *area)
{
	return area->is_leaving ? 0 : area->nr_usable - area->nr_used;
}

static u32 cached_of(const struct swap_area *area)
{
	return area->nr_cached;
}

u64 swap_total_pages(void)
{
	return sum(usable_of);
}

u64 swap_free_pages(void)
{
	return sum(free_of);
}

u64 swap_cached_pages(void)
{
	return sum(cached_of);
}
