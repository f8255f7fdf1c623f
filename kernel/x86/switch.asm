; switch.asm - from one kernel stack to another.
;
;   void switch_context(u64 *save_rsp, u64 load_rsp)
;   void segs_load(u64 code_selector, u64 data_selector)
;   thread_start_asm            what switch_context returns into the first time
;
; Only the registers that C expects to survive a call are kept: the rest is dead at the call.

bits 64
default rel

%include "offsets.inc"

extern thread_started, thread_exit, user_return

section .text

; in:   rdi where to store rsp, rsi the rsp to load; interrupts off
; out:  on the other stack
global switch_context
switch_context:
        push    rbp
        push    rbx
        push    r12
        push    r13
        push    r14
        push    r15
%if SWITCH_RIP != 6 * 8 || SWITCH_R15 != 0
%error struct switch_frame and switch_context disagree
%endif
        mov     [rdi], rsp
        mov     rsp, rsi
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbx
        pop     rbp
        ret

; in:   rsp = the thread's user trapframe at the top of its stack; interrupts off
global thread_start_asm
thread_start_asm:
        xor     ebp, ebp                        ; the back-trace ends here
        call    thread_started
        mov     rax, [gs:CPU_CURRENT]
        mov     rdx, [rax + THREAD_KERNEL_FUNCTION]
        test    rdx, rdx
        jz      user_return
        mov     rdi, [rax + THREAD_KERNEL_ARGUMENT]
        sti
        call    rdx
        xor     edi, edi
        call    thread_exit
        ud2

; in:   rdi selector for CS, rsi for DS, ES and SS; FS and GS become null
; uses: rax
global segs_load
segs_load:
        mov     ds, si
        mov     es, si
        mov     ss, si
        xor     eax, eax
        mov     fs, ax
        mov     gs, ax
        pop     rax
        push    rdi
        push    rax
        o64 retf
