; boot.asm - from the loader's 32-bit world to kernel_main in the higher half.
;
;   boot_entry          multiboot2 entry (GRUB): eax = 36d76289, ebx = information
;   boot_entry_pvh      PVH entry (QEMU -kernel): ebx = struct hvm_start_info
;   boot_tables         top-level page table used until kernel_map_init, and by ap.asm after it
;   boot_stack_guard    one page that kernel_map_init leaves out, below boot_stack
;   boot_stack_top      the first CPU's first stack
;
; The loader leaves us in protected mode, paging off, flat segments, interrupts off.
; Everything in .boot* is linked at its physical address; the rest at KERNEL_BASE + physical.
;
; The boot tables map the first 4 GiB with 2 MiB pages three times: at 0 (we stand on it),
; at DIRECT_MAP, and its first GiB at KERNEL_BASE.

extern kernel_main

KERNEL_BASE             equ 0xffffffff80000000
DIRECT_MAP_SLOT         equ 273                 ; (ffff888000000000 >> 39) & 511
MULTIBOOT2_MAGIC        equ 0xe85250d6
PVH_MAGIC               equ 0x336ec578          ; the first word of struct hvm_start_info
NOTE_PHYS32_ENTRY       equ 18                  ; XEN_ELFNOTE_PHYS32_ENTRY
CODE64                  equ 0x08
DATA64                  equ 0x10

CR0_PE_PG               equ 0x80000001
CR4_PAE                 equ 1 << 5
MSR_EFER                equ 0xc0000080
EFER_LME_NXE            equ (1 << 8) | (1 << 11)
CPUID_LM                equ 1 << 29
CPUID_NX                equ 1 << 20
PAGE_PRESENT_WRITE      equ 3
PAGE_LARGE              equ 1 << 7

section .boot.header progbits alloc noexec nowrite align=8

multiboot_header:
        dd      MULTIBOOT2_MAGIC
        dd      0                               ; i386, protected mode
        dd      multiboot_header_end - multiboot_header
        dd      -(MULTIBOOT2_MAGIC + multiboot_header_end - multiboot_header)
        align   8
        dw      0, 0                            ; the tag that ends the list
        dd      8
multiboot_header_end:

section .note.pvh note alloc noexec nowrite align=4

        dd      4, 8, NOTE_PHYS32_ENTRY         ; name's size, value's size, type
        db      "Xen", 0
        dq      boot_entry_pvh

section .boot.text progbits alloc exec nowrite align=16
bits 32

global boot_entry_pvh
boot_entry_pvh:
        mov     eax, PVH_MAGIC

global boot_entry
boot_entry:
        cli
        cld
        mov     esp, boot_low_stack_top
        mov     edi, eax                        ; magic: first argument of kernel_main
        mov     esi, ebx                        ; information: second

; 1. Is this a processor that we can run on?
        mov     eax, 0x80000000
        cpuid
        cmp     eax, 0x80000001
        jb      .no_long_mode
        mov     eax, 0x80000001
        cpuid
        and     edx, CPUID_LM | CPUID_NX
        cmp     edx, CPUID_LM | CPUID_NX
        jne     .no_long_mode

; 2. Four page directories: 4 GiB in pages of 2 MiB.
        mov     ebx, boot_directories
        mov     eax, PAGE_PRESENT_WRITE | PAGE_LARGE
        mov     ecx, 4 * 512
.next_page:
        mov     [ebx], eax
        mov     dword [ebx + 4], 0
        add     eax, 2 << 20
        add     ebx, 8
        loop    .next_page

; 3. The two levels above them.
        mov     eax, boot_directories + PAGE_PRESENT_WRITE
        mov     [boot_pointers_low], eax
        mov     [boot_pointers_high + 510 * 8], eax
        add     eax, 4096
        mov     [boot_pointers_low + 8], eax
        add     eax, 4096
        mov     [boot_pointers_low + 16], eax
        add     eax, 4096
        mov     [boot_pointers_low + 24], eax
        mov     eax, boot_pointers_low + PAGE_PRESENT_WRITE
        mov     [boot_tables], eax
        mov     [boot_tables + DIRECT_MAP_SLOT * 8], eax
        mov     dword [boot_tables + 511 * 8], boot_pointers_high + PAGE_PRESENT_WRITE

; 4. Long mode.
        mov     eax, cr4
        or      eax, CR4_PAE
        mov     cr4, eax
        mov     eax, boot_tables
        mov     cr3, eax
        mov     ecx, MSR_EFER
        rdmsr
        or      eax, EFER_LME_NXE
        wrmsr
        mov     eax, cr0
        or      eax, CR0_PE_PG
        mov     cr0, eax
        lgdt    [boot_gdt_pointer]
        jmp     CODE64:boot_64

; Says so on the screen and on the first serial port, and stops.
.no_long_mode:
        mov     esi, no_long_mode_text
        mov     ebx, 0xb8000
.next_letter:
        lodsb
        test    al, al
        jz      .stop
        mov     [ebx], al
        mov     byte [ebx + 1], 0x4f            ; white on red
        add     ebx, 2
        mov     dx, 0x3f8
        out     dx, al
        jmp     .next_letter
.stop:
        cli
        hlt
        jmp     .stop

bits 64
boot_64:
        mov     ax, DATA64
        mov     ds, ax
        mov     es, ax
        mov     ss, ax
        xor     eax, eax
        mov     fs, ax
        mov     gs, ax
        mov     rax, boot_high
        jmp     rax

section .boot.rodata progbits alloc noexec nowrite align=8

global boot_gdt_pointer
boot_gdt:
        dq      0
        dq      0x00af9b000000ffff              ; 64-bit code
        dq      0x00cf93000000ffff              ; data
boot_gdt_pointer:
        dw      $ - boot_gdt - 1
        dq      boot_gdt

no_long_mode_text:
        db      "Lectern needs a 64-bit processor with no-execute pages.", 13, 10, 0

section .boot.bss nobits alloc noexec write align=4096

global boot_tables
boot_tables:            resb 4096
boot_pointers_low:      resb 4096
boot_pointers_high:     resb 4096
boot_directories:       resb 4 * 4096
                        resb 256
boot_low_stack_top:

section .text
default rel

; in:   edi magic, esi information (both below 4 GiB, so zero-extended), long mode, boot tables
boot_high:
        mov     rsp, boot_stack_top
        xor     ebp, ebp                        ; the back-trace ends here
        mov     edi, edi
        mov     esi, esi
        call    kernel_main
.stop:
        cli
        hlt
        jmp     .stop

section .bss align=4096

global boot_stack_guard, boot_stack_top
boot_stack_guard:       resb 4096
boot_stack:             resb 4 * 4096
boot_stack_top:
