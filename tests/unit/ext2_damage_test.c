// Uses damaged disks: bytes of the metadata are changed at random, from seeds; requests fail;
// memory ends. Errors are allowed, crashes, hangs and lost memory are not.
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

static u8 *pristine;
static u64 nr_bytes;
static u32 nr_mounted, nr_errors, nr_calls;

static void make_disk(void)
{
	char image[128];
	const char *t = host_temporary();

	snprintf(image, sizeof(image), "%s/damage.img", t);
	require(host_run("mkdir -p %s/tree/a/b/c %s/tree/d && cd %s/tree && cp /bin/ls . && "
			 "head -c 9000000 /dev/zero | tr '\\0' x > big && "
			 "for i in 1 2 3 4 5 6 7 8 9; do echo $i > a/file$i; ln -s a/b d/link$i; done && "
			 "ln -s /very/long/link/that/does/not/fit/into/an/inode/because/it/has/too/many/letters "
			 "long && "
			 "truncate -s 100M sparse && echo x >> sparse && "
			 "mke2fs -qF -t ext2 -b 4096 -g 1024 -N 256 -d %s/tree %s 16M > /dev/null 2>&1",
			 t, t, t, t, image) == 0);
	host_load(&host_disk, image);
	nr_bytes = host_disk.device.nr_blocks * BLOCK_SIZE;
	pristine = malloc(nr_bytes);
	memcpy(pristine, host_disk.bytes, nr_bytes);
}

static void note(ssize_t result)
{
	nr_calls++;
	nr_errors += result < 0;
}

static bool emit(struct directory_emit *e, const char *name, size_t length, u64 next, u64 number,
		 u8 type)
{
	(void)e;
	(void)type;
	return length <= NAME_LENGTH_MAX && name[0] != 1 && next && number;
}

static const char *const names[] = {
	"ls", "big", "long", "sparse", "a", "a/b", "a/b/c", "a/file1", "a/file5", "a/file9", "d",
		"d/link3", "d/link3/c", "new", "a/new",
	"a/b/new", "lost+found", "d/new", "d/link1/new",
};

static const char *random_path(char *buffer)
{
	sprintf(buffer, "/mnt/%s", names[host_random() % ARRAY_SIZE(names)]);
	return buffer;
}

static void use_file(const char *path)
{
	static u8 buffer[20000];
	struct directory_emit e = { emit };
	struct file *f = host_open(path, host_random() % 4 ? O_RDWR : O_RDWR | O_CREAT);

	if (!f)
		f = host_open(path, O_RDONLY);
	note(f ? 0 : host_error);
	if (!f)
		return;
	for (u32 i = 0; i < 4; i++) {
		u64 at = host_random() % (host_random() % 3 ? 100000 : 200000000);

		note(host_read(f, buffer, host_random() % sizeof(buffer), at));
		if ((f->flags & O_ACCMODE) != O_RDWR)
			continue;
		note(host_write(f, buffer, host_random() % sizeof(buffer), at));
		note(host_store(f, host_random() % 4096, 1));
	}
	if (f->ops->read_directory) {
		read_lock(&f->inode->lock);
		note(f->ops->read_directory(f, &e));
		read_unlock(&f->inode->lock);
	}
	if (host_random() % 2)
		note(file_sync(f, 0, U64_MAX, false));
	file_put(f);
}

static void use(u32 nr_steps)
{
	char a[100], b[100];
	struct dentry *r = root_dentry(), *d;

	for (u32 i = 0; i < nr_steps; i++) {
		switch (host_random() % 12) {
		case 0:
			note(path_unlink(r, random_path(a), false));
			break;
		case 1:
			note(path_unlink(r, random_path(a), true));
			break;
		case 2:
			note(path_mkdir(r, random_path(a), 0755));
			break;
		case 3:
			note(path_rename(r, random_path(a), r, random_path(b), 0));
			break;
		case 4:
			note(path_symlink(r, random_path(a), host_random() % 2 ?
					  "a/b/c" : "/mnt/a/file1"));
			break;
		case 5:
			d = host_look(random_path(a));
			if (d && S_ISREG(d->inode->mode))
				note(host_truncate(a, host_random() % 20000000));
			if (d)
				note(path_link(d, r, random_path(b)));
			if (d)
				dentry_put(d);
			break;
		case 6:
			dentries_drop_unused(100);
			inodes_drop_unused(100);
			break;
		default:
			use_file(random_path(a));
		}
	}
}

