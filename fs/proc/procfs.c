/*
 * procfs.c - the tree of /proc: its inodes, look-up and listing. What its files hold is open_text.c's.
 *
 * An inode's number says all about it: process, descriptor, and which entry of the tables it shows. So the
 * same file is the same inode as long as anybody uses it. Names come and go without anybody telling the cache
 * of names (superblock.names_change). The tables are constant once they are numbered, so there is no lock; of
 * a process nothing is held, it is looked for at each step.
 */
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/format.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include <abi/dirent.h>
#include <abi/errno.h>
#include <abi/mount.h>

#define FIRST_PID_POSITION 256                  // in the root directory: pid n stands at 256 + n
#define FIRST_NUMBER_POSITION 2                 // in fd and task: number n stands at 2 + n

struct proc_inode {
	struct inode inode;
	struct proc_entry *entry;       // constant; of the root directory: root_entry
	struct proc_target target;      // constant
};

static struct slab_cache proc_inodes;
static struct proc_entry root_entry = { .name = "/", .mode = S_IFDIR | 0555, .children = proc_root_entries };
static struct proc_entry sysfs_root_entry = { .name = "/", .mode = S_IFDIR | 0555, .children = sysfs_root_entries };
static struct proc_entry pid_entry = { .name = "pid", .mode = S_IFDIR | 0555, .children = proc_pid_entries };
static struct proc_entry task_entry = { .name = "task", .mode = S_IFDIR | 0555, .children = proc_tid_entries };
static struct proc_entry fd_link_entry = { .name = "fd", .mode = S_IFLNK | 0777, .link = proc_link_fd,
					  .follow = proc_follow_fd };

static struct proc_inode *proc_inode(struct inode *ip)
{
	return container_of(ip, struct proc_inode, inode);
}

const struct proc_target *proc_target_of(const struct file *f)
{
	return &proc_inode(f->inode)->target;
}

const struct proc_entry *proc_entry_of(const struct file *f)
{
	return proc_inode(f->inode)->entry;
}

/* --- inodes ----------------------------------------------------------------- */

static const struct inode_ops directory_ops, file_inode_ops, link_ops, thing_link_ops;
static const struct file_ops directory_file_ops;

static u64 inode_number(const struct proc_entry *e, const struct proc_target *target)
{
	return (u64)target->pid << 44 | (u64)target->tid << 28 | (u64)(target->fd + 1) << 12 | e->number;
}

static void inode_fill(struct inode *ip, struct proc_entry *e, const struct proc_target *target)
{
	proc_inode(ip)->entry = e;
	proc_inode(ip)->target = *target;
	ip->mode = e->mode;
	ip->nr_links = S_ISDIR(e->mode) ? 2 : 1;
	if (S_ISDIR(e->mode)) {
		ip->ops = &directory_ops;
		ip->file_ops = &directory_file_ops;
	} else if (S_ISLNK(e->mode)) {
		ip->ops = e->follow ? &thing_link_ops : &link_ops;
	} else {
		ip->ops = &file_inode_ops;
		ip->file_ops = e->file_ops ? e->file_ops : &proc_text_file_ops;
	}
	inode_touch(ip, true, true, true);
}

static int proc_inode_get(struct superblock *sb, struct proc_entry *e, const struct proc_target *target,
			  struct inode **out)
{
	bool is_new;
	int error = inode_get(sb, inode_number(e, target), out, &is_new);

	if (!error && is_new) {
		inode_fill(*out, e, target);
		inode_ready(*out);
	}
	return error;
}

/* --- directories ------------------------------------------------------------ */

static bool process_exists(int pid)
{
	struct process *p = process_find(pid);

	if (!p)
		return false;
	process_put(p);
	return true;
}

// Is there (still) what a directory is about?
static bool target_exists(const struct proc_target *target)
{
	if (target->tid)
		return proc_task_next(target->pid, target->tid) == target->tid;
	return !target->pid || process_exists(target->pid);
}

// A name that is a number and nothing else, below 2^31; -1: it is not.
static int name_to_number(const char *name)
{
	u64 n;

	if (name[0] == '0' && name[1])
		return -1;
	return string_to_u64(name, 10, &n) == 0 && n < 1u << 31 ? (int)n : -1;
}

// Entries that are no table's: they are numbers.
static bool has_numbers(const struct proc_entry *e)
{
	return e->children == &proc_fd_directory_entry || e->children == &proc_task_directory_entry;
}

