// Buffered files.
//
// A FILE has one buffer, which holds either bytes read and not yet taken, or bytes written and
// not yet passed on, never both: `is_writing` says which. Going from one to the other empties the
// buffer and moves the descriptor's offset to where the program believes to be.
//
// Eight bytes in front of the buffer are kept free for ungetc.

#include "internal.h"

#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stdio_file.h"

static unsigned char stdin_memory[UNGET_ROOM + BUFSIZ];
static unsigned char stdout_memory[UNGET_ROOM + BUFSIZ];
static unsigned char stderr_memory[UNGET_ROOM + 256];

static struct FILE stdin_file = {
	.fd = STDIN_FILENO, .can_read = true, .mode = _IOFBF,
	.buffer = stdin_memory + UNGET_ROOM, .size = BUFSIZ,
};
static struct FILE stdout_file = {
	.fd = STDOUT_FILENO, .can_write = true, .mode = MODE_UNDECIDED,
	.buffer = stdout_memory + UNGET_ROOM, .size = BUFSIZ, .next = &stdin_file,
};
static struct FILE stderr_file = {
	.fd = STDERR_FILENO, .can_write = true, .mode = _IONBF,
	.buffer = stderr_memory + UNGET_ROOM, .size = 256, .next = &stdout_file,
};

#undef stdin
#undef stdout
#undef stderr
FILE *stdin = &stdin_file;
FILE *stdout = &stdout_file;
FILE *stderr = &stderr_file;

// All open files, for fflush(NULL) and exit.
static struct FILE *files = &stderr_file;

// Takes "r+", "wbe" and the like apart; -1 and EINVAL for what is no mode.
static int mode_flags(const char *mode)
{
	int flags;

	if (mode[0] == 'r')
		flags = O_RDONLY;
	else if (mode[0] == 'w')
		flags = O_WRONLY | O_CREAT | O_TRUNC;
	else if (mode[0] == 'a')
		flags = O_WRONLY | O_CREAT | O_APPEND;
	else {
		errno = EINVAL;
		return -1;
	}
	for (const char *s = mode + 1; *s; s++) {
		if (*s == '+')
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		else if (*s == 'e')
			flags |= O_CLOEXEC;
		else if (*s == 'x')
			flags |= O_EXCL;
	}
	return flags;
}

// A FILE upon a descriptor, in the list. NULL: no memory.
static FILE *file_create(int fd, int flags)
{
	FILE *file = calloc(1, sizeof(*file) + UNGET_ROOM + BUFSIZ);

	if (!file)
		return NULL;
	file->fd = fd;
	file->can_read = (flags & O_ACCMODE) != O_WRONLY;
	file->can_write = (flags & O_ACCMODE) != O_RDONLY;
	file->mode = MODE_UNDECIDED;
	file->buffer = (unsigned char *)(file + 1) + UNGET_ROOM;
	file->size = BUFSIZ;
	file->next = files;
	files = file;
	return file;
}

// A FILE upon a descriptor that is open already and belongs to the FILE from then on.
FILE *fdopen(int fd, const char *mode)
{
	int flags = mode_flags(mode);

	if (flags < 0 || fcntl(fd, F_GETFD) < 0)
		return NULL;
	return file_create(fd, flags);
}

FILE *fopen(const char *restrict path, const char *restrict mode)
{
	int flags = mode_flags(mode);

	if (flags < 0)
		return NULL;
	int fd = open(path, flags, 0666);
	if (fd < 0)
		return NULL;
	FILE *file = file_create(fd, flags);
	if (!file)
		close(fd);
	return file;
}

// Opens another file in the place of this one, under the same descriptor. NULL: the old one is
// closed.
FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict file)
{
	int flags = mode_flags(mode);

	fflush(file);
	int fd = flags < 0 ? -1 : open(path, flags, 0666);
	if (fd < 0) {
		fclose(file);
		return NULL;
	}
	if (fd != file->fd) {
		dup3(fd, file->fd, flags & O_CLOEXEC);
		close(fd);
	}
	file->can_read = (flags & O_ACCMODE) != O_WRONLY;
	file->can_write = (flags & O_ACCMODE) != O_RDONLY;
	file->taken = file->filled = 0;
	file->is_writing = file->has_ended = file->has_failed = false;
	return file;
}

// A file without a name, which is gone when it is closed.
FILE *tmpfile(void)
{
	char name[] = "/tmp/tmpfileXXXXXX";
	int fd = mkstemp(name);

	if (fd < 0)
		return NULL;
	unlink(name);
	return fdopen(fd, "w+");
}

// Passes all buffered bytes on. 0 or EOF; bytes that could not be written are dropped.
static int buffer_write(FILE *file)
{
	int done = 0;

	while (done < file->filled) {
		ssize_t n = write(file->fd, file->buffer + done, (size_t)(file->filled - done));
		if (n > 0) {
			done += (int)n;
		} else if (n == 0 || errno != EINTR) {
			file->has_failed = true;
			file->filled = 0;
			return EOF;
		}
	}
	file->filled = 0;
	return 0;
}

// Makes the descriptor's offset the program's: bytes read ahead go back.
static void read_ahead_drop(FILE *file)
{
	if (file->filled != file->taken) {
		int saved_errno = errno;
		lseek(file->fd, file->taken - file->filled, SEEK_CUR);	// pipes keep theirs
		errno = saved_errno;
	}
	file->taken = file->filled = 0;
}

// Makes the file ready for writing. 0 or EOF.
int file_begin_write(FILE *file)
{
	if (!file->can_write) {
		errno = EBADF;
		file->has_failed = true;
		return EOF;
	}
	if (file->mode == MODE_UNDECIDED) {
		int saved_errno = errno;
		file->mode = isatty(file->fd) ? _IOLBF : _IOFBF;
		errno = saved_errno;
	}
	if (!file->is_writing) {
		read_ahead_drop(file);
		file->is_writing = true;
	}
	return 0;
}

// Fills the empty buffer. 0, or EOF at the end and after an error.
int file_fill(FILE *file)
{
	ssize_t n;

	if (!file->can_read) {
		errno = EBADF;
		file->has_failed = true;
		return EOF;
	}
	if (file->is_writing) {
		buffer_write(file);
		file->is_writing = false;
	}
	// A question on the terminal is to be seen before the answer is waited for.
	if (file == stdin && stdout->is_writing && stdout->mode == _IOLBF)
		fflush(stdout);
	n = read(file->fd, file->buffer, (size_t)file->size);
	file->taken = 0;
	file->filled = n > 0 ? (int)n : 0;
	if (n == 0)
		file->has_ended = true;
	if (n < 0)
		file->has_failed = true;
	return n > 0 ? 0 : EOF;
}

// Buffers n bytes and writes the buffer whenever it is full. Answers how many were taken.
size_t file_put(FILE *file, const char *text, size_t n)
{
	size_t done = 0;

	while (done < n) {
		size_t room = (size_t)(file->size - file->filled);
		size_t part = n - done < room ? n - done : room;
		memcpy(file->buffer + file->filled, text + done, part);
		file->filled += (int)part;
		done += part;
		if (file->filled == file->size && buffer_write(file))
			return 0;
	}
	return n;
}

// After a public call: what must be seen now is written. 0 or EOF.
int file_end_write(FILE *file, bool has_newline)
{
	if (file->mode == _IONBF || (file->mode == _IOLBF && has_newline))
		return buffer_write(file);
	return 0;
}

int fflush(FILE *file)
{
	int result = 0;

	if (!file) {
		for (FILE *each = files; each; each = each->next) {
			if (each->is_writing && buffer_write(each))
				result = EOF;
		}
		return result;
	}
	if (file->is_writing)
		return buffer_write(file);
	read_ahead_drop(file);
	return 0;
}

void stdio_flush_all(void)
{
	fflush(NULL);
}

int fclose(FILE *file)
{
	int result = fflush(file);
	FILE **link = &files;

	if (close(file->fd))
		result = EOF;
	while (*link && *link != file)
		link = &(*link)->next;
	if (*link)
		*link = file->next;
	if (file != &stdin_file && file != &stdout_file && file != &stderr_file)
		free(file);
	return result;
}

int fileno(FILE *file)
{
	return file->fd;
}

int feof(FILE *file)
{
	return file->has_ended;
}

int ferror(FILE *file)
{
	return file->has_failed;
}

void clearerr(FILE *file)
{
	file->has_ended = file->has_failed = false;
}

// Chooses how the file is buffered; a buffer of the caller's own needs 64 bytes at least.
int setvbuf(FILE *restrict file, char *restrict buffer, int mode, size_t size)
{
	if (mode != _IOFBF && mode != _IOLBF && mode != _IONBF) {
		errno = EINVAL;
		return -1;
	}
	fflush(file);
	file->mode = mode;
	if (buffer && size >= 64 && mode != _IONBF) {
		file->buffer = (unsigned char *)buffer + UNGET_ROOM;
		file->size = (int)(size < INT_MAX ? size : INT_MAX) - UNGET_ROOM;
	}
	return 0;
}

void setbuf(FILE *restrict file, char *restrict buffer)
{
	setvbuf(file, buffer, buffer ? _IOFBF : _IONBF, BUFSIZ);
}

void setlinebuf(FILE *file)
{
	setvbuf(file, NULL, _IOLBF, 0);
}

int fseeko(FILE *file, off_t offset, int whence)
{
	if (fflush(file) || lseek(file->fd, offset, whence) < 0)
		return -1;
	file->has_ended = false;
	file->is_writing = false;
	return 0;
}

int fseek(FILE *file, long offset, int whence)
{
	return fseeko(file, offset, whence);
}

off_t ftello(FILE *file)
{
	off_t offset = lseek(file->fd, 0, SEEK_CUR);

	if (offset < 0)
		return -1;
	if (file->is_writing)
		return offset + file->filled;
	return offset - (file->filled - file->taken);
}

long ftell(FILE *file)
{
	return ftello(file);
}

void rewind(FILE *file)
{
	fseeko(file, 0, SEEK_SET);
	file->has_failed = false;
}
