#pragma once
/*
 * threads.h - threads for guest tests, by clone alone: no C library knows of them. They share errno with everybody,
 * so a thread makes its calls by way of raw_call() where the error matters.
 */
#include "guest.h"

#include <sched.h>

#define THREAD_STACK (64 * 1024)
#define THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | \
		      CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID)

struct thread {
	volatile int tid;               // 0 once it has ended
	void (*run)(void *argument);
	void *argument;
};

// The result of a system call as the kernel gives it: an error is -errno.
static inline long raw_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

// `start` gets thread as its argument, on a stack of its own; it must not return.
static TEST_UNUSED long clone_onto(long flags, void *stack_top, void (*start)(void *), void *argument,
				   volatile int *parent_tid, volatile int *child_tid)
{
	register long r10 __asm__("r10") = (long)child_tid;
	void **top = (void **)((unsigned long)stack_top & ~15ul);
	long result;

	*--top = argument;
	*--top = (void *)start;
	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "pop %%rax\n\t"
			 "pop %%rdi\n\t"
			 "call *%%rax\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(result) : "a"(SYS_clone), "D"(flags), "S"(top), "d"(parent_tid), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

static TEST_UNUSED void thread_body(void *argument)
{
	struct thread *t = argument;

	t->run(t->argument);
	raw_call(SYS_exit, 0, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

static TEST_UNUSED void thread_begin(struct thread *t, void (*run)(void *argument), void *argument)
{
	char *stack = MUST(mmap(NULL, THREAD_STACK, RW, ANON, -1, 0));

	t->run = run;
	t->argument = argument;
	t->tid = -1;
	long tid = clone_onto(THREAD_FLAGS, stack + THREAD_STACK, thread_body, t, &t->tid, &t->tid);

	if (tid < 0)
		FAIL("expected clone to make a thread, seen %s", errno_name((int)-tid));
}

// Waits until it has ended.
static TEST_UNUSED void thread_join(struct thread *t)
{
	int tid;

	while ((tid = t->tid) != 0)
		raw_call(SYS_futex, (long)&t->tid, 0 /* FUTEX_WAIT */, tid, 0, 0, 0);
}

static TEST_UNUSED void thread_exit_now(void)
{
	raw_call(SYS_exit, 0, 0, 0, 0, 0, 0);
	__builtin_unreachable();
}

static TEST_UNUSED int own_tid(void)
{
	return (int)raw_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

// The state letter of a thread in /proc/self/task: '?' when it is not there.
static TEST_UNUSED char thread_state(int tid)
{
	char path[64], text[512];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return '?';
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	if (n <= 0)
		return '?';
	text[n] = 0;
	char *end = strrchr(text, ')');

	return end && end[1] ? end[2] : '?';
}

// Waits until the thread sleeps in a call.
static TEST_UNUSED void wait_until_asleep(int tid)
{
	while (thread_state(tid) != 'S')
		sched_yield();
}
