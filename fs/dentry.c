/*
 * dentry.c - the cache of names: (parent, name) leads to an inode, or is known to lead nowhere. The
 * hard part is that names are found without any lock of the directory, while others create, remove
 * and move them: so every link between dentries is under dentry_lock (spin), held for a few steps
 * only, and a dentry is filled in before it enters the hash.
 *
 *  D1  A dentry holds a reference on its parent and on its inode.
 *      Unused ones (refs 0) that are hashed stay in the list of unused dentries; unhashed ones are freed at once.
 *  D2  At most one hashed dentry for a (parent, name).
 *  D3  A negative dentry becomes positive once, under the parent directory's lock; never back.
 */
#include "kernel.h"
#include "fs/names.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include <abi/errno.h>

#define NR_BUCKETS 2048

static struct spinlock dentry_lock = SPINLOCK_INIT("dentry_lock", RANK_DENTRY);
static struct list buckets[NR_BUCKETS];         // GUARDED_BY(dentry_lock)
static struct list unused = LIST_INIT(unused);  // GUARDED_BY(dentry_lock) the longest unused first
static struct slab_cache dentry_slab;

void dentry_room_init(void)
{
	for (u32 i = 0; i < NR_BUCKETS; i++)
		list_init(&buckets[i]);
	slab_cache_init(&dentry_slab, "dentry", sizeof(struct dentry), 16);
}

static u32 hash_of(const struct dentry *parent, const char *name, size_t length)
{
	u64 h = (u64)parent >> 5;

	for (size_t i = 0; i < length; i++)
		h = (h ^ (u8)name[i]) * 0x100000001b3ul;
	return (u32)(h ^ h >> 32);
}

static bool has_name(const struct dentry *d, const char *name, size_t length)
{
	return strlen(d->name) == length && memcmp(d->name, name, length) == 0;
}

// dentry_lock held.
static void hold_locked(struct dentry *d)
{
	if (atomic_add_return(&d->refs, 1) == 1)
		list_remove(&d->lru_link);
}

// dentry_lock held.
static struct dentry *find_locked(struct dentry *parent, const char *name, size_t length, u32 hash)
{
	struct dentry *d;

	list_for_each(d, &buckets[hash % NR_BUCKETS], hash_link) {
		if (d->hash == hash && d->parent == parent && has_name(d, name, length)) {
			hold_locked(d);
			return d;
		}
	}
	return NULL;
}

struct dentry *dentry_find(struct dentry *parent, const char *name, size_t length)
{
	u32 hash = hash_of(parent, name, length);

	spin_lock(&dentry_lock);
	struct dentry *d = find_locked(parent, name, length, hash);

	spin_unlock(&dentry_lock);
	return d;
}

static struct dentry *alloc(struct superblock *sb, const char *name, size_t length)
{
	struct dentry *d = slab_alloc_zeroed(&dentry_slab);

	if (!d)
		return NULL;
	d->name = kmalloc(length + 1);
	if (!d->name) {
		slab_free(&dentry_slab, d);
		return NULL;
	}
	memcpy(d->name, name, length);
	d->name[length] = 0;
	d->sb = sb;
	d->refs = 1;
	list_init(&d->hash_link);
	list_init(&d->child_link);
	list_init(&d->children);
	list_init(&d->lru_link);
	return d;
}

static void free_memory(struct dentry *d)
{
	kfree(d->name);
	slab_free(&dentry_slab, d);
}

struct dentry *dentry_create_root(struct superblock *sb, struct inode *ip)
{
	struct dentry *d = alloc(sb, "/", 1);

	if (!d)
		return NULL;
	d->parent = d;
	d->inode = ip;
	return d;
}

struct dentry *dentry_create_unnamed(struct inode *ip)
{
	struct dentry *d = dentry_create_root(ip->sb, ip);

	if (d)
		inode_hold(ip);
	return d;
}

bool dentry_is_unnamed(const struct dentry *d)
{
	return d->parent == d && d->sb->root != d;
}

