/*
 * exec.c - another program in the same process. Everything that can fail is done in a new address space, while the old
 * program could still go on: reading headers, mapping, copying the strings. Then comes the point of no return: other
 * threads end, the new space is loaded, the stack is written through it; what fails from there on kills.
 *
 *   the new stack, from the top:   file name, environment strings, argument strings, "x86_64", 16 random bytes,
 *                                  (16-aligned) auxv ..., NULL, envp ..., NULL, argv ..., argc  <- rsp
 */
#include "boot/bootinfo.h"
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/format.h"
#include "lib/random.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include "mm/slab.h"
#include "proc/elf.h"
#include "proc/exec.h"
#include "proc/futex.h"
#include "proc/internal.h"
#include "proc/posix_timer.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/vdso.h"
#include "x86/fpu.h"
#include "x86/insn.h"
#include "x86/irq.h"
#include "x86/segs.h"
#include "x86/switch.h"
#include "x86/uaccess.h"
#include <abi/auxv.h>
#include <abi/errno.h>
#include <abi/mount.h>

#define STACK_TOP 0x7ffffffff000ul      // before randomisation
#define STACK_START (128 * PAGE_SIZE)   // mapped at once; the rest grows
#define MOVABLE_BASE 0x555555554000ul   // where ET_DYN programs go (Linux's choice without randomisation)
#define LARGE_PAGE (2ul << 20)          // what one page table shows
#define SCRIPT_DEPTH 4

bool exec_randomizes = true;

struct program {
	struct file *file;
	struct elf_image image;
	struct file *interpreter_file;
	struct elf_image interpreter;
	struct addrspace *space;
	vaddr_t stack_top;
	vaddr_t vdso_start;
	u64 random[4];                  // two words for AT_RANDOM, two that random_pages uses up
};

int exec_strings_init(struct exec_strings *s)
{
	*s = (struct exec_strings){ .capacity = 4 * PAGE_SIZE };
	s->bytes = kmalloc(s->capacity);
	return s->bytes ? 0 : -ENOMEM;
}

void exec_strings_free(struct exec_strings *s)
{
	kfree(s->bytes);
}

static int make_room(struct exec_strings *s, size_t wanted)
{
	size_t capacity = s->capacity;

	if (s->used + wanted > EXEC_STRINGS_MAX)
		return -E2BIG;
	while (capacity < s->used + wanted)
		capacity *= 2;
	if (capacity == s->capacity)
		return 0;
	char *larger = kmalloc(capacity);

	if (!larger)
		return -ENOMEM;
	memcpy(larger, s->bytes, s->used);
	kfree(s->bytes);
	s->bytes = larger;
	s->capacity = capacity;
	return 0;
}

int exec_strings_add(struct exec_strings *s, const char *string)
{
	size_t length = strlen(string) + 1;
	int error = make_room(s, length);

	if (error)
		return error;
	memcpy(s->bytes + s->used, string, length);
	s->used += length;
	s->nr++;
	return 0;
}

static int add_from_user(struct exec_strings *s, const char __user *string)
{
	int error = make_room(s, PAGE_SIZE);

	while (!error) {
		ssize_t n = copy_string_from_user(s->bytes + s->used, string, s->capacity - s->used);

		if (n >= EXEC_STRING_MAX)
			return -E2BIG;
		if (n >= 0) {
			s->used += (size_t)n + 1;
			s->nr++;
			return 0;
		}
		error = n == -ENAMETOOLONG ? make_room(s, s->capacity - s->used + 1) : (int)n;
	}
	return error;
}

int exec_strings_from_user(struct exec_strings *s, const u64 __user *array)
{
	for (;; array++) {
		u64 pointer;

		if (!array || copy_from_user(&pointer, array, sizeof(pointer)))
			return array ? -EFAULT : 0;
		if (!pointer)
			return 0;
		int error = add_from_user(s, (const char __user *)pointer);

		if (error)
			return error;
	}
}

