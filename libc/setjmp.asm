; Remembering a place in the program, and going back to it. struct jump_state is in <setjmp.h>.
;
;	int setjmp(jmp_buf state), int _setjmp(jmp_buf state)
;	int sigsetjmp(sigjmp_buf state, int save_mask)
;	void longjmp(jmp_buf state, int value), void _longjmp(jmp_buf state, int value)
;	void siglongjmp(sigjmp_buf state, int value)

bits 64
default rel

STATE_HAS_MASK		equ 8 * 8
STATE_MASK		equ 9 * 8
SYS_RT_SIGPROCMASK	equ 14
SIG_SETMASK		equ 2
MASK_SIZE		equ 8

global setjmp
global _setjmp
global sigsetjmp
global longjmp
global _longjmp
global siglongjmp

section .text

; In: rdi the state, esi whether to keep the signal mask too. Out: eax 0.
sigsetjmp:
	mov	[rdi + STATE_HAS_MASK], rsi
	test	esi, esi
	jz	save
	push	rdi
	lea	rdx, [rdi + STATE_MASK]	; the old mask goes there
	xor	esi, esi		; no new one
	xor	edi, edi
	mov	r10d, MASK_SIZE
	mov	eax, SYS_RT_SIGPROCMASK
	syscall
	pop	rdi
	jmp	save

; In: rdi the state. Out: eax 0, and the value of longjmp at the second return.
setjmp:
_setjmp:
	mov	qword [rdi + STATE_HAS_MASK], 0
save:
	mov	[rdi], rbx
	mov	[rdi + 8], rbp
	mov	[rdi + 16], r12
	mov	[rdi + 24], r13
	mov	[rdi + 32], r14
	mov	[rdi + 40], r15
	lea	rdx, [rsp + 8]		; the stack as our caller will see it
	mov	[rdi + 48], rdx
	mov	rdx, [rsp]
	mov	[rdi + 56], rdx
	xor	eax, eax
	ret

; In: rdi the state, esi the value that setjmp answers now (1 for 0).
siglongjmp:
longjmp:
_longjmp:
	cmp	qword [rdi + STATE_HAS_MASK], 0
	je	.registers
	push	rdi
	push	rsi
	lea	rsi, [rdi + STATE_MASK]
	xor	edx, edx
	mov	edi, SIG_SETMASK
	mov	r10d, MASK_SIZE
	mov	eax, SYS_RT_SIGPROCMASK
	syscall
	pop	rsi
	pop	rdi
.registers:
	mov	eax, esi
	cmp	eax, 1
	adc	eax, 0			; 0 becomes 1
	mov	rbx, [rdi]
	mov	rbp, [rdi + 8]
	mov	r12, [rdi + 16]
	mov	r13, [rdi + 24]
	mov	r14, [rdi + 32]
	mov	r15, [rdi + 40]
	mov	rsp, [rdi + 48]
	jmp	[rdi + 56]

section .note.GNU-stack noalloc noexec nowrite progbits
