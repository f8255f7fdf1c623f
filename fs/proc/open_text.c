/*
 * open_text.c - the files of /proc and /sys that hold a text: made anew for whoever reads, or a number that
 * may be set.
 *
 * The text of an open file is made when a read starts at position 0, without a lock (what it tells of has
 * locks of its own), and then put in place under the open file's lock, which readers hold while they copy:
 * what is read in pieces is of one moment.
 */
#include "fs/proc/procfs.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include <abi/errno.h>

#define STORE_MAX 512                   // bytes of one write to a file of /proc/sys

struct open_text {
	struct mutex lock;
	bool is_made;                   // GUARDED_BY(lock)
	struct text text;               // GUARDED_BY(lock)
};

static int text_open(struct inode *ip, struct file *f)
{
	const struct proc_entry *e = proc_entry_of(f);
	int access = f->flags & O_ACCMODE;
	struct open_text *o;

	(void)ip;
	if (!e->knob && ((access != O_WRONLY && !e->show) || (access != O_RDONLY && !e->store)))
		return -EACCES;
	o = kmalloc_zeroed(sizeof(*o));
	if (!o)
		return -ENOMEM;
	mutex_init(&o->lock, "open text", RANK_PIPE);
	f->private = o;
	return 0;
}

static void text_release(struct file *f)
{
	struct open_text *o = f->private;

	text_free(&o->text);
	kfree(o);
}

static int show_entry(const struct proc_entry *e, struct text *t, const struct proc_target *target)
{
	if (!e->knob)
		return e->show(t, target);
	text_printf(t, "%lu\n", READ_ONCE(*e->knob->value));
	return 0;
}

static int store_entry(const struct proc_entry *e, const char *text, const struct proc_target *target)
{
	const struct proc_knob *k = e->knob;
	u64 n;

	if (!k)
		return e->store(text, target);
	if (string_to_u64(text, 10, &n) || n > k->max)
		return -EINVAL;
	if (k->rival)
		WRITE_ONCE(*k->rival, 0);
	WRITE_ONCE(*k->value, n);
	if (k->changed)
		k->changed();
	return 0;
}

static int make_text(struct file *f, struct open_text *o)
{
	struct text fresh, old;
	int error;

	text_init(&fresh);
	error = show_entry(proc_entry_of(f), &fresh, proc_target_of(f));
	if (!error && fresh.has_failed)
		error = -ENOMEM;
	if (error) {
		text_free(&fresh);
		return error;
	}
	mutex_lock(&o->lock);
	old = o->text;
	o->text = fresh;
	o->is_made = true;
	mutex_unlock(&o->lock);
	text_free(&old);
	return 0;
}

static ssize_t text_read(struct file *f, struct iobuf *to, u64 *position)
{
	struct open_text *o = f->private;
	ssize_t done = 0;

	if (*position == 0 || !READ_ONCE(o->is_made)) {
		int error = make_text(f, o);

		if (error)
			return error;
	}
	mutex_lock(&o->lock);
	if (*position < o->text.length) {
		size_t n = min(o->text.length - *position, to->remaining);
		size_t copied = iobuf_put(to, o->text.data + *position, n);

		*position += copied;
		done = copied || !n ? (ssize_t)copied : -EFAULT;
	}
	mutex_unlock(&o->lock);
	return done;
}

static ssize_t text_write(struct file *f, struct iobuf *from, u64 *position)
{
	char text[STORE_MAX];
	size_t n = from->remaining, end = n;
	int error;

	if (n >= sizeof(text))
		return -EINVAL;
	if (iobuf_take(from, text, n) < n)
		return -EFAULT;
	while (end && (text[end - 1] == '\n' || text[end - 1] == ' '))
		end--;
	text[end] = 0;
	error = store_entry(proc_entry_of(f), text, proc_target_of(f));
	if (error)
		return error;
	*position += n;
	return (ssize_t)n;
}

const struct file_ops proc_text_file_ops = {
	.open = text_open,
	.release = text_release,
	.read = text_read,
	.write = text_write,
};
