/*
 * Path names from patterns: a component at a time, sorted. In a pattern, quoted characters come
 * behind a backslash.
 */
#include "sh.h"
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool component_has_magic(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\')
			i++;
		else if (strchr("*?[", s[i]))
			return true;
	}
	return false;
}

bool glob_has_magic(const char *pattern)
{
	return component_has_magic(pattern, strlen(pattern));
}

static void add_unescaped(struct text *t, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\\' && i + 1 < len)
			i++;
		text_add(t, s[i]);
	}
}

static void match_from(
	struct region *r, const char *prefix, const char *pattern, struct fields *out);

/* prefix/name exists and more components follow: go on behind it; otherwise it is a result. */
static void match_name(struct region *r, const char *prefix, const char *name, const char *rest,
		       struct fields *out)
{
	struct text path = { 0 };
	struct stat st;

	text_add_string(&path, prefix);
	text_add_string(&path, name);
	while (*rest == '/') {
		text_add(&path, '/');
		rest++;
	}
	const char *found = path.data ? path.data : "";
	if (*rest)
		match_from(r, found, rest, out);
	else if (lstat(found, &st) == 0)
		fields_add(r, out, region_strndup(r, found, strlen(found)));
	text_free(&path);
}

static void match_directory(struct region *r, const char *prefix, const char *component,
			    const char *rest, struct fields *out)
{
	DIR *dir = opendir(*prefix ? prefix : ".");
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (fnmatch(component, entry->d_name, FNM_PERIOD) == 0)
			match_name(r, prefix, entry->d_name, rest, out);
	closedir(dir);
}

static void match_from(
	struct region *r, const char *prefix, const char *pattern, struct fields *out)
{
	size_t len = strcspn(pattern, "/");

	if (component_has_magic(pattern, len)) {
		char *component = region_strndup(r, pattern, len);

		match_directory(r, prefix, component, pattern + len, out);
	} else {
		struct text name = { 0 };

		add_unescaped(&name, pattern, len);
		match_name(r, prefix, name.data ? name.data : "", pattern + len, out);
		text_free(&name);
	}
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void glob_add(struct region *r, const char *pattern, struct fields *out)
{
	size_t before = out->count;

	match_from(r, "", pattern, out);
	if (out->count > before)
		qsort(out->list + before, out->count - before, sizeof(char *), compare_strings);
}
