// Changes a file system at random beside a model in memory; the bytes must agree at every moment,
// and e2fsck at the end.
// BUILD: -DDEBUG -iquote tests/unit/host tests/unit/host_kernel.c tests/unit/host_disk.c
// BUILD: fs/ext2/super.c fs/ext2/check.c fs/ext2/alloc.c fs/ext2/map.c fs/ext2/hole.c
// BUILD: fs/ext2/inode.c fs/ext2/dir.c fs/ext2/name.c fs/ext2/file.c fs/ext2/symlink.c
// BUILD: fs/inode.c fs/times.c fs/inode_sync.c fs/dentry.c fs/path.c fs/open.c fs/change.c
// BUILD: fs/file.c fs/file_read.c fs/file_write.c fs/file_seek.c fs/file_sync.c
// BUILD: fs/allocate.c fs/locks.c fs/seals.c fs/mount.c fs/executing.c
// BUILD: kernel/cache/cache.c kernel/cache/truncate.c kernel/cache/readahead.c kernel/cache/pagelock.c
// BUILD: kernel/cache/writeback.c kernel/cache/flusher.c kernel/dev/block.c kernel/dev/plug.c
// BUILD: kernel/dev/bio.c kernel/mm/iobuf.c kernel/mm/radix_alloc.c kernel/lib/radix.c
// BUILD: kernel/lib/format.c
// BUILD: kernel/sync/spinlock.c kernel/sync/mutex.c kernel/sync/rwlock.c
// BUILD: kernel/sync/look.c kernel/sync/wait.c kernel/sync/lockcheck.c
#include "host_kernel.h"
#include "kernel.h"
#include "fs/ext2/ext2.h"
#include <abi/errno.h>
#include <abi/mount.h>

#define NR_FILES 40
#define NR_FOLDERS 6
#define MODEL_MAX 300000u

static char image[128];

static void make_disk(const char *options, const char *size)
{
	snprintf(image, sizeof(image), "%s/change.img", host_temporary());
	require(host_run("rm -f %s && mke2fs -qF -t ext2 -b 4096 %s %s %s > /dev/null 2>&1", image,
			 options, image, size) == 0);
	host_load(&host_disk, image);
	require(host_mount(0) == 0);
}

/* --- the model: files of bytes, in a few directories ------------------------------- */

struct model {
	bool exists, is_link;
	u32 folder, size;
	u8 *bytes;
	struct file *open;              // kept open for a while, also after the name is gone
};

static struct model models[NR_FILES];
static u32 nr_names;

static void path_of(const struct model *m, u32 folder, char *out)
{
	sprintf(out, "/mnt/d%u/%sfile%ld", folder, m - models < 5 ?
		"a-very-long-name-that-takes-more-room-than-others-do-" : "",
		(long)(m - models));
}

static void check_bytes(struct model *m)
{
	static u8 buffer[MODEL_MAX];
	char path[200];
	struct file *f;

	path_of(m, m->folder, path);
	f = m->open ? file_hold(m->open) : host_open(path, O_RDONLY);
	require(f && inode_size(f->inode) == m->size);
	require(host_read(f, buffer, MODEL_MAX, 0) == (ssize_t)m->size);
	require(memcmp(buffer, m->bytes, m->size) == 0);
	file_put(f);
}

static void do_write(struct model *m)
{
	static u8 buffer[40000];
	char path[200];
	u32 n = 1 + (u32)(host_random() % (host_random() % 4 ? 3000 : sizeof(buffer)));
	u32 at = (u32)(host_random() % (m->size + (host_random() % 8 ? 1 : 50000)));
	struct file *f;

	if (host_random() % 4 == 0)
		at &= ~4095u;
	if (at + n > MODEL_MAX)
		return;
	for (u32 i = 0; i < n; i++)
		buffer[i] = (u8)host_random();
	path_of(m, m->folder, path);
	f = m->open ? file_hold(m->open) : host_open(path, O_RDWR | (m->exists ? 0 : O_CREAT | O_EXCL));
	require(f);
	require(host_write(f, buffer, n, at) == (ssize_t)n);
	file_put(f);
	m->exists = true;
	if (at > m->size)
		memset(m->bytes + m->size, 0, at - m->size);
	memcpy(m->bytes + at, buffer, n);
	m->size = m->size > at + n ? m->size : at + n;
}

