// Leaving several functions at once.
#pragma once

// rbx, rbp, r12 to r15, rsp, rip; then whether the signal mask is in it, and the mask.
struct jump_state {
	unsigned long registers[8];
	unsigned long has_mask;
	unsigned long mask;
};

typedef struct jump_state jmp_buf[1];
typedef struct jump_state sigjmp_buf[1];

int setjmp(jmp_buf state) __attribute__((returns_twice));
int _setjmp(jmp_buf state) __attribute__((returns_twice));
int sigsetjmp(sigjmp_buf state, int save_mask) __attribute__((returns_twice));
_Noreturn void longjmp(jmp_buf state, int value);
_Noreturn void _longjmp(jmp_buf state, int value);
_Noreturn void siglongjmp(sigjmp_buf state, int value);

#define setjmp(state)			setjmp(state)
#define sigsetjmp(state, save_mask)	sigsetjmp(state, save_mask)
