// What a FILE is. Only the rooms of stdio know.
#pragma once

#include <stdbool.h>
#include <stdio.h>

enum {
	MODE_UNDECIDED = 3,	// by lines if it turns out to be a terminal, else by blocks
	UNGET_ROOM = 8,
};

struct FILE {
	int fd;
	int pid;		// of the child behind popen, or 0
	int mode;		// _IOFBF, _IOLBF, _IONBF or MODE_UNDECIDED
	bool can_read;
	bool can_write;
	bool is_writing;	// the buffer holds bytes that are not yet written
	bool has_ended;
	bool has_failed;
	unsigned char *buffer;	// UNGET_ROOM bytes are free before it
	int size;
	int taken;		// reading: the next byte; below 0 after ungetc
	int filled;		// bytes in the buffer
	struct FILE *next;	// of all open files
};

// Makes the file ready for writing. 0 or EOF.
int file_begin_write(FILE *file);

// Buffers n bytes; between begin and end. Answers n, or 0 after an error.
size_t file_put(FILE *file, const char *text, size_t n);

// Writes what must not stay in the buffer. 0 or EOF.
int file_end_write(FILE *file, bool has_newline);

// Fills the buffer, which is empty. 0, or EOF at the end and after an error.
int file_fill(FILE *file);
