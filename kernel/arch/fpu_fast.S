/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parking vector state by plain moves: XSAVE, an XRSTOR that clears, and an XRSTOR that loads cost
 * 200 ns together, these 40. They cover what programs have in use as a rule: SSE, AVX and AVX-512,
 * x87 unused. The CPU says what is in use (XGETBV with ECX = 1: XINUSE); for anything else fpu.c
 * falls back to XSAVE.
 *
 * The image is private to these routines:
 *     0     MXCSR            64    ymm0 … ymm15 (32 bytes each), or from
 *     8     k0 … k7          128   zmm0 … zmm31 (64 bytes each)
 */
    .text

/* uint32_t fpu_xinuse(void): XINUSE. */
    .globl fpu_xinuse
    .type fpu_xinuse, @function
fpu_xinuse:
    movl $1, %ecx
    xgetbv
    ret

/* void fpu_store_avx(void *image); clears what it stored */
    .globl fpu_store_avx
    .type fpu_store_avx, @function
fpu_store_avx:
    stmxcsr (%rdi)
    .set i, 0
    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vmovdqa %ymm\r, (64 + 32 * i)(%rdi)
    .set i, i + 1
    .endr
    /* Fall through. */

/* void fpu_clear_avx(void): registers and MXCSR as after reset. */
    .globl fpu_clear_avx
    .type fpu_clear_avx, @function
fpu_clear_avx:
    ldmxcsr mxcsr_init(%rip)
    vzeroall
    ret

/* void fpu_load_avx(const void *image) */
    .globl fpu_load_avx
    .type fpu_load_avx, @function
fpu_load_avx:
    ldmxcsr (%rdi)
    .set i, 0
    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vmovdqa (64 + 32 * i)(%rdi), %ymm\r
    .set i, i + 1
    .endr
    ret

    .globl fpu_store_avx512
    .type fpu_store_avx512, @function
fpu_store_avx512:
    stmxcsr (%rdi)
    .set i, 0
    .irp r, 0,1,2,3,4,5,6,7
    kmovq %k\r, (8 + 8 * i)(%rdi)
    .set i, i + 1
    .endr
    .set i, 0
    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmovdqa64 %zmm\r, (128 + 64 * i)(%rdi)
    .set i, i + 1
    .endr
    /* Fall through. */

    .globl fpu_clear_avx512
    .type fpu_clear_avx512, @function
fpu_clear_avx512:
    ldmxcsr mxcsr_init(%rip)
    .irp r, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vpxorq %xmm\r, %xmm\r, %xmm\r
    .endr
    .irp r, 0,1,2,3,4,5,6,7
    kxorq %k\r, %k\r, %k\r
    .endr
    vzeroall
    ret

    .globl fpu_load_avx512
    .type fpu_load_avx512, @function
fpu_load_avx512:
    ldmxcsr (%rdi)
    .set i, 0
    .irp r, 0,1,2,3,4,5,6,7
    kmovq (8 + 8 * i)(%rdi), %k\r
    .set i, i + 1
    .endr
    .set i, 0
    .irp r, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vmovdqa64 (128 + 64 * i)(%rdi), %zmm\r
    .set i, i + 1
    .endr
    ret

    .section .rodata
    .balign 4
mxcsr_init:
    .long 0x1f80

    .section .note.GNU-stack, "", @progbits
