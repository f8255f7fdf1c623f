/* du [-s] [-h] [-a] [-b] [file ...]: the disk space of trees, in KiB. Hard links count once. */
#include "util.h"
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool summary, human, all, apparent;
static int status;

struct seen {
	struct seen *next;
	dev_t device;
	ino_t inode;
};

/* A file with several names: was one of them met before? */
static bool is_seen(const struct stat *st)
{
	static struct seen *seen[256];
	struct seen **bucket = &seen[st->st_ino % 256];

	if (st->st_nlink < 2 || S_ISDIR(st->st_mode))
		return false;
	for (struct seen *s = *bucket; s; s = s->next)
		if (s->inode == st->st_ino && s->device == st->st_dev)
			return true;
	struct seen *s = malloc(sizeof(*s));
	if (!s)
		err(2, "out of memory");
	*s = (struct seen){ *bucket, st->st_dev, st->st_ino };
	*bucket = s;
	return false;
}

static void show(unsigned long bytes, const char *path)
{
	char text[HUMAN_SIZE];

	show_human(text, bytes);
	if (human)
		printf("%s\t%s\n", text, path);
	else
		printf("%lu\t%s\n", apparent ? bytes : (bytes + 1023) / 1024, path);
}

static unsigned long measure(const char *path, bool top);

static unsigned long measure_inside(const char *path)
{
	DIR *dir = opendir(path);
	unsigned long sum = 0;
	struct dirent *entry;

	if (!dir) {
		warn("cannot read directory '%s'", path);
		status = 1;
		return 0;
	}
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		char *inner = path_join(path, entry->d_name);
		sum += measure(inner, false);
		free(inner);
	}
	closedir(dir);
	return sum;
}

static unsigned long measure(const char *path, bool top)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		warn("cannot access '%s'", path);
		status = 1;
		return 0;
	}
	if (is_seen(&st))
		return 0;
	bool is_directory = S_ISDIR(st.st_mode);
	unsigned long sum = apparent ? st.st_size : st.st_blocks * 512;
	if (is_directory)
		sum += measure_inside(path);
	if (top || (!summary && (is_directory || all)))
		show(sum, path);
	return sum;
}

int main(int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "shabk")) != -1) {
		switch (option) {
		case 's': summary = true; break;
		case 'h': human = true; break;
		case 'a': all = true; break;
		case 'b': apparent = true; break;
		case 'k': break;
		default: return 2;
		}
	}
	if (optind == argc)
		measure(".", true);
	for (int i = optind; i < argc; i++)
		measure(argv[i], true);
	return status | finish_output();
}
