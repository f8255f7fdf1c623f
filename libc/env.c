// The environment: an array of "NAME=value" that ends with NULL.
//
// The first change copies the array from the initial stack to the heap; nothing tells which of its
// strings are from malloc, so that a replaced string stays. Programs set few variables.

#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char **owned;		// the array that is ours, or NULL before the first change
static size_t owned_room;	// entries, the final NULL too

// The place of NAME in environ, or that of the final NULL.
static char **entry_find(const char *name, size_t length)
{
	char **entry = environ;

	while (*entry && (strncmp(*entry, name, length) != 0 || (*entry)[length] != '='))
		entry++;
	return entry;
}

// Makes room for one more entry behind nr.
static int room_make(size_t nr)
{
	if (environ == owned && nr + 2 <= owned_room)
		return 0;
	size_t room = (nr + 2) * 2;
	char **bigger = malloc(room * sizeof(char *));
	if (!bigger)
		return -1;
	memcpy(bigger, environ, (nr + 1) * sizeof(char *));
	free(owned);
	environ = owned = bigger;
	owned_room = room;
	return 0;
}

// The value of a variable, or NULL. It stays the environment's.
char *getenv(const char *name)
{
	size_t length = strlen(name);
	char **entry = entry_find(name, length);

	return *entry ? *entry + length + 1 : NULL;
}

// Puts a string "NAME=value" itself into the environment; without = it takes NAME out.
int putenv(char *assignment)
{
	size_t length = strcspn(assignment, "=");

	if (!assignment[length])
		return unsetenv(assignment);
	char **entry = entry_find(assignment, length);
	if (!*entry) {
		size_t nr = (size_t)(entry - environ);
		if (room_make(nr))
			return -1;
		entry = environ + nr;
		entry[1] = NULL;
	}
	*entry = assignment;
	return 0;
}

static int name_check(const char *name)
{
	if (name && *name && !strchr(name, '='))
		return 0;
	errno = EINVAL;
	return -1;
}

int setenv(const char *name, const char *value, int overwrite)
{
	if (name_check(name))
		return -1;
	if (!overwrite && getenv(name))
		return 0;
	size_t length = strlen(name);
	char *assignment = malloc(length + strlen(value) + 2);
	if (!assignment)
		return -1;
	memcpy(assignment, name, length);
	assignment[length] = '=';
	strcpy(assignment + length + 1, value);
	return putenv(assignment);
}

int unsetenv(const char *name)
{
	if (name_check(name))
		return -1;
	char **entry;
	while (*(entry = entry_find(name, strlen(name)))) {
		do
			entry[0] = entry[1];
		while (*entry++);
	}
	return 0;
}

int clearenv(void)
{
	*environ = NULL;
	return 0;
}
