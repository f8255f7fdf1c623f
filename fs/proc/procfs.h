#pragma once
/*
 * procfs.h - /proc: what the kernel knows, as files. The tree is described by tables of struct proc_entry;
 * below each PID the same table is shown for another process. Nothing of a process is held by its files:
 * each read looks the number up again, and a process that is gone answers -ESRCH.
 */
#include "types.h"
#include "fs/proc/text.h"

struct dentry;
struct file;
struct file_ops;
struct process;

struct proc_target {                    // what an inode of /proc is about
	int pid;                        // 0: the whole system
	int fd;                         // -1: none
	int tid;                        // below /proc/PID/task: the thread; 0: the process as one
};

// A number of the kernel's that is shown, and may be set up to max.
struct proc_knob {
	u64 *value;
	u64 max;
	u64 *rival;                     // becomes 0 when this one is set; NULL: none
	void (*changed)(void);          // called afterwards; NULL: nobody cares
};

struct proc_entry {                     // tables end with a name of NULL
	const char *name;
	u32 mode;                       // type and permissions
	// A text, made anew when a reader starts at the beginning. 0 or -errno.
	int (*show)(struct text *t, const struct proc_target *target);
	// What was written, with a final 0. 0 or -errno.
	int (*store)(const char *text, const struct proc_target *target);
	const struct proc_knob *knob;   // instead of show and store
	// A symbolic link's text; its length (not 0-ended), or -errno.
	int (*link)(char *buffer, size_t size, const struct proc_target *target);
	// Where the link leads, referenced; NULL: where its text says.
	int (*follow)(struct dentry **out, const struct proc_target *target);
	const struct file_ops *file_ops;        // instead of show
	struct proc_entry *children;    // of a directory
	u32 number;                     // procfs.c numbers all entries
};

extern struct proc_entry proc_root_entries[];           // system.c
extern struct proc_entry proc_sys_entries[];            // sysctl.c
extern struct proc_entry sysfs_root_entries[];          // sysfs.c: another file system, /sys
extern struct proc_entry proc_pid_entries[];            // pid.c
extern struct proc_entry proc_tid_entries[];            // pid.c: what /proc/PID/task/TID holds
// Their entries are numbers, made as they are asked for: descriptors (fd.c) and threads (task.c).
extern struct proc_entry proc_fd_directory_entry;
extern struct proc_entry proc_task_directory_entry;

// What system.c shows, from files of its own.
int proc_show_frames(struct text *t, const struct proc_target *target);
int proc_show_meminfo(struct text *t, const struct proc_target *target);
int proc_show_vmstat(struct text *t, const struct proc_target *target);
int proc_show_cpuinfo(struct text *t, const struct proc_target *target);
int proc_show_swaps(struct text *t, const struct proc_target *target);
int proc_show_mounts(struct text *t, const struct proc_target *target);
int proc_show_mountinfo(struct text *t, const struct proc_target *target);
int proc_show_diskstats(struct text *t, const struct proc_target *target);
int proc_show_loadavg(struct text *t, const struct proc_target *target);
int proc_show_iotrace(struct text *t, const struct proc_target *target);
void proc_loadavg_start(void);
// In /proc/sys/vm and in /sys alike: sysctl.c.
int proc_show_huge(struct text *t, const struct proc_target *target);
int proc_store_huge(const char *text, const struct proc_target *target);
int proc_show_nr_hugepages(struct text *t, const struct proc_target *target);
int proc_store_nr_hugepages(const char *text, const struct proc_target *target);
void proc_sysctl_init(void);                    // after random_init

// What pid.c shows, from files of its own.
int proc_show_pid_stat(struct text *t, const struct proc_target *target);
int proc_show_pid_status(struct text *t, const struct proc_target *target);
int proc_show_pid_statm(struct text *t, const struct proc_target *target);
int proc_show_pid_maps(struct text *t, const struct proc_target *target);
int proc_show_pid_smaps(struct text *t, const struct proc_target *target);
int proc_show_pid_smaps_rollup(struct text *t, const struct proc_target *target);
extern const struct file_ops proc_pagemap_ops;
extern const struct file_ops proc_kpagecount_ops;
extern const struct file_ops proc_kpageflags_ops;

// task.c: the threads of a process.
int proc_task_next(int pid, int tid);           // the lowest number >= tid; -1: none
// name: 16 bytes; fresh not NULL: sets it.
int proc_thread_name(const struct proc_target *target, char *name, const char *fresh);

// The descriptors of a process. The file, referenced; NULL when it has none of that number.
struct file *proc_fd_get(int pid, int fd);
int proc_fd_next(int pid, int fd);              // the lowest descriptor >= fd; -1: none
int proc_link_fd(char *buffer, size_t size, const struct proc_target *target);
int proc_follow_fd(struct dentry **out, const struct proc_target *target);
int proc_file_dentry(struct file *f, struct dentry **out);      // takes over the reference on f (NULL: -ENOENT)
// The text of a link to an open file: its path, "pipe:[12]", ... Length or -errno.
int proc_file_path(struct file *f, char *buffer, size_t size);
int proc_dentry_path(struct dentry *d, char *buffer, size_t size);

// Of an open file of /proc.
const struct proc_target *proc_target_of(const struct file *f);
const struct proc_entry *proc_entry_of(const struct file *f);
extern const struct file_ops proc_text_file_ops;        // open_text.c: show, store and knob

void procfs_init(void);                         // registers "proc" and "sysfs"
