; entry.asm - every way into the kernel, and the ways back out.
;
;   vector_table[256]   addresses of the 256 stubs, for idt.c
;   trap_common         builds struct trapframe, calls trap_dispatch(tf)
;   trap_paranoid       the same for NMI, double fault, machine check: own stack, GS of whoever was interrupted
;   syscall_entry       the SYSCALL instruction
;   sys_fork_with_frame and three more: system calls that read the caller's whole frame
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

extern trap_dispatch, user_return_work
extern syscall_table, syscall_trace_begin, syscall_trace_end, syscall_check_return
extern sys_fork, sys_vfork, sys_clone, sys_clone3

%define MSR_GS_BASE     0xc0000101
%define RFLAGS_TF       (1 << 8)

; Three bytes that features.c turns into CLAC where the processor has SMAP: the AC flag, which the
; user may have set, must not open user memory to the kernel.
%macro SITE_CLAC 0
%%here: nop     dword [rax]
        [section .smap_sites]
        dq      %%here
        dq      0xca010f                        ; clac
        __?SECT?__
%endmacro

; All registers, in the order of struct trapframe.
%macro PUSH_REGISTERS 0
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
%endmacro
%macro POP_REGISTERS 0
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
%endmacro
%if TF_R15 != 0 || TF_R11 != 4 * 8 || TF_RBP != 8 * 8 || TF_RCX != 12 * 8 || TF_RAX != 14 * 8 || TF_SIZE != 22 * 8
%error struct trapframe and PUSH_REGISTERS disagree
%endif

; Stores what a system call's frame lacks yet: the registers that C keeps, and what never varies. %1: how far the
; frame lies above rsp.
%macro COMPLETE_FRAME 1
        mov     [rsp + %1 + TF_RBX], rbx
        mov     [rsp + %1 + TF_R12], r12
        mov     [rsp + %1 + TF_R13], r13
        mov     [rsp + %1 + TF_R14], r14
        mov     [rsp + %1 + TF_R15], r15
        mov     rax, [rsp + %1 + TF_RIP]
        mov     [rsp + %1 + TF_RCX], rax        ; as SYSCALL leaves them to the user
        mov     rax, [rsp + %1 + TF_RFLAGS]
        mov     [rsp + %1 + TF_R11], rax
        mov     qword [rsp + %1 + TF_VECTOR], TRAP_SYSCALL
        mov     qword [rsp + %1 + TF_CS], SELECTOR_USER_CODE
        mov     qword [rsp + %1 + TF_SS], SELECTOR_USER_DATA
%endmacro

; A system call, called by syscall_entry: the frame lies above the return address.
%macro FRAME_CALL 1
global sys_%1_with_frame
sys_%1_with_frame:
        COMPLETE_FRAME 8
        jmp     sys_%1
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
        PUSH_REGISTERS
        cld
        SITE_CLAC
        xor     ebp, ebp                        ; the back-trace ends at the user
        mov     rdi, rsp                        ; struct trapframe *
        call    trap_dispatch
        jmp     user_return

