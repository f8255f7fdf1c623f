// Buffered files and formatted text.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct FILE FILE;

extern FILE *stdin;
extern FILE *stdout;
extern FILE *stderr;

#define stdin	stdin
#define stdout	stdout
#define stderr	stderr

#define EOF		(-1)
#define BUFSIZ		4096
#define FILENAME_MAX	4096
#define FOPEN_MAX	64
#define L_tmpnam	32

#define _IOFBF	0
#define _IOLBF	1
#define _IONBF	2

#ifndef SEEK_SET
#define SEEK_SET	0
#define SEEK_CUR	1
#define SEEK_END	2
#endif

#define LIBC_FORMAT(kind, text, first)	__attribute__((format(kind, text, first)))

FILE *fopen(const char *restrict path, const char *restrict mode);
FILE *freopen(const char *restrict path, const char *restrict mode, FILE *restrict file);
FILE *fdopen(int fd, const char *mode);
FILE *tmpfile(void);
FILE *popen(const char *command, const char *mode);
int pclose(FILE *file);
int fclose(FILE *file);
int fflush(FILE *file);
int fileno(FILE *file);
int feof(FILE *file);
int ferror(FILE *file);
void clearerr(FILE *file);
int setvbuf(FILE *restrict file, char *restrict buffer, int mode, size_t size);
void setbuf(FILE *restrict file, char *restrict buffer);
void setlinebuf(FILE *file);

size_t fread(void *restrict memory, size_t size, size_t nr, FILE *restrict file);
size_t fwrite(const void *restrict memory, size_t size, size_t nr, FILE *restrict file);
int fgetc(FILE *file);
int getc(FILE *file);
int getchar(void);
int ungetc(int c, FILE *file);
char *fgets(char *restrict line, int size, FILE *restrict file);
ssize_t getline(char **restrict line, size_t *restrict size, FILE *restrict file);
ssize_t getdelim(char **restrict line, size_t *restrict size, int delimiter,
		 FILE *restrict file);
int fputc(int c, FILE *file);
int putc(int c, FILE *file);
int putchar(int c);
int fputs(const char *restrict s, FILE *restrict file);
int puts(const char *s);

int fseek(FILE *file, long offset, int whence);
int fseeko(FILE *file, off_t offset, int whence);
long ftell(FILE *file);
off_t ftello(FILE *file);
void rewind(FILE *file);

int printf(const char *restrict format, ...) LIBC_FORMAT(printf, 1, 2);
int fprintf(FILE *restrict file, const char *restrict format, ...) LIBC_FORMAT(printf, 2, 3);
int dprintf(int fd, const char *restrict format, ...) LIBC_FORMAT(printf, 2, 3);
int sprintf(char *restrict text, const char *restrict format, ...) LIBC_FORMAT(printf, 2, 3);
int snprintf(char *restrict text, size_t size, const char *restrict format, ...)
	LIBC_FORMAT(printf, 3, 4);
int asprintf(char **restrict text, const char *restrict format, ...) LIBC_FORMAT(printf, 2, 3);
int vprintf(const char *restrict format, va_list args) LIBC_FORMAT(printf, 1, 0);
int vfprintf(FILE *restrict file, const char *restrict format, va_list args)
	LIBC_FORMAT(printf, 2, 0);
int vdprintf(int fd, const char *restrict format, va_list args) LIBC_FORMAT(printf, 2, 0);
int vsprintf(char *restrict text, const char *restrict format, va_list args)
	LIBC_FORMAT(printf, 2, 0);
int vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list args)
	LIBC_FORMAT(printf, 3, 0);
int vasprintf(char **restrict text, const char *restrict format, va_list args)
	LIBC_FORMAT(printf, 2, 0);

int scanf(const char *restrict format, ...) LIBC_FORMAT(scanf, 1, 2);
int fscanf(FILE *restrict file, const char *restrict format, ...) LIBC_FORMAT(scanf, 2, 3);
int sscanf(const char *restrict text, const char *restrict format, ...) LIBC_FORMAT(scanf, 2, 3);
int vscanf(const char *restrict format, va_list args) LIBC_FORMAT(scanf, 1, 0);
int vfscanf(FILE *restrict file, const char *restrict format, va_list args)
	LIBC_FORMAT(scanf, 2, 0);
int vsscanf(const char *restrict text, const char *restrict format, va_list args)
	LIBC_FORMAT(scanf, 2, 0);

void perror(const char *text);
int remove(const char *path);
int rename(const char *from, const char *to);
int renameat(int from_dir, const char *from, int to_dir, const char *to);
