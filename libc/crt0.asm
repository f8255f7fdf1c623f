; The first instructions of every program.
;
; The kernel jumps to _start with rsp at argc; argv, the environment and the auxiliary vector lie
; above it. There is no return address, hence no way back.
;
;	void _start(void)

bits 64
default rel

extern libc_start

global _start

section .text

_start:
	xor	ebp, ebp		; the outermost frame
	mov	rdi, rsp		; long *stack
	and	rsp, -16		; as the ABI wants it at a call
	call	libc_start
	ud2				; it never comes back

section .note.GNU-stack noalloc noexec nowrite progbits