// Opens for execution: a regular file with an execute bit; from now on it cannot be written to.
static int open_executable(struct dentry *start, const char *path, struct file **out)
{
	int error = path_open(start, path, O_RDONLY, 0, out);

	if (error)
		return error;
	struct inode *ip = (*out)->inode;

	if ((ip->mode & S_IFMT) != S_IFREG || !(ip->mode & 0111) || !(*out)->ops->map || inode_is_mounted(ip, MS_NOEXEC))
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

static int rewrite_arguments(struct exec_strings *arguments, const char *interpreter, const char *argument, const char *path)
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

// Finds the ELF file behind path, through scripts. Leaves program->file open.
static int find_program(struct dentry *start, const char *path, struct exec_strings *arguments, struct program *program)
{
	char *line = kmalloc(256 + PATH_LENGTH_MAX), *current_path = line + 256, *interpreter = NULL, *argument = NULL;
	int error = line ? -ELOOP : -ENOMEM;

	if (!line)
		return error;
	string_copy(current_path, path, PATH_LENGTH_MAX);
	for (u32 depth = 0; depth <= SCRIPT_DEPTH; depth++) {
		error = open_executable(start, current_path, &program->file);
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

// Less than nr pages, in bytes. Takes what it needs from one of the program's random words, which have 64 bits each.
static u64 random_pages(u64 *random, u64 nr)
{
	u64 pages = *random % nr;

	*random /= nr;
	return exec_randomizes ? pages << PAGE_SHIFT : 0;
}

static int map_stack(struct addrspace *as, vaddr_t top)
{
	as->stack_start = top;
	return mmap_map_fixed(as, top - STACK_START, STACK_START,
			      AREA_READ | AREA_WRITE | AREA_GROWS_DOWN | AREA_STACK, NULL, 0);
}

// Above the stack, in what is left of the 2 MiB that one page table shows, so that the vdso needs none of its own.
static int map_vdso(struct program *p)
{
	vaddr_t end = min((p->stack_top | (LARGE_PAGE - 1)) + 1, USER_END);
	u64 room = (end - p->stack_top) >> PAGE_SHIFT, wanted = 1 + VDSO_PAGES;        // a page that is not there between

	if (room >= wanted)
		p->vdso_start = p->stack_top + PAGE_SIZE + random_pages(&p->random[3], room - wanted + 1);
	else
		p->vdso_start = area_find_gap(p->space, VDSO_PAGES * PAGE_SIZE, MMAP_LOWEST, p->space->mmap_top, NULL);
	return p->vdso_start ? vdso_map(p->space, p->vdso_start) : -ENOMEM;
}

// Builds the new address space; the old one is not touched.
static int map_program(struct dentry *start, struct program *p)
{
	struct addrspace *as = p->space;

	random_bytes(p->random, sizeof(p->random));
	vaddr_t bias = p->image.is_movable ? MOVABLE_BASE + random_pages(&p->random[2], 1 << 22) - p->image.start : 0;
	int error = elf_map(as, p->file, bias, &p->image);

	if (error)
		return error;
	p->stack_top = STACK_TOP - random_pages(&p->random[2], 1 << 12);
	as->mmap_top = PAGE_ALIGN_DOWN(p->stack_top - (64ul << 20) - STACK_GUARD_GAP -
				       random_pages(&p->random[2], 1 << 16));
	as->heap_start = as->heap_end = p->image.end + random_pages(&p->random[3], 1 << 13);
	as->code_start = p->image.code_start;
	as->code_end = p->image.code_end;
	as->data_start = p->image.data_start;
	as->data_end = p->image.data_end;
	error = map_stack(as, p->stack_top);
	if (!error)
		error = map_vdso(p);
	if (error || !p->image.interpreter[0])
		return error;
	error = open_executable(start, p->image.interpreter, &p->interpreter_file);
	if (error)
		return error;
	error = elf_check(p->interpreter_file, &p->interpreter);
	if (error)
		return error == -ENOEXEC ? -ELIBBAD : error;
	if (!p->interpreter.is_movable)
		return elf_map(as, p->interpreter_file, 0, &p->interpreter);
	u64 size = p->interpreter.end - p->interpreter.start;
	vaddr_t at = area_find_gap(as, size, MMAP_LOWEST, as->mmap_top, NULL);

	return at ? elf_map(as, p->interpreter_file, at - p->interpreter.start, &p->interpreter) : -ENOMEM;
}

// Everything on the new stack is written through the new space, which is loaded by now.
struct stack_writer {
	u64 at;
	bool has_failed;
	u32 nr_words;                   // gathered, to be stored at `at`
	u64 words[32];
};

static u64 push_bytes(struct stack_writer *w, const void *bytes, size_t size)
{
	w->at -= size;
	if (copy_to_user((void *)w->at, bytes, size))
		w->has_failed = true;
	return w->at;
}

static void store_words(struct stack_writer *w)
{
	size_t size = w->nr_words * sizeof(w->words[0]);

	if (copy_to_user((void *)w->at, w->words, size))
		w->has_failed = true;
	w->at += size;
	w->nr_words = 0;
}

static void put_word(struct stack_writer *w, u64 value)
{
	w->words[w->nr_words++] = value;
	if (w->nr_words == ARRAY_SIZE(w->words))
		store_words(w);
}

static u32 fill_auxv(const struct program *p, u64 name_at, u64 platform_at, u64 random_at, u64 *auxv)
{
	const u64 entries[][2] = {
		{ AT_SYSINFO_EHDR, vdso_code(p->vdso_start) }, { AT_HWCAP, cpuid(1, 0).edx }, { AT_PAGESZ, PAGE_SIZE }, { AT_CLKTCK, 100 },
		{ AT_PHDR, p->image.headers }, { AT_PHENT, p->image.header_size }, { AT_PHNUM, p->image.nr_headers },
		{ AT_BASE, p->interpreter_file ? p->interpreter.base : 0 }, { AT_FLAGS, 0 }, { AT_ENTRY, p->image.entry },
		{ AT_UID, 0 }, { AT_EUID, 0 }, { AT_GID, 0 }, { AT_EGID, 0 }, { AT_SECURE, 0 },
		{ AT_RANDOM, random_at }, { AT_EXECFN, name_at }, { AT_PLATFORM, platform_at }, { AT_NULL, 0 },
	};

	static_assert(sizeof(entries) <= sizeof(((struct addrspace *)0)->auxv), "the auxiliary vector fits");
	memcpy(auxv, entries, sizeof(entries));
	return ARRAY_SIZE(entries);
}

static void put_pointers(struct stack_writer *w, u64 at, const struct exec_strings *s)
{
	const char *string = s->bytes;

	for (u32 i = 0; i < s->nr; i++) {
		size_t length = strlen(string) + 1;

		put_word(w, at);
		at += length;
		string += length;
	}
	put_word(w, 0);
}

// Returns the new rsp, or 0 when the stack could not be written.
static u64 write_stack(struct program *p, const char *name, struct exec_strings *arguments, struct exec_strings *environment)
{
	struct addrspace *as = p->space;
	struct stack_writer w = { .at = p->stack_top - 8 };

	u64 name_at = push_bytes(&w, name, strlen(name) + 1);
	u64 environment_at = push_bytes(&w, environment->bytes, environment->used);
	u64 arguments_at = push_bytes(&w, arguments->bytes, arguments->used);

	as->arguments_start = arguments_at;
	as->arguments_end = arguments_at + arguments->used;
	as->environment_start = environment_at;
	as->environment_end = environment_at + environment->used;
	u64 platform_at = push_bytes(&w, "x86_64", 7);
	u64 random_at = push_bytes(&w, p->random, 2 * sizeof(u64));
	u32 nr_auxv = fill_auxv(p, name_at, platform_at, random_at, as->auxv);

	as->nr_auxv = nr_auxv;
	u64 words = 1 + arguments->nr + 1 + environment->nr + 1 + 2ul * nr_auxv;
	u64 rsp = (w.at - words * 8) & ~15ul;

	w.at = rsp;
	put_word(&w, arguments->nr);
	put_pointers(&w, arguments_at, arguments);
	put_pointers(&w, environment_at, environment);
	for (u32 i = 0; i < 2 * nr_auxv; i++)
		put_word(&w, as->auxv[i]);
	store_words(&w);
	return w.has_failed ? 0 : rsp;
}

static bool clear_bss(const struct elf_image *image)
{
	return image->bss_start == image->bss_end ||
	       clear_user_part((void *)image->bss_start, image->bss_end - image->bss_start) == 0;
}

// The process takes on its new identity; the old space is returned for the caller to put.
static struct addrspace *commit(struct program *p, const char *name)
{
	struct process *me = current_process();
	struct addrspace *old = me->space;
	const char *base = strrchr(name, '/');

	mutex_lock(&me->lock);
	struct file *old_executable = me->executable;

	me->executable = p->file;
	string_copy(me->name, base ? base + 1 : name, sizeof(me->name));
	mutex_unlock(&me->lock);
	if (old_executable)
		executable_close(old_executable);
	string_copy(current->name, me->name, sizeof(current->name));
	spin_lock(&process_table_lock);
	process_note_peak_locked(me, old);
	me->space = p->space;
	spin_unlock(&process_table_lock);
	me->has_execed = true;
	current->space = p->space;
	u64 flag = interrupts_close();

	addrspace_activate(p->space);
	interrupts_restore(flag);
	return old;
}

static void reset_for_new_program(void)
{
	struct process *me = current_process();

	if (signal_handlers_reset_for_exec(me))
		process_exit(SIGKILL);
	posix_timers_delete_all(me);
	file_table_close_on_exec(me->files);
	fpu_thread_reset(current);
	current->alternate_stack = current->alternate_stack_size = 0;
	current->clear_child_tid = NULL;
	current->set_child_tid = NULL;
	current->fs_base = current->gs_base = 0;
	thread_load_user_bases();
}

static void start_registers(struct trapframe *tf, const struct program *p, u64 rsp)
{
	*tf = (struct trapframe){ .rip = p->interpreter_file ? p->interpreter.entry : p->image.entry, .rsp = rsp,
				  .cs = SELECTOR_USER_CODE, .ss = SELECTOR_USER_DATA, .rflags = 0x202 };
}

static void drop_program(struct program *p)
{
	executable_close(p->interpreter_file);
	executable_close(p->file);
	if (p->space)
		addrspace_put(p->space);
}

int process_exec(struct dentry *start, const char *path, struct exec_strings *arguments, struct exec_strings *environment)
{
	struct program *p = kmalloc_zeroed(sizeof(*p));
	int error;

	if (!p)
		return -ENOMEM;
	error = find_program(start, path, arguments, p);
	if (!error) {
		p->space = addrspace_create(NULL);
		if (p->space && current->space) // the first program comes from nowhere
			p->space->never_huge = current->space->never_huge;
		error = p->space ? map_program(start, p) : -ENOMEM;
	}
	// The files may be private copies of another's table, as everything from here on is this process's alone.
	if (!error && atomic_load(&current_process()->files->refs) > 1) {
		struct file_table *own = file_table_copy(current_process()->files);

		if (own) {
			struct file_table *shared = current_process()->files;

			mutex_lock(&current_process()->lock);   // /proc/PID/fd looks under it
			current_process()->files = own;
			mutex_unlock(&current_process()->lock);
			file_table_put(shared);
		} else {
			error = -ENOMEM;
		}
	}
	if (!error)
		error = process_kill_other_threads();
	if (error) {
		drop_program(p);
		kfree(p);
		return error;
	}
	if (current->robust_list)
		robust_list_leave(current);     // it lies in the memory that goes now
	struct addrspace *old = commit(p, path);

	reset_for_new_program();
	if (old)
		addrspace_put(old);
	vfork_release(current);
	u64 rsp = write_stack(p, path, arguments, environment);

	if (!rsp || !clear_bss(&p->image) || (p->interpreter_file && !clear_bss(&p->interpreter)))
		process_exit(SIGKILL);
	start_registers(thread_user_frame(current), p, rsp);
	executable_close(p->interpreter_file);
	kfree(p);
	return 0;
}

// Descriptors 0, 1 and 2 of the first process; all others come from it by fork.
static void open_standard_files(struct dentry *root)
{
	char stdio[16] = "console", path[32];
	struct file *f;

	command_line_get("stdio", stdio, sizeof(stdio));
	format_string(path, sizeof(path), "/dev/%s", stdio);
	int error = path_open(root, path, O_RDWR, 0, &f);

	if (error) {
		printk("init: %s cannot be opened: error %d\n", path, error);
		return;
	}
	for (int fd = 0; fd < 3 && !error; fd++)
		error = fd_install(file_hold(f), fd, false) == fd ? 0 : -EMFILE;
	file_put(f);
}

void process_start_init(const char *path, char **arguments)
{
	static const char *const environment[] = { "HOME=/root", "PATH=/bin:/sbin:/demo", "TERM=vt100", NULL };
	struct process *me = process_alloc();
	struct exec_strings argv, envp;

	if (!me || fpu_thread_init(current) || exec_strings_init(&argv) || exec_strings_init(&envp))
		panic("no memory for init");
	me->files = file_table_create();
	me->handlers = signal_handlers_create();
	me->cwd = dentry_hold(root_dentry());
	me->root = dentry_hold(root_dentry());
	for (u32 i = 0; i < ARRAY_SIZE(me->limits); i++)
		me->limits[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	me->limits[RLIMIT_STACK].rlim_cur = 8ul << 20;
	me->limits[RLIMIT_NOFILE] = (struct rlimit){ FILES_MAX, FILES_MAX };
	me->limits[RLIMIT_MEMLOCK] = (struct rlimit){ 8ul << 20, 8ul << 20 };
	if (!me->files || !me->handlers)
		panic("no memory for init");
	spin_lock(&process_table_lock);
	me->pid = current->tid = number_alloc_locked();
	me->group = me->session = me->pid;
	process_enter_locked(me);
	thread_enter_locked(me, current);
	spin_unlock(&process_table_lock);
	open_standard_files(me->root);

	int error = 0;

	for (; *arguments && !error; arguments++)
		error = exec_strings_add(&argv, *arguments);
	for (u32 i = 0; environment[i] && !error; i++)
		error = exec_strings_add(&envp, environment[i]);
	if (!error)
		error = process_exec(me->root, path, &argv, &envp);
	if (error)
		panic("%s cannot be started: error %d", path, error);
	exec_strings_free(&argv);
	exec_strings_free(&envp);
	trap_return_to_user(thread_user_frame(current));
}