// Enters a new dentry (refs 1) under parent, unless another thread was faster: then that one is
// returned.
static struct dentry *insert(struct dentry *parent, struct dentry *fresh)
{
	u32 hash = hash_of(parent, fresh->name, strlen(fresh->name));

	spin_lock(&dentry_lock);
	struct dentry *d = find_locked(parent, fresh->name, strlen(fresh->name), hash);

	if (!d) {
		fresh->hash = hash;
		fresh->parent = parent;
		fresh->is_hashed = true;
		hold_locked(parent);
		list_push_front(&buckets[hash % NR_BUCKETS], &fresh->hash_link);
		list_push_back(&parent->children, &fresh->child_link);
		d = fresh;
	}
	spin_unlock(&dentry_lock);
	return d;
}

// For file systems whose names change by themselves: is what the cache knows still so?
static bool is_current(const struct dentry *d, const struct inode *ip)
{
	return d->inode == ip;
}

int dentry_look_up(struct dentry *parent, const char *name, size_t length, struct dentry **out)
{
	struct inode *dir = parent->inode, *ip = NULL;
	struct dentry *d = dentry_find(parent, name, length), *fresh;

	if (d && !parent->sb->names_change) {
		*out = d;
		return 0;
	}
	fresh = alloc(parent->sb, name, length);
	if (!fresh) {
		if (d)
			dentry_put(d);
		return -ENOMEM;
	}
	int error = dir->ops->lookup ? dir->ops->lookup(dir, fresh->name, &ip) : -ENOENT;

	if (error == -ENOENT)
		ip = NULL;
	if (d && (error && error != -ENOENT ? true : !is_current(d, ip))) {
		dentry_unhash(d);
		dentry_put(d);
		d = NULL;
	}
	if (error && error != -ENOENT) {
		free_memory(fresh);
		return error;
	}
	if (!d) {
		fresh->inode = ip;
		d = insert(parent, fresh);
		if (d == fresh) {
			*out = d;
			return 0;
		}
	}
	free_memory(fresh);
	if (ip)
		inode_put(ip);
	*out = d;
	return 0;
}

void dentry_set_inode(struct dentry *d, struct inode *ip)
{
	debug_assert(!d->inode);
	atomic_store(&d->inode, ip);
}

// dentry_lock held.
static void unhash_locked(struct dentry *d)
{
	list_remove(&d->hash_link);
	d->is_hashed = false;
}

void dentry_unhash(struct dentry *d)
{
	spin_lock(&dentry_lock);
	unhash_locked(d);
	spin_unlock(&dentry_lock);
}

char *dentry_move(struct dentry *d, struct dentry *parent, char *name)
{
	size_t length = strlen(name);
	u32 hash = hash_of(parent, name, length);
	char *old_name = d->name;

	spin_lock(&dentry_lock);
	struct dentry *previous = find_locked(parent, name, length, hash), *old_parent = d->parent;

	if (previous)
		unhash_locked(previous);
	list_remove(&d->hash_link);
	list_remove(&d->child_link);
	hold_locked(parent);
	d->parent = parent;
	d->name = name;
	d->hash = hash;
	list_push_front(&buckets[hash % NR_BUCKETS], &d->hash_link);
	list_push_back(&parent->children, &d->child_link);
	spin_unlock(&dentry_lock);
	if (previous)
		dentry_put(previous);
	dentry_put(old_parent);
	return old_name;
}

struct dentry *dentry_hold(struct dentry *d)
{
	atomic_add(&d->refs, 1);
	return d;
}

static bool put_shared(struct dentry *d)
{
	i32 refs = atomic_load(&d->refs);

	while (refs > 1) {
		if (atomic_compare_exchange(&d->refs, refs, refs - 1))
			return true;
		refs = atomic_load(&d->refs);
	}
	return false;
}

// dentry_lock held, refs 0: out of every list; the caller frees it and puts its parent.
static void detach_locked(struct dentry *d)
{
	list_remove(&d->lru_link);
	list_remove(&d->child_link);
	unhash_locked(d);
}

