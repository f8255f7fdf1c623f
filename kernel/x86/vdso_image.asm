; vdso_image.asm - the library that every program finds mapped (vdso/), as the linker made it.
;
;   const char vdso_image[], vdso_image_end[]

section .rodata

global vdso_image, vdso_image_end
vdso_image:
        incbin  "vdso.so"
vdso_image_end:
