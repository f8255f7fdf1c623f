; entry.asm - every way into the kernel, and the ways back out.
;
;   vector_table[256]   addresses of the 256 stubs, for idt.c
;   trap_common         builds struct trapframe, calls trap_dispatch(tf)
;   trap_paranoid       the same for NMI, double fault, machine check: own stack, GS of whoever was interrupted
;   syscall_entry       the SYSCALL instruction
;   user_return         leaves for user mode; also the first code a new thread runs
;   void trap_return_to_user(struct trapframe *tf)
;
; GS: in user mode GS_BASE is the user's and KERNEL_GS_BASE is our struct cpu; swapgs exchanges them, once at
; each crossing. An exception between the crossing and its swapgs would see the wrong one: interrupts are off
; there, and what cannot be held off (NMI, machine check, double fault) looks at the register itself.
; Interrupts are off in all of this file, except where it says otherwise.

bits 64
default rel

%include "offsets.inc"

extern trap_dispatch, syscall_dispatch, user_return_work

%define MSR_GS_BASE     0xc0000101
%define RFLAGS_TF_RF    (1 << 8 | 1 << 16)

; Three bytes that features.c turns into CLAC where the processor has SMAP: the AC flag, which the
; user may have set, must not open user memory to the kernel.
%macro SITE_CLAC 0
%%here: nop     dword [rax]
        [section .smap_sites]
        dq      %%here
        dq      0xca010f                        ; clac
        __?SECT?__
%endmacro

section .smap_sites progbits alloc noexec nowrite align=8
section .text

; Vectors for which the CPU pushes an error code itself.
%define HAS_ERROR(v) ((v) == 8 || ((v) >= 10 && (v) <= 14) || (v) == 17 || (v) == 21 || (v) == 29 || (v) == 30)
; Vectors that may come anywhere: between the crossing and swapgs too.
%define IS_PARANOID(v) ((v) == 2 || (v) == 8 || (v) == 18)

%assign v 0
%rep 256
stub_ %+ v:
%if !HAS_ERROR(v)
        push    qword 0
%endif
        push    qword v
%if IS_PARANOID(v)
        jmp     trap_paranoid
%else
        jmp     trap_common
%endif
%assign v v + 1
%endrep

; in:   CPU frame, error, vector on the stack
; out:  does not return here
global trap_common
trap_common:
        test    byte [rsp + TF_CS - TF_VECTOR], 3
        jz      .from_kernel
        swapgs
.from_user:
        push    rax
        push    rbx
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    rbp
        push    r8
        push    r9
        push    r10
        push    r11
        push    r12
        push    r13
        push    r14
        push    r15
%if TF_R15 != 0 || TF_RAX != 14 * 8 || TF_SIZE != 22 * 8
%error struct trapframe and trap_common disagree
%endif
        cld
        SITE_CLAC
        xor     ebp, ebp                        ; the back-trace ends at the user
        mov     rdi, rsp                        ; struct trapframe *
        call    trap_dispatch
        jmp     user_return

.from_kernel:
        cmp     qword [rsp + TF_RIP - TF_VECTOR], user_iretq
        je      .bad_return
        push    rax
        push    rbx
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    rbp
        push    r8
        push    r9
        push    r10
        push    r11
        push    r12
        push    r13
        push    r14
        push    r15
        cld
        SITE_CLAC
        mov     rdi, rsp
        push    qword [rsp + TF_RIP]            ; a stack frame for the back-trace: the interrupted
        push    rbp                             ; function looks like trap_dispatch's caller
        mov     rbp, rsp
        call    trap_dispatch
        add     rsp, 16
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rbp
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rbx
        pop     rax
        add     rsp, 16                         ; vector, error
        iretq

; The IRETQ to user mode itself failed (a return address that is none), after swapgs and with all the
; user's registers loaded. Drop the kernel's frame: what lies above it is the user's, as if the user had
; caused the fault there. The vector stays #GP, which becomes SIGSEGV.
.bad_return:
        swapgs
        mov     rsp, [rsp + TF_RSP - TF_VECTOR]
        push    qword 0
        push    qword 13
        jmp     .from_user

