; What the machine itself costs: loops whose number of instructions is known.
; Each works on one page and returns nothing; rax, rcx, rdx, rsi, rdi, r8, xmm0-3 are lost.
;
;	void thousand_instructions(u64 times)   1000 for each of the times
;	void clear_stosb(void *page)            rep stosb, 4096 bytes
;	void clear_stosq(void *page)            rep stosq, 512 words
;	void clear_mov(void *page)              8-byte stores, 8 a turn
;	void clear_sse(void *page)              16-byte stores, 4 a turn
;	void copy_movsb(void *to, const void *from)
;	void copy_movsq(void *to, const void *from)
;	void copy_mov(void *to, const void *from)
;	void copy_sse(void *to, const void *from)

bits 64
default rel

global thousand_instructions
global clear_stosb, clear_stosq, clear_mov, clear_sse
global copy_movsb, copy_movsq, copy_mov, copy_sse

PAGE	equ 4096

section .text

thousand_instructions:
	times 998 nop
	dec	rdi
	jnz	thousand_instructions
	ret

clear_stosb:
	xor	eax, eax
	mov	ecx, PAGE
	rep stosb
	ret

clear_stosq:
	xor	eax, eax
	mov	ecx, PAGE / 8
	rep stosq
	ret

clear_mov:
	xor	eax, eax
	lea	rdx, [rdi + PAGE]
.turn:
%assign at 0
%rep 8
	mov	[rdi + at], rax
%assign at at + 8
%endrep
	add	rdi, 64
	cmp	rdi, rdx
	jne	.turn
	ret

clear_sse:
	pxor	xmm0, xmm0
	lea	rdx, [rdi + PAGE]
.turn:
%assign at 0
%rep 4
	movaps	[rdi + at], xmm0
%assign at at + 16
%endrep
	add	rdi, 64
	cmp	rdi, rdx
	jne	.turn
	ret

copy_movsb:
	mov	ecx, PAGE
	rep movsb
	ret

copy_movsq:
	mov	ecx, PAGE / 8
	rep movsq
	ret

copy_mov:
	lea	rdx, [rdi + PAGE]
.turn:
%assign at 0
%rep 8
	mov	rax, [rsi + at]
	mov	[rdi + at], rax
%assign at at + 8
%endrep
	add	rsi, 64
	add	rdi, 64
	cmp	rdi, rdx
	jne	.turn
	ret

copy_sse:
	lea	rdx, [rdi + PAGE]
.turn:
%assign at 0
%rep 4
	movaps	xmm0, [rsi + at]
	movaps	[rdi + at], xmm0
%assign at at + 16
%endrep
	add	rsi, 64
	add	rdi, 64
	cmp	rdi, rdx
	jne	.turn
	ret

section .note.GNU-stack noalloc noexec nowrite progbits
