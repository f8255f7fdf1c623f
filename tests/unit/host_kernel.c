/*
 * host_kernel.c - see host_kernel.h. The locks, wait queues, the cache and the block layer are the
 * kernel's own, in their debug form, so that the order of locks is checked here too. Only what
 * touches the processor is replaced: a sleep serves the disks' requests, a page is a record with
 * 4096 bytes behind it.
 */
#include "host_kernel.h"
#include "kernel.h"
#include "cache/writeback.h"
#include "fs/epoll.h"
#include "fs/ext2/ext2.h"
#include "fs/names.h"
#include "fs/pipe.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "mm/rmap.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/timer.h"
#include "x86/clock.h"
#include "x86/irq.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

int system(const char *command);
int atexit(void (*f)(void));
int getpid(void);

struct cpu host_cpu;
u32 nr_cpus = 1;
bool host_interrupts_are_open = true;
u64 host_frames, host_objects, host_fail_allocation;
int host_error;

static struct thread the_thread;

/* --- memory ------------------------------------------------------------------ */

struct page *page_array;
pfn_t nr_page_records;

struct host_page {
	struct page page;
	u8 *bytes;
};

static bool must_fail(void)
{
	return host_fail_allocation && --host_fail_allocation == 0;
}

void *page_address(const struct page *p)
{
	return ((const struct host_page *)p)->bytes;
}

struct page *frames_alloc(u32 order, enum page_owner owner, u32 flags)
{
	struct host_page *h;

	require(order == 0);
	if (must_fail())
		return NULL;
	h = calloc(1, sizeof(*h));
	h->bytes = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
	memset(h->bytes, flags & FRAME_ZERO ? 0 : 0xa5, PAGE_SIZE);
	h->page.refs = 1;
	h->page.owner = owner;
	list_init(&h->page.link);
	host_frames++;
	return &h->page;
}

struct page *frame_alloc(enum page_owner owner, u32 flags)
{
	return frames_alloc(0, owner, flags);
}

void page_put(struct page *p)
{
	if (atomic_sub_return(&p->refs, 1) > 0)
		return;
	require(!(p->flags & (PAGE_DIRTY | PAGE_WRITEBACK | PAGE_LOCKED)) && !p->map_count);
	free(((struct host_page *)p)->bytes);
	free(p);
	host_frames--;
}

void page_put_later(struct page *p)
{
	page_put(p);
}

void page_zero(void *page)
{
	memset(page, 0, PAGE_SIZE);
}

u64 frames_total(void)
{
	return 1ul << 20;
}

static struct slab_cache *slabs[16];
static u32 nr_slabs;

u64 host_objects_of(const char *slab)
{
	for (u32 i = 0; i < nr_slabs; i++) {
		if (strcmp(slabs[i]->name, slab) == 0)
			return slabs[i]->nr_objects;
	}
	return U64_MAX;
}

static void *allocate(size_t n)
{
	if (must_fail())
		return NULL;
	host_objects++;
	return calloc(1, n ? n : 1);
}

void kfree(void *object)
{
	host_objects -= object != NULL;
	free(object);
}

void *kmalloc(size_t n)
{
	return allocate(n);
}

void *kmalloc_zeroed(size_t n)
{
	return allocate(n);
}

void slab_cache_init(struct slab_cache *cache, const char *name, size_t object_size, size_t alignment)
{
	(void)alignment;
	cache->name = name;
	cache->object_size = (u32)object_size;
	require(nr_slabs < ARRAY_SIZE(slabs));
	slabs[nr_slabs++] = cache;
}

void *slab_alloc(struct slab_cache *cache)
{
	void *object = allocate(cache->object_size);

	cache->nr_objects += object != NULL;
	return object;
}

void *slab_alloc_zeroed(struct slab_cache *cache)
{
	return slab_alloc(cache);
}

void slab_free(struct slab_cache *cache, void *object)
{
	cache->nr_objects--;
	kfree(object);
}

