/* df [-h] [-i] [file ...]: space on the mounted file systems, or on those that hold the files. */
#include "util.h"
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

static bool human, inodes;

static void show_amount(unsigned long value, unsigned long unit)
{
	char text[32];

	if (human)
		show_human(text, value * unit);
	else
		snprintf(text, sizeof(text), "%lu", inodes ? value : value * unit / 1024);
	printf(" %10s", text);
}

static int show(const char *device, const char *directory)
{
	struct statfs fs;

	if (statfs(directory, &fs) < 0) {
		warn("%s", directory);
		return 1;
	}
	unsigned long total = inodes ? fs.f_files : fs.f_blocks;
	unsigned long unused = inodes ? fs.f_ffree : fs.f_bfree;
	unsigned long available = inodes ? fs.f_ffree : fs.f_bavail;
	unsigned long used = total - unused, usable = used + available;
	unsigned long unit = inodes ? 1 : fs.f_bsize;

	printf("%-15s", device);
	show_amount(total, unit);
	show_amount(used, unit);
	show_amount(available, unit);
	if (usable)
		printf(" %3lu%%", (used * 100 + usable - 1) / usable);
	else
		printf("    -");
	printf(" %s\n", directory);
	return 0;
}

/* A file system without blocks, such as proc, has no space to tell of. */
static bool has_space(const char *directory)
{
	struct statfs fs;

	return statfs(directory, &fs) == 0 && fs.f_blocks > 0;
}

struct mounted {
	char device[128], directory[256];
};

/* Calls use for each line of /proc/mounts. */
static int for_each_mount(int (*use)(const struct mounted *m, void *state), void *state)
{
	FILE *mounts = fopen("/proc/mounts", "r");
	struct mounted m;
	char *line = NULL;
	size_t size = 0;
	int status = 0;

	if (!mounts)
		err(1, "/proc/mounts");
	while (getline(&line, &size, mounts) >= 0)
		if (sscanf(line, "%127s %255s", m.device, m.directory) == 2)
			status |= use(&m, state);
	free(line);
	fclose(mounts);
	return status;
}

static int show_if_real(const struct mounted *m, void *state)
{
	(void)state;
	return has_space(m->directory) ? show(m->device, m->directory) : 0;
}

struct wanted {
	dev_t device;
	struct mounted best;
};

static int remember_if_same(const struct mounted *m, void *state)
{
	struct wanted *w = state;
	struct stat st;

	if (stat(m->directory, &st) == 0 && st.st_dev == w->device)
		w->best = *m;
	return 0;
}

static int show_for_file(const char *path)
{
	struct wanted w = { .best = { "-", "" } };
	struct stat st;

	if (stat(path, &st) < 0) {
		warn("%s", path);
		return 1;
	}
	w.device = st.st_dev;
	for_each_mount(remember_if_same, &w);
	return show(w.best.device, *w.best.directory ? w.best.directory : path);
}

int main(int argc, char **argv)
{
	int option, status = 0;

	while ((option = getopt(argc, argv, "hik")) != -1) {
		if (option == '?')
			return 2;
		human |= option == 'h';
		inodes |= option == 'i';
	}
	const char *total_title = inodes ? "Inodes" : human ? "Size" : "1K-blocks";
	printf("%-15s %10s %10s %10s Use%% Mounted on\n", "Filesystem",
		total_title, "Used", inodes ? "Free" : "Available");
	if (optind == argc)
		status = for_each_mount(show_if_real, NULL);
	for (int i = optind; i < argc; i++)
		status |= show_for_file(argv[i]);
	return status | finish_output();
}