.from_kernel:
        cmp     qword [rsp + TF_RIP - TF_VECTOR], user_iretq
        je      .bad_return
        PUSH_REGISTERS
        cld
        SITE_CLAC
        mov     rdi, rsp
        push    qword [rsp + TF_RIP]            ; a stack frame for the back-trace: the interrupted
        push    rbp                             ; function looks like trap_dispatch's caller
        mov     rbp, rsp
        call    trap_dispatch
        add     rsp, 16
        POP_REGISTERS
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
        POP_REGISTERS
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
; The quick way through. Of the frame only what C does not keep by itself is stored: where the user goes on, the
; number, the arguments. rbx and r12 to r15 stay in their registers, since C gives them back as it got them; whoever
; needs them in the frame (fork, a signal) has them stored by COMPLETE_FRAME. The thread's frame lies at the same place
; for every entry from user mode, so its address is not computed but loaded.
global syscall_entry
syscall_entry:
        swapgs
        mov     [gs:CPU_SCRATCH], rsp
        mov     rsp, [gs:CPU_USER_FRAME]
        mov     [rsp + TF_RIP], rcx
        mov     rcx, [gs:CPU_SCRATCH]
        mov     [rsp + TF_RSP], rcx
        mov     [rsp + TF_RFLAGS], r11
        mov     [rsp + TF_ERROR], rax           ; the call's number
        mov     [rsp + TF_RDI], rdi
        mov     [rsp + TF_RSI], rsi
        mov     [rsp + TF_RDX], rdx
        mov     [rsp + TF_R10], r10
        mov     [rsp + TF_R8], r8
        mov     [rsp + TF_R9], r9
        mov     [rsp + TF_RBP], rbp
        xor     ebp, ebp                        ; the back-trace ends at the user
        sti
        mov     rcx, [gs:CPU_CURRENT]
        inc     qword [gs:CPU_NR_SYSCALLS]
        inc     qword [rcx + THREAD_NR_SYSCALLS]
        mov     rcx, [rcx + THREAD_PROCESS]
        cmp     byte [rcx + PROCESS_IS_TRACED], 0
        jne     syscall_traced
        mov     eax, eax                        ; the upper half of rax says nothing, as on Linux
        cmp     eax, NR_SYSCALLS
        jae     syscall_out_of_range
        mov     rcx, r10                        ; the fourth argument, where C wants it
        call    [abs syscall_table + rax * 8]

; in:   rax = the result, rsp = the thread's frame; interrupts on
; SYSRET goes to rcx with rflags from r11. It would fault in kernel mode on the user's stack if rcx were not canonical;
; but what SYSCALL left in rcx is at most USER_END, and nobody has changed the frame: who does (rt_sigreturn, execve)
; leaves by syscall_return_whole_frame(). With TF set SYSRET traps too early: IRETQ is exact.
syscall_done:
%if DEBUG_BUILD
        mov     rdi, rax
        call    syscall_check_return            ; rax as before
%endif
        cli
        mov     rcx, [gs:CPU_CURRENT]
        cmp     qword [rcx + THREAD_RETURN_WORK], 0
        jne     .whole_frame
        mov     r11, [rsp + TF_RFLAGS]
        test    r11d, RFLAGS_TF
        jnz     .whole_frame
        mov     rcx, [rsp + TF_RIP]
        mov     rdi, [rsp + TF_RDI]
        mov     rsi, [rsp + TF_RSI]
        mov     rdx, [rsp + TF_RDX]
        mov     r10, [rsp + TF_R10]
        mov     r8, [rsp + TF_R8]
        mov     r9, [rsp + TF_R9]
        mov     rbp, [rsp + TF_RBP]
        mov     rsp, [rsp + TF_RSP]
        swapgs
        o64 sysret
.whole_frame:
        mov     [rsp + TF_RAX], rax
        COMPLETE_FRAME 0
        jmp     user_return

syscall_out_of_range:
        mov     eax, NR_SYSCALLS                ; the table's last entry, which refuses
        mov     rcx, r10
        call    [abs syscall_table + rax * 8]
        jmp     syscall_done

; The same with a record of the call, kept by the thread meanwhile.
syscall_traced:
        mov     rdi, rsp
        call    syscall_trace_begin
        mov     eax, [rsp + TF_ERROR]
        mov     ecx, NR_SYSCALLS
        cmp     eax, ecx
        cmova   eax, ecx
        mov     rdi, [rsp + TF_RDI]
        mov     rsi, [rsp + TF_RSI]
        mov     rdx, [rsp + TF_RDX]
        mov     rcx, [rsp + TF_R10]
        mov     r8, [rsp + TF_R8]
        mov     r9, [rsp + TF_R9]
        call    [abs syscall_table + rax * 8]
        mov     rdi, rax
        call    syscall_trace_end               ; rax as before
        jmp     syscall_done

; These want the caller's whole frame: the table has them by these names.
FRAME_CALL fork
FRAME_CALL vfork
FRAME_CALL clone
FRAME_CALL clone3

; in:   CPU frame, error, vector on an IST stack; GS is anybody's
; ebx across the call: 1 when GS was the kernel's already, 0 when it is to be given back. No work is done on
; the way out, even to user mode: the thread's own stack may be in use.
global trap_paranoid
trap_paranoid:
        PUSH_REGISTERS
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
        POP_REGISTERS
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
