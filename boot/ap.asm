; ap.asm - what every other CPU runs first.
;
;   ap_trampoline, ap_trampoline_end    copied to AP_TRAMPOLINE by smp.c; the start-up IPI jumps there in real mode
;   ap_next_ticket                      u32: counts the CPUs that have come through
;   ap_stacks                           u64[MAX_CPUS]: the stack's top for each ticket, filled by smp.c
;   ap_root                             u64: CR3 of the kernel's own tables, filled by smp.c
;
; All CPUs come through here at once; they part when each has drawn its ticket.

%include "offsets.inc"

extern ap_main                                  ; void ap_main(void), smp.c
extern boot_tables, boot_gdt_pointer

CODE64                  equ 0x08
DATA64                  equ 0x10
CR0_PE_PG               equ 0x80000001
CR4_PAE                 equ 1 << 5
MSR_EFER                equ 0xc0000080
EFER_LME_NXE            equ (1 << 8) | (1 << 11)

section .rodata

global ap_trampoline, ap_trampoline_end
bits 16
ap_trampoline:
        cli
        cld
        mov     ax, AP_TRAMPOLINE >> 4
        mov     ds, ax

; 1. Straight from real to long mode: paging and protection are switched on together.
        mov     eax, CR4_PAE
        mov     cr4, eax
        mov     eax, [ap_tables - ap_trampoline]
        mov     cr3, eax
        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME_NXE
        wrmsr
        o32 lgdt [ap_gdt_pointer - ap_trampoline]
        mov     eax, CR0_PE_PG
        mov     cr0, eax
        jmp     dword CODE64:AP_TRAMPOLINE + (ap_64 - ap_trampoline)

bits 64
ap_64:
        mov     ax, DATA64
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        xor     eax, eax
        mov     fs, ax
        mov     gs, ax
        mov     rax, ap_high
        jmp     rax

        align   8
ap_tables:
        dd      boot_tables                     ; below 4 GiB
ap_gdt:
        dq      0
        dq      0x00af9b000000ffff              ; 64-bit code
        dq      0x00cf93000000ffff              ; data
ap_gdt_pointer:
        dw      $ - ap_gdt - 1
        dd      AP_TRAMPOLINE + (ap_gdt - ap_trampoline)
ap_trampoline_end:

section .text
default rel

; 2. The kernel's own tables, then a stack, which lies where the boot tables map nothing.
ap_high:
        mov     rax, [ap_root]
        mov     cr3, rax
        mov     eax, 1
        lock xadd [ap_next_ticket], eax
        lea     rdx, [ap_stacks]
        mov     rsp, [rdx + rax * 8]
        xor     ebp, ebp
        call    ap_main
.stop:
        cli
        hlt
        jmp     .stop

section .bss align=8

global ap_next_ticket, ap_stacks, ap_root
ap_root:                resq 1
ap_stacks:              resq MAX_CPUS
ap_next_ticket:         resd 1
