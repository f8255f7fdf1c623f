; Where a signal handler returns to.
;
; The kernel pushed the address of signal_restorer as the handler's return address. When the handler
; returns, rsp points right above it, at the frame's struct ucontext, as rt_sigreturn expects it.
;
;	void signal_restorer(void)

bits 64
default rel

SYS_RT_SIGRETURN	equ 15

global signal_restorer

section .text

signal_restorer:
	mov	eax, SYS_RT_SIGRETURN
	syscall

section .note.GNU-stack noalloc noexec nowrite progbits