// A store through a mapping, perhaps behind the end in the last page.
static void do_store(struct model *m)
{
	char path[200];
	u64 at;

	path_of(m, m->folder, path);
	struct file *f = m->open ? file_hold(m->open) : host_open(path, O_RDWR);

	require(f);
	if (m->size) {
		at = host_random() % PAGE_ALIGN_UP(m->size);
		u8 byte = (u8)(1 + host_random() % 255);

		require(host_store(f, at, byte) == 0);
		if (at < m->size)
			m->bytes[at] = byte;
	}
	file_put(f);
}

static void do_truncate(struct model *m)
{
	char path[200];
	u32 size = (u32)(host_random() % (host_random() % 3 ? m->size + 1 : MODEL_MAX));

	path_of(m, m->folder, path);
	require(host_truncate(path, size) == 0);
	if (size > m->size)
		memset(m->bytes + m->size, 0, size - m->size);
	m->size = size;
}

static void do_punch(struct model *m)
{
	char path[200];
	u32 at = (u32)(host_random() % MODEL_MAX), n = 1 + (u32)(host_random() % 60000);

	path_of(m, m->folder, path);
	struct file *f = m->open ? file_hold(m->open) : host_open(path, O_RDWR);

	require(f && file_punch_hole(f, at, n) == 0);
	if (at < m->size)
		memset(m->bytes + at, 0, at + n < m->size ? n : m->size - at);
	file_put(f);
}

static void do_rename(struct model *m)
{
	struct model *other = &models[host_random() % NR_FILES];
	u32 folder = (u32)(host_random() % NR_FOLDERS);
	char from[200], to[200];

	if (other->open || m->open)
		return;
	path_of(m, m->folder, from);
	path_of(other, other->exists ? other->folder : folder, to);
	require(path_rename(root_dentry(), from, root_dentry(), to, 0) == 0);
	if (m == other && m->folder == (other->exists ? other->folder : folder))
		return;
	u8 *spare = other->bytes;

	other->bytes = m->bytes;
	other->size = m->size;
	other->folder = other->exists ? other->folder : folder;
	other->exists = true;
	m->bytes = spare;
	m->size = 0;
	m->exists = false;
}

static void do_unlink(struct model *m)
{
	char path[200];

	path_of(m, m->folder, path);
	if (!m->open && host_random() % 2) {
		m->open = host_open(path, O_RDWR);
		require(m->open);
	}
	require(path_unlink(root_dentry(), path, false) == 0);
	if (m->open) {                  // still whole, until it is closed
		check_bytes(m);
		do_write(m);
		check_bytes(m);
		file_put(m->open);
		m->open = NULL;
	}
	m->exists = false;
	m->size = 0;
}

static void do_open_or_close(struct model *m)
{
	char path[200];

	path_of(m, m->folder, path);
	if (m->open)
		file_put(m->open);
	m->open = m->open ? NULL : host_open(path, O_RDWR);
}

static void do_directories(void)
{
	char path[200], other[200];
	u32 n = (u32)(host_random() % 30);

	sprintf(path, "/mnt/d%u/sub%u", (u32)(host_random() % NR_FOLDERS), n);
	sprintf(other, "/mnt/d%u/sub%u", (u32)(host_random() % NR_FOLDERS), (u32)(host_random() % 30));
	switch (host_random() % 4) {
	case 0:
		(void)!path_mkdir(root_dentry(), path, 0755);
		break;
	case 1:
		(void)!path_unlink(root_dentry(), path, true);
		break;
	case 2:
		(void)!path_rename(root_dentry(), path, root_dentry(), other, 0);
		break;
	default:
		strcat(path, "/inner");
		if (host_random() % 2)
			(void)!path_mkdir(root_dentry(), path, 0700);
		else
			(void)!path_unlink(root_dentry(), path, true);
	}
}

static void do_links(void)
{
	char path[200], target[200];
	u32 n = (u32)(host_random() % 10);

	sprintf(path, "/mnt/d%u/link%u", (u32)(host_random() % NR_FOLDERS), n);
	memset(target, 'x', sizeof(target));
	target[1 + host_random() % 150] = 0;
	if (host_random() % 2) {
		if (path_symlink(root_dentry(), path, target) == 0) {
			struct dentry *d = NULL;
			char back[200];

			require(path_lookup(root_dentry(), path, 0, &d) == 0);
			require(d->inode->ops->readlink(d->inode, back,
							sizeof(back)) == (int)strlen(target));
			require(memcmp(back, target, strlen(target)) == 0);
			dentry_put(d);
		}
	} else {
		(void)!path_unlink(root_dentry(), path, false);
	}
	// A second name for a file, for a moment.
	struct model *m = &models[host_random() % NR_FILES];

	if (!m->exists)
		return;
	path_of(m, m->folder, target);
	sprintf(path, "/mnt/d0/second%u", nr_names++);
	struct dentry *d = host_look(target);

	require(d && path_link(d, root_dentry(), path) == 0);
	require(d->inode->nr_links == 2);
	require(path_unlink(root_dentry(), path, false) == 0 && d->inode->nr_links == 1);
	dentry_put(d);
}

// Memory is wanted: clean pages, unused names and inodes go.
static void do_forget(void)
{
	struct dentry *d = host_look("/mnt");

	if (host_random() % 2)
		require(inodes_write_back(d->sb, U64_MAX, host_random() % 2 ?
					  SYNC_WAIT : SYNC_START) == 0);
	for (u32 i = 0; i < NR_FILES; i++) {
		if (models[i].open)
			cache_drop_clean(&models[i].open->inode->cache);
	}
	dentry_put(d);
	dentries_drop_unused(host_random() % 100);
	inodes_drop_unused(host_random() % 100);
	if (host_random() % 4 == 0)
		host_settle();
}

static void step(void)
{
	struct model *m = &models[host_random() % NR_FILES];
	u64 what = host_random() % 16;

	if (what == 14)
		do_forget();
	else if (what == 15)
		do_directories();
	else if (what == 13)
		do_links();
	else if (!m->exists || what < 5)
		do_write(m);
	else if (what == 5)
		do_store(m);
	else if (what == 6 && host_random() % 2)
		do_punch(m);
	else if (what == 6)
		do_store(m);
	else if (what == 7)
		do_truncate(m);
	else if (what == 8)
		do_rename(m);
	else if (what == 9)
		do_unlink(m);
	else if (what == 10)
		do_open_or_close(m);
	else
		check_bytes(m);
}

static void forget_models(void)
{
	for (u32 i = 0; i < NR_FILES; i++) {
		if (models[i].open)
			file_put(models[i].open);
		free(models[i].bytes);
		models[i] = (struct model){ .bytes = malloc(MODEL_MAX), .folder = i % NR_FOLDERS };
	}
}

static void random_run(const char *what, const char *options, u32 nr_steps, u64 seed)
{
	char path[32], name[160];

	host_random_state = seed * 2654435761u + 1;
	make_disk(options, "64M");
	forget_models();
	for (u32 i = 0; i < NR_FOLDERS; i++) {
		sprintf(path, "/mnt/d%u", i);
		require(path_mkdir(root_dentry(), path, 0755) == 0);
	}
	for (u32 i = 0; i < nr_steps; i++)
		step();
	for (u32 i = 0; i < NR_FILES; i++) {
		if (models[i].open)
			file_put(models[i].open);
		models[i].open = NULL;
	}
	host_unmount();
	require(host_mount(0) == 0);
	for (u32 i = 0; i < NR_FILES; i++) {
		if (models[i].exists)
			check_bytes(&models[i]);
	}
	host_unmount();
	snprintf(name, sizeof(name), "%s: %u random steps, the bytes agree, e2fsck is silent", what,
		 nr_steps);
	ok(host_is_sound(&host_disk), name);
}

int main(void)
{
	const char *steps = getenv("STEPS"), *seed = getenv("SEED");
	u32 nr = 0;
	u64 first = 0;

	for (; steps && *steps; steps++)
		nr = nr * 10 + (u32)(*steps - '0');
	for (; seed && *seed; seed++)
		first = first * 10 + (u64)(*seed - '0');
	host_start();
	random_run("defaults", "", nr ? nr : 6000, first + 1);
	random_run("inodes of 128 bytes, small groups", "-I 128 -g 512", nr ? nr : 6000, first + 2);
	random_run("indexed directories, no file types", "-O dir_index,^filetype", nr ? nr : 6000,
		   first + 3);
	return tap_end();
}
