// /etc/passwd and /etc/group: fields with colons between them, a line each.

#include "internal.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NR_PASSWD_FIELDS = 7, NR_GROUP_FIELDS = 4, MAX_MEMBERS = 31 };

// Finds the line whose field 0 is name or, for name NULL, whose field 2 is the number, and cuts
// it up in place. false: there is none.
static bool line_find(const char *path, char *line, int size, char **fields, int nr_fields,
		      const char *name, unsigned int number)
{
	FILE *file = fopen(path, "re");
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, size, file)) {
		char *rest = line;
		int nr = 0;
		line[strcspn(line, "\n")] = 0;
		while (nr < nr_fields && rest)
			fields[nr++] = strsep(&rest, ":");
		if (nr < nr_fields)
			continue;
		found = name ? strcmp(fields[0], name) == 0
			     : strtoul(fields[2], NULL, 10) == number;
	}
	fclose(file);
	return found;
}

static struct passwd *passwd_find(const char *name, uid_t uid)
{
	static char line[512];
	static struct passwd user;
	char *fields[NR_PASSWD_FIELDS];

	if (!line_find("/etc/passwd", line, sizeof(line), fields, NR_PASSWD_FIELDS, name, uid))
		return NULL;
	user = (struct passwd){
		.pw_name = fields[0],
		.pw_passwd = fields[1],
		.pw_uid = (uid_t)strtoul(fields[2], NULL, 10),
		.pw_gid = (gid_t)strtoul(fields[3], NULL, 10),
		.pw_gecos = fields[4],
		.pw_dir = fields[5],
		.pw_shell = fields[6],
	};
	return &user;
}

struct passwd *getpwnam(const char *name)
{
	return passwd_find(name, 0);
}

struct passwd *getpwuid(uid_t uid)
{
	return passwd_find(NULL, uid);
}

static struct group *group_find(const char *name, gid_t gid)
{
	static char line[512];
	static char *members[MAX_MEMBERS + 1];
	static struct group group;
	char *fields[NR_GROUP_FIELDS];
	int nr = 0;

	if (!line_find("/etc/group", line, sizeof(line), fields, NR_GROUP_FIELDS, name, gid))
		return NULL;
	for (char *rest = fields[3]; rest && *rest && nr < MAX_MEMBERS; )
		members[nr++] = strsep(&rest, ",");
	members[nr] = NULL;
	group = (struct group){
		.gr_name = fields[0],
		.gr_passwd = fields[1],
		.gr_gid = (gid_t)strtoul(fields[2], NULL, 10),
		.gr_mem = members,
	};
	return &group;
}

struct group *getgrnam(const char *name)
{
	return group_find(name, 0);
}

struct group *getgrgid(gid_t gid)
{
	return group_find(NULL, gid);
}

// The name of the user, or NULL.
char *getlogin(void)
{
	struct passwd *user = getpwuid(getuid());

	return user ? user->pw_name : NULL;
}
