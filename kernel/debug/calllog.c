/*
 * calllog.c - a ring of the last system calls of traced processes. Strings are copied when the call begins, since the
 * call may change or unmap them. The ring is allocated when the first process is traced, and stays.
 * lock covers it: traced processes are few and slow anyway.
 */
#include "debug/calllog.h"
#include "kernel.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/process.h"
#include "sync/lock.h"
#include "x86/clock.h"
#include "x86/cpu.h"
#include "x86/trapframe.h"
#include "x86/uaccess.h"
#include <abi/errno.h>
#include <abi/syscall.h>

static struct spinlock lock = SPINLOCK_INIT("call log", RANK_FRAMES);
static struct call_record *ring;                        // GUARDED_BY(lock) record n is at n % CALLLOG_SIZE; never freed
static u64 next_sequence;                               // GUARDED_BY(lock)

// Which arguments are strings: bit n for argument n.
static u8 string_arguments(u32 number)
{
	switch (number) {
	case SYS_open: case SYS_creat: case SYS_stat: case SYS_lstat: case SYS_access: case SYS_chdir: case SYS_mkdir:
	case SYS_rmdir: case SYS_unlink: case SYS_readlink: case SYS_chmod: case SYS_chown: case SYS_lchown:
	case SYS_truncate: case SYS_statfs: case SYS_mknod: case SYS_utime: case SYS_utimes: case SYS_execve:
	case SYS_umount2: case SYS_memfd_create: case SYS_chroot: case SYS_swapon: case SYS_swapoff:
	case SYS_getxattr: case SYS_lgetxattr: case SYS_setxattr: case SYS_lsetxattr:
	case SYS_listxattr: case SYS_llistxattr: case SYS_removexattr: case SYS_lremovexattr:
		return 1 << 0;
	case SYS_openat: case SYS_newfstatat: case SYS_mkdirat: case SYS_unlinkat: case SYS_readlinkat:
	case SYS_faccessat: case SYS_faccessat2: case SYS_fchmodat: case SYS_fchownat: case SYS_utimensat:
	case SYS_statx: case SYS_mknodat: case SYS_futimesat:
		return 1 << 1;
	case SYS_rename: case SYS_link: case SYS_symlink: case SYS_mount:
		return 1 << 0 | 1 << 1;
	case SYS_renameat: case SYS_renameat2: case SYS_linkat:
		return 1 << 1 | 1 << 3;
	case SYS_symlinkat:
		return 1 << 0 | 1 << 2;
	}
	return 0;
}

// What can be read of the string, cut to the record.
static void copy_text(char *to, u64 from)
{
	size_t left = copy_from_user_part(to, (const void __user *)from, CALL_TEXT_SIZE - 1);

	to[CALL_TEXT_SIZE - 1 - left] = 0;
}

int calllog_start(void)
{
	if (READ_ONCE(ring))
		return 0;
	struct call_record *fresh = kmalloc_zeroed(CALLLOG_SIZE * sizeof(*fresh));

	if (!fresh)
		return -ENOMEM;
	spin_lock(&lock);
	if (!ring) {
		ring = fresh;
		fresh = NULL;
	}
	spin_unlock(&lock);
	kfree(fresh);
	return 0;
}

void calllog_begin(struct call_record *r, const struct trapframe *tf)
{
	u8 strings = string_arguments((u32)tf->error);
	u32 nr = 0;

	*r = (struct call_record){ .time_ns = clock_monotonic_ns(), .pid = current_process()->pid,
				   .number = (u32)tf->error,
				   .arguments = { tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8, tf->r9 } };
	for (u32 i = 0; i < ARRAY_SIZE(r->arguments) && nr < ARRAY_SIZE(r->texts); i++) {
		if (strings & 1u << i)
			copy_text(r->texts[nr++], r->arguments[i]);
	}
}

void calllog_end(struct call_record *r, i64 result, bool has_result)
{
	r->result = result;
	r->has_result = has_result;
	spin_lock(&lock);
	r->sequence = next_sequence++;
	ring[r->sequence % CALLLOG_SIZE] = *r;
	spin_unlock(&lock);
}

bool calllog_read(u64 sequence, struct call_record *out)
{
	spin_lock(&lock);
	u64 oldest = next_sequence > CALLLOG_SIZE ? next_sequence - CALLLOG_SIZE : 0;
	bool found = max(sequence, oldest) < next_sequence;

	if (found)
		*out = ring[max(sequence, oldest) % CALLLOG_SIZE];
	spin_unlock(&lock);
	return found;
}