static int lookup_special(struct inode *dir, const char *name, struct inode **out)
{
	struct proc_inode *d = proc_inode(dir);
	struct proc_target target = d->target;
	int number = name_to_number(name);

	if (number < 0)
		return -ENOENT;
	if (d->entry == &root_entry && number > 0 && process_exists(number)) {
		target.pid = number;
		return proc_inode_get(dir->sb, &pid_entry, &target, out);
	}
	if (d->entry->children == &proc_fd_directory_entry && proc_fd_next(target.pid, number) == number) {
		target.fd = number;
		return proc_inode_get(dir->sb, &fd_link_entry, &target, out);
	}
	if (d->entry->children == &proc_task_directory_entry && number > 0 &&
	    proc_task_next(target.pid, number) == number) {
		target.tid = number;
		return proc_inode_get(dir->sb, &task_entry, &target, out);
	}
	return -ENOENT;
}

static int proc_lookup(struct inode *dir, const char *name, struct inode **out)
{
	struct proc_inode *d = proc_inode(dir);

	if (!target_exists(&d->target))
		return -ENOENT;
	if (!has_numbers(d->entry))
		for (struct proc_entry *e = d->entry->children; e->name; e++)
			if (strcmp(e->name, name) == 0)
				return proc_inode_get(dir->sb, e, &d->target, out);
	return lookup_special(dir, name, out);
}

static u8 entry_type(const struct proc_entry *e)
{
	return (u8)((e->mode & S_IFMT) >> 12);
}

static int emit_number(struct directory_emit *emit, int n, u64 next_position, u64 number, u8 type)
{
	char name[16];
	int length = format_string(name, sizeof(name), "%d", n);

	return emit->emit(emit, name, (size_t)length, next_position, number, type);
}

static int list_processes(struct file *f, struct directory_emit *emit)
{
	struct proc_target target = { .fd = -1 };
	struct process *p;

	f->position = max(f->position, (u64)FIRST_PID_POSITION);
	while ((p = process_next((int)(f->position - FIRST_PID_POSITION)))) {
		target.pid = p->pid;
		process_put(p);
		if (!emit_number(emit, target.pid, FIRST_PID_POSITION + (u64)target.pid,
				 inode_number(&pid_entry, &target), DT_DIR))
			return 0;
		f->position = FIRST_PID_POSITION + (u64)target.pid;
	}
	return 0;
}

static int list_descriptors(struct file *f, struct directory_emit *emit)
{
	struct proc_target target = proc_inode(f->inode)->target;

	while ((target.fd = proc_fd_next(target.pid, (int)(f->position - FIRST_NUMBER_POSITION))) >= 0) {
		if (!emit_number(emit, target.fd, FIRST_NUMBER_POSITION + (u64)target.fd + 1,
				 inode_number(&fd_link_entry, &target), DT_LNK))
			return 0;
		f->position = FIRST_NUMBER_POSITION + (u64)target.fd + 1;
	}
	return 0;
}

static int list_threads(struct file *f, struct directory_emit *emit)
{
	struct proc_target target = proc_inode(f->inode)->target;

	while ((target.tid = proc_task_next(target.pid, (int)(f->position - FIRST_NUMBER_POSITION))) >= 0) {
		if (!emit_number(emit, target.tid, FIRST_NUMBER_POSITION + (u64)target.tid + 1,
				 inode_number(&task_entry, &target), DT_DIR))
			return 0;
		f->position = FIRST_NUMBER_POSITION + (u64)target.tid + 1;
	}
	return 0;
}

static bool emit_dots(struct file *f, struct directory_emit *emit)
{
	if (f->position == 0) {
		if (!emit->emit(emit, ".", 1, 1, f->inode->number, DT_DIR))
			return false;
		f->position = 1;
	}
	if (f->position == 1) {
		if (!emit->emit(emit, "..", 2, 2, f->dentry->parent->inode->number, DT_DIR))
			return false;
		f->position = 2;
	}
	return true;
}

