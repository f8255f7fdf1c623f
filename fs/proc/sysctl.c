/*
 * sysctl.c - /proc/sys: numbers that may be looked at, and a few that may be set.
 */
#include "cache/writeback.h"
#include "dev/block.h"
#include "dev/iotrace.h"
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/random.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/commit.h"
#include "mm/huge.h"
#include "mm/hugetlb.h"
#include "mm/reclaim.h"
#include "proc/exec.h"
#include "proc/internal.h"
#include <abi/errno.h>

static void drop_inode_pages(struct inode *ip, void *argument)
{
	(void)argument;
	cache_drop_clean(&ip->cache);
}

static void drop_pages(void)
{
	for (struct superblock *sb = superblock_next(NULL); sb; sb = superblock_next(sb))
		inodes_for_each(sb, drop_inode_pages, NULL);
	for (struct block_device *d = block_device_next(NULL); d; d = block_device_next(d))
		cache_drop_clean(&d->cache);
}

// 1: clean pages of files; 2: names and inodes that nobody uses; 3: both.
static int store_drop_caches(const char *text, const struct proc_target *target)
{
	u64 what;

	(void)target;
	if (string_to_u64(text, 10, &what) || what < 1 || what > 4)
		return -EINVAL;
	if (what & 2) {
		dentries_drop_unused(U64_MAX);
		inodes_drop_unused(U64_MAX);
	}
	if (what & 1)
		drop_pages();
	return 0;
}

static int show_max_map_count(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "%d\n", AREAS_MAX);
	return 0;
}

static int show_reclaim_policy(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "%s\n", reclaim_policy_name());
	return 0;
}

// Which pages leave first when memory is short: fifo, clock or two-list.
static int store_reclaim_policy(const char *text, const struct proc_target *target)
{
	char name[16];
	size_t length = strlen(text);

	(void)target;
	if (length && text[length - 1] == '\n')
		length--;
	if (length >= sizeof(name))
		return -EINVAL;
	memcpy(name, text, length);
	name[length] = 0;
	return reclaim_set_policy(name);
}

// Which private memory gets pages of 2 MiB, in Linux's words; the one that holds stands in brackets.
int proc_show_huge(struct text *t, const struct proc_target *target)
{
	(void)target;
	for (enum huge_mode m = HUGE_ALWAYS; m <= HUGE_NEVER; m++)
		text_printf(t, m == huge_mode ? "[%s]%s" : "%s%s", huge_mode_name(m), m == HUGE_NEVER ? "\n" : " ");
	return 0;
}

int proc_store_huge(const char *text, const struct proc_target *target)
{
	size_t length = strlen(text);

	(void)target;
	if (length && text[length - 1] == '\n')
		length--;
	for (enum huge_mode m = HUGE_ALWAYS; m <= HUGE_NEVER; m++) {
		if (strlen(huge_mode_name(m)) == length && !memcmp(text, huge_mode_name(m), length)) {
			huge_mode = m;
			return 0;
		}
	}
	return -EINVAL;
}

int proc_show_nr_hugepages(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "%lu\n", hugetlb_pool_size());
	return 0;
}

int proc_store_nr_hugepages(const char *text, const struct proc_target *target)
{
	u64 nr;

	(void)target;
	if (string_to_u64(text, 10, &nr))
		return -EINVAL;
	hugetlb_set_pool_size(nr);
	return 0;
}

static int show_ostype(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "Linux\n");
	return 0;
}

static int show_osrelease(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "6.1.0-lectern\n");
	return 0;
}

static int show_hostname(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "lectern\n");
	return 0;
}

static int show_pid_max(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "%d\n", PID_MAX);
	return 0;
}

static int show_ngroups_max(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "65536\n");
	return 0;
}

static int show_randomize(struct text *t, const struct proc_target *target)
{
	(void)target;
	text_printf(t, "%d\n", exec_randomizes ? 2 : 0);
	return 0;
}

static int store_randomize(const char *text, const struct proc_target *target)
{
	u64 level;

	(void)target;
	if (string_to_u64(text, 10, &level) || level > 2)
		return -EINVAL;
	WRITE_ONCE(exec_randomizes, level != 0);
	return 0;
}

static void show_uuid_of(struct text *t, const u8 *b)
{
	text_printf(t, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n",
		    b[0], b[1], b[2], b[3], b[4], b[5], (b[6] & 15u) | 0x40, b[7], (b[8] & 63u) | 0x80, b[9],
		    b[10], b[11], b[12], b[13], b[14], b[15]);
}

static int show_uuid(struct text *t, const struct proc_target *target)
{
	u8 bytes[16];

	(void)target;
	random_bytes(bytes, sizeof(bytes));
	show_uuid_of(t, bytes);
	return 0;
}

static u8 boot_id[16];                  // constant after proc_sysctl_init

