// The groups of /etc/group.
#pragma once

#include <sys/types.h>

struct group {
	char *gr_name;
	char *gr_passwd;
	gid_t gr_gid;
	char **gr_mem;
};

// The answers live until the next call. NULL: no such group.
struct group *getgrnam(const char *name);
struct group *getgrgid(gid_t gid);
