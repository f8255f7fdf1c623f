/*
 * ls [-aA1lhiRdtrSnF] [file ...]: names, one a line unless the output is a terminal; -l with what
 * stat knows. -t newest first, -S largest first, -r reversed, -R directories below, -d themselves.
 */
#include "util.h"
#include <dirent.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

struct entry {
	char *name, *path;
	struct stat st;
};

struct list {
	struct entry *entries;
	size_t count, size;
};

static struct {
	bool hidden, dots, one, lengthy, human, inode, recursive, directory, by_time, by_size,
		reverse, numeric, classify;
} option;

static int status;
static int columns;             /* 0: one name a line */

static void list_add(struct list *list, const char *directory, const char *name)
{
	struct entry e = { .path = directory ? path_join(directory, name) : strdup(name) };

	/* A link named by the user is followed, except for -l and -d; inside a directory never. */
	bool follow = !directory && !option.lengthy && !option.directory;
	if ((follow ? stat(e.path, &e.st) : -1) < 0 && lstat(e.path, &e.st) < 0) {
		warn("cannot access '%s'", e.path);
		status = directory ? 1 : 2;
		free(e.path);
		return;
	}
	if (list->count == list->size) {
		list->size = list->size ? 2 * list->size : 64;
		list->entries = realloc(list->entries, list->size * sizeof(*list->entries));
		if (!list->entries)
			err(2, "out of memory");
	}
	e.name = strdup(name);
	list->entries[list->count++] = e;
}

static void list_free(struct list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->entries[i].name);
		free(list->entries[i].path);
	}
	free(list->entries);
	*list = (struct list){ 0 };
}

static int compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	long order = 0;

	if (option.by_size)
		order = (b->st.st_size > a->st.st_size) - (b->st.st_size < a->st.st_size);
	else if (option.by_time)
		order = b->st.st_mtim.tv_sec != a->st.st_mtim.tv_sec ?
			(b->st.st_mtim.tv_sec > a->st.st_mtim.tv_sec ? 1 : -1) :
			b->st.st_mtim.tv_nsec - a->st.st_mtim.tv_nsec;
	if (!order)
		order = strcmp(a->name, b->name);
	return (int)((order > 0) - (order < 0)) * (option.reverse ? -1 : 1);
}

/* ---- one line each ---- */

struct widths {
	int inode, links, user, group, size;
};

static int decimal_width(unsigned long value)
{
	return snprintf(NULL, 0, "%lu", value);
}

static void widen(int *width, int needed)
{
	if (needed > *width)
		*width = needed;
}

static void size_text(char *text, size_t size, const struct stat *st)
{
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		snprintf(text, size, "%u, %u", (unsigned int)major(st->st_rdev),
			 (unsigned int)minor(st->st_rdev));
	else if (option.human)
		show_human(text, st->st_size);
	else
		snprintf(text, size, "%lu", (unsigned long)st->st_size);
}

static const char *user_text(const struct stat *st)
{
	static char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned int)st->st_uid);
	return option.numeric ? number : show_user(st->st_uid);
}

static const char *group_text(const struct stat *st)
{
	static char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned int)st->st_gid);
	return option.numeric ? number : show_group(st->st_gid);
}

static struct widths measure(const struct list *list)
{
	struct widths w = { 0 };
	char text[32];

	for (size_t i = 0; i < list->count; i++) {
		const struct stat *st = &list->entries[i].st;

		widen(&w.inode, decimal_width(st->st_ino));
		widen(&w.links, decimal_width(st->st_nlink));
		widen(&w.user, (int)strlen(user_text(st)));
		widen(&w.group, (int)strlen(group_text(st)));
		size_text(text, sizeof(text), st);
		widen(&w.size, (int)strlen(text));
	}
	return w;
}

/* The time of day within half a year, else the year. */
static void show_time(time_t when)
{
	const long half_year = 31556952 / 2;
	time_t now = time(NULL);
	struct tm *broken = localtime(&when);
	char text[32];

	bool recent = when <= now && now - when < half_year;
	if (broken && strftime(text, sizeof(text), recent ? "%b %e %H:%M" : "%b %e  %Y", broken))
		printf(" %s ", text);
	else
		printf(" %12ld ", (long)when);
}

static void show_name(const struct entry *e)
{
	mode_t mode = e->st.st_mode;

	fputs(e->name, stdout);
	if (!option.classify)
		return;
	if (S_ISDIR(mode))
		putchar('/');
	else if (S_ISLNK(mode) && !option.lengthy)
		putchar('@');
	else if (S_ISFIFO(mode))
		putchar('|');
	else if (S_ISSOCK(mode))
		putchar('=');
	else if (S_ISREG(mode) && mode & 0111)
		putchar('*');
}

