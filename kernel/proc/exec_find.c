/*
 * exec_find.c - which file a path means when it is to run: a regular file with an execute bit,
 * that nobody writes to while it runs (ETXTBSY), and behind a script its interpreter, which may be a script again.
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/exec_internal.h"
#include <abi/errno.h>
#include <abi/mount.h>

#define SCRIPT_DEPTH 4

int exec_open(struct dentry *start, const char *path, struct file **out)
{
	int error = path_open(start, path, O_RDONLY, 0, out);

	if (error)
		return error;
	struct inode *ip = (*out)->inode;

	if ((ip->mode & S_IFMT) != S_IFREG || !(ip->mode & 0111) || !(*out)->ops->map ||
	    inode_is_mounted(ip, MS_NOEXEC))
		error = -EACCES;
	else
		error = inode_deny_write(ip);   // -ETXTBSY
	if (error) {
		file_put(*out);
		*out = NULL;                    // the caller closes what it finds there
	}
	return error;
}

void executable_close(struct file *f)
{
	if (!f)
		return;
	inode_allow_write(f->inode);
	file_put(f);
}

struct file *executable_share(struct file *f)
{
	int error = f ? inode_deny_write(f->inode) : 0;

	assert(!error);                 // it is denied already: f is somebody's executable
	return f ? file_hold(f) : NULL;
}

// "#! interpreter [argument]": the new argument list is interpreter, argument, path, old arguments from 1 on.
static int parse_script(struct file *file, char *line, size_t size, char **interpreter, char **argument)
{
	ssize_t n = inode_read_kernel(file->inode, line, size - 1, 0);

	if (n < 0)
		return (int)n;
	line[n] = 0;
	if (n < 3 || line[0] != '#' || line[1] != '!')
		return -ENOEXEC;
	char *end = strchr(line, '\n');

	if (!end && (size_t)n == size - 1)      // cut off
		return -ENOEXEC;
	if (!end)
		end = line + n;         // the file has no other line
	while (end > line && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	*end = 0;
	char *p = line + 2;

	while (*p == ' ' || *p == '\t')
		p++;
	if (!*p)
		return -ENOEXEC;
	*interpreter = p;
	while (*p && *p != ' ' && *p != '\t')
		p++;
	*argument = NULL;
	if (*p) {
		*p++ = 0;
		while (*p == ' ' || *p == '\t')
			p++;
		*argument = p;
	}
	return 0;
}

static int rewrite_arguments(struct exec_strings *arguments, const char *interpreter, const char *argument,
			     const char *path)
{
	struct exec_strings fresh;
	int error = exec_strings_init(&fresh);

	if (error)
		return error;
	error = exec_strings_add(&fresh, interpreter);
	if (!error && argument)
		error = exec_strings_add(&fresh, argument);
	if (!error)
		error = exec_strings_add(&fresh, path);
	const char *s = arguments->bytes;

	for (u32 i = 0; i < arguments->nr && !error; i++, s += strlen(s) + 1) {
		if (i > 0)
			error = exec_strings_add(&fresh, s);
	}
	if (error) {
		exec_strings_free(&fresh);
		return error;
	}
	exec_strings_free(arguments);
	*arguments = fresh;
	return 0;
}

int exec_find(struct dentry *start, const char *path, struct exec_strings *arguments, struct program *program)
{
	char *line = kmalloc(256 + PATH_LENGTH_MAX), *current_path = line + 256, *interpreter = NULL, *argument = NULL;
	int error = line ? -ELOOP : -ENOMEM;

	if (!line)
		return error;
	string_copy(current_path, path, PATH_LENGTH_MAX);
	for (u32 depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		error = exec_open(start, current_path, &program->file);
		if (error)
			break;
		error = elf_check(program->file, &program->image);
		if (error != -ENOEXEC)
			break;
		error = parse_script(program->file, line, 256, &interpreter, &argument);
		if (error)
			break;
		error = rewrite_arguments(arguments, interpreter, argument, current_path);
		executable_close(program->file);
		program->file = NULL;
		if (error)
			break;
		string_copy(current_path, interpreter, PATH_LENGTH_MAX);
		error = -ELOOP;
	}
	kfree(line);
	return error;
}
