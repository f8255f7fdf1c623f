/*
 * locks.c - flock, and the lock commands of fcntl: from what programs say to requests of fs/locks.h.
 */
#include "fs/locks.h"
#include "fs/vfs.h"
#include "kernel.h"
#include "proc/process.h"
#include "sys/file_calls.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

static int request_of_flock(int operation, struct lock_request *out)
{
	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		out->type = F_RDLCK;
		return 0;
	case LOCK_EX:
		out->type = F_WRLCK;
		return 0;
	case LOCK_UN:
		out->type = F_UNLCK;
		return 0;
	}
	return -EINVAL;
}

i64 sys_flock(int fd, int operation)
{
	struct lock_request request = { .kind = LOCK_OF_FILE, .last = I64_MAX, .pid = current_process()->pid };
	struct file *f;
	i64 result = request_of_flock(operation, &request);

	if (result)
		return result;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	request.owner = f;
	result = f->flags & O_PATH ? -EBADF : lock_set(f->inode, &request, !(operation & LOCK_NB));
	file_put(f);
	return result;
}

/* --- fcntl ------------------------------------------------------------------ */

// From where the range of a struct flock counts. -EINVAL.
static int find_base(struct file *f, short whence, i64 *base)
{
	switch (whence) {
	case SEEK_SET:
		*base = 0;
		return 0;
	case SEEK_CUR:
		*base = (i64)READ_ONCE(f->position);
		return 0;
	case SEEK_END:
		*base = (i64)inode_size(f->inode);
		return 0;
	}
	return -EINVAL;
}

static int range_of(struct file *f, const struct flock *user, struct lock_request *out)
{
	i64 start, last = I64_MAX;
	int error = find_base(f, user->l_whence, &start);

	if (error)
		return error;
	if (__builtin_add_overflow(start, user->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	if (user->l_len > 0 && __builtin_add_overflow(start, user->l_len - 1, &last))
		return -EOVERFLOW;
	if (user->l_len < 0) {                  // the bytes before
		last = start - 1;
		start += user->l_len;
	}
	if (start < 0)
		return -EINVAL;
	out->start = (u64)start;
	out->last = (u64)last;
	return 0;
}

static bool is_of_open_file(int command)
{
	return command == F_OFD_GETLK || command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

static int request_of_fcntl(struct file *f, int command, const struct flock *user, struct lock_request *out)
{
	int error;

	if (user->l_type != F_RDLCK && user->l_type != F_WRLCK && user->l_type != F_UNLCK)
		return -EINVAL;
	if (is_of_open_file(command) && user->l_pid)
		return -EINVAL;
	error = range_of(f, user, out);
	out->type = user->l_type;
	out->kind = is_of_open_file(command) ? LOCK_OF_OPEN_FILE : LOCK_OF_PROCESS;
	out->owner = is_of_open_file(command) ? (void *)f : current_process()->files;
	out->pid = is_of_open_file(command) ? -1 : current_process()->pid;
	return error;
}

static i64 get_lock(struct file *f, const struct lock_request *request, struct flock *user)
{
	struct lock_request found;

	if (request->type == F_UNLCK)
		return -EINVAL;
	if (!lock_test(f->inode, request, &found)) {
		user->l_type = F_UNLCK;
		return 0;
	}
	*user = (struct flock){
		.l_type = (short)found.type,
		.l_whence = SEEK_SET,
		.l_start = (i64)found.start,
		.l_len = found.last == I64_MAX ? 0 : (i64)(found.last - found.start + 1),
		.l_pid = found.pid,
	};
	return 0;
}

// Another thread may have closed the descriptor meanwhile, too early to find this lock: nobody would ever give it up.
static void release_if_closed(int fd, struct file *f)
{
	struct file *now = fd_get(fd);

	if (now != f)
		locks_release(f->inode, current_process()->files);
	if (now)
		file_put(now);
}

static i64 set_lock(int fd, struct file *f, const struct lock_request *request, bool waits)
{
	int access = f->flags & O_ACCMODE;

	if ((request->type == F_RDLCK && access == O_WRONLY) || (request->type == F_WRLCK && access == O_RDONLY))
		return -EBADF;
	i64 result = lock_set(f->inode, request, waits);

	if (!result && request->kind == LOCK_OF_PROCESS && request->type != F_UNLCK)
		release_if_closed(fd, f);
	return result;
}

i64 fcntl_lock(int fd, struct file *f, int command, struct flock __user *user)
{
	struct lock_request request;
	struct flock copy;
	i64 result;

	if (f->flags & O_PATH)
		return -EBADF;
	if (copy_from_user(&copy, user, sizeof(copy)))
		return -EFAULT;
	result = request_of_fcntl(f, command, &copy, &request);
	if (result)
		return result;
	if (command != F_GETLK && command != F_OFD_GETLK)
		return set_lock(fd, f, &request, command == F_SETLKW || command == F_OFD_SETLKW);
	result = get_lock(f, &request, &copy);
	return !result && copy_to_user(user, &copy, sizeof(copy)) ? -EFAULT : result;
}