static int proc_read_directory(struct file *f, struct directory_emit *emit)
{
	struct proc_inode *d = proc_inode(f->inode);
	struct proc_entry *e = d->entry->children;

	if (!target_exists(&d->target))
		return -ENOENT;
	if (!emit_dots(f, emit))
		return 0;
	if (e == &proc_fd_directory_entry)
		return list_descriptors(f, emit);
	if (e == &proc_task_directory_entry)
		return list_threads(f, emit);
	for (u64 i = 0; e[i].name; i++) {
		if (i + 2 < f->position)
			continue;
		if (!emit->emit(emit, e[i].name, strlen(e[i].name), i + 3, inode_number(&e[i], &d->target),
				entry_type(&e[i])))
			return 0;
		f->position = i + 3;
	}
	return d->entry == &root_entry ? list_processes(f, emit) : 0;
}

static int proc_readlink(struct inode *ip, char *buffer, size_t size)
{
	struct proc_inode *p = proc_inode(ip);

	return p->entry->link(buffer, size, &p->target);
}

static int proc_follow(struct inode *ip, struct dentry **out)
{
	struct proc_inode *p = proc_inode(ip);

	return p->entry->follow(out, &p->target);
}

// Sizes do not change, but O_TRUNC of a file that can be written to is no mistake.
static int proc_resize(struct inode *ip, u64 size)
{
	(void)ip;
	(void)size;
	return 0;
}

static const struct inode_ops directory_ops = { .lookup = proc_lookup };
static const struct inode_ops file_inode_ops = { .resize = proc_resize };
static const struct inode_ops link_ops = { .readlink = proc_readlink };
static const struct inode_ops thing_link_ops = { .readlink = proc_readlink, .follow = proc_follow };
static const struct file_ops directory_file_ops = { .read_directory = proc_read_directory };

/* --- the file system -------------------------------------------------------- */

static struct inode *proc_inode_alloc(struct superblock *sb)
{
	struct proc_inode *p = slab_alloc_zeroed(&proc_inodes);

	(void)sb;
	return p ? &p->inode : NULL;
}

static void proc_inode_free(struct inode *ip)
{
	slab_free(&proc_inodes, proc_inode(ip));
}

static struct file_system proc_type, sysfs_type;

static void proc_statfs(struct superblock *sb, struct statfs *out)
{
	*out = (struct statfs){
		.f_type = sb->type == &sysfs_type ? SYSFS_MAGIC : PROC_SUPER_MAGIC,
		.f_bsize = PAGE_SIZE, .f_frsize = PAGE_SIZE,
		.f_namelen = NAME_LENGTH_MAX,
	};
}

static void proc_unmount(struct superblock *sb)
{
	kfree(sb);
}

static const struct superblock_ops proc_sb_ops = {
	.inode_alloc = proc_inode_alloc,
	.inode_free = proc_inode_free,
	.statfs = proc_statfs,
	.unmount = proc_unmount,
};

static int proc_mount(struct file_system *fs, struct block_device *device, const char *options, u32 flags,
		      struct superblock **out)
{
	const struct proc_target whole_system = { .fd = -1 };
	struct superblock *sb = kmalloc(sizeof(*sb));
	struct inode *root;
	int error;

	(void)options;
	(void)flags;
	if (!sb)
		return -ENOMEM;
	superblock_init(sb, fs, &proc_sb_ops, device);
	sb->names_change = true;
	error = proc_inode_get(sb, fs == &sysfs_type ? &sysfs_root_entry : &root_entry, &whole_system, &root);
	if (!error)
		error = superblock_set_root(sb, root);
	if (error) {
		inodes_drop_all(sb);
		kfree(sb);
		return error;
	}
	*out = sb;
	return 0;
}

static struct file_system proc_type = { .name = "proc", .mount = proc_mount };
static struct file_system sysfs_type = { .name = "sysfs", .mount = proc_mount };

// Gives every entry below e a number of its own.
static void number_entries(struct proc_entry *e, u32 *next)
{
	e->number = (*next)++;
	if (!e->children || has_numbers(e))
		return;
	for (struct proc_entry *child = e->children; child->name; child++)
		number_entries(child, next);
}

void procfs_init(void)
{
	u32 next = 1;

	slab_cache_init(&proc_inodes, "proc_inode", sizeof(struct proc_inode), 16);
	number_entries(&root_entry, &next);
	number_entries(&sysfs_root_entry, &next);
	number_entries(&pid_entry, &next);
	number_entries(&task_entry, &next);
	number_entries(&fd_link_entry, &next);
	proc_sysctl_init();
	proc_loadavg_start();
	file_system_register(&proc_type);
	file_system_register(&sysfs_type);
}