static void show_line(const struct entry *e, const struct widths *w)
{
	char mode[MODE_SIZE], size[32], target[4096];

	if (option.inode)
		printf("%*lu ", w->inode, (unsigned long)e->st.st_ino);
	if (option.lengthy) {
		show_mode(mode, e->st.st_mode);
		size_text(size, sizeof(size), &e->st);
		printf("%s %*lu %-*s", mode, w->links, (unsigned long)e->st.st_nlink, w->user,
		       user_text(&e->st));
		printf(" %-*s %*s", w->group, group_text(&e->st), w->size, size);
		show_time(e->st.st_mtim.tv_sec);
	}
	show_name(e);
	if (option.lengthy && S_ISLNK(e->st.st_mode)) {
		ssize_t n = readlink(e->path, target, sizeof(target) - 1);

		if (n >= 0)
			printf(" -> %.*s", (int)n, target);
	}
	putchar('\n');
}

/* ---- in columns ---- */

static void show_columns(const struct list *list)
{
	size_t width = 1, per_line, lines;

	for (size_t i = 0; i < list->count; i++) {
		size_t len = strlen(list->entries[i].name) + 2 + option.classify;

		width = len > width ? len : width;
	}
	per_line = (size_t)columns / width ? (size_t)columns / width : 1;
	lines = (list->count + per_line - 1) / per_line;
	for (size_t line = 0; line < lines; line++) {
		for (size_t i = line; i < list->count; i += lines) {
			size_t len = strlen(list->entries[i].name);

			show_name(&list->entries[i]);
			if (i + lines < list->count)
				printf("%*s", (int)(width - len), "");
		}
		putchar('\n');
	}
}

static void show_list(struct list *list)
{
	if (!list->count)
		return;
	qsort(list->entries, list->count, sizeof(*list->entries), compare);
	if (columns && !option.lengthy && !option.inode) {
		show_columns(list);
		return;
	}
	struct widths w = measure(list);
	for (size_t i = 0; i < list->count; i++)
		show_line(&list->entries[i], &w);
}

/* ---- directories ---- */

static void show_total(const struct list *list)
{
	unsigned long blocks = 0;
	char text[HUMAN_SIZE];

	for (size_t i = 0; i < list->count; i++)
		blocks += list->entries[i].st.st_blocks;
	show_human(text, blocks * 512);
	if (option.human)
		printf("total %s\n", text);
	else
		printf("total %lu\n", blocks / 2);
}

static bool is_wanted(const char *name)
{
	if (name[0] != '.')
		return true;
	return option.hidden && (option.dots || (strcmp(name, ".") && strcmp(name, "..")));
}

static void show_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct list list = { 0 };
	struct dirent *found;

	if (!dir) {
		warn("cannot open directory '%s'", path);
		status = status ? status : 1;
		return;
	}
	while ((found = readdir(dir)))
		if (is_wanted(found->d_name))
			list_add(&list, path, found->d_name);
	closedir(dir);
	if (option.lengthy)
		show_total(&list);
	show_list(&list);
	for (size_t i = 0; option.recursive && i < list.count; i++) {
		struct entry *e = &list.entries[i];

		if (!S_ISDIR(e->st.st_mode) || !strcmp(e->name, ".") || !strcmp(e->name, ".."))
			continue;
		printf("\n%s:\n", e->path);
		show_directory(e->path);
	}
	list_free(&list);
}

static void read_options(int argc, char **argv)
{
	int letter;

	while ((letter = getopt(argc, argv, "aA1lhiRdtrSnFC")) != -1) {
		switch (letter) {
		case 'a': option.hidden = option.dots = true; break;
		case 'A': option.hidden = true; break;
		case '1': option.one = true; break;
		case 'l': option.lengthy = true; break;
		case 'h': option.human = true; break;
		case 'i': option.inode = true; break;
		case 'R': option.recursive = true; break;
		case 'd': option.directory = true; break;
		case 't': option.by_time = true; break;
		case 'r': option.reverse = true; break;
		case 'S': option.by_size = true; break;
		case 'n': option.numeric = option.lengthy = true; break;
		case 'F': option.classify = true; break;
		case 'C': columns = 80; break;
		default: exit(2);
		}
	}
}

static void choose_columns(void)
{
	struct winsize window;

	if (isatty(1)) {
		columns = 80;
		if (ioctl(1, TIOCGWINSZ, &window) == 0 && window.ws_col)
			columns = window.ws_col;
	}
	if (option.one)
		columns = 0;
}

int main(int argc, char **argv)
{
	struct list files = { 0 }, directories = { 0 };

	read_options(argc, argv);
	choose_columns();
	if (optind == argc)
		list_add(option.directory ? &files : &directories, NULL, ".");
	for (int i = optind; i < argc; i++) {
		struct stat st;
		bool is_directory =
			!option.directory && stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode);

		list_add(is_directory ? &directories : &files, NULL, argv[i]);
	}
	if (files.count)
		show_list(&files);
	if (directories.count)
		qsort(directories.entries, directories.count, sizeof(struct entry), compare);
	bool name_them = argc - optind > 1 || option.recursive;
	for (size_t i = 0; i < directories.count; i++) {
		if (name_them)
			printf("%s%s:\n", files.count || i ? "\n" : "",
				directories.entries[i].name);
		show_directory(directories.entries[i].path);
	}
	return finish_output() | status;
}
