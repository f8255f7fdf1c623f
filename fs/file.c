/*
 * file.c - open files, and the tables in which processes number them. A table's lock (spin) covers its slots
 * for the few steps of a change; a slot holds a reference, so what fd_get returns stays whatever others close.
 * Finding takes no lock, but a look (sync/look.h), for which files and arrays that were left behind wait.
 * Tables grow by doubling; the new arrays are allocated without the lock, and the growth looks again.
 *
 * read() and write() borrow the file: they count nothing, so threads that read one file side by side write to no
 * common line. The borrower notes in his thread what he uses; whoever takes a file out of a slot looks at the notes
 * of all who share the table, and gives each who has it a reference, which the borrower finds when he is done.
 */
#include "kernel.h"
#include "fs/epoll.h"
#include "fs/locks.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sync/look.h"
#include <abi/errno.h>

#define FIRST_CAPACITY 64u
#define HAS_REFERENCE 1ul               // in thread.borrowed

static struct slab_cache file_slab;
static struct spinlock init_lock = SPINLOCK_INIT("file slab", RANK_INODE_HASH);
static bool is_ready;                           // GUARDED_BY(init_lock)

static void make_ready(void)
{
	spin_lock(&init_lock);
	if (!is_ready)
		slab_cache_init(&file_slab, "file", sizeof(struct file), 16);
	atomic_store(&is_ready, true);
	spin_unlock(&init_lock);
}

struct file *file_alloc(struct inode *ip, struct dentry *d, const struct file_ops *ops, u32 flags)
{
	if (unlikely(!atomic_load(&is_ready)))
		make_ready();

	struct file *f = slab_alloc_zeroed(&file_slab);

	if (!f)
		return NULL;
	f->ops = ops;
	f->refs = 1;
	f->flags = flags;
	f->inode = ip;
	inode_hold(ip);
	if (d)
		f->dentry = dentry_hold(d);
	mutex_init(&f->position_lock, "file.position_lock", RANK_FILE_POSITION);
	f->error_seen = unlikely(READ_ONCE(ip->cache.error)) ? cache_error_mark(&ip->cache) : 0;
	return f;
}

struct file *file_hold(struct file *f)
{
	atomic_add(&f->refs, 1);
	return f;
}

void file_put(struct file *f)
{
	if (atomic_sub_return(&f->refs, 1) > 0)
		return;
	looks_wait(ALL_CPUS);                           // who has found it in its slot may look at its count, or use it
	if (f->watchers)
		epoll_forget(f);
	if (f->ops->release)
		f->ops->release(f);
	locks_release(f->inode, f);
	if (f->is_writer)
		inode_end_write(f->inode);
	if (f->dentry)
		dentry_put(f->dentry);
	inode_put(f->inode);
	slab_free(&file_slab, f);
}

/* --- tables ------------------------------------------------------------------------- */

static u64 bitmap_bytes(u32 capacity)
{
	return capacity / 64 * sizeof(u64);
}

static struct file_table *table_alloc(u32 capacity)
{
	struct file_table *t = kmalloc_zeroed(sizeof(*t));

	if (!t)
		return NULL;
	t->files = kmalloc_zeroed(capacity * sizeof(*t->files));
	t->close_on_exec = kmalloc_zeroed(bitmap_bytes(capacity));
	if (!t->files || !t->close_on_exec) {
		kfree(t->files);
		kfree(t->close_on_exec);
		kfree(t);
		return NULL;
	}
	spin_init(&t->lock, "file table", RANK_INODE_HASH);
	t->refs = 1;
	t->capacity = capacity;
	return t;
}

struct file_table *file_table_create(void)
{
	return table_alloc(FIRST_CAPACITY);
}

