/* Sizes, modes and owners: to text and from text. */
#include "util.h"
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void show_human(char *text, uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	uint64_t unit = 1;
	int i = 0;

	while (bytes / unit >= 1024 && i < 6) {
		unit *= 1024;
		i++;
	}
	/* Rounded up, to tenths below ten. 9.95 becomes 10, 1023.5K becomes 1.0M. */
	uint64_t whole = bytes / unit, rest = bytes % unit;
	uint64_t tenths = whole * 10 + (rest * 10 + unit - 1) / unit;
	if (i == 0) {
		snprintf(text, HUMAN_SIZE, "%u", (unsigned int)bytes);
	} else if (tenths < 100) {
		snprintf(text, HUMAN_SIZE, "%u.%u%c", (unsigned int)(tenths / 10),
			 (unsigned int)(tenths % 10), units[i]);
	} else {
		whole += rest != 0;
		if (whole == 1024 && i < 6)
			snprintf(text, HUMAN_SIZE, "1.0%c", units[i + 1]);
		else
			snprintf(text, HUMAN_SIZE, "%u%c", (unsigned int)whole, units[i]);
	}
}

static char type_letter(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	case S_IFSOCK:
		return 's';
	}
	return '-';
}

void show_mode(char *text, mode_t mode)
{
	static const char letters[] = "rwxrwxrwx";

	text[0] = type_letter(mode);
	for (int i = 0; i < 9; i++)
		text[i + 1] = mode & (0400 >> i) ? letters[i] : '-';
	if (mode & S_ISUID)
		text[3] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		text[6] = mode & 0010 ? 's' : 'S';
	if (mode & S_ISVTX)
		text[9] = mode & 0001 ? 't' : 'T';
	text[10] = '\0';
}

/* The name in a line "name:x:ID:..." of a file like /etc/passwd, or the number itself. */
static const char *name_of_id(char *text, size_t size, const char *path, unsigned int id)
{
	char *data = read_whole(path, NULL);

	snprintf(text, size, "%u", id);
	for (char *line = data; line && *line; ) {
		char *end = strchr(line, '\n'), *second = strchr(line, ':');

		if (end)
			*end = '\0';
		second = second ? strchr(second + 1, ':') : NULL;
		if (second && strtoul(second + 1, NULL, 10) == id) {
			snprintf(text, size, "%.*s", (int)strcspn(line, ":"), line);
			break;
		}
		line = end ? end + 1 : NULL;
	}
	free(data);
	return text;
}

const char *show_user(uid_t uid)
{
	static char text[33];
	static uid_t last;

	if (!*text || uid != last)
		name_of_id(text, sizeof(text), "/etc/passwd", uid);
	last = uid;
	return text;
}

const char *show_group(gid_t gid)
{
	static char text[33];
	static gid_t last;

	if (!*text || gid != last)
		name_of_id(text, sizeof(text), "/etc/group", gid);
	last = gid;
	return text;
}

/* ---- modes ---- */

/* The rwxXst behind an operator, as bits for user, group and others alike. */
static mode_t permission_bits(const char **text, mode_t mode)
{
	mode_t bits = 0;

	for (;; ++*text) {
		switch (**text) {
		case 'r': bits |= 0444; break;
		case 'w': bits |= 0222; break;
		case 'x': bits |= 0111; break;
		case 'X': bits |= S_ISDIR(mode) || (mode & 0111) ? 0111 : 0; break;
		case 's': bits |= 06000; break;
		case 't': bits |= 01000; break;
		default: return bits;
		}
	}
}

static mode_t who_bits(const char **text)
{
	mode_t who = 0;

	for (;; ++*text) {
		switch (**text) {
		case 'u': who |= 04700; break;
		case 'g': who |= 02070; break;
		case 'o': who |= 01007; break;
		case 'a': who |= 07777; break;
		default: return who;
		}
	}
}

bool mode_parse(const char *text, mode_t mode, mode_t *result)
{
	char *end;

	if (*text >= '0' && *text <= '7') {
		*result = (mode_t)strtoul(text, &end, 8);
		return !*end && *result <= 07777;
	}
	while (*text) {
		mode_t who = who_bits(&text);

		if (!who) {
			mode_t mask = umask(0);

			umask(mask);
			who = 07777 & ~mask;
		}
		if (!*text || !strchr("+-=", *text))
			return false;
		while (*text && strchr("+-=", *text)) {
			char op = *text++;
			mode_t bits = permission_bits(&text, mode) & who;

			if (op == '=')
				mode &= ~(who & 0777);
			mode = op == '-' ? mode & ~bits : mode | bits;
		}
		if (*text == ',')
			text++;
		else if (*text)
			return false;
	}
	*result = mode & 07777;
	return true;
}

/* ---- numbers ---- */

bool number_parse(const char *text, long *value)
{
	char *end;

	*value = strtol(text, &end, 10);
	return *text && !*end;
}

bool size_parse(const char *text, long *value)
{
	static const char units[] = "KMGT";
	char *end;

	*value = strtol(text, &end, 10);
	if (end == text)
		return false;
	const char *unit = *end ? strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end) : NULL;
	if (unit) {
		for (const char *u = units; u <= unit; u++)
			if (__builtin_mul_overflow(*value, 1024L, value))
				return false;
		end++;
	}
	return !*end;
}
