/*
 * Where the shell's characters come from. A line is asked for only when it is needed: from a
 * terminal after a prompt, from a file in blocks, and from a descriptor that commands share
 * (standard input) a byte at a time, so that `read` and `cat` find the lines that follow.
 */
#include "sh.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INPUT_BLOCK = 4096 };

void input_open_string(struct input *in, const char *source)
{
	*in = (struct input){ .fd = -1, .line = 1 };
	in->data = must(strdup(source));
	in->len = strlen(source);
}

void input_open_fd(struct input *in, int fd, const char *name)
{
	*in = (struct input){ .fd = fd, .line = 1, .name = name };
	in->by_byte = fd == 0;
}

void input_close(struct input *in)
{
	free(in->data);
	in->data = NULL;
	if (in->fd > 2)
		close(in->fd);
}

void input_start_command(struct input *in)
{
	if (in->pos) {
		memmove(in->data, in->data + in->pos, in->len - in->pos);
		in->len -= in->pos;
		in->pos = 0;
	}
	in->continuing = in->at_end = false;
}

static void show_prompt(struct input *in)
{
	struct region r = { 0 };
	struct input text;
	const char *prompt = var_get(in->continuing ? "PS2" : "PS1");
	int saved_status = sh.status;

	input_open_string(&text, prompt ? prompt : "");
	struct parser p = { .in = &text, .region = &r };
	struct part *parts = word_read_quoted_text(&p);
	fputs(expand_string(&r, parts), stderr);
	fflush(stderr);
	sh.status = saved_status;
	input_close(&text);
	region_free(&r);
}

/*
 * Waits at the prompt until there is something to read. A ^C ends the wait, also one that came just before:
 * SIGINT is let in only while we wait, so that none can slip in between the look and the wait.
 * False: interrupted, errno says EINTR.
 */
static bool wait_for_input(int fd)
{
	struct pollfd input = { .fd = fd, .events = POLLIN };
	sigset_t interrupt, before;

	sigemptyset(&interrupt);
	sigaddset(&interrupt, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupt, &before);
	bool is_ready = !interrupt_seen && ppoll(&input, 1, NULL, &before) > 0;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (!is_ready)
		errno = EINTR;
	return is_ready;
}

/* Reads some more. Returns false at the end of the input. */
static bool input_more(struct input *in)
{
	ssize_t n;

	if (in->fd < 0)
		return false;
	if (in->prompts)
		show_prompt(in);
	do {
		size_t want = in->by_byte && !in->prompts ? 1 : INPUT_BLOCK;

		in->data = must(realloc(in->data, in->len + want));
		n = in->prompts && !wait_for_input(in->fd) ? -1 : read(in->fd, in->data + in->len, want);
		if (n < 0 && errno == EINTR && !interrupt_seen) {
			traps_run();
			continue;
		}
		if (n <= 0)
			break;
		in->len += n;
	} while (n < 0 || (in->by_byte && !in->prompts && in->data[in->len - 1] != '\n'));
	if (n < 0 && errno == EINTR)
		in->interrupted = true;
	return in->pos < in->len;
}

int input_peek(struct input *in)
{
	if (in->pos == in->len && (in->at_end || in->interrupted || !input_more(in))) {
		in->at_end = true;              /* a terminal would go on after ^D */
		return -1;
	}
	return (unsigned char)in->data[in->pos];
}

int input_next(struct input *in)
{
	int c = input_peek(in);

	if (c >= 0)
		in->pos++;
	if (c == '\n')
		in->line++;
	return c;
}

void input_back(struct input *in)
{
	if (in->data[--in->pos] == '\n')
		in->line--;
}
