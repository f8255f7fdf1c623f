#pragma once
/*
 * tmpfs.h - files that live in the page cache and nowhere else: /tmp-like mounts, /dev (fs/devfs.c fills it), and files
 * without a name for shared anonymous memory.
 */
#include "types.h"
#include "mm/swap.h"

struct file;
struct file_system;
struct block_device;
struct superblock;

void tmpfs_init(void);                  // registers "tmpfs"; prepares the unnamed files
// A file of that size that no directory knows, open for reading and writing, referenced. is_promised: all
// its pages count as promised memory (mm/commit.h) from now on, not each when it is stored to first.
// The name is what /proc/PID/maps shows ("/dev/zero"); it must stay (a constant). May sleep. -ENOMEM, -EFBIG.
int tmpfs_create_unnamed(const char *name, u64 size, bool is_promised, struct file **out) MUST_CHECK;
// The same, empty, for memfd_create; the name is copied. seals: those that it has from the start. -ENOMEM.
int tmpfs_create_memfd(const char *name, u32 seals, struct file **out) MUST_CHECK;
bool file_is_on_tmpfs(const struct file *f);     // a regular file: it has seals
// Its name; NULL when the file is something else.
const char *tmpfs_unnamed_name(const struct file *f);
// A mounted, empty tree of that type: for file systems that are this one with content of their own.
int tmpfs_mount(struct file_system *fs, struct block_device *device, const char *options, u32 flags,
		struct superblock **out) MUST_CHECK;
// swapoff: every page that has a slot of that area comes back into memory and gives the slot up.
// May sleep. -EIO, -ENOMEM, -EINTR
int tmpfs_bring_back(u32 number) MUST_CHECK;
u64 tmpfs_resident_pages(void);         // pages of data in memory: Shmem of /proc/meminfo
void tmpfs_visit_slots(void (*visit)(swap_entry_t entry));      // each that a file has, for the audit; never sleeps
u64 tmpfs_promised_pages(void);         // what of Committed_AS is tmpfs's, for the audit
