/* Copying and removing trees: see tree.h. */
#include "tree.h"
#include "util.h"
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *target_in_directory(const char *directory, const char *source)
{
	char *name = strdup(source);
	size_t len = name ? strlen(name) : 0;

	if (!name)
		err(2, "out of memory");
	while (len > 1 && name[len - 1] == '/')
		name[--len] = '\0';
	char *path = path_join(directory, path_last(name));
	free(name);
	return path;
}

/* The names in a directory, NULL-terminated, read before anything in it changes. */
static char **directory_names(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0, size = 16;
	char **names = malloc(size * sizeof(*names));
	struct dirent *entry;

	if (!dir) {
		free(names);
		return NULL;
	}
	while (names && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (count + 1 == size) {
			size *= 2;
			names = realloc(names, size * sizeof(*names));
		}
		if (names)
			names[count++] = strdup(entry->d_name);
	}
	closedir(dir);
	if (!names)
		err(2, "out of memory");
	names[count] = NULL;
	return names;
}

static void free_names(char **names)
{
	for (char **name = names; *name; name++)
		free(*name);
	free(names);
}

/* ---- copy ---- */

static int preserve(const char *target, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };
	int failed = 0;

	/* The owner first: changing it clears set-user-id bits. Only root may; others keep theirs. */
	if (lchown(target, st->st_uid, st->st_gid) < 0 && errno != EPERM)
		failed = 1;
	if (!S_ISLNK(st->st_mode) && chmod(target, st->st_mode & 07777) < 0)
		failed = 1;
	if (utimensat(AT_FDCWD, target, times, AT_SYMLINK_NOFOLLOW) < 0)
		failed = 1;
	if (failed)
		warn("preserving attributes of '%s'", target);
	return failed;
}

static int open_copy(const char *target, mode_t mode, unsigned int flags)
{
	int fd = open(target, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777);

	if (fd < 0 && flags & COPY_FORCE && unlink(target) == 0)
		fd = open(target, O_WRONLY | O_CREAT | O_TRUNC, mode & 0777);
	return fd;
}

static int copy_file(
	const char *source, const char *target, const struct stat *st, unsigned int flags)
{
	struct stat existing;
	int from, to, failed;

	if (stat(target, &existing) == 0 && existing.st_dev == st->st_dev &&
	    existing.st_ino == st->st_ino) {
		warnx("'%s' and '%s' are the same file", source, target);
		return 1;
	}
	from = open(source, O_RDONLY);
	if (from < 0) {
		warn("cannot open '%s'", source);
		return 1;
	}
	to = open_copy(target, st->st_mode, flags);
	if (to < 0) {
		warn("cannot create '%s'", target);
		close(from);
		return 1;
	}
	failed = copy_stream(from, to) < 0;
	if (failed)
		warn("copying '%s' to '%s'", source, target);
	close(from);
	if (close(to) < 0 && !failed) {
		warn("'%s'", target);
		failed = 1;
	}
	return failed;
}

static int copy_link(const char *source, const char *target, unsigned int flags)
{
	char text[4096];
	ssize_t n = readlink(source, text, sizeof(text) - 1);

	if (n < 0) {
		warn("cannot read link '%s'", source);
		return 1;
	}
	text[n] = '\0';
	if (flags & COPY_FORCE)
		unlink(target);
	if (symlink(text, target) < 0) {
		warn("cannot create link '%s'", target);
		return 1;
	}
	return 0;
}

/* Is `target` inside the directory `st`? Copying would never end. */
static bool is_inside(const char *target, const struct stat *st)
{
	char path[4096];
	struct stat above;

	snprintf(path, sizeof(path), "%s%s", *target == '/' ? "" : "./", target);
	for (;;) {
		char *slash = strrchr(path, '/');

		if (!slash)
			return false;
		*slash = '\0';
		if (stat(*path ? path : "/", &above) == 0 && above.st_dev == st->st_dev &&
		    above.st_ino == st->st_ino)
			return true;
		if (!*path)
			return false;
	}
}

static int copy_directory(const char *source, const char *target, const struct stat *st,
			  unsigned int flags)
{
	char **names;
	int status = 0;

	if (!(flags & COPY_RECURSIVE)) {
		warnx("-r not specified; omitting directory '%s'", source);
		return 1;
	}
	if (is_inside(target, st)) {
		warnx("cannot copy a directory, '%s', into itself, '%s'", source, target);
		return 1;
	}
	names = directory_names(source);
	if (!names) {
		warn("cannot read directory '%s'", source);
		return 1;
	}
	/* Writable until its contents are in. */
	if (mkdir(target, (st->st_mode & 0777) | 0700) < 0 && errno != EEXIST) {
		warn("cannot create directory '%s'", target);
		free_names(names);
		return 1;
	}
	for (char **name = names; *name; name++) {
		char *from = path_join(source, *name), *to = path_join(target, *name);

		status |= copy_tree(from, to, flags | COPY_LINKS);
		free(from);
		free(to);
	}
	free_names(names);
	return status;
}

int copy_tree(const char *source, const char *target, unsigned int flags)
{
	bool keep_link = flags & (COPY_LINKS | COPY_RECURSIVE);
	struct stat st;
	int failed;

	if ((keep_link ? lstat(source, &st) : stat(source, &st)) < 0) {
		warn("cannot stat '%s'", source);
		return 1;
	}
	if (S_ISDIR(st.st_mode))
		failed = copy_directory(source, target, &st, flags);
	else if (S_ISLNK(st.st_mode))
		failed = copy_link(source, target, flags);
	else
		failed = copy_file(source, target, &st, flags);
	if (!failed && flags & COPY_PRESERVE)
		failed = preserve(target, &st);
	if (!failed && flags & COPY_VERBOSE)
		printf("'%s' -> '%s'\n", source, target);
	return failed;
}

/* ---- remove ---- */

static int remove_directory(const char *path, unsigned int flags)
{
	int status = 0;

	if (flags & REMOVE_RECURSIVE) {
		char **names = directory_names(path);

		if (!names) {
			warn("cannot remove '%s'", path);
			return 1;
		}
		for (char **name = names; *name; name++) {
			char *inner = path_join(path, *name);

			status |= remove_tree(inner, flags);
			free(inner);
		}
		free_names(names);
	} else if (!(flags & REMOVE_EMPTY)) {
		warnx("cannot remove '%s': Is a directory", path);
		return 1;
	}
	if (status)
		return status;          /* not empty, and that was already said */
	if (rmdir(path) < 0) {
		warn("cannot remove '%s'", path);
		return 1;
	}
	if (flags & REMOVE_VERBOSE)
		printf("removed directory '%s'\n", path);
	return 0;
}

int remove_tree(const char *path, unsigned int flags)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		if (flags & REMOVE_FORCE && errno == ENOENT)
			return 0;
		warn("cannot remove '%s'", path);
		return 1;
	}
	if (S_ISDIR(st.st_mode))
		return remove_directory(path, flags);
	if (unlink(path) < 0) {
		warn("cannot remove '%s'", path);
		return 1;
	}
	if (flags & REMOVE_VERBOSE)
		printf("removed '%s'\n", path);
	return 0;
}
