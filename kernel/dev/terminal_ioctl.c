/*
 * terminal_ioctl.c - what programs ask of the terminal besides bytes: its settings, its size, its
 * owners. Changes from the background are answered with SIGTTOU (dev/terminal_job.c). t->lock covers
 * settings and size; settings change between two write()s, so output_lock is held too.
 */
#include "dev/terminal.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/ioctl.h>
#include <abi/signal.h>

static int set_settings(struct terminal *t, u32 request, const void __user *from)
{
	struct kernel_termios settings;
	int error = copy_from_user(&settings, from, sizeof(settings));

	if (!error)
		error = terminal_check_job(t, SIGTTOU);
	if (error)
		return error;
	mutex_lock(&t->output_lock);            // what was written before is out
	mutex_lock_second(&t->lock);            // after output_lock, always
	if (request == TCSETSF)
		line_flush_input(&t->line);
	line_set(&t->line, &settings);
	mutex_unlock(&t->lock);
	mutex_unlock(&t->output_lock);
	wake_all(&t->readers);
	wake_all(&t->writers);
	wake_all(&t->typed);
	return 0;
}

static int get_settings(struct terminal *t, void __user *to)
{
	struct kernel_termios settings;

	mutex_lock(&t->lock);
	settings = t->line.settings;
	mutex_unlock(&t->lock);
	return copy_to_user(to, &settings, sizeof(settings));
}

static int get_window(struct terminal *t, void __user *to)
{
	struct winsize window;

	mutex_lock(&t->lock);
	window = t->window;
	mutex_unlock(&t->lock);
	return copy_to_user(to, &window, sizeof(window));
}

static int set_window(struct terminal *t, const void __user *from)
{
	struct winsize window;

	if (copy_from_user(&window, from, sizeof(window)))
		return -EFAULT;
	mutex_lock(&t->lock);
	bool has_changed = memcmp(&window, &t->window, sizeof(window)) != 0;

	t->window = window;
	mutex_unlock(&t->lock);
	if (has_changed)
		terminal_signal(t, SIGWINCH);
	return 0;
}

static int flush_queues(struct terminal *t, u64 which)
{
	if (which > TCIOFLUSH)
		return -EINVAL;
	int error = terminal_check_job(t, SIGTTOU);

	if (error || which == TCOFLUSH)
		return error;
	mutex_lock(&t->lock);
	line_flush_input(&t->line);
	mutex_unlock(&t->lock);
	wake_all(&t->typed);
	return 0;
}

static int flow(struct terminal *t, u64 what)
{
	if (what > TCION)
		return -EINVAL;
	if (what == TCOOFF || what == TCOON)
		WRITE_ONCE(t->line.is_stopped, what == TCOOFF);
	wake_all(&t->writers);
	return 0;
}

static int put_int(int value, void __user *to)
{
	return value < 0 ? value : copy_to_user(to, &value, sizeof(value));
}

static int set_group(struct terminal *t, const void __user *from)
{
	int group;

	return copy_from_user(&group, from, sizeof(group)) ? -EFAULT : terminal_set_group(t, group);
}

int terminal_ioctl(struct file *f, u32 request, u64 argument)
{
	struct terminal *t = f->private;
	void __user *user = (void __user *)argument;

	switch (request) {
	case TCGETS:
		return get_settings(t, user);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_settings(t, request, user);
	case TIOCGWINSZ:
		return get_window(t, user);
	case TIOCSWINSZ:
		return set_window(t, user);
	case TIOCGPGRP:
		return put_int(terminal_get_group(t), user);
	case TIOCSPGRP:
		return set_group(t, user);
	case TIOCGSID:
		return put_int(terminal_get_session(t), user);
	case TIOCSCTTY:
		return terminal_acquire(t, argument == 1);
	case TIOCNOTTY:
		return terminal_give_up(t);
	case FIONREAD:
		return put_int((int)line_nr_readable(&t->line), user);
	case TIOCOUTQ:
		return put_int(0, user);        // write() returns when all is out
	case TCSBRK:
		return terminal_check_job(t, SIGTTOU);
	case TCFLSH:
		return flush_queues(t, argument);
	case TCXONC:
		return flow(t, argument);
	default:
		return -ENOTTY;
	}
}
