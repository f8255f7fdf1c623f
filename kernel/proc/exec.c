/*
 * exec.c - another program in the same process. Everything that can fail is done in a new address space, while the old
 * program could still go on: reading headers, mapping, copying the strings. Then comes the point of no return: other
 * threads end, the new space is loaded, the stack is written through it; what fails from there on kills.
 * (Which file: exec_find.c. The strings: exec_strings.c. The new stack: exec_stack.c.)
 */
#include "kernel.h"
#include "fs/vfs.h"
#include "lib/atomic.h"
#include "lib/random.h"
#include "lib/string.h"
#include "mm/addrspace.h"
#include "mm/mmap.h"
#include "mm/slab.h"
#include "proc/elf.h"
#include "proc/exec_internal.h"
#include "proc/futex.h"
#include "proc/internal.h"
#include "proc/posix_timer.h"
#include "proc/process.h"
#include "proc/sched.h"
#include "proc/vdso.h"
#include "x86/fpu.h"
#include "x86/irq.h"
#include "x86/segs.h"
#include "x86/uaccess.h"
#include <abi/errno.h>

#define STACK_TOP 0x7ffffffff000ul      // before randomisation
#define STACK_START (128 * PAGE_SIZE)   // mapped at once; the rest grows
#define MOVABLE_BASE 0x555555554000ul   // where ET_DYN programs go (Linux's choice without randomisation)
#define LARGE_PAGE (2ul << 20)          // what one page table shows

bool exec_randomizes = true;

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
	u64 room = (end - p->stack_top) >> PAGE_SHIFT;
	u64 wanted = 1 + VDSO_PAGES;    // a page that is not there between

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
	error = exec_open(start, p->image.interpreter, &p->interpreter_file);
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

int process_exec(struct dentry *start, const char *path, struct exec_strings *arguments,
		 struct exec_strings *environment)
{
	struct program *p = kmalloc_zeroed(sizeof(*p));
	int error;

	if (!p)
		return -ENOMEM;
	error = exec_find(start, path, arguments, p);
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
	u64 rsp = exec_write_stack(p, path, arguments, environment);

	if (!rsp || !clear_bss(&p->image) || (p->interpreter_file && !clear_bss(&p->interpreter)))
		process_exit(SIGKILL);
	start_registers(thread_user_frame(current), p, rsp);
	executable_close(p->interpreter_file);
	kfree(p);
	return 0;
}