struct file_table *file_table_copy(struct file_table *from)
{
	for (;;) {
		u32 capacity = READ_ONCE(from->capacity);
		struct file_table *t = table_alloc(capacity);

		if (!t)
			return NULL;
		spin_lock(&from->lock);
		bool fits = from->capacity <= capacity;

		for (u32 fd = 0; fits && fd < from->end; fd++) {
			if (from->files[fd])
				t->files[fd] = file_hold(from->files[fd]);
		}
		t->end = fits ? from->end : 0;
		if (fits)
			memcpy(t->close_on_exec, from->close_on_exec, bitmap_bytes(from->capacity));
		spin_unlock(&from->lock);
		if (fits)
			return t;
		file_table_put(t);      // it has grown meanwhile
	}
}

// A descriptor's end: whatever the process has locked of that file, by any descriptor, goes with it.
static void close_slot(struct file_table *t, struct file *f)
{
	locks_release(f->inode, t);
	file_put(f);
}

void file_table_put(struct file_table *t)
{
	if (atomic_sub_return(&t->refs, 1) > 0)
		return;
	for (u32 fd = 0; fd < t->end; fd++) {
		if (t->files[fd])
			close_slot(t, t->files[fd]);
	}
	kfree(t->files);
	kfree(t->close_on_exec);
	kfree(t);
}

static void bit_set(u64 *bitmap, u32 n, bool value)
{
	if (value)
		bitmap[n / 64] |= 1ul << n % 64;
	else
		bitmap[n / 64] &= ~(1ul << n % 64);
}

// Takes the file out of its slot; the caller puts it.
static struct file *take(struct file_table *t, int fd)
{
	struct file *f = NULL;

	spin_lock(&t->lock);
	if (fd >= 0 && (u32)fd < t->capacity) {
		f = t->files[fd];
		atomic_store(&t->files[fd], NULL);
		bit_set(t->close_on_exec, (u32)fd, false);
	}
	spin_unlock(&t->lock);
	return f;
}

// Nobody else has the table: exec sees to that.
void file_table_close_on_exec(struct file_table *t)
{
	for (u32 word = 0; word < t->capacity / 64; word++) {
		while (t->close_on_exec[word]) {
			struct file *f = take(t, (int)(word * 64) + __builtin_ctzl(t->close_on_exec[word]));

			if (f)
				close_slot(t, f);
		}
	}
}

// Makes room for descriptor fd. 0 or -ENOMEM. May sleep.
static int table_grow(struct file_table *t, u32 fd)
{
	while (READ_ONCE(t->capacity) <= fd) {
		u32 old = READ_ONCE(t->capacity), capacity = old * 2;
		struct file **files = kmalloc_zeroed(capacity * sizeof(*files)), **spare_files = files;
		u64 *bits = kmalloc_zeroed(bitmap_bytes(capacity)), *spare_bits = bits;

		if (!files || !bits) {
			kfree(files);
			kfree(bits);
			return -ENOMEM;
		}
		spin_lock(&t->lock);
		if (t->capacity == old) {
			memcpy(files, t->files, old * sizeof(*files));
			memcpy(bits, t->close_on_exec, bitmap_bytes(old));
			spare_files = t->files;
			spare_bits = t->close_on_exec;
			atomic_store(&t->files, files);
			t->close_on_exec = bits;
			atomic_store(&t->capacity, capacity);
		}
		spin_unlock(&t->lock);
		looks_wait(ALL_CPUS);
		kfree(spare_files);
		kfree(spare_bits);
	}
	return 0;
}

// How many descriptors the process may have.
static u32 fd_limit(void)
{
	u64 limit = current_process()->limits[RLIMIT_NOFILE].rlim_cur;

	return (u32)min(limit, (u64)FILES_MAX);
}

/* --- descriptors of the current process ------------------------------------------------- */

static bool file_try_hold(struct file *f)
{
	i32 refs = atomic_load(&f->refs);

	while (refs > 0) {
		if (atomic_compare_exchange(&f->refs, refs, refs + 1))
			return true;
		refs = atomic_load(&f->refs);
	}
	return false;
}

// What the slot shows, without the lock: inside a look (sync/look.h), or where nobody else can change the table.
static struct file *look(const struct file_table *t, int fd)
{
	u32 capacity = atomic_load(&t->capacity);       // before the array, which is larger sooner

