/* Copying and removing files and whole directories, for cp, mv and rm. */
#pragma once

enum copy_flags {
	COPY_RECURSIVE = 1u << 0,
	COPY_PRESERVE = 1u << 1,        /* mode, owner, times */
	COPY_FORCE = 1u << 2,           /* remove a target that cannot be opened */
	COPY_VERBOSE = 1u << 3,
	COPY_LINKS = 1u << 4,           /* a symbolic link stays one, also at the top */
};

/* source becomes target (the name itself, not inside it). 0, or 1 with messages. */
int copy_tree(const char *source, const char *target, unsigned int flags);

enum remove_flags {
	REMOVE_RECURSIVE = 1u << 0,
	REMOVE_FORCE = 1u << 1,         /* a name that is not there is no error */
	REMOVE_EMPTY = 1u << 2,         /* empty directories too */
	REMOVE_VERBOSE = 1u << 3,
};

/* 0, or 1 with messages; goes on with what can be removed. */
int remove_tree(const char *path, unsigned int flags);

/* directory/last-part-of-source, to be freed. */
char *target_in_directory(const char *directory, const char *source);
