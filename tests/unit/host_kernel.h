#pragma once
/*
 * host_kernel.h - the ground under the file systems when they run on the host: memory, one thread,
 * and disks that are memory. A disk answers later: submitted requests wait, and are served in a
 * random order when the thread sleeps.
 */
#include "types.h"
#include "dev/block.h"
#include "fs/vfs.h"

struct host_disk {
	struct block_device device;
	u8 *bytes;
	struct list waiting;            // bios
	u32 nr_waiting;
	u64 nr_reads, nr_writes;        // requests
	// the requests with these numbers and later ones fail; 0: none
	u64 fail_reads_from, fail_writes_from;
	bool fails_once;
	blk_t held_first, held_behind;  // requests that begin there are never served; none when equal
	// what a power cut leaves for sure; one byte a block: written since the last flush
	u8 *durable, *is_volatile;
};

extern struct host_disk host_root_disk, host_disk;      // vda, vdb
extern u64 host_frames, host_objects;                   // allocated now
u64 host_objects_of(const char *slab);                  // of one slab, by its name
// That allocation from now on fails, once; 0: none
extern u64 host_fail_allocation;

// Everything that kernel_main would set up, with a small file system on vda mounted as / that has a
// directory /mnt.
void host_start(void);
// Runs a program of the host; its status.
int host_run(const char *format, ...) PRINTF_LIKE(1, 2);
const char *host_temporary(void);                       // a folder of this run's own, removed at exit
void host_load(struct host_disk *disk, const char *image);      // image becomes the disk's content
void host_save(struct host_disk *disk, const char *image);
int host_mount(u32 flags);                              // vdb on /mnt
int host_mount_with(const char *options);
void host_unmount(void);                                // and forgets every clean block
// Serves one waiting request, any one; false: none waits
bool host_serve(struct host_disk *disk);
void host_add_disk(struct host_disk *disk);
void host_settle(void);                                 // serves every waiting request
struct dentry *host_look(const char *path);             // referenced; NULL
struct file *host_open(const char *path, int flags);    // NULL: failed, host_error says how
extern int host_error;
ssize_t host_write(struct file *f, const void *bytes, size_t n, u64 position);
ssize_t host_read(struct file *f, void *bytes, size_t n, u64 position);
int host_truncate(const char *path, u64 size);
// What a store through a shared mapping does.
int host_store(struct file *f, u64 position, u8 byte);
// The content of the disk after a power cut now, as an image: of the blocks written since the last
// flush some are old.
void host_cut_power(struct host_disk *disk, const char *image);
// e2fsck -fn on the disk's content finds nothing.
bool host_is_sound(struct host_disk *disk);