	return (u32)fd < capacity ? atomic_load(&atomic_load(&t->files)[fd]) : NULL;
}

struct file *fd_peek(int fd)
{
	return look(current_process()->files, fd);
}

struct file *fd_get(int fd)
{
	look_begin();
	struct file *f = look(current_process()->files, fd);

	if (f && !file_try_hold(f))
		f = NULL;                       // it is being closed
	look_end();
	return f;
}

static bool is_shared(const struct process *p)
{
	return READ_ONCE(p->nr_threads) > 1 || READ_ONCE(p->files->refs) > 1;
}

struct file *fd_borrow(int fd, bool *is_noted)
{
	struct process *p = current_process();
	struct file *f;

	*is_noted = is_shared(p);
	if (!*is_noted)
		return look(p->files, fd);      // nobody else could close it
	debug_assert(!current->borrowed);
	look_begin();
	f = look(p->files, fd);
	WRITE_ONCE(current->borrowed, f);
	look_end();
	return f;
}

void fd_return_noted(void)
{
	u64 note = (u64)atomic_exchange(&current->borrowed, NULL);

	if (note & HAS_REFERENCE)
		file_put((struct file *)(note & ~HAS_REFERENCE));
}

static void give_reference(struct thread *t, void *argument)
{
	struct file *f = argument;

	if (atomic_load(&t->borrowed) != f)
		return;
	file_hold(f);
	if (!atomic_compare_exchange(&t->borrowed, f, (struct file *)((u64)f | HAS_REFERENCE)))
		atomic_sub(&f->refs, 1);        // he has just returned it; never the last: the caller has one
}

// The file is out of its slot, the slot's reference still there. Who has borrowed it gets one.
static void give_references(struct file *f)
{
	struct process *p = current_process();

	if (!is_shared(p))
		return;
	looks_wait(ALL_CPUS);                           // who found it in the slot has noted it now
	process_visit_threads(READ_ONCE(p->files->refs) > 1 ? NULL : p, give_reference, f);
}

// t->lock held. The lowest free descriptor from lowest on; capacity when the table is full.
static u32 find_free(const struct file_table *t, u32 lowest)
{
	u32 fd = lowest;

	while (fd < t->capacity && t->files[fd])
		fd++;
	return fd;
}

int fd_install(struct file *f, int lowest, bool close_on_exec)
{
	struct file_table *t = current_process()->files;
	u32 limit = fd_limit();
	int error = lowest < 0 || (u32)lowest >= limit ? -EINVAL : 0;

	while (!error) {
		spin_lock(&t->lock);
		u32 fd = max(find_free(t, (u32)lowest), (u32)lowest);

		if (fd < t->capacity && fd < limit) {
			atomic_store(&t->files[fd], f);
			bit_set(t->close_on_exec, fd, close_on_exec);
			t->end = max(t->end, fd + 1);
			spin_unlock(&t->lock);
			return (int)fd;
		}
		spin_unlock(&t->lock);
		error = fd >= limit ? -EMFILE : table_grow(t, fd);
	}
	file_put(f);
	return error;
}

int fd_close(int fd)
{
	struct file_table *t = current_process()->files;
	struct file *f = take(t, fd);

	if (!f)
		return -EBADF;
	give_references(f);
	close_slot(t, f);
	return 0;
}

int fd_replace(int fd, struct file *f, bool close_on_exec)
{
	struct file_table *t = current_process()->files;
	int error = fd < 0 || (u32)fd >= fd_limit() ? -EBADF : table_grow(t, (u32)fd);

	if (error) {
		file_put(f);
		return error;
	}
	spin_lock(&t->lock);
	struct file *old = t->files[fd];

	atomic_store(&t->files[fd], f);
	bit_set(t->close_on_exec, (u32)fd, close_on_exec);
	t->end = max(t->end, (u32)fd + 1);
	spin_unlock(&t->lock);
	if (old) {
		give_references(old);
		close_slot(t, old);
	}
	return fd;
}