// Where damage hurts: superblock, descriptors, bitmaps, inode tables, directories, pointer blocks;
// seldom anywhere.
static void flip(u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		u64 block = host_random() % (nr_bytes / BLOCK_SIZE), offset =
			host_random() % BLOCK_SIZE;

		switch (host_random() % 4) {
		case 0:
			block = 0;
			offset = EXT2_SUPER_OFFSET + host_random() % 120;
			break;
		case 1:
			block = 1;
			offset = host_random() % 200;
			break;
		case 2:                 // the first group's bitmaps and inode table
			block = 2 + host_random() % 10;
			break;
		default:
			break;
		}
		u8 *at = host_disk.bytes + block * BLOCK_SIZE + offset;

		*at = host_random() % 3 ? (u8)(*at ^ 1u << host_random() % 8) : (u8)host_random();
	}
}

// One pointer or entry becomes another's: loops, shared blocks, metadata as data.
static void cross(void)
{
	u32 *words = (u32 *)host_disk.bytes;
	u64 nr_words = nr_bytes / 4;

	for (u32 i = 0; i < 40; i++) {
		u64 from = host_random() % nr_words, to = (2 + host_random() % 60) * 1024 +
			host_random() % 1024;

		words[to] = host_random() % 2 ?
			(u32)(host_random() % (nr_bytes / BLOCK_SIZE)) : words[from];
	}
}

static void finish_run(void)
{
	host_disk.fail_reads_from = host_disk.fail_writes_from = 0;
	host_fail_allocation = 0;
	host_unmount();
}

static void damaged_run(u64 seed)
{
	host_random_state = seed * 0x9e3779b97f4a7c15ul + 1;
	memcpy(host_disk.bytes, pristine, nr_bytes);
	if (seed % 3 == 0)
		cross();
	flip(1 + (u32)(host_random() % (seed % 2 ? 4 : 40)));
	if (host_mount(seed % 5 ? 0 : MS_RDONLY))
		return;
	nr_mounted++;
	use(60);
	finish_run();
}

// The disk is sound, but requests fail from some moment on, for a while.
static void failing_run(u64 seed)
{
	host_random_state = seed * 0x9e3779b97f4a7c15ul + 1;
	memcpy(host_disk.bytes, pristine, nr_bytes);
	require(host_mount(0) == 0);
	for (u32 i = 0; i < 6; i++) {
		host_disk.fails_once = host_random() % 2;
		host_disk.fail_reads_from = host_random() % 2 ? host_disk.nr_reads +
			host_random() % 20 : 0;
		host_disk.fail_writes_from = host_random() % 2 ? host_disk.nr_writes +
			host_random() % 20 : 0;
		use(10);
	}
	finish_run();
}

// Allocations fail, one here and there: ENOMEM, and the disk stays sound.
static bool starving_run(u64 seed)
{
	host_random_state = seed * 0x9e3779b97f4a7c15ul + 1;
	memcpy(host_disk.bytes, pristine, nr_bytes);
	require(host_mount(0) == 0);
	for (u32 i = 0; i < 30; i++) {
		host_fail_allocation = 1 + host_random() % 200;
		use(4);
	}
	host_fail_allocation = 0;
	sync_all();
	finish_run();
	return host_is_sound(&host_disk);
}

static void drop_everything(void)
{
	dentries_drop_unused(U64_MAX);
	inodes_drop_unused(U64_MAX);
	cache_drop_clean(&host_root_disk.device.cache);
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
	u64 nr = number_from("RUNS", 300), first = number_from("SEED", 1), nr_sound = 0;
	char name[160];

	host_start();
	make_disk();
	require(host_mount(0) == 0);
	host_unmount();
	drop_everything();
	u64 frames = host_frames;

	host_is_quiet = !getenv("LOUD");
	for (u64 seed = first; seed < first + nr; seed++) {
		if (!host_is_quiet)
			printf("# seed %lu\n", seed);
		damaged_run(seed);
	}
	snprintf(name, sizeof(name), "%lu damaged disks, %u mounted: %u calls, %u errors, no crash",
		 nr, nr_mounted, nr_calls, nr_errors);
	ok(nr_mounted > 0, name);
	nr_calls = nr_errors = 0;
	for (u64 seed = first; seed < first + nr / 4; seed++)
		failing_run(seed);
	snprintf(name, sizeof(name), "failing requests: %u calls, %u errors, no crash", nr_calls,
		 nr_errors);
	ok(nr_errors > 0, name);
	nr_calls = nr_errors = 0;
	for (u64 seed = first; seed < first + nr / 10; seed++)
		nr_sound += starving_run(seed);
	snprintf(name, sizeof(name),
		 "failing allocations: %u calls, %u errors, %lu of %lu disks sound", nr_calls,
			nr_errors,
		 nr_sound, nr / 10);
	ok(nr_sound == nr / 10, name);
	drop_everything();
	ok(host_frames == frames && host_objects_of("dentry") == 1 &&
	   host_objects_of("ext2_inode") == 2 &&
	   host_objects_of("file") == 0, "no memory is lost");
	free(pristine);
	return tap_end();
}
