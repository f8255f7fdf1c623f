/*
 * host_disk.c - disks that are memory, for host tests. Requests wait until the thread sleeps, and
 * are served in any order; they fail when the test says so; what was written since the last flush
 * may be lost when the power is cut.
 */
#include "host_kernel.h"
#include "kernel.h"
#include "sync/lock.h"
#include "x86/cpu.h"
#include "x86/irq.h"
#include <abi/errno.h>

struct host_disk host_root_disk, host_disk;

static void submit(struct block_device *device, struct list *bios)
{
	struct host_disk *d = container_of(device, struct host_disk, device);
	struct bio *bio, *following;

	list_for_each_safe(bio, following, bios, link) {
		list_remove(&bio->link);
		list_push_back(&d->waiting, &bio->link);
		d->nr_waiting++;
	}
}

static bool must_fail_request(struct host_disk *d, u64 number, u64 *from)
{
	if (!*from || number < *from)
		return false;
	if (d->fails_once)
		*from = 0;
	return true;
}

// A flush: everything that has been written stays.
static void make_durable(struct host_disk *d)
{
	for (u64 i = 0; i < d->device.nr_blocks; i++) {
		if (d->is_volatile[i])
			memcpy(d->durable + i * BLOCK_SIZE, d->bytes + i * BLOCK_SIZE, BLOCK_SIZE);
		d->is_volatile[i] = 0;
	}
}

void host_cut_power(struct host_disk *d, const char *image)
{
	for (u64 i = 0; i < d->device.nr_blocks; i++) {
		if (d->is_volatile[i] && host_random() % 2)
			memcpy(d->durable + i * BLOCK_SIZE, d->bytes + i * BLOCK_SIZE, BLOCK_SIZE);
	}
	FILE *f = fopen(image, "w");

	require(f && fwrite(d->durable, BLOCK_SIZE, d->device.nr_blocks, f) == d->device.nr_blocks);
	fclose(f);
}

static int transfer(struct host_disk *d, struct bio *bio)
{
	bool is_read = bio->op == BIO_READ;

	if (bio->op == BIO_FLUSH) {
		make_durable(d);
		return 0;
	}
	if (must_fail_request(d, is_read ? ++d->nr_reads : ++d->nr_writes,
			      is_read ? &d->fail_reads_from : &d->fail_writes_from))
		return -EIO;
	for (u32 i = 0; i < bio->nr_pages; i++) {
		u8 *at = d->bytes + (bio->first_block + i) * BLOCK_SIZE;

		require(bio->first_block + i < d->device.nr_blocks);
		if (is_read)
			memcpy(page_address(bio->pages[i]), at, BLOCK_SIZE);
		else
			memcpy(at, page_address(bio->pages[i]), BLOCK_SIZE);
		if (!is_read)
			d->is_volatile[bio->first_block + i] = 1;
	}
	return 0;
}

static bool is_held(const struct host_disk *d, const struct bio *bio)
{
	return bio->op != BIO_FLUSH && bio->first_block >= d->held_first && bio->first_block < d->held_behind;
}

// Any of those that wait and are not held; NULL: there is none.
static struct bio *choose(struct host_disk *d)
{
	struct bio *bio;
	u64 nr = 0, n;

	list_for_each(bio, &d->waiting, link)
		nr += !is_held(d, bio);
	if (!nr)
		return NULL;
	n = host_random() % nr;
	list_for_each(bio, &d->waiting, link) {
		if (!is_held(d, bio) && n-- == 0)
			return bio;
	}
	return NULL;
}

bool host_serve(struct host_disk *d)
{
	struct bio *bio = choose(d);

	if (!bio)
		return false;
	list_remove(&bio->link);
	d->nr_waiting--;
	int error = transfer(d, bio);
	u64 flag = interrupts_close();

	host_cpu.interrupt_depth++;
	bio_complete(bio, error);
	host_cpu.interrupt_depth--;
	interrupts_restore(flag);
	return true;
}

void host_settle(void)
{
	while (host_serve(&host_disk) || host_serve(&host_root_disk)) {
	}
}

void host_load(struct host_disk *d, const char *image)
{
	FILE *f = fopen(image, "r");
	long size;

	require(f && fseek(f, 0, SEEK_END) == 0);
	size = ftell(f);
	rewind(f);
	free(d->bytes);
	d->bytes = aligned_alloc(PAGE_SIZE, PAGE_ALIGN_UP(size));
	require(fread(d->bytes, 1, (size_t)size, f) == (size_t)size);
	fclose(f);
	d->device.nr_blocks = (u64)size / BLOCK_SIZE;
	free(d->durable);
	free(d->is_volatile);
	d->durable = malloc((size_t)size);
	memcpy(d->durable, d->bytes, (size_t)size);
	d->is_volatile = calloc(d->device.nr_blocks, 1);
	d->device.cache.size = d->device.nr_blocks * BLOCK_SIZE;
}

void host_save(struct host_disk *d, const char *image)
{
	FILE *f = fopen(image, "w");

	require(f && fwrite(d->bytes, BLOCK_SIZE, d->device.nr_blocks, f) == d->device.nr_blocks);
	fclose(f);
}

void host_add_disk(struct host_disk *d)
{
	list_init(&d->waiting);
	d->device.submit = submit;
	d->device.has_flush = true;
	block_device_add(&d->device);
}

bool host_is_sound(struct host_disk *d)
{
	char image[128];

	snprintf(image, sizeof(image), "%s/check.img", host_temporary());
	host_save(d, image);
	if (host_run("e2fsck -fn %s > %s/check.log 2>&1", image, host_temporary()) == 0)
		return true;
	host_run("sed 's/^/# /' %s/check.log", host_temporary());
	return false;
}
