; Threads for the rows that need them, with the system call alone: no library, no thread-local storage.
;
;	int thread_start(void *stack_end, void (*function)(void *), void *argument, int *tid)
;	in:	rdi, rsi, rdx, rcx; *tid is the thread's number while it lives, then 0, and a futex on it is woken
;	out:	eax: the thread's number, or -errno; the usual registers are lost

bits 64
default rel

global thread_start

SYS_CLONE	equ 56
SYS_EXIT	equ 60
; VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, PARENT_SETTID, CHILD_CLEARTID
FLAGS		equ 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000 | 0x100000 | 0x200000

section .text

thread_start:
	and	rdi, -16
	sub	rdi, 16
	mov	[rdi], rsi		; the new thread takes both from its stack
	mov	[rdi + 8], rdx
	mov	rsi, rdi
	mov	rdx, rcx
	mov	r10, rcx
	mov	edi, FLAGS
	xor	r8d, r8d
	mov	eax, SYS_CLONE
	syscall
	test	eax, eax
	jnz	.parent

	xor	ebp, ebp		; the new thread's outermost frame
	pop	rax
	pop	rdi
	call	rax
	xor	edi, edi
	mov	eax, SYS_EXIT
	syscall

.parent:
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
