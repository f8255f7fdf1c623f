/*
 * main.c - the boot order, one call a line, each with the reason why it stands where it stands.
 * kernel_main runs on the first CPU's boot stack, which becomes its idle thread. What may sleep (disks, the root
 * file system) is left to a thread of its own, which then becomes process 1.
 */
#include "boot/bootinfo.h"
#include "cache/cache.h"
#include "cache/writeback.h"
#include "debug/audit.h"
#include "debug/faultlog.h"
#include "dev/device.h"
#include "debug/log.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/commit.h"
#include "mm/frame.h"
#include "mm/reclaim.h"
#include "mm/slab.h"
#include "mm/swap.h"
#include "proc/deferred.h"
#include "proc/exec.h"
#include "proc/futex.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/timer.h"
#include "proc/vdso.h"
#include "fs/devfs.h"
#include "fs/epoll.h"
#include "fs/unnamed.h"
#include "fs/ext2/ext2.h"
#include "fs/unnamed.h"
#include "fs/proc/procfs.h"
#include "fs/tmpfs.h"
#include "fs/vfs.h"
#include "x86/acpi.h"
#include "x86/apic.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/features.h"
#include "x86/fpu.h"
#include "x86/idt.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/kernel_map.h"
#include "x86/pgtable.h"
#include "x86/smp.h"

enum { MAX_STAGES = 8, MAX_JOB_WORDS = 64 };

void NORETURN kernel_main(u32 magic, paddr_t info);     // boot.asm

static struct { const char *name; u64 end_tsc; } stages[MAX_STAGES];
static u32 nr_stages;

static void stage_done(const char *name)
{
	stages[nr_stages].name = name;
	stages[nr_stages++].end_tsc = read_tsc();
}

// The counter starts at 0 with the machine: the first stage is the firmware's and the loader's.
static void print_time_line(void)
{
	u64 before = 0;

	for (u32 i = 0; i < nr_stages; i++) {
		u64 us = (stages[i].end_tsc - before) * 1000 / clock_tsc_khz();

		printk("boot: %6lu.%03lu ms  %s\n", us / 1000, us % 1000, stages[i].name);
		before = stages[i].end_tsc;
	}
}

// argv of process 1: its path, then the words behind " -- ".
static void NORETURN start_init(void)
{
	static char words[COMMAND_LINE_SIZE], path[256] = "/sbin/init";
	static char *arguments[MAX_JOB_WORDS + 2] = { path };

	command_line_get("init", path, sizeof(path));
	command_line_job(words, sizeof(words), arguments + 1, MAX_JOB_WORDS);
	exec_randomizes = !command_line_has("norandmaps");
	process_start_init(path, arguments);
}

static void mount_devices(void)
{
	struct dentry *where;
	int error = path_lookup(root_dentry(), "/dev", PATH_FOLLOW | PATH_DIRECTORY, &where);

	if (!error) {
		error = mount_at("devfs", "devfs", where, 0, "");
		dentry_put(where);
	}
	if (error)
		printk("boot: /dev is not mounted: error %d\n", error);
}

// swap=/dev/vdb: private memory may go there from the start.
static void start_swap(void)
{
	char path[64];
	struct file *f;

	if (!command_line_get("swap", path, sizeof(path)))
		return;
	int error = path_open(root_dentry(), path, O_RDONLY, 0, &f);

	if (!error) {
		error = swap_on(f, 0);
		file_put(f);
	}
	if (error)
		printk("swap: %s cannot be used: error %d\n", path, error);
}

// The part of the boot that may sleep.
static void boot_thread(void *unused)
{
	char root[64] = "/dev/vda", options[64] = "";

	(void)unused;
	deferred_start();               // what interrupts leave to do
	reclaim_start();                // threads that give memory back, before anything takes much
	devices_init();                 // PCI, the disk, console and keyboard
	writeback_start();              // a thread for each disk that writes dirty pages
	stage_done("devices");
	unnamed_files_init();
	epoll_init();
	tmpfs_init();                   // the kinds of file systems
	vdso_init();                    // pages of a file that every program maps
	devfs_init();
	if (devices_register_files())   // the terminal's names, before /dev is mounted
		printk("boot: the terminal has no name in /dev\n");
	procfs_init();
	ext2_init();
	command_line_get("root", root, sizeof(root));
	command_line_get("rootflags", options, sizeof(options));
	if (mount_root(root, 0, options) != 0)  // from now on names mean something
		panic("no root file system on %s", root);
	mount_devices();                // init's descriptors are files of /dev
	start_swap();                   // a name of /dev, too
	stage_done("root file system");
	print_time_line();
	start_init();
}

void kernel_main(u32 magic, paddr_t info)
{
	u64 boot_tsc = read_tsc();

	stage_done("firmware and loader");
	idt_init();                     // before anything can go wrong
	segs_init_cpu(&cpus[0]);        // this_cpu() works, traps are told
	smp_init_idle(&cpus[0]);        // current works
	bootinfo_init(magic, info);     // copies what the loader left, before its memory is reused
	log_start();                    // where the command line says: from here on a panic is seen
	features_init();                // patches code, which is still writable
	kernel_map_init();              // the kernel's own tables; the loader's memory is out of reach

	frames_init();                  // memory
	commit_init();
	slab_init();                    // objects
	if (segs_alloc_stacks(&cpus[0]) != 0)
		panic("no memory for the first CPU's trap stacks");
	pgtable_init();                 // the zero page
	cache_room_init();              // wait queues of page locks
	stage_done("memory");

	acpi_init();                    // which CPUs and interrupt controllers there are
	apic_init();                    // they are mapped and silent
	clock_init(boot_tsc);           // needs the local APIC's timer
	fpu_init_cpu();
	stage_done("clock and interrupts");

	threads_init();
	processes_init();
	signals_init();
	futexes_init();
	audit_init();
	sched_init_cpu();               // this context is the idle thread
	timers_init_cpu();
	interrupts_open();
	smp_start();                    // the others run into their idle loops
	faultlog_start();               // a ring for each CPU
	addrspaces_init();              // each has a count for each CPU
	stage_done("processors");

	inode_room_init();              // the file systems' own tables, no disk yet
	dentry_room_init();
	if (!kernel_thread_create("boot", boot_thread, NULL))
		panic("no memory for the first thread");
	sched_idle();
}
