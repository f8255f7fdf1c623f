// Paths: names that do not exist yet, resolved links, parts.

#include "internal.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Replaces the six X at the end of a template by letters. NULL and EINVAL if they are not there.
static char *letters_fill(char *template)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t length = strlen(template);
	unsigned long bits;

	if (length < 6 || strcmp(template + length - 6, "XXXXXX") != 0) {
		errno = EINVAL;
		return NULL;
	}
	if (getrandom(&bits, sizeof(bits), GRND_NONBLOCK) != sizeof(bits)) {
		struct timespec now;
		clock_gettime(CLOCK_MONOTONIC, &now);
		bits = (unsigned long)now.tv_nsec << 20 ^ (unsigned long)getpid();
		bits *= 0x9e3779b97f4a7c15ul;
	}
	char *place = template + length - 6;
	for (int i = 0; i < 6; i++, bits >>= 5)
		place[i] = letters[bits >> 7 & 31];
	return place;
}

// Makes and opens a file whose name nobody has yet.
int mkostemp(char *template, int flags)
{
	for (int i = 0; i < 100; i++) {
		char *place = letters_fill(template);
		if (!place)
			return -1;
		int fd = open(template, flags | O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd >= 0)
			return fd;
		memcpy(place, "XXXXXX", 6);
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

int mkstemp(char *template)
{
	return mkostemp(template, 0);
}

char *mkdtemp(char *template)
{
	for (int i = 0; i < 100; i++) {
		char *place = letters_fill(template);
		if (!place)
			return NULL;
		if (mkdir(template, 0700) == 0)
			return template;
		memcpy(place, "XXXXXX", 6);
		if (errno != EEXIST)
			return NULL;
	}
	return NULL;
}

// A path being resolved: what is certain, and what is still to be walked.
struct walk {
	char done[PATH_MAX];
	char rest[PATH_MAX];
	int nr_links;
};

// Puts the target of a symbolic link in front of the rest. 0 or -1 and errno.
static int link_follow(struct walk *walk, size_t parent_length)
{
	char target[PATH_MAX];
	ssize_t n = readlink(walk->done, target, sizeof(target) - 1);

	if (n < 0)
		return -1;
	target[n] = 0;
	if (++walk->nr_links > SYMLOOP_MAX) {
		errno = ELOOP;
		return -1;
	}
	if ((size_t)n + 1 + strlen(walk->rest) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	target[n] = '/';
	strcpy(target + n + 1, walk->rest);
	strcpy(walk->rest, target);
	walk->done[target[0] == '/' ? 0 : parent_length] = 0;
	return 0;
}

// Appends one name to what is certain. 0 or -1 and errno.
static int name_walk(struct walk *walk, const char *name)
{
	size_t length = strlen(walk->done);
	struct stat st;

	if (!*name || strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0) {
		char *slash = strrchr(walk->done, '/');
		if (slash)
			*slash = 0;
		return 0;
	}
	if (length + 1 + strlen(name) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	walk->done[length] = '/';
	strcpy(walk->done + length + 1, name);
	if (lstat(walk->done, &st))
		return -1;
	return S_ISLNK(st.st_mode) ? link_follow(walk, length) : 0;
}

// The path without links, dots and double slashes, in resolved or, for NULL, in memory that the
// caller frees. Every part must exist.
char *realpath(const char *restrict path, char *restrict resolved)
{
	struct walk walk = { .nr_links = 0 };
	char name[NAME_MAX + 1];

	if (!*path) {
		errno = ENOENT;
		return NULL;
	}
	if (strlcpy(walk.rest, path, PATH_MAX) >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	if (*path != '/' && !getcwd(walk.done, PATH_MAX))
		return NULL;
	if (strcmp(walk.done, "/") == 0)
		walk.done[0] = 0;
	while (*walk.rest) {
		size_t n = strcspn(walk.rest, "/");
		if (n > NAME_MAX) {
			errno = ENAMETOOLONG;
			return NULL;
		}
		memcpy(name, walk.rest, n);
		name[n] = 0;
		size_t step = n + strspn(walk.rest + n, "/");
		memmove(walk.rest, walk.rest + step, strlen(walk.rest + step) + 1);
		if (name_walk(&walk, name))
			return NULL;
	}
	if (!walk.done[0])
		strcpy(walk.done, "/");
	return resolved ? strcpy(resolved, walk.done) : strdup(walk.done);
}

// Cuts the last part off.
char *dirname(char *path)
{
	if (!path || !*path)
		return ".";
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		n--;
	while (n > 0 && path[n - 1] != '/')
		n--;
	if (n == 0)
		return ".";
	while (n > 1 && path[n - 1] == '/')
		n--;
	path[n] = 0;
	return path;
}

// POSIX's basename: cuts slashes off the end first.
char *__xpg_basename(char *path)
{
	if (!path || !*path)
		return ".";
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/')
		path[--n] = 0;
	return n == 1 ? path : basename(path);
}