; in:   rsp = struct trapframe at the top of the thread's stack
; out:  in user mode
; Work is looked for with interrupts off, so none can be added between the look and the return.
global user_return
user_return:
        cli
        mov     rax, [gs:CPU_CURRENT]
        cmp     qword [rax + THREAD_RETURN_WORK], 0
        jne     .work
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rbp
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rbx
        pop     rax
        add     rsp, 16                         ; vector, error
        swapgs
user_iretq:
        iretq
user_return.work:
        mov     rdi, rsp
        call    user_return_work
        jmp     user_return

global trap_return_to_user
trap_return_to_user:
        cli
        mov     rsp, rdi
        jmp     user_return

; in:   rcx = user's rip, r11 = user's rflags, rax = number; user's stack; interrupts off (SFMASK)
; The frame is the same as a trap's. Not the lean half of it: fork, signals and ptrace-like readers want all of it.
global syscall_entry
syscall_entry:
        swapgs
        mov     [gs:CPU_SCRATCH], rsp
        mov     rsp, [gs:CPU_STACK_TOP]
        push    qword SELECTOR_USER_DATA
        push    qword [gs:CPU_SCRATCH]
        push    r11
        push    qword SELECTOR_USER_CODE
        push    rcx
        push    rax                             ; error: the call's number
        push    qword TRAP_SYSCALL
        push    rax
        push    rbx
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    rbp
        push    r8
        push    r9
        push    r10
        push    r11
        push    r12
        push    r13
        push    r14
        push    r15
        xor     ebp, ebp                        ; the back-trace ends at the user
        mov     rdi, rsp
        sti
        call    syscall_dispatch
        cli
        mov     rax, [gs:CPU_CURRENT]
        cmp     qword [rax + THREAD_RETURN_WORK], 0
        jne     user_return.work

; SYSRET loads rip from rcx and rflags from r11, and faults with the user's stack in kernel mode when rcx
; is not canonical: only what it can do exactly and safely goes this way, the rest by IRETQ.
        mov     rcx, [rsp + TF_RIP]
        mov     r11, [rsp + TF_RFLAGS]
        mov     rdx, rcx
        shr     rdx, 47
        jnz     user_return
        cmp     rcx, [rsp + TF_RCX]
        jne     user_return
        cmp     r11, [rsp + TF_R11]
        jne     user_return
        test    r11, RFLAGS_TF_RF
        jnz     user_return
        cmp     qword [rsp + TF_CS], SELECTOR_USER_CODE
        jne     user_return
        cmp     qword [rsp + TF_SS], SELECTOR_USER_DATA
        jne     user_return
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        add     rsp, 8                          ; r11 is loaded
        pop     r10
        pop     r9
        pop     r8
        pop     rbp
        pop     rdi
        pop     rsi
        pop     rdx
        add     rsp, 8                          ; rcx is loaded
        pop     rbx
        pop     rax
        mov     rsp, [rsp + TF_RSP - TF_VECTOR]
        swapgs
        o64 sysret

; in:   CPU frame, error, vector on an IST stack; GS is anybody's
; ebx across the call: 1 when GS was the kernel's already, 0 when it is to be given back. No work is done on
; the way out, even to user mode: the thread's own stack may be in use.
global trap_paranoid
trap_paranoid:
        push    rax
        push    rbx
        push    rcx
        push    rdx
        push    rsi
        push    rdi
        push    rbp
        push    r8
        push    r9
        push    r10
        push    r11
        push    r12
        push    r13
        push    r14
        push    r15
        cld
        SITE_CLAC
        mov     ebx, 1
        mov     ecx, MSR_GS_BASE
        rdmsr
        test    edx, edx
        js      .kernel_gs                      ; struct cpu lies in the upper half, a user's base never
        swapgs
        xor     ebx, ebx
.kernel_gs:
        mov     rdi, rsp
        push    qword [rsp + TF_RIP]
        push    rbp
        mov     rbp, rsp
        call    trap_dispatch
        add     rsp, 16
        test    ebx, ebx
        jnz     .keep_gs
        swapgs
.keep_gs:
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     r11
        pop     r10
        pop     r9
        pop     r8
        pop     rbp
        pop     rdi
        pop     rsi
        pop     rdx
        pop     rcx
        pop     rbx
        pop     rax
        add     rsp, 16
        iretq

section .rodata

global vector_table
vector_table:
%assign v 0
%rep 256
        dq      stub_ %+ v
%assign v v + 1
%endrep
