/* The shared object of functions.c, as bytes in the server. */
	.section .rodata
	.globl vdso_image, vdso_image_end
	.balign 16
vdso_image:
	.incbin "personality/program/vdso/vdso.so"
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
