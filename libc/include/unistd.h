// The system calls on descriptors, names and processes, and getopt.
#pragma once

#include <abi/fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STDIN_FILENO	0
#define STDOUT_FILENO	1
#define STDERR_FILENO	2

extern char **environ;

ssize_t read(int fd, void *memory, size_t n);
ssize_t write(int fd, const void *memory, size_t n);
ssize_t pread(int fd, void *memory, size_t n, off_t offset);
ssize_t pwrite(int fd, const void *memory, size_t n, off_t offset);
off_t lseek(int fd, off_t offset, int whence);
int close(int fd);
int close_range(unsigned int first, unsigned int last, int flags);
void closefrom(int first);
int dup(int fd);
int dup2(int from, int to);
int dup3(int from, int to, int flags);
int pipe(int fds[2]);
int pipe2(int fds[2], int flags);
int ftruncate(int fd, off_t length);
int truncate(const char *path, off_t length);
int fsync(int fd);
int fdatasync(int fd);
void sync(void);
int syncfs(int fd);
int isatty(int fd);
char *ttyname(int fd);
ssize_t copy_file_range(int in, off_t *in_offset, int out, off_t *out_offset, size_t n,
			unsigned int flags);

int access(const char *path, int mode);
int faccessat(int dir, const char *path, int mode, int flags);
int link(const char *from, const char *to);
int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags);
int symlink(const char *target, const char *path);
int symlinkat(const char *target, int dir, const char *path);
ssize_t readlink(const char *restrict path, char *restrict target, size_t size);
ssize_t readlinkat(int dir, const char *restrict path, char *restrict target, size_t size);
int unlink(const char *path);
int unlinkat(int dir, const char *path, int flags);
int rmdir(const char *path);
int chdir(const char *path);
int fchdir(int fd);
int chroot(const char *path);
char *getcwd(char *path, size_t size);
int chown(const char *path, uid_t uid, gid_t gid);
int lchown(const char *path, uid_t uid, gid_t gid);
int fchown(int fd, uid_t uid, gid_t gid);
int fchownat(int dir, const char *path, uid_t uid, gid_t gid, int flags);

pid_t fork(void) __attribute__((returns_twice));
pid_t vfork(void) __attribute__((returns_twice));	// the same as fork
int execve(const char *path, char *const argv[], char *const env[]);
int execv(const char *path, char *const argv[]);
int execvp(const char *name, char *const argv[]);
int execvpe(const char *name, char *const argv[], char *const env[]);
int fexecve(int fd, char *const argv[], char *const env[]);
int execl(const char *path, const char *arg0, ...);
int execlp(const char *name, const char *arg0, ...);
int execle(const char *path, const char *arg0, ...);
_Noreturn void _exit(int status);

pid_t getpid(void);
pid_t getppid(void);
pid_t gettid(void);
uid_t getuid(void);
uid_t geteuid(void);
gid_t getgid(void);
gid_t getegid(void);
int setuid(uid_t uid);
int seteuid(uid_t uid);
int setgid(gid_t gid);
int setegid(gid_t gid);
int getgroups(int nr, gid_t *groups);
pid_t getpgid(pid_t pid);
pid_t getpgrp(void);
int setpgid(pid_t pid, pid_t group);
int setpgrp(void);
pid_t getsid(pid_t pid);
pid_t setsid(void);
pid_t tcgetpgrp(int fd);
int tcsetpgrp(int fd, pid_t group);
int nice(int increment);
int daemon(int keep_directory, int keep_descriptors);

unsigned int sleep(unsigned int seconds);
int usleep(useconds_t microseconds);
int pause(void);
unsigned int alarm(unsigned int seconds);
useconds_t ualarm(useconds_t first, useconds_t interval);

int brk(void *end);
void *sbrk(intptr_t increment);
int gethostname(char *name, size_t size);
int sethostname(const char *name, size_t size);
int getpagesize(void);
long syscall(long number, ...);
int getentropy(void *memory, size_t n);
char *getlogin(void);

enum {
	_SC_ARG_MAX = 0,
	_SC_CHILD_MAX = 1,
	_SC_CLK_TCK = 2,
	_SC_OPEN_MAX = 4,
	_SC_PAGESIZE = 30,
	_SC_PAGE_SIZE = _SC_PAGESIZE,
	_SC_IOV_MAX = 60,
	_SC_NPROCESSORS_CONF = 83,
	_SC_NPROCESSORS_ONLN = 84,
	_SC_PHYS_PAGES = 85,
	_SC_AVPHYS_PAGES = 86,
	_SC_HOST_NAME_MAX = 180,
};

enum {
	_PC_LINK_MAX = 0,
	_PC_NAME_MAX = 3,
	_PC_PATH_MAX = 4,
	_PC_PIPE_BUF = 5,
};

long sysconf(int name);
long pathconf(const char *path, int name);
long fpathconf(int fd, int name);

extern char *optarg;
extern int optind;
extern int opterr;
extern int optopt;

int getopt(int argc, char *const argv[], const char *options);

int lockf(int fd, int command, off_t length);

#define F_ULOCK	0
#define F_LOCK	1
#define F_TLOCK	2
#define F_TEST	3
