; page_zero.asm - clearing a page, which every first store, page table and hole of a file pays for.
;
;   void page_zero(void *page)          4096 bytes, page-aligned
;
; The kernel leaves the vector registers to the programs, so the one that is used here is put back.
; 16 bytes a store are half the instructions of REP STOSQ, whose every round counts as one where instructions
; are counted, and half its time under emulation; on a processor of today both are as fast as the memory behind them.

bits 64
default rel

STORE_SIZE      equ 16
STORES_A_ROUND  equ 64
PAGE_BYTES      equ 4096

section .text

; in:   rdi the page
; uses: rax, rdi; any context: whoever interrupts this puts the register back, too
global page_zero
page_zero:
        sub     rsp, 24
        movups  [rsp], xmm0
        xorps   xmm0, xmm0
        lea     rax, [rdi + PAGE_BYTES]
.round:
%assign at 0
%rep STORES_A_ROUND
        movaps  [rdi + at], xmm0
%assign at at + STORE_SIZE
%endrep
        add     rdi, STORES_A_ROUND * STORE_SIZE
        cmp     rdi, rax
        jne     .round
        movups  xmm0, [rsp]
        add     rsp, 24
        ret