// Detached: gives back what it held. The parent, for the caller to put; NULL when there is none.
static struct dentry *release(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;

	if (d->inode)
		inode_put(d->inode);
	free_memory(d);
	return parent;
}

void dentry_put(struct dentry *d)
{
	while (d && !put_shared(d)) {
		spin_lock(&dentry_lock);
		debug_assert(d->refs > 0);
		if (atomic_sub_return(&d->refs, 1) > 0) {
			spin_unlock(&dentry_lock);
			return;
		}
		bool keeps = d->is_hashed && !d->sb->names_change;

		if (keeps)
			list_push_back(&unused, &d->lru_link);
		else
			detach_locked(d);
		spin_unlock(&dentry_lock);
		if (keeps)
			return;
		d = release(d);
	}
}

static u64 drop(struct superblock *sb, u64 max_nr)
{
	u64 nr = 0;

	while (nr < max_nr) {
		struct dentry *d = NULL, *at;

		spin_lock(&dentry_lock);
		list_for_each(at, &unused, lru_link) {
			if (!sb || at->sb == sb) {
				d = at;
				detach_locked(d);
				break;
			}
		}
		spin_unlock(&dentry_lock);
		if (!d)
			break;
		d = release(d);
		if (d)
			dentry_put(d);
		nr++;
	}
	return nr;
}

u64 dentries_drop_unused(u64 max_nr)
{
	return drop(NULL, max_nr);
}

void dentries_drop_all(struct superblock *sb)
{
	drop(sb, U64_MAX);
}

struct dentry *dentry_parent(struct dentry *d)
{
	spin_lock(&dentry_lock);
	struct dentry *parent = d->parent;

	hold_locked(parent);
	spin_unlock(&dentry_lock);
	return parent;
}

bool dentry_is_below(struct dentry *d, struct dentry *ancestor)
{
	bool is_below = false;

	spin_lock(&dentry_lock);
	for (;; d = d->parent) {
		// not by dentry: a damaged disk may give one directory two names
		if (d->inode == ancestor->inode)
			is_below = true;
		if (is_below || d == d->parent)
			break;
	}
	spin_unlock(&dentry_lock);
	return is_below;
}

struct dentry *dentry_cross_mounts(struct dentry *d)
{
	for (;;) {
		spin_lock(&dentry_lock);
		struct superblock *mounted = d->mounted;
		struct dentry *root = mounted ? mounted->root : NULL;

		if (root)
			hold_locked(root);
		spin_unlock(&dentry_lock);
		if (!root)
			return d;
		dentry_put(d);
		d = root;
	}
}

// dentry_lock held. Puts text in front of *at; false when there is no room before start.
static bool prepend(char *start, char **at, const char *text, size_t length)
{
	if ((size_t)(*at - start) < length)
		return false;
	*at -= length;
	memcpy(*at, text, length);
	return true;
}

int dentry_path(struct dentry *d, struct dentry *root, char *buffer, size_t size, char **out)
{
	static const char deleted[] = " (deleted)";
	char *at = buffer + size;
	bool fits;

	if (!size)
		return -ENAMETOOLONG;
	fits = prepend(buffer, &at, "", 1);
	spin_lock(&dentry_lock);
	if (d != d->parent && !d->is_hashed)
		fits = fits && prepend(buffer, &at, deleted, sizeof(deleted) - 1);
	char *end = at;

	while (fits && d != root) {
		if (d == d->parent) {
			if (!d->sb->mounted_on)
				break;
			d = d->sb->mounted_on;
			continue;
		}
		fits = prepend(buffer, &at, d->name, strlen(d->name)) && prepend(buffer, &at, "/", 1);
		d = d->parent;
	}
	if (fits && at == end)
		fits = prepend(buffer, &at, "/", 1);
	spin_unlock(&dentry_lock);
	*out = at;
	return fits ? 0 : -ENAMETOOLONG;
}
