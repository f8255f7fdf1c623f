// The users of /etc/passwd.
#pragma once

#include <sys/types.h>

struct passwd {
	char *pw_name;
	char *pw_passwd;
	uid_t pw_uid;
	gid_t pw_gid;
	char *pw_gecos;
	char *pw_dir;
	char *pw_shell;
};

// The answers live until the next call. NULL: no such user.
struct passwd *getpwnam(const char *name);
struct passwd *getpwuid(uid_t uid);
