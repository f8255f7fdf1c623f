// Reading directories, a block of entries at a time.

#include "internal.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct DIR {
	int fd;
	int next;		// offset of the next entry in the block
	int filled;		// bytes of the block
	off_t position;		// behind the entry that readdir gave last
	char block[4096] __attribute__((aligned(8)));
};

_Static_assert(offsetof(struct dirent, d_name) == offsetof(struct linux_dirent64, d_name),
	       "the kernel's records are read as struct dirent");

ssize_t getdents64(int fd, void *memory, size_t size)
{
	return CALL(SYS_getdents64, fd, memory, size);
}

DIR *fdopendir(int fd)
{
	DIR *dir = malloc(sizeof(*dir));

	if (!dir)
		return NULL;
	dir->fd = fd;
	dir->next = dir->filled = 0;
	dir->position = 0;
	return dir;
}

DIR *opendir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	DIR *dir = fdopendir(fd);
	if (!dir)
		close(fd);
	return dir;
}

int closedir(DIR *dir)
{
	int fd = dir->fd;

	free(dir);
	return close(fd);
}

// The next entry, which lives until the next call. NULL at the end; errno tells an error apart.
struct dirent *readdir(DIR *dir)
{
	if (dir->next >= dir->filled) {
		ssize_t n = getdents64(dir->fd, dir->block, sizeof(dir->block));
		if (n <= 0)
			return NULL;
		dir->filled = (int)n;
		dir->next = 0;
	}
	struct dirent *entry = (struct dirent *)(dir->block + dir->next);
	dir->next += entry->d_reclen;
	dir->position = entry->d_off;
	return entry;
}

long telldir(DIR *dir)
{
	return dir->position;
}

void seekdir(DIR *dir, long position)
{
	dir->position = lseek(dir->fd, position, SEEK_SET);
	dir->next = dir->filled = 0;
}

void rewinddir(DIR *dir)
{
	seekdir(dir, 0);
}

int dirfd(DIR *dir)
{
	return dir->fd;
}

int alphasort(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

// A copy of an entry at the end of a growing list. false: no memory.
static bool entry_append(struct dirent ***list, int nr, const struct dirent *entry)
{
	if ((nr & (nr - 1)) == 0) {
		size_t room = nr ? (size_t)nr * 2 : 1;
		struct dirent **bigger = reallocarray(*list, room, sizeof(**list));
		if (!bigger)
			return false;
		*list = bigger;
	}
	struct dirent *copy = malloc(entry->d_reclen);
	if (!copy)
		return false;
	(*list)[nr] = memcpy(copy, entry, entry->d_reclen);
	return true;
}

// All entries that select (or, for NULL, nobody) refuses, sorted. The caller frees each and the
// list.
int scandir(const char *path, struct dirent ***entries,
	    int (*select)(const struct dirent *),
	    int (*compare)(const struct dirent **, const struct dirent **))
{
	DIR *dir = opendir(path);
	struct dirent **list = NULL;
	struct dirent *entry;
	int nr = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		if (select && !select(entry))
			continue;
		if (!entry_append(&list, nr, entry))
			goto out_free;
		nr++;
	}
	closedir(dir);
	if (compare && nr > 0)
		qsort(list, (size_t)nr, sizeof(*list),
		      (int (*)(const void *, const void *))compare);
	*entries = list;
	return nr;

out_free:
	while (nr > 0)
		free(list[--nr]);
	free(list);
	closedir(dir);
	errno = ENOMEM;
	return -1;
}