static int show_boot_id(struct text *t, const struct proc_target *target)
{
	(void)target;
	show_uuid_of(t, boot_id);
	return 0;
}

void proc_sysctl_init(void)
{
	random_bytes(boot_id, sizeof(boot_id));
}

// Bytes and ratio of one mark exclude each other, as on Linux.
#define DIRTY_KNOB(field, max_, rival_) \
	(&(const struct proc_knob){ .value = &writeback_limits.field, .max = (max_), .rival = (rival_), \
				    .changed = writeback_limits_changed })
#define COMMIT_KNOB(field, max_, rival_) \
	(&(const struct proc_knob){ .value = &commit_settings.field, .max = (max_), .rival = (rival_), \
				    .changed = commit_settings_changed })
#define TIME_MAX 100000000              // centiseconds: eleven days

static struct proc_entry random_entries[] = {
	{ .name = "boot_id", .mode = S_IFREG | 0444, .show = show_boot_id },
	{ .name = "uuid", .mode = S_IFREG | 0444, .show = show_uuid },
	{ .name = NULL },
};

static struct proc_entry kernel_entries[] = {
	{ .name = "hostname", .mode = S_IFREG | 0444, .show = show_hostname },
	{ .name = "iotrace", .mode = S_IFREG | 0644,
	  .knob = &(const struct proc_knob){ .value = &iotrace_is_on, .max = 1, .changed = iotrace_switched } },
	{ .name = "ngroups_max", .mode = S_IFREG | 0444, .show = show_ngroups_max },
	{ .name = "osrelease", .mode = S_IFREG | 0444, .show = show_osrelease },
	{ .name = "ostype", .mode = S_IFREG | 0444, .show = show_ostype },
	{ .name = "pid_max", .mode = S_IFREG | 0444, .show = show_pid_max },
	{ .name = "random", .mode = S_IFDIR | 0555, .children = random_entries },
	{ .name = "randomize_va_space", .mode = S_IFREG | 0644, .show = show_randomize, .store = store_randomize },
	{ .name = NULL },
};

static struct proc_entry vm_entries[] = {
	{ .name = "dirty_background_bytes", .mode = S_IFREG | 0644,
	  .knob = DIRTY_KNOB(background_bytes, U64_MAX, &writeback_limits.background_ratio) },
	{ .name = "dirty_background_ratio", .mode = S_IFREG | 0644,
	  .knob = DIRTY_KNOB(background_ratio, 100, &writeback_limits.background_bytes) },
	{ .name = "dirty_bytes", .mode = S_IFREG | 0644,
	  .knob = DIRTY_KNOB(hard_bytes, U64_MAX, &writeback_limits.hard_ratio) },
	{ .name = "dirty_expire_centisecs", .mode = S_IFREG | 0644,
	  .knob = DIRTY_KNOB(expire_centisecs, TIME_MAX, NULL) },
	{ .name = "dirty_ratio", .mode = S_IFREG | 0644,
	  .knob = DIRTY_KNOB(hard_ratio, 100, &writeback_limits.hard_bytes) },
	{ .name = "dirty_writeback_centisecs", .mode = S_IFREG | 0644,
	  .knob = DIRTY_KNOB(period_centisecs, TIME_MAX, NULL) },
	{ .name = "drop_caches", .mode = S_IFREG | 0200, .store = store_drop_caches },
	{ .name = "max_map_count", .mode = S_IFREG | 0444, .show = show_max_map_count },
	{ .name = "overcommit_kbytes", .mode = S_IFREG | 0644,
	  .knob = COMMIT_KNOB(kbytes, U64_MAX, &commit_settings.ratio) },
	{ .name = "overcommit_memory", .mode = S_IFREG | 0644, .knob = COMMIT_KNOB(mode, COMMIT_MODE_MAX, NULL) },
	{ .name = "overcommit_ratio", .mode = S_IFREG | 0644,
	  .knob = COMMIT_KNOB(ratio, 0x7fffffff, &commit_settings.kbytes) },
	{ .name = "nr_hugepages", .mode = S_IFREG | 0644, .show = proc_show_nr_hugepages,
	  .store = proc_store_nr_hugepages },
	{ .name = "transparent_hugepage", .mode = S_IFREG | 0644, .show = proc_show_huge, .store = proc_store_huge },
	{ .name = "user_reserve_kbytes", .mode = S_IFREG | 0644,
	  .knob = COMMIT_KNOB(user_reserve_kbytes, U64_MAX, NULL) },
	{ .name = "reclaim_policy", .mode = S_IFREG | 0644, .show = show_reclaim_policy,
	  .store = store_reclaim_policy },
	{ .name = NULL },
};

struct proc_entry proc_sys_entries[] = {
	{ .name = "kernel", .mode = S_IFDIR | 0555, .children = kernel_entries },
	{ .name = "vm", .mode = S_IFDIR | 0555, .children = vm_entries },
	{ .name = NULL },
};
