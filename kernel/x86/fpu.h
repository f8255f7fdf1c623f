#pragma once
/*
 * fpu.h - the FPU, SSE and AVX registers of user threads (XSAVE; FXSAVE where there is none).
 * The kernel itself uses none of them (-mgeneral-regs-only). A thread that never used them still gets
 * the architectural start values. thread.fpu points at an area of fpu_area_size() bytes, 64-aligned.
 */
#include "types.h"

struct thread;

void fpu_init_cpu(void);                        // each CPU
size_t fpu_area_size(void);
int fpu_thread_init(struct thread *t) MUST_CHECK;       // allocates thread.fpu in the start state. -ENOMEM
void fpu_thread_free(struct thread *t);
int fpu_thread_copy(struct thread *to, struct thread *from) MUST_CHECK; // fork: with from's state; from is current
void fpu_thread_reset(struct thread *t);                // exec: t is current
void fpu_switch(struct thread *from, struct thread *to);        // context switch, interrupts closed
// Signal frames (current): the area in user memory has fpu_area_size() bytes plus the 4 bytes of FP_XSTATE_MAGIC2.
int fpu_save_to_user(void __user *area) MUST_CHECK;             // -EFAULT
int fpu_restore_from_user(const void __user *area) MUST_CHECK;  // -EFAULT, -EINVAL; NULL: start state
