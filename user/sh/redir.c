/*
 * Redirections. For a program they are done in its child and forgotten; for a builtin or a
 * { } group they are done in the shell itself, so the old descriptors are kept aside (at 10 and
 * up, closed on exec) and put back afterwards.
 */
#include "sh.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_SAVED_FD = 10, PIPE_HOLDS = 4096 };

struct saved_fd {
	struct saved_fd *next;
	int fd, copy;           /* copy -1: fd was closed before */
};

static struct saved_fd *saved_fds;

struct saved_fd *redir_mark(void)
{
	return saved_fds;
}

static void save_fd(int fd)
{
	struct saved_fd *s = must(malloc(sizeof(*s)));

	s->fd = fd;
	s->copy = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SAVED_FD);
	s->next = saved_fds;
	saved_fds = s;
}

void redir_restore(struct saved_fd *mark)
{
	fflush(stdout);
	while (saved_fds != mark) {
		struct saved_fd *s = saved_fds;

		saved_fds = s->next;
		if (s->copy >= 0) {
			dup2(s->copy, s->fd);
			close(s->copy);
		} else {
			close(s->fd);
		}
		free(s);
	}
}

/* The body through a pipe; when it may not fit, a child writes it. */
static int open_here_document(const char *body)
{
	size_t len = strlen(body);
	int ends[2];

	if (pipe(ends) < 0)
		return -1;
	if (len <= PIPE_HOLDS) {
		if (write(ends[1], body, len) != (ssize_t)len)
			sh_warn("here-document: %s", strerror(errno));
	} else if (fork_subshell() == 0) {
		close(ends[0]);
		while (len > 0) {
			ssize_t n = write(ends[1], body, len);

			if (n <= 0)
				_exit(1);
			body += n;
			len -= n;
		}
		_exit(0);
	}
	close(ends[1]);
	return ends[0];
}

static int open_target(struct redir *r, const char *target)
{
	switch (r->kind) {
	case REDIR_IN:
		return open(target, O_RDONLY);
	case REDIR_OUT:
	case REDIR_BOTH:
		return open(target, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	case REDIR_APPEND:
		return open(target, O_WRONLY | O_CREAT | O_APPEND, 0666);
	case REDIR_INOUT:
		return open(target, O_RDWR | O_CREAT, 0666);
	case REDIR_HERE:
		return open_here_document(target);
	case REDIR_DUP:
		break;
	}
	return -1;
}

/* n>&m and n>&-  */
static bool duplicate(int fd, const char *target)
{
	if (!strcmp(target, "-")) {
		close(fd);
		return true;
	}
	if (!*target || strspn(target, "0123456789") != strlen(target)) {
		sh_warn("%s: bad descriptor number", target);
		return false;
	}
	if (dup2(atoi(target), fd) < 0) {
		sh_warn("%s: %s", target, strerror(errno));
		return false;
	}
	return true;
}

static bool apply_one(struct redir *r, const char *target)
{
	if (r->kind == REDIR_DUP)
		return duplicate(r->fd, target);
	int fd = open_target(r, target);
	if (fd < 0) {
		sh_warn("cannot %s %s: %s", r->kind == REDIR_IN ? "open" : "create", target,
			strerror(errno));
		return false;
	}
	if (fd != r->fd) {
		dup2(fd, r->fd);
		close(fd);
	}
	if (r->kind == REDIR_BOTH)
		dup2(r->fd, 2);
	return true;
}

bool redir_apply(struct redir *list, enum redir_undo undo)
{
	bool ok = true;

	fflush(stdout);
	for (struct redir *r = list; r && ok; r = r->next) {
		struct region region = { 0 };
		char *target = expand_string(&region, r->target->parts);

		if (undo == REDIR_UNDONE) {
			save_fd(r->fd);
			if (r->kind == REDIR_BOTH)
				save_fd(2);
		}
		ok = apply_one(r, target);
		region_free(&region);
	}
	return ok;
}