void reclaim_add(struct page *p)
{
	(void)p;
}

void reclaim_remove(struct page *p)
{
	(void)p;
}

bool reclaim_is_far(void)
{
	return true;
}

void reclaim_used(struct page *p)
{
	(void)p;
}

bool rmap_may_be_stored_to(struct cache *cache)
{
	(void)cache;
	return false;
}

void rmap_unmap(struct cache *cache, u64 first, u64 nr, enum unmap_private how)
{
	(void)cache;
	(void)first;
	(void)nr;
	(void)how;
}

void rmap_clean(struct cache *cache, u64 first, u64 nr)
{
	(void)cache;
	(void)first;
	(void)nr;
}

/* --- user memory: there is none ------------------------------------------------- */

size_t uaccess_copy(void *to, const void *from, size_t n)
{
	memcpy(to, from, n);
	return 0;
}

size_t clear_user_part(void __user *to, size_t n)
{
	memset(to, 0, n);
	return 0;
}

int uaccess_touch(const void __user *at)
{
	(void)*(const volatile char *)at;       // every pointer of the host's tests is good
	return 0;
}

void uaccess_faults_off(void)
{
	the_thread.faults_off++;
}

void uaccess_faults_on(void)
{
	require(the_thread.faults_off-- > 0);
}

/* --- time, threads, words ---------------------------------------------------------- */

static u64 now = 1700000000000000000ul;

u64 clock_monotonic_ns(void)
{
	return now += 1000;
}

u64 clock_coarse_ns(void)
{
	return clock_monotonic_ns();
}

u64 clock_realtime_coarse_ns(void)
{
	return clock_realtime_ns();
}

u64 clock_realtime_ns(void)
{
	return now += 1000;
}

bool signal_is_pending(struct thread *t)
{
	(void)t;
	return false;
}

void sched_yield(void)
{
}

bool sched_wake(struct thread *t, u32 state_mask)
{
	bool was_asleep = 1u << t->state & state_mask;

	if (was_asleep)
		t->state = THREAD_RUNNABLE;
	return was_asleep;
}

int wait_timeout_sleep(struct waiter *w, enum wait_mode mode, u64 deadline_ns)
{
	(void)w;
	(void)mode;
	(void)deadline_ns;
	return 0;
}

int sleep_until(u64 deadline_ns, enum wait_mode mode)
{
	(void)deadline_ns;
	(void)mode;
	return 0;
}

struct thread *kernel_thread_create(const char *name, void (*function)(void *argument), void *argument)
{
	(void)name;
	(void)function;
	(void)argument;
	return &the_thread;
}

size_t string_copy(char *to, const char *from, size_t to_size)
{
	size_t length = strlen(from), n = min(length, to_size - 1);

	memcpy(to, from, n);
	to[n] = 0;
	return length;
}

const struct file_ops fifo_file_ops;

/* --- sleeping, and what tests call ---------------------------------------------------- */

void schedule(void)
{
	lockcheck_may_sleep();
	if (the_thread.state == THREAD_RUNNABLE)
		return;
	while (the_thread.state != THREAD_RUNNABLE) {
		if (!host_serve(&host_disk) && !host_serve(&host_root_disk))
			panic("asleep for ever");
	}
}

static char folder[64];

static void remove_folder(void)
{
	host_run("rm -rf %s", folder);
}

const char *host_temporary(void)
{
	const char *base = getenv("TMPDIR");

	if (!*folder) {
		snprintf(folder, sizeof(folder), "%.40s/lectern-unit.%d", base ? base : "/tmp",
			 getpid());
		require(host_run("mkdir -p %s", folder) == 0);
		atexit(remove_folder);
	}
	return folder;
}

int host_run(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	fflush(stdout);
	return system(command);
}

