/*
 * mounts.c - what is mounted where. Everybody sees the same tree.
 */
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "mm/slab.h"
#include <abi/errno.h>
#include <abi/mount.h>

#define OPTIONS_MAX 256

struct mount_line {                     // one mount as text; on the heap
	char path[PATH_LENGTH_MAX], options[OPTIONS_MAX];
	char *mount_point;              // in path
};

static int mount_line_fill(struct mount_line *line, struct superblock *sb)
{
	line->options[0] = 0;
	if (sb->ops->show_options)
		sb->ops->show_options(sb, line->options, sizeof(line->options));
	if (!sb->mounted_on) {
		line->path[0] = '/';
		line->path[1] = 0;
		line->mount_point = line->path;
		return 0;
	}
	return dentry_path(sb->mounted_on, root_dentry(), line->path, sizeof(line->path), &line->mount_point);
}

// What every file system understands: the options of mount(8) that are on, in Linux's order.
static void show_general_options(struct text *t, const struct superblock *sb)
{
	static const struct { u32 flag; const char *word; } words[] = {
		{ MS_SYNCHRONOUS, ",sync" }, { MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" }, { MS_NOEXEC, ",noexec" },
		{ MS_NOATIME, ",noatime" }, { MS_NODIRATIME, ",nodiratime" },
	};

	text_printf(t, sb->flags & MS_RDONLY ? "ro" : "rw");
	for (u32 i = 0; i < ARRAY_SIZE(words); i++)
		text_printf(t, "%s", sb->flags & words[i].flag ? words[i].word : "");
	if (!(sb->flags & (MS_NOATIME | MS_STRICTATIME)))
		text_printf(t, ",relatime");
}

// Blanks and the like in names would look like the end of a field.
static void show_escaped(struct text *t, const char *s)
{
	for (; *s; s++) {
		if (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\\')
			text_printf(t, "\\%03o", *s);
		else
			text_append(t, s, 1);
	}
}

typedef void (*show_mount)(struct text *t, const struct superblock *sb, const struct mount_line *line, u32 n);

static int show_all(struct text *t, show_mount show)
{
	struct mount_line *line = kmalloc(sizeof(*line));
	int error = 0;
	u32 n = 1;

	if (!line)
		return -ENOMEM;
	for (struct superblock *sb = superblock_next(NULL); sb && !error; sb = superblock_next(sb), n++) {
		error = mount_line_fill(line, sb);
		if (!error)
			show(t, sb, line, n);
	}
	kfree(line);
	return error;
}

static void show_mounts_line(struct text *t, const struct superblock *sb, const struct mount_line *line, u32 n)
{
	(void)n;
	show_escaped(t, sb->device_name);
	text_append(t, " ", 1);
	show_escaped(t, line->mount_point);
	text_printf(t, " %s ", sb->type->name);
	show_general_options(t, sb);
	text_printf(t, "%s 0 0\n", line->options);
}

static void show_mountinfo_line(struct text *t, const struct superblock *sb, const struct mount_line *line, u32 n)
{
	text_printf(t, "%u %u %u:%u / ", n, n == 1 ? 0 : 1u, ABI_MAJOR((u64)sb->device_id),
		    ABI_MINOR((u64)sb->device_id));
	show_escaped(t, line->mount_point);
	text_append(t, " ", 1);
	show_general_options(t, sb);
	text_printf(t, " - %s ", sb->type->name);
	show_escaped(t, sb->device_name);
	text_printf(t, " %s%s\n", sb->flags & MS_RDONLY ? "ro" : "rw", line->options);
}

int proc_show_mounts(struct text *t, const struct proc_target *target)
{
	(void)target;
	return show_all(t, show_mounts_line);
}

int proc_show_mountinfo(struct text *t, const struct proc_target *target)
{
	(void)target;
	return show_all(t, show_mountinfo_line);
}
