; uaccess.asm - the only instructions of the kernel that touch user memory.
;
;   size_t uaccess_copy(void *to, const void *from, size_t nr_bytes)    bytes NOT copied
;   size_t uaccess_clear(void *to, size_t nr_bytes)                     bytes NOT cleared
;   int uaccess_touch(const void *at)                                   0, or -1: fault
;   size_t uaccess_copy_string(char *to, const char *from, size_t max)  bytes before the 0; max: no end; -1: fault
;   int uaccess_fpu_save(void *area, u64 mask)          XSAVE; 0, or -1: fault
;   int uaccess_fpu_load(const void *area, u64 mask)    XRSTOR; 0, or -1: fault, or the processor refuses the bytes
;   int uaccess_compare_exchange32(u32 *word, u32 expected, u32 new, u32 *seen)   0, or -1: fault
;
; The caller has checked that the user's range lies below USER_END. A fault that cannot be resolved continues at
; the fix-up that the exception table names for the range of instructions: the fast loops fall back to the loop of
; bytes, from where they stand, so that the count is exact to the byte.
; AC is set only between SITE_STAC and SITE_CLAC; a trap in between clears it for the handler and restores it.

bits 64
default rel

%macro SITE 1
%%here: nop     dword [rax]                     ; three bytes, patched at boot where there is SMAP
        [section .smap_sites]
        dq      %%here
        dq      %1
        __?SECT?__
%endmacro
%define SITE_STAC       SITE 0xcb010f
%define SITE_CLAC       SITE 0xca010f

; [start, end) continues at fix-up.
%macro FIXUP 3
        [section .exception_table]
        dq      %1, %2, %3
        __?SECT?__
%endmacro

section .smap_sites progbits alloc noexec nowrite align=8
section .exception_table progbits alloc noexec nowrite align=8
section .text

; in:   rdi to, rsi from, rdx count
; out:  rax bytes not copied
; uses: rcx
global uaccess_copy
uaccess_copy:
        SITE_STAC
        cmp     rdx, 64
        jb      .words
        mov     rcx, rdx
        shr     rcx, 3
        and     edx, 7
.string:
        rep     movsq
        jmp     .bytes
.string_failed:
        lea     rdx, [rdx + rcx * 8]            ; rsi, rdi and rcx stand at the word that faulted
        jmp     .bytes
.word_failed:
        add     rdx, 8
        jmp     .bytes
.words:
        sub     rdx, 8                          ; in this loop rdx is what is left behind the word
        jb      .half_word
.next_word:
        mov     rax, [rsi]
        mov     [rdi], rax
        add     rsi, 8
        add     rdi, 8
        sub     rdx, 8
        jae     .next_word
.half_word:
        add     rdx, 8
        test    dl, 4                           ; many a result is an int
        jz      .bytes
        mov     eax, [rsi]
        mov     [rdi], eax
        add     rsi, 4
        add     rdi, 4
        sub     edx, 4
.bytes:
        test    rdx, rdx
        jz      .done
.next_byte:
        mov     al, [rsi]
        mov     [rdi], al
        inc     rsi
        inc     rdi
        dec     rdx
        jnz     .next_byte
.done:
        mov     rax, rdx
        SITE_CLAC
        ret
        FIXUP   .string, .string_failed, .string_failed
        FIXUP   .next_word, .half_word, .word_failed
        FIXUP   .half_word, .bytes, .bytes
        FIXUP   .next_byte, .done, .done

; in:   rdi at
; out:  eax 0; -1: fault
global uaccess_touch
uaccess_touch:
        xor     eax, eax
        SITE_STAC
.load:
        movzx   ecx, byte [rdi]
.done:
        SITE_CLAC
        ret
.failed:
        dec     eax
        jmp     .done
        FIXUP   .load, .done, .failed

; in:   rdi to, rsi count
; out:  rax bytes not cleared
; uses: rcx
global uaccess_clear
uaccess_clear:
        SITE_STAC
        xor     ecx, ecx
        cmp     rsi, 64
        jb      .words
.blocks:
        mov     [rdi], rcx
        mov     [rdi + 8], rcx
        mov     [rdi + 16], rcx
        mov     [rdi + 24], rcx
        mov     [rdi + 32], rcx
        mov     [rdi + 40], rcx
        mov     [rdi + 48], rcx
        mov     [rdi + 56], rcx
        add     rdi, 64
        sub     rsi, 64
        cmp     rsi, 64
        jae     .blocks
.words:
        cmp     rsi, 8
        jb      .bytes
        mov     [rdi], rcx
        add     rdi, 8
        sub     rsi, 8
        jmp     .words
.bytes:
        test    rsi, rsi
        jz      .done
.next_byte:
        mov     [rdi], cl
        inc     rdi
        dec     rsi
        jnz     .next_byte
.done:
        mov     rax, rsi
        SITE_CLAC
        ret
        FIXUP   .blocks, .bytes, .bytes
        FIXUP   .next_byte, .done, .done

; in:   rdi to, rsi from, rdx most bytes
; out:  rax length, or rdx's value when there is no 0 within it, or -1 after a fault
; uses: rcx
global uaccess_copy_string
uaccess_copy_string:
        SITE_STAC
        xor     eax, eax
.next:
        cmp     rax, rdx
        je      .done
        mov     cl, [rsi + rax]
        mov     [rdi + rax], cl
        test    cl, cl
        jz      .done
        inc     rax
        jmp     .next
.done:
        SITE_CLAC
        ret
.fault:
        mov     rax, -1
        jmp     .done
        FIXUP   .next, .done, .fault

; in:   rdi user word, esi expected, edx new, rcx u32 *seen
; out:  eax 0, or -1 after a fault; *seen = what was there
; uses: r8
global uaccess_compare_exchange32
uaccess_compare_exchange32:
        mov     eax, esi
        SITE_STAC
.access:
        lock cmpxchg [rdi], edx
.done:
        SITE_CLAC
        mov     [rcx], eax
        xor     eax, eax
        ret
.fault:
        SITE_CLAC
        mov     eax, -1
        ret
        FIXUP   .access, .done, .fault

; in:   rdi area in user memory, rsi which parts of the state
; out:  eax 0, or -1 after a fault
; uses: rdx
global uaccess_fpu_save
uaccess_fpu_save:
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
        SITE_STAC
.access:
        xsave64 [rdi]
.done:
        SITE_CLAC
        xor     eax, eax
        ret
        FIXUP   .access, .done, fpu_fault

; the same; trap.c knows that here a general protection fault, too, is the user's: what XRSTOR found was no state
global uaccess_fpu_load, uaccess_fpu_load_access
uaccess_fpu_load:
        mov     eax, esi
        mov     rdx, rsi
        shr     rdx, 32
        SITE_STAC
uaccess_fpu_load_access:
        xrstor64 [rdi]
.done:
        SITE_CLAC
        xor     eax, eax
        ret
        FIXUP   uaccess_fpu_load_access, .done, fpu_fault
fpu_fault:
        SITE_CLAC
        mov     eax, -1
        ret
