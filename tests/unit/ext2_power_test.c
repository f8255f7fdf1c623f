// Cuts the power: of what was written since the disk's last flush, any part may be lost. After
// e2fsck has mended the disk, every file that was synced has the bytes that it had then, under its
// name.
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
#include <abi/errno.h>
#include <abi/mount.h>

int fork(void);
int waitpid(int pid, int *status, int options);
void _exit(int status);

#define NR_FILES 12
#define MODEL_MAX 120000u

struct model {
	// is_synced: what follows was true at the last sync, and nothing has changed since
	bool exists, is_synced;
	u32 size;
	u8 *bytes;
};

static struct model models[NR_FILES];
static char image[128];

static void path_of(u32 i, char *out)
{
	sprintf(out, "/mnt/d%u/sub/file%u", i % 3, i);
}

static void change(struct model *m, const char *path)
{
	static u8 buffer[30000];
	u32 n = 1 + (u32)(host_random() % sizeof(buffer)), at = (u32)(host_random() % (m->size + 5000));
	struct file *f = host_open(path, O_RDWR | O_CREAT);

	require(f);
	if (at + n <= MODEL_MAX) {
		for (u32 i = 0; i < n; i++)
			buffer[i] = (u8)host_random();
		require(host_write(f, buffer, n, at) == (ssize_t)n);
		if (at > m->size)
			memset(m->bytes + m->size, 0, at - m->size);
		memcpy(m->bytes + at, buffer, n);
		m->size = m->size > at + n ? m->size : at + n;
	}
	m->exists = true;
	m->is_synced = false;
	file_put(f);
}

static void step(void)
{
	u32 i = (u32)(host_random() % NR_FILES);
	struct model *m = &models[i];
	struct file *f;
	struct dentry *d;
	char path[100];

	path_of(i, path);
	switch (host_random() % 8) {
	case 0:
		if (!m->exists)
			break;
		f = host_open(path, O_RDWR);
		require(f && file_sync(f, 0, U64_MAX, host_random() % 2) == 0);
		file_put(f);
		m->is_synced = true;
		break;
	case 1:
		if (m->exists && host_random() % 2) {
			require(path_unlink(root_dentry(), path, false) == 0);
			*m = (struct model){ .bytes = m->bytes };
		}
		break;
	case 2:
		if (m->exists) {
			u32 size = (u32)(host_random() % (m->size + 1));

			require(host_truncate(path, size) == 0);
			m->size = size;
			m->is_synced = false;
		}
		break;
	case 3:                         // the flusher comes by
		d = host_look("/mnt");
		require(inodes_write_back(d->sb, U64_MAX, SYNC_START) == 0);
		require(cache_write_back(&d->sb->device->cache, 0, U64_MAX - 1, SYNC_START) == 0);
		dentry_put(d);
		break;
	case 4:
		host_settle();
		break;
	default:
		change(m, path);
	}
}

// What the mended image has under that name is what was synced.
static bool is_kept(u32 i)
{
	static u8 bytes[MODEL_MAX + 1];
	char path[100];

	path_of(i, path);
	host_run("rm -f %s.out; debugfs -R 'dump %s %s.out' %s > /dev/null 2>&1", image, path + 4,
		 image, image);
	snprintf(path, sizeof(path), "%.90s.out", image);
	FILE *f = fopen(path, "r");

	if (!f)
		return false;
	size_t n = fread(bytes, 1, sizeof(bytes), f);

	fclose(f);
	return n == models[i].size && memcmp(bytes, models[i].bytes, n) == 0;
}

// In a process of its own, which ends with the power.
static int life(u64 seed, const char *fresh)
{
	int nr_lost = 0;
	char path[32];

	host_random_state = seed * 0x9e3779b97f4a7c15ul + 1;
	host_start();
	host_load(&host_disk, fresh);
	require(host_mount(0) == 0);
	for (u32 i = 0; i < 3; i++) {
		sprintf(path, "/mnt/d%u", i);
		require(path_mkdir(root_dentry(), path, 0755) == 0);
		strcat(path, "/sub");
		require(path_mkdir(root_dentry(), path, 0755) == 0);
	}
	for (u32 i = 0; i < NR_FILES; i++)
		models[i].bytes = malloc(MODEL_MAX);
	for (u64 n = 20 + host_random() % 200; n; n--)
		step();
	host_cut_power(&host_disk, image);
	if (host_run("e2fsck -fy %s > %s.log 2>&1", image, image) >> 8 > 1)
		return 100;
	for (u32 i = 0; i < NR_FILES; i++) {
		if (models[i].exists && models[i].is_synced && !is_kept(i)) {
			printf("# seed %lu: file %u of %u bytes is not what was synced\n", seed, i,
			       models[i].size);
			nr_lost++;
		}
	}
	return nr_lost;
}

static u64 number_from(const char *name, u64 otherwise)
{
	const char *c = getenv(name);
	u64 n = 0;

	for (; c && *c; c++)
		n = n * 10 + (u64)(*c - '0');
	return n ? n : otherwise;
}

int main(void)
{
	u64 nr = number_from("RUNS", 30), first = number_from("SEED", 1), nr_bad = 0;
	char fresh[128], name[100];
	int status;

	snprintf(fresh, sizeof(fresh), "%s/fresh.img", host_temporary());
	snprintf(image, sizeof(image), "%s/cut.img", host_temporary());
	require(host_run("mke2fs -qF -t ext2 -b 4096 -N 256 %s 8M > /dev/null", fresh) == 0);
	for (u64 seed = first; seed < first + nr; seed++) {
		int pid = fork();

		if (pid == 0) {
			int nr_lost = life(seed, fresh);

			fflush(stdout);
			_exit(nr_lost);
		}
		require(waitpid(pid, &status, 0) == pid);
		nr_bad += status != 0;
	}
	snprintf(name, sizeof(name), "%lu power cuts: what was synced is there", nr);
	ok(nr_bad == 0, name);
	return tap_end();
}