void host_start(void)
{
	char image[128];

	list_init(&the_thread.run_link);
	host_cpu.running = &the_thread;
	cache_room_init();
	block_room_init();
	inode_room_init();
	dentry_room_init();
	ext2_init();
	writeback_start();
	host_add_disk(&host_root_disk);
	host_add_disk(&host_disk);
	snprintf(image, sizeof(image), "%s/root.img", host_temporary());
	require(host_run("mkdir -p %s/root/mnt && mke2fs -qF -t ext2 -b 4096 -d %s/root %s 2M > /dev/null",
			 folder, folder, image) == 0);
	host_load(&host_root_disk, image);
	require(mount_root("/dev/vda", 0, "") == 0);
}

struct dentry *host_look(const char *path)
{
	struct dentry *d = NULL;

	host_error = path_lookup(root_dentry(), path, PATH_FOLLOW, &d);
	return host_error ? NULL : d;
}

static int mount_disk(u32 flags, const char *options)
{
	struct dentry *where = host_look("/mnt");
	int error = mount_at("ext2", "/dev/vdb", where, flags, options);

	dentry_put(where);
	if (error)
		cache_drop_clean(&host_disk.device.cache);
	return error;
}

// Nobody here opens with O_DIRECT.
bool file_may_be_direct(const struct inode *ip, const struct file_ops *ops)
{
	(void)ip;
	(void)ops;
	return false;
}

ssize_t file_direct_read(struct file *f, struct iobuf *to, u64 position)
{
	(void)f;
	(void)to;
	(void)position;
	require(!"a read past the cache");
	return -EINVAL;
}

ssize_t file_direct_write(struct file *f, struct iobuf *from, u64 *position)
{
	return file_direct_read(f, from, *position);
}

// Nobody here has a limit.
int size_limit_exceeded(void)
{
	require(!"a limit of sizes");
	return -EFBIG;
}

int host_mount(u32 flags)
{
	return mount_disk(flags, NULL);
}

int host_mount_with(const char *options)
{
	return mount_disk(0, options);
}

void host_unmount(void)
{
	struct dentry *root = host_look("/mnt");

	require(root && unmount(root, 0) == 0);
	host_settle();
	cache_drop_clean(&host_disk.device.cache);
}

struct file *host_open(const char *path, int flags)
{
	struct file *f = NULL;

	host_error = path_open(root_dentry(), path, flags, 0644, &f);
	return host_error ? NULL : f;
}

ssize_t host_write(struct file *f, const void *bytes, size_t n, u64 position)
{
	struct iobuf b;

	iobuf_init_kernel(&b, (void *)bytes, n);
	return file_write(f, &b, &position);
}

ssize_t host_read(struct file *f, void *bytes, size_t n, u64 position)
{
	struct iobuf b;

	iobuf_init_kernel(&b, bytes, n);
	return file_read(f, &b, &position);
}

int host_truncate(const char *path, u64 size)
{
	struct dentry *d = host_look(path);
	int error;

	if (!d)
		return host_error;
	write_lock(&d->inode->lock);
	error = d->inode->ops->resize(d->inode, size);
	write_unlock(&d->inode->lock);
	dentry_put(d);
	return error;
}

int host_store(struct file *f, u64 position, u8 byte)
{
	struct cache *cache = &f->inode->cache;
	struct page *p;
	int error = cache_get(cache, position >> PAGE_SHIFT, &p);

	if (error)
		return error;
	page_lock(p);
	if (!page_has(p, PAGE_BACKED))
		error = cache->ops->reserve(cache, p);
	if (!error) {
		page_mark_dirty(p);
		cache->ops->dirtied(cache);
		((u8 *)page_address(p))[position % PAGE_SIZE] = byte;
	}
	page_unlock(p);
	page_put(p);
	return error;
}

// No other thread borrows files here.
void process_visit_threads(struct process *p, void (*visit)(struct thread *t, void *argument), void *argument)
{
	(void)p;
	(void)visit;
	(void)argument;
}

// No file of these tests is watched.
void epoll_forget(struct file *f)
{
	assert(!f->watchers);
}
