// File names that match a pattern.
//
// The pattern is taken apart at its slashes. expand() carries a path as far as it is certain, and
// for each part of the pattern either appends it, if it has no wildcard, or reads the directory.

#include "internal.h"

#include <dirent.h>
#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// One call of glob.
struct search {
	glob_t *result;
	int flags;
	int (*on_error)(const char *path, int error);
	char path[PATH_MAX];
};

static int expand(struct search *search, size_t length, const char *pattern);

// Adds a path to the list. 0 or GLOB_NOSPACE.
static int path_add(glob_t *result, const char *path)
{
	size_t nr = result->gl_offs + result->gl_pathc;
	char **list = reallocarray(result->gl_pathv, nr + 2, sizeof(char *));
	char *copy = strdup(path);

	if (list)
		result->gl_pathv = list;
	if (!list || !copy) {
		free(copy);
		return GLOB_NOSPACE;
	}
	if (result->gl_pathc == 0)
		memset(list, 0, result->gl_offs * sizeof(char *));
	list[nr] = copy;
	list[nr + 1] = NULL;
	result->gl_pathc++;
	return 0;
}

// The whole pattern is used up: keeps the path if there is such a file.
static int path_finish(struct search *search, size_t length)
{
	struct stat st;

	if (lstat(search->path, &st))
		return 0;
	if ((search->flags & GLOB_MARK) && length + 1 < PATH_MAX &&
	    search->path[length - 1] != '/' && stat(search->path, &st) == 0 && S_ISDIR(st.st_mode))
		strcpy(search->path + length, "/");
	return path_add(search->result, search->path);
}

// Appends n bytes to the path, which ends at length. false: too long.
static bool path_append(struct search *search, size_t length, const char *text, size_t n)
{
	if (length + n >= PATH_MAX)
		return false;
	memcpy(search->path + length, text, n);
	search->path[length + n] = 0;
	return true;
}

// Appends a part without wildcards, without the backslashes of its quoting. Answers the new
// length, or 0 if it is too long.
static size_t literal_append(struct search *search, size_t length, const char *part, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (part[i] == '\\' && !(search->flags & GLOB_NOESCAPE) && i + 1 < n)
			i++;
		if (!path_append(search, length, part + i, 1))
			return 0;
		length++;
	}
	return length;
}

// A part with wildcards: goes on with every name in the directory that matches it.
static int wildcard_expand(struct search *search, size_t length, const char *part, size_t n,
			   const char *rest)
{
	int match_flags = FNM_PERIOD | (search->flags & GLOB_NOESCAPE ? FNM_NOESCAPE : 0);
	char pattern[NAME_MAX + 1];
	struct dirent *entry;
	int result = 0;

	if (n > NAME_MAX)
		return 0;
	memcpy(pattern, part, n);
	pattern[n] = 0;
	if (search->flags & GLOB_PERIOD)
		match_flags &= ~FNM_PERIOD;
	DIR *dir = opendir(length > 0 ? search->path : ".");
	if (!dir) {
		bool stops = search->on_error && search->on_error(search->path, errno);
		return stops || (search->flags & GLOB_ERR) ? GLOB_ABORTED : 0;
	}
	while (result == 0 && (entry = readdir(dir))) {
		size_t name_length = strlen(entry->d_name);
		if (fnmatch(pattern, entry->d_name, match_flags) == 0 &&
		    path_append(search, length, entry->d_name, name_length))
			result = expand(search, length + name_length, rest);
		search->path[length] = 0;
	}
	closedir(dir);
	return result;
}

// Goes on from a path of that length with the rest of the pattern.
static int expand(struct search *search, size_t length, const char *pattern)
{
	size_t nr_slashes = strspn(pattern, "/");

	if (!path_append(search, length, pattern, nr_slashes))
		return 0;
	length += nr_slashes;
	pattern += nr_slashes;
	if (!*pattern)
		return path_finish(search, length);

	size_t n = strcspn(pattern, "/");
	const char *special = strpbrk(pattern, "*?[");
	if (special && special < pattern + n)
		return wildcard_expand(search, length, pattern, n, pattern + n);
	length = literal_append(search, length, pattern, n);
	return length > 0 ? expand(search, length, pattern + n) : 0;
}

static int path_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

// 0, GLOB_NOMATCH if there is no such file (with GLOB_NOCHECK the pattern itself is the answer
// then), GLOB_NOSPACE, GLOB_ABORTED. The caller calls globfree.
int glob(const char *restrict pattern, int flags, int (*on_error)(const char *path, int error),
	 glob_t *restrict result)
{
	struct search search = { .result = result, .flags = flags, .on_error = on_error };

	if (!(flags & GLOB_DOOFFS))
		result->gl_offs = 0;
	if (!(flags & GLOB_APPEND)) {
		result->gl_pathc = 0;
		result->gl_pathv = NULL;
	}
	size_t nr_before = result->gl_pathc;
	int error = *pattern ? expand(&search, 0, pattern) : 0;
	if (error)
		return error;
	if (result->gl_pathc == nr_before)
		return flags & GLOB_NOCHECK ? path_add(result, pattern) : GLOB_NOMATCH;
	if (!(flags & GLOB_NOSORT))
		qsort(result->gl_pathv + result->gl_offs + nr_before, result->gl_pathc - nr_before,
		      sizeof(char *), path_compare);
	return 0;
}

void globfree(glob_t *result)
{
	for (size_t i = 0; i < result->gl_pathc; i++)
		free(result->gl_pathv[result->gl_offs + i]);
	free(result->gl_pathv);
	result->gl_pathc = 0;
	result->gl_pathv = NULL;
}
